import CCAres
import CLinuxIO
import Glibc
import SIPMessages
import SIPRouting

/// A c-ares channel and the questions under way on it. One thread uses it.
final class ResolverChannel: @unchecked Sendable {
    // Invariant: whoever makes it hands it to the one thread that uses it, and keeps nothing.

    /// A question under way, and who wants its answer.
    private final class Pending {
        let question: DNSQuestion
        let deadline: MonotonicInstant
        unowned let channel: ResolverChannel
        var completions: [Resolver.Completion]
        /// Whether it was answered by its deadline, so that what c-ares still tells is too late.
        var isOver = false

        init(_ request: Resolver.Request, deadline: MonotonicInstant, channel: ResolverChannel) {
            (self.question, self.completions) = (request.question, [request.completion])
            (self.deadline, self.channel) = (deadline, channel)
        }
    }

    private let settings: Resolver.Settings
    private var channel: ares_channel?
    private var pending: [DNSQuestion: Pending] = [:]
    /// In the order of their deadlines, which is the order they came in; those before `firstDeadline` are done with.
    private var deadlines: [Pending] = []
    private var firstDeadline = 0
    private var finished: [(completion: Resolver.Completion, answer: DNSAnswer)] = []

    /// How long an address of the hosts file holds, in seconds: the file may change.
    private static let hostsFileSeconds: UInt32 = 5
    /// The sockets that c-ares uses at most (`ARES_GETSOCK_MAXNUM`).
    private static let maximumSockets = 16

    init(_ settings: Resolver.Settings) throws(TransportError) {
        self.settings = settings
        var result = ares_library_init(ARES_LIB_INIT_ALL)
        guard result == ARES_SUCCESS else { throw Self.error("ares_library_init", result) }
        var options = ares_options()
        let attempts = Int64(Swift.max(1, Swift.min(settings.attempts, 8)))
        // c-ares doubles the wait with every attempt: the attempts of one server take the whole time.
        let whole = Swift.max(1, settings.timeout.nanoseconds / 1_000_000)
        options.timeout = Int32(clamping: Swift.max(1, whole / ((1 << attempts) - 1)))
        options.tries = Int32(attempts)
        // All answers of one server come over one socket, and more of them at once than fit would be asked for again.
        options.socket_receive_buffer_size = 1 << 20
        result = ares_init_options(
            &self.channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_RCVBUF)
        guard result == ARES_SUCCESS, self.channel != nil else {
            throw Self.error("ares_init_options", result)
        }
        if !settings.servers.isEmpty {
            result = ares_set_servers_ports_csv(self.channel, settings.serverList)
            guard result == ARES_SUCCESS else { throw Self.error("DNS servers", result) }
        }
    }

    deinit {
        if let channel { ares_destroy(channel) }
    }

    private static func error(_ call: String, _ code: Int32) -> TransportError {
        TransportError("DNS: \(call): \(String(cString: ares_strerror(code)))")
    }

    /// Asks a question, or joins the one that is under way.
    func ask(_ request: Resolver.Request, at now: MonotonicInstant) {
        if let pending = self.pending[request.question] {
            pending.completions.append(request.completion)
            return
        }
        if self.settings.readsHostsFile, let answer = self.hostsFileAnswer(to: request.question) {
            self.finished.append((request.completion, answer))
            return
        }
        let pending = Pending(request, deadline: now.advanced(by: self.settings.timeout), channel: self)
        self.pending[request.question] = pending
        self.deadlines.append(pending)
        let argument = Unmanaged.passRetained(pending).toOpaque()
        ares_query(
            self.channel, request.question.name.text, 1, Int32(request.question.type.rawValue),
            { @Sendable argument, status, _, octets, count in
                guard let argument else { return }
                let pending = Unmanaged<Pending>.fromOpaque(argument).takeRetainedValue()
                guard !pending.isOver else { return }
                let reply = octets.map { UnsafeBufferPointer(start: $0, count: Int(Swift.max(0, count))) }
                pending.channel.finish(pending, ResolverChannel.answer(status, reply, to: pending.question))
            }, argument)
    }

    /// What c-ares told, as an answer.
    private static func answer(
        _ status: Int32, _ reply: UnsafeBufferPointer<UInt8>?, to question: DNSQuestion
    ) -> DNSAnswer {
        switch status {
        case ARES_SUCCESS, ARES_ENODATA, ARES_ENOTFOUND:
            guard let reply, !reply.isEmpty else { return .failed }
            return (try? DNSReply.parse(Span(_unsafeElements: reply), answering: question)) ?? .failed
        case ARES_ETIMEOUT:
            return .timedOut
        default:
            return .failed
        }
    }

