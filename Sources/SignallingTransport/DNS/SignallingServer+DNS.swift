import ProxyCore
import SIPMessages
import SIPRouting
import ServerCore

/// Asking the DNS for the shards.
extension SignallingServer {
    /// Asks what the shards want to know; the answers come back to the first UDP thread.
    func ask(_ worker: inout Worker) {
        while !worker.workspace.questions.isEmpty {
            var questions: [(shard: Int, question: ProxyQuestion)] = []
            swap(&questions, &worker.workspace.questions)
            for (shard, question) in questions {
                let thread = self.udpThreads.first
                let isAsked = self.resolver.query(question.question) { answer in
                    thread?.leave(.answered(shard: shard, question, answer))
                }
                // Too many questions at once: as if the DNS had failed.
                if !isAsked { self.answered(shard: shard, question, .failed, &worker) }
            }
        }
    }

    /// Hands an answer to the shard that waits for it.
    func answered(shard: Int, _ question: ProxyQuestion, _ answer: DNSAnswer, _ worker: inout Worker) {
        self.enter(self.calls[shard], &worker) { $0.answered(question, answer, &$1) }
        self.deliverPosts(&worker)
    }
}
