import Glibc
import Synchronization

/// A shard's state behind its lock.
///
/// A thread that has run the state keeps the lock until it has sent what the state decided (`SendTurns`), so that messages
/// leave in the order in which the state decided them, whatever threads run it.
final class Shard<State: ~Copyable>: @unchecked Sendable {
    // Invariant: `state` is touched by the thread that has the lock only.
    let lock: ShardLock
    var state: State

    init(_ state: consuming State, waiting: WaitingThreads) {
        self.state = state
        self.lock = ShardLock(waiting: waiting)
    }

    /// Runs `body` on the state, which sends nothing. A thread that keeps locks of shards must not call it.
    func run<Result>(_ body: (inout State) -> Result) -> Result {
        self.lock.acquire()
        defer { self.lock.release() }
        return body(&self.state)
    }
}

/// The lock of a shard.
final class ShardLock: @unchecked Sendable {
    // Invariant: the mutex never moves; what it protects is its shard's.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let waiting: WaitingThreads

    init(waiting: WaitingThreads) {
        self.waiting = waiting
        self.mutex = .allocate(capacity: 1)
        pthread_mutex_init(self.mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(self.mutex)
        self.mutex.deallocate()
    }

    /// Takes the lock if nobody has it.
    func tryAcquire() -> Bool { pthread_mutex_trylock(self.mutex) == 0 }

    /// Takes the lock, waiting for it if need be; whoever keeps locks hears of that and sends.
    func acquire() {
        if self.tryAcquire() { return }
        self.waiting.count.add(1, ordering: .relaxed)
        pthread_mutex_lock(self.mutex)
        self.waiting.count.subtract(1, ordering: .relaxed)
    }

    func release() { pthread_mutex_unlock(self.mutex) }
}

/// How many threads of a server wait for shards at present.
final class WaitingThreads: Sendable {
    let count = Atomic<Int>(0)
    /// Whether any does.
    var isAny: Bool { self.count.load(ordering: .relaxed) > 0 }
}

/// The locks of the shards whose messages a thread has still to send.
///
/// A thread sends the messages of many shards at once, which costs one system call and wakes their receiver once. Two
/// rules keep that from stopping other threads: who keeps locks never waits for another one (it sends first), and sends as
/// soon as it sees that somebody waits.
struct SendTurns {
    private var locks: [ShardLock] = []

    /// Whether the thread has the lock.
    func holds(_ lock: ShardLock) -> Bool {
        for i in self.locks.indices where self.locks[i] === lock { return true }
        return false
    }

    mutating func keep(_ lock: ShardLock) { self.locks.append(lock) }

    /// Lets the other threads in, when all has been sent.
    mutating func end() {
        for lock in self.locks { lock.release() }
        self.locks.removeAll(keepingCapacity: true)
    }
}