    private func finish(_ pending: Pending, _ answer: DNSAnswer) {
        pending.isOver = true
        self.pending[pending.question] = nil
        for completion in pending.completions { self.finished.append((completion, answer)) }
        pending.completions = []
    }

    /// What has been answered since the last call.
    func takeFinished() -> [(completion: Resolver.Completion, answer: DNSAnswer)] {
        defer { self.finished = [] }
        return self.finished
    }

    /// Answers what is under way with `failed`.
    func cancel() {
        // c-ares calls back for each, with ARES_ECANCELLED.
        ares_cancel(self.channel)
    }

    /// Ends the questions whose time is over.
    func expire(at now: MonotonicInstant) {
        while self.firstDeadline < self.deadlines.count {
            let pending = self.deadlines[self.firstDeadline]
            guard pending.isOver || pending.deadline <= now else { break }
            if !pending.isOver { self.finish(pending, .timedOut) }
            self.firstDeadline += 1
        }
        guard self.firstDeadline == self.deadlines.count || self.firstDeadline > 1024 else { return }
        self.deadlines.removeFirst(self.firstDeadline)
        self.firstDeadline = 0
    }

    // MARK: Waiting

    /// Waits until a server answers, something is due, or `wakeUp` is written, and lets c-ares act on it.
    func wait(for wakeUp: Int32) {
        var sockets = [ares_socket_t](repeating: -1, count: Self.maximumSockets)
        let states = ares_getsock(self.channel, &sockets, Int32(sockets.count))
        var descriptors = [pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0)]
        for (i, socket) in sockets.enumerated() {
            var events: Int32 = 0
            if ccares_reads(states, Int32(i)) != 0 { events |= POLLIN }
            if ccares_writes(states, Int32(i)) != 0 { events |= POLLOUT }
            if events != 0 { descriptors.append(pollfd(fd: socket, events: Int16(events), revents: 0)) }
        }
        let count = poll(&descriptors, nfds_t(descriptors.count), self.patience())
        var value: UInt64 = 0
        if descriptors[0].revents != 0 { read(wakeUp, &value, 8) }
        guard count > 0 else {
            ares_process_fd(self.channel, -1, -1)
            return
        }
        for descriptor in descriptors.dropFirst() where descriptor.revents != 0 {
            let isReadable = descriptor.revents & ~Int16(POLLOUT) != 0
            let isWritable = descriptor.revents & Int16(POLLOUT) != 0
            ares_process_fd(self.channel, isReadable ? descriptor.fd : -1, isWritable ? descriptor.fd : -1)
        }
        ares_process_fd(self.channel, -1, -1)
    }

    /// Milliseconds until c-ares repeats a question, or one is over; -1 when nothing is under way.
    private func patience() -> Int32 {
        var next: Int64 = -1
        var storage = timeval()
        if let timeout = ares_timeout(self.channel, nil, &storage) {
            next = Int64(timeout.pointee.tv_sec) * 1000 + Int64(timeout.pointee.tv_usec) / 1000 + 1
        }
        if let pending = self.deadlines[self.firstDeadline...].first(where: { !$0.isOver }) {
            let rest = Swift.max(0, pending.deadline.since(SystemClock.now()).nanoseconds / 1_000_000 + 1)
            next = next < 0 ? rest : Swift.min(next, rest)
        }
        return Int32(clamping: next)
    }

    // MARK: The hosts file

    /// The addresses of a name in `/etc/hosts`; `nil` when it is not there with this family.
    private func hostsFileAnswer(to question: DNSQuestion) -> DNSAnswer? {
        let family =
            switch question.type {
            case .a: AF_INET
            case .aaaa: AF_INET6
            case .srv, .naptr: Int32(0)
            }
        guard family != 0 else { return nil }
        var host: UnsafeMutablePointer<hostent>?
        let result = ares_gethostbyname_file(self.channel, question.name.text, family, &host)
        guard result == ARES_SUCCESS, let host else { return nil }
        defer { ares_free_hostent(host) }
        var records: [DNSRecord] = []
        var entry = host.pointee.h_addr_list
        while let raw = entry?.pointee, host.pointee.h_addrtype == family {
            let octets = UnsafeRawBufferPointer(start: raw, count: Int(host.pointee.h_length))
            if family == AF_INET, octets.count == 4 {
                records.append(.address(IPAddress(v4: UInt32(bigEndian: octets.loadUnaligned(as: UInt32.self)))))
            } else if octets.count == 16 {
                let high = UInt64(bigEndian: octets.loadUnaligned(as: UInt64.self))
                let low = UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                records.append(.address(IPAddress(v6: high, low)))
            }
            entry = entry?.advanced(by: 1)
        }
        return records.isEmpty ? nil : .records(records, seconds: Self.hostsFileSeconds)
    }
}
