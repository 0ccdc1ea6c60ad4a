import Glibc

/// A shard's state behind its lock, with a second lock that keeps what it sends in order.
///
/// Whoever has run the state takes the send lock before letting the state go, so that messages leave in the order in
/// which the state decided them, whatever threads run it; the next thread may run the state in the meantime.
final class Shard<State: ~Copyable>: @unchecked Sendable {
    // Invariant: `state` is touched between `enter` and `leave` only, by the thread that entered.
    private let stateLock: UnsafeMutablePointer<pthread_mutex_t>
    private let sendLock: UnsafeMutablePointer<pthread_mutex_t>
    var state: State

    init(_ state: consuming State) {
        self.state = state
        self.stateLock = .allocate(capacity: 1)
        self.sendLock = .allocate(capacity: 1)
        pthread_mutex_init(self.stateLock, nil)
        pthread_mutex_init(self.sendLock, nil)
    }

    deinit {
        pthread_mutex_destroy(self.stateLock)
        pthread_mutex_destroy(self.sendLock)
        self.stateLock.deallocate()
        self.sendLock.deallocate()
    }

    /// Runs `body` on the state, then `send` in the same order among all threads.
    @discardableResult
    func run<Result>(_ body: (inout State) -> Result, thenSend send: () -> Void) -> Result {
        pthread_mutex_lock(self.stateLock)
        let result = body(&self.state)
        pthread_mutex_lock(self.sendLock)
        pthread_mutex_unlock(self.stateLock)
        send()
        pthread_mutex_unlock(self.sendLock)
        return result
    }

    /// Runs `body` on the state.
    func run<Result>(_ body: (inout State) -> Result) -> Result {
        pthread_mutex_lock(self.stateLock)
        defer { pthread_mutex_unlock(self.stateLock) }
        return body(&self.state)
    }
}
