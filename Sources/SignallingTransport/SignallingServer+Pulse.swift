import NIOCore
import Synchronization

/// Whether the server does its work.
extension SignallingServer {
    /// Calls `body` once, when every thread and event loop has come by since, and has found its shards free: where one of them
    /// hangs it never does. A server that has been stopped does not call it either.
    public func pulse(_ body: @escaping @Sendable () -> Void) {
        let missing = Missing(self.udpThreads.count + self.streams.loops.count)
        let arrived: @Sendable () -> Void = {
            if missing.count.subtract(1, ordering: .relaxed).newValue == 0 { body() }
        }
        for thread in self.udpThreads { thread.leave(.pulse(arrived)) }
        for loop in self.streams.loops { loop.eventLoop.execute(arrived) }
    }

    /// Enters every `step`th shard from `first` on, to see that it can be entered.
    func visitShards(from first: Int, step: Int, _ worker: inout Worker) {
        for number in stride(from: first, to: self.calls.count, by: step) {
            self.enter(self.calls[number], &worker) { _, _ in }
            self.enter(self.locations[number], &worker) { _, _ in }
        }
    }

    /// How many are still to come.
    private final class Missing: Sendable {
        let count: Atomic<Int>
        init(_ count: Int) { self.count = Atomic(count) }
    }
}
