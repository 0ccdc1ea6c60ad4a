import Glibc
public import SIPMessages
public import SIPRouting

/// A DNS server for tests on a port of the loopback address that the system chooses, over UDP and TCP, with a thread for
/// each.
public final class DNSTestServer: @unchecked Sendable {
    // Invariant: `lock` guards `zone`, `reactions`, `questions` and `held`.

    /// What it does with a question.
    public enum Reaction: Sendable {
        /// Sends the answer: records, or none with a SOA record; for `failed` SERVFAIL, for `timedOut` nothing.
        case answer(DNSAnswer)
        /// NXDOMAIN with a SOA record.
        case nameError(seconds: UInt32)
        /// Records at the end of an alias.
        case alias(DomainName, DNSAnswer)
        /// An answer whose id is another's, and then the right one.
        case wrongIDFirst(DNSAnswer, then: DNSAnswer)
        /// Nothing when asked for the first time, then the answer.
        case dropFirst(DNSAnswer)
        /// The same answer twice.
        case twice(DNSAnswer)
        /// Says over UDP that the answer is truncated, and gives it over TCP (RFC 2181 §9).
        case truncated(DNSAnswer)
        /// Octets that are no answer.
        case octets([UInt8])
        /// Keeps the question until `release`.
        case hold(DNSAnswer)
    }

    private struct Held {
        var id: UInt16
        var question: DNSQuestion
        var answer: DNSAnswer
        var client: sockaddr_in
    }

    private let socket: Int32
    let listener: Int32
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private var reactions: [DNSQuestion: Reaction] = [:]
    private var questions: [DNSQuestion] = []
    private var held: [Held] = []
    private var thread = pthread_t()
    private var streamThread = pthread_t()
    /// Where it listens.
    public let address: SocketAddress

