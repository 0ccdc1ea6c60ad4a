import Synchronization

/// A queue between those who tell and those who listen. Each element goes to one listener; when too many wait, the oldest
/// is dropped.
final class Channel<Element: Sendable>: Sendable {
    private struct State: Sendable {
        var elements: [Element] = []
        var waiters: [(number: UInt64, continuation: CheckedContinuation<Element?, Never>)] = []
        var cancelled: Set<UInt64> = []
        var last: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let limit: Int

    /// A channel that holds this many elements while nobody listens.
    init(limit: Int) { self.limit = Swift.max(1, limit) }

    /// Tells an element; after `close` it is dropped.
    ///
    /// - Returns: Whether it, or one before it, was not dropped.
    @discardableResult
    func send(_ element: Element) -> Bool {
        var isDropping = false
        let waiter: CheckedContinuation<Element?, Never>? = self.state.withLock { state in
            guard !state.isClosed else {
                isDropping = true
                return nil
            }
            if !state.waiters.isEmpty { return state.waiters.removeFirst().continuation }
            if state.elements.count == self.limit {
                state.elements.removeFirst()
                isDropping = true
            }
            state.elements.append(element)
            return nil
        }
        waiter?.resume(returning: element)
        return !isDropping
    }

    /// Nothing more will be told; what waits is still heard.
    func close() {
        let waiters = self.state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: nil) }
    }

    /// Drops what waits.
    func removeAll() { self.state.withLock { $0.elements = [] } }

    /// The next element; `nil` after the last one, and when the task is cancelled.
    func next() async -> Element? {
        let number = self.state.withLock { state in
            state.last += 1
            return state.last
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Element?? = self.state.withLock { state in
                    if state.cancelled.remove(number) != nil { return .some(nil) }
                    if !state.elements.isEmpty { return .some(state.elements.removeFirst()) }
                    if state.isClosed { return .some(nil) }
                    state.waiters.append((number, continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = self.state.withLock { state in
                if let i = state.waiters.firstIndex(where: { $0.number == number }) {
                    return Optional(state.waiters.remove(at: i).continuation)
                }
                state.cancelled.insert(number)
                return nil
            }
            waiter?.resume(returning: nil)
        }
    }

    /// What is told, for `for await`.
    var sequence: Events<Element> { Events(self) }
}

/// What happens, one after the other, until nothing more can. Each element goes to one listener.
public struct Events<Element: Sendable>: AsyncSequence, Sendable {
    private let channel: Channel<Element>

    init(_ channel: Channel<Element>) { self.channel = channel }

    /// Takes what happens.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let channel: Channel<Element>

        /// The next element; `nil` after the last one, and when the task is cancelled.
        public mutating func next() async -> Element? { await self.channel.next() }

        /// The next element; `nil` after the last one, and when the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(Never) -> Element? {
            await self.channel.next()
        }
    }

    /// Begins to listen.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(channel: self.channel) }
}
