import Synchronization

/// A value that comes once; any number of tasks may wait for it.
final class Promise<Value: Sendable>: Sendable {
    private struct State: Sendable {
        var value: Value?
        var waiters: [UInt64: CheckedContinuation<Value?, Never>] = [:]
        var cancelled: Set<UInt64> = []
        var followers: [@Sendable (Value) -> Void] = []
        var last: UInt64 = 0
    }

    private let state = Mutex(State())

    /// A promise that is not kept yet.
    init() {}

    /// The value, once it is there.
    var current: Value? { self.state.withLock { $0.value } }

    /// Keeps the promise; only the first value counts.
    ///
    /// - Returns: Whether it was the first.
    @discardableResult
    func keep(_ value: Value) -> Bool {
        let waiting: State? = self.state.withLock { state in
            guard state.value == nil else { return nil }
            state.value = value
            defer { (state.waiters, state.followers) = ([:], []) }
            return state
        }
        guard let waiting else { return false }
        for waiter in waiting.waiters.values { waiter.resume(returning: value) }
        for follower in waiting.followers { follower(value) }
        return true
    }

    /// Has something done as soon as the value is there, on whatever thread brings it; at once where it is there already.
    func whenKept(_ body: @escaping @Sendable (Value) -> Void) {
        let value: Value? = self.state.withLock { state in
            if state.value == nil { state.followers.append(body) }
            return state.value
        }
        if let value { body(value) }
    }

    /// Waits for the value; `nil` when the task is cancelled before.
    func value() async -> Value? {
        let number = self.state.withLock { state in
            state.last += 1
            return state.last
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Value?? = self.state.withLock { state in
                    if let value = state.value { return .some(value) }
                    if state.cancelled.remove(number) != nil { return .some(nil) }
                    state.waiters[number] = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = self.state.withLock { state in
                if let waiter = state.waiters.removeValue(forKey: number) { return Optional(waiter) }
                if state.value == nil { state.cancelled.insert(number) }
                return nil
            }
            waiter?.resume(returning: nil)
        }
    }
}

/// Waits for something no longer than this; `nil` when it took longer.
func within<Value: Sendable>(
    _ limit: Duration, _ body: @escaping @Sendable () async -> Value?
) async -> Value? {
    await withTaskGroup(of: Value?.self) { group in
        group.addTask { await body() }
        group.addTask {
            try? await Task.sleep(for: limit)
            return nil
        }
        let first = await group.next()
        group.cancelAll()
        return first ?? nil
    }
}