    /// A server that runs; `nil` when the system has no socket left.
    public init?() {
        guard let opened = Self.open() else { return nil }
        (self.socket, self.listener, self.address) = opened
        self.lock = .allocate(capacity: 1)
        pthread_mutex_init(self.lock, nil)
        let descriptor = self.socket
        var octets = Int32(1 << 20)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &octets, socklen_t(MemoryLayout<Int32>.size))
        let datagrams = pthread_create(
            &self.thread, nil,
            { @Sendable raw in
                guard let raw else { return nil }
                Unmanaged<DNSTestServer>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        let streams = pthread_create(
            &self.streamThread, nil,
            { @Sendable raw in
                guard let raw else { return nil }
                Unmanaged<DNSTestServer>.fromOpaque(raw).takeRetainedValue().serveStreams()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        guard datagrams == 0, streams == 0 else { return nil }
    }

    /// A socket for datagrams and a listener on the same port. TCP chooses it; where some other program's UDP has it, TCP
    /// chooses again.
    private static func open() -> (socket: Int32, listener: Int32, address: SocketAddress)? {
        for _ in 0..<32 {
            let descriptor = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            let listener = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var local = sockaddr_in()
            local.sin_family = sa_family_t(AF_INET)
            local.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &local) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener, $0, length) == 0 && listen(listener, 8) == 0
                        && getsockname(listener, $0, &length) == 0 && bind(descriptor, $0, length) == 0
                }
            }
            if isBound {
                return (descriptor, listener, SocketAddress(.loopback, UInt16(bigEndian: local.sin_port)))
            }
            close(descriptor)
            close(listener)
        }
        return nil
    }

    deinit {
        close(self.socket)
        close(self.listener)
        pthread_mutex_destroy(self.lock)
        self.lock.deallocate()
    }

    /// Ends the threads.
    public func stop() {
        shutdown(self.socket, Int32(SHUT_RDWR))
        shutdown(self.listener, Int32(SHUT_RDWR))
        pthread_join(self.thread, nil)
        pthread_join(self.streamThread, nil)
    }

    /// Sets what is done with a question; others get NXDOMAIN.
    public func set(_ type: DNSQuestion.RecordType, _ name: String, _ reaction: Reaction) {
        guard let name = DomainName(name) else { return }
        self.locked { self.reactions[DNSQuestion(type, name)] = reaction }
    }

    /// The questions that came, in their order, repeated ones included.
    public var asked: [DNSQuestion] { self.locked { self.questions } }

    /// Answers what was held.
    public func release() {
        let held = self.locked {
            defer { self.held = [] }
            return self.held
        }
        for one in held { self.send(self.reply(one.id, one.question, one.answer), to: one.client) }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(self.lock)
        defer { pthread_mutex_unlock(self.lock) }
        return body()
    }

    private func run() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            var client = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let count = withUnsafeMutablePointer(to: &client) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(self.socket, &buffer, buffer.count, 0, $0, &length)
                }
            }
            // A shut socket wakes the thread with nothing.
            guard count > 0 else { return }
            guard let (id, question) = Self.question(buffer[..<count]) else { continue }
            self.react(to: question, id: id, from: client)
        }
    }

    /// What is answered over TCP; only what was truncated over UDP is asked for there.
    func streamReply(to octets: ArraySlice<UInt8>) -> [UInt8] {
        guard let (id, question) = Self.question(octets) else { return [] }
        guard case .truncated(let answer)? = self.locked({ self.reactions[question] }) else { return [] }
        return self.reply(id, question, answer)
    }

    private func react(to question: DNSQuestion, id: UInt16, from client: sockaddr_in) {
        let reaction = self.locked {
            self.questions.append(question)
            let reaction = self.reactions[question] ?? .nameError(seconds: 60)
            // With the question, so that whoever sees that it was asked can release it.
            if case .hold(let answer) = reaction {
                self.held.append(Held(id: id, question: question, answer: answer, client: client))
            }
            return reaction
        }
        switch reaction {
        case .answer(let answer):
            self.send(self.reply(id, question, answer), to: client)
        case .nameError(let seconds):
            var writer = DNSReplyWriter(id: id, question: question, code: 3, authorities: 1)
            writer.authority(question.name, seconds: seconds, minimum: seconds)
            self.send(writer.octets, to: client)
        case .alias(let alias, let answer):
            guard case .records(let records, let seconds) = answer else { return }
            var writer = DNSReplyWriter(id: id, question: question, answers: records.count + 1)
            writer.alias(question.name, seconds: seconds, alias)
            for record in records { writer.record(alias, seconds: seconds, record) }
            self.send(writer.octets, to: client)
        case .wrongIDFirst(let wrong, let right):
            self.send(self.reply(id ^ 0x5555, question, wrong), to: client)
            self.send(self.reply(id, question, right), to: client)
        case .dropFirst(let answer):
            let isRepeated = self.locked { self.questions.filter { $0 == question }.count > 1 }
            if isRepeated { self.send(self.reply(id, question, answer), to: client) }
        case .twice(let answer):
            for _ in 0..<2 { self.send(self.reply(id, question, answer), to: client) }
        case .truncated:
            self.send(DNSReplyWriter(id: id, question: question, flags: 0x0200).octets, to: client)
        case .octets(let octets):
            self.send([UInt8(id >> 8), UInt8(truncatingIfNeeded: id)] + octets, to: client)
        case .hold:
            break
        }
    }

    /// The octets of an answer; none for `timedOut`.
    private func reply(_ id: UInt16, _ question: DNSQuestion, _ answer: DNSAnswer) -> [UInt8] {
        switch answer {
        case .records(let records, let seconds):
            var writer = DNSReplyWriter(id: id, question: question, answers: records.count)
            for record in records { writer.record(question.name, seconds: seconds, record) }
            return writer.octets
        case .noRecords(let seconds):
            var writer = DNSReplyWriter(id: id, question: question, authorities: 1)
            writer.authority(question.name, seconds: seconds, minimum: seconds)
            return writer.octets
        case .failed: return DNSReplyWriter(id: id, question: question, code: 2).octets
        case .timedOut: return []
        }
    }

    private func send(_ octets: [UInt8], to client: sockaddr_in) {
        guard !octets.isEmpty else { return }
        var client = client
        withUnsafePointer(to: &client) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(self.socket, octets, octets.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// The id and the question of a query.
    private static func question(_ octets: ArraySlice<UInt8>) -> (UInt16, DNSQuestion)? {
        guard octets.count > 16 else { return nil }
        let id = UInt16(octets[0]) << 8 | UInt16(octets[1])
        var labels: [String] = []
        var position = 12
        while position < octets.count, octets[position] > 0 {
            let end = position + 1 + Int(octets[position])
            guard end < octets.count else { return nil }
            labels.append(String(decoding: octets[(position + 1)..<end], as: UTF8.self))
            position = end
        }
        guard position + 3 <= octets.count, let name = DomainName(labels.joined(separator: ".")) else { return nil }
        let number = UInt16(octets[position + 1]) << 8 | UInt16(octets[position + 2])
        guard let type = DNSQuestion.RecordType(rawValue: number) else { return nil }
        return (id, DNSQuestion(type, name))
    }
}
