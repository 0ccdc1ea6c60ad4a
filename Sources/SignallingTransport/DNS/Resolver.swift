import CLinuxIO
import Glibc
public import SIPRouting
import SystemSockets

/// Asks the DNS: c-ares on a thread of its own.
///
///     let resolver = try Resolver(Resolver.Settings())
///     let isTaken = resolver.query(question) { answer in … }   // On the resolver's thread: hand it on, do not block.
///     if !isTaken { … }                                        // Too much under way: as if it had failed.
///
/// Every question that was taken is answered once: with what the servers told, with `timedOut` when they did not in time,
/// or with `failed`, also when the resolver stops. Equal questions under way are asked once. What is remembered of
/// answers is up to `RoutingMemory`.
public final class Resolver: @unchecked Sendable {
    // Invariant: `lock` guards `mailbox`, `outstanding` and `isStopping`; `channel` is touched by the thread only.

    /// Takes the answer to a question, on the resolver's thread.
    public typealias Completion = @Sendable (DNSAnswer) -> Void

    /// What the thread is to take over.
    struct Request: Sendable {
        var question: DNSQuestion
        var completion: Completion
    }

    private let settings: Settings
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let wakeUp: Int32
    private var mailbox: [Request] = []
    private var outstanding = 0
    private var isStopping = false
    private let thread = SystemThread()

    /// A resolver that runs.
    ///
    /// - Throws: `TransportError` when c-ares or the thread cannot be had.
    public init(_ settings: Settings = Settings()) throws(TransportError) {
        self.settings = settings
        self.lock = .allocate(capacity: 1)
        pthread_mutex_init(self.lock, nil)
        self.wakeUp = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard self.wakeUp >= 0 else { throw .system("DNS", "eventfd", errno) }
        let channel = try ResolverChannel(settings)
        let result = self.thread.start { self.run(channel) }
        guard result == 0 else { throw .system("DNS", "pthread_create", result) }
    }

    deinit {
        close(self.wakeUp)
        pthread_mutex_destroy(self.lock)
        self.lock.deallocate()
    }

    /// Asks a question.
    ///
    /// - Returns: whether it was taken. If not, since too many are under way or the resolver has stopped, `completion`
    ///   is not called.
    public func query(_ question: DNSQuestion, _ completion: @escaping Completion) -> Bool {
        let isTaken = self.locked {
            guard !self.isStopping, self.outstanding < self.settings.maximumOutstanding else { return false }
            self.outstanding += 1
            self.mailbox.append(Request(question: question, completion: completion))
            return true
        }
        if isTaken { self.wake() }
        return isTaken
    }

    /// How many questions are under way.
    public var outstandingQuestions: Int { self.locked { self.outstanding } }

    /// Ends the thread and waits until it has; what is under way is answered with `failed`. Not to be called from a
    /// completion.
    public func stop() {
        let isFirst = self.locked {
            defer { self.isStopping = true }
            return !self.isStopping
        }
        guard isFirst else { return }
        self.wake()
        self.thread.join()
    }

    private func wake() {
        var one: UInt64 = 1
        write(self.wakeUp, &one, 8)
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(self.lock)
        defer { pthread_mutex_unlock(self.lock) }
        return body()
    }

    /// Answers one question of a caller.
    func finish(_ completion: Completion, _ answer: DNSAnswer) {
        self.locked { self.outstanding -= 1 }
        completion(answer)
    }

    private func run(_ channel: ResolverChannel) {
        while true {
            let (requests, isStopping) = self.locked {
                defer { self.mailbox = [] }
                return (self.mailbox, self.isStopping)
            }
            for request in requests { channel.ask(request, at: SystemClock.now()) }
            if isStopping { channel.cancel() }
            for (completion, answer) in channel.takeFinished() { self.finish(completion, answer) }
            if isStopping { return }
            channel.wait(for: self.wakeUp)
            channel.expire(at: SystemClock.now())
            for (completion, answer) in channel.takeFinished() { self.finish(completion, answer) }
        }
    }
}
