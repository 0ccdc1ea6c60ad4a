public import AgentCore
import SIPMessages
import SIPTransactions
import ServerCore

/// The media of calls that the server answers itself.
extension SignallingServer {
    /// Does what the shards want of the media, and brings them what it says.
    func serveMedia(_ worker: inout Worker) {
        while !worker.workspace.media.isEmpty {
            var requests: [MediaRequest] = []
            swap(&requests, &worker.workspace.media)
            self.send(&worker)  // Opening sockets takes its time.
            for request in requests {
                guard let description = self.media(request), case .describe(let question, _) = request.kind else {
                    continue
                }
                self.enter(self.calls[request.shard], &worker) {
                    $0.described(request.call, question.number, description, &$1)
                }
            }
        }
    }

    /// Ends a call that the server has answered itself. Any thread may call it.
    public func hangUp(_ call: CallHandle, inShard shard: Int) {
        self.udpThreads.first?.leave(.hangUp(call, shard: shard))
    }

    /// Ends a call, on a thread of the server.
    func hangUp(_ call: CallHandle, inShard shard: Int, _ worker: inout Worker) {
        guard self.calls.indices.contains(shard) else { return }
        self.enter(self.calls[shard], &worker) { $0.hangUp(call, &$1) }
        self.serveMedia(&worker)
    }

    /// Ends the calls that the server has answered itself; with `givesUp` also the requests of others that are in progress,
    /// whose clients are told 503. Any thread may call it.
    public func endCalls(givesUp: Bool) { self.udpThreads.first?.leave(.endCalls(givesUp: givesUp)) }

    /// The same, on a thread of the server.
    func endCalls(givesUp: Bool, _ worker: inout Worker) {
        worker.setTime()
        for shard in self.calls { self.enter(shard, &worker) { $0.end(givesUp: givesUp, &$1) } }
        self.serveMedia(&worker)
        self.finish(&worker)
    }
}
