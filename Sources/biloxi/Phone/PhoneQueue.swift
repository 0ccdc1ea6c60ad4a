import Synchronization

/// What has happened and was not yet taken, in order; whoever takes is woken.
final class PhoneQueue<Element: Sendable>: Sendable {
    private let elements = Mutex<(waiting: [Element], isClosed: Bool)>(([], false))
    private let bell: AsyncStream<Void>.Continuation
    /// Tells that there is something.
    let wake: AsyncStream<Void>
    /// Elements that wait at most; then the oldest goes.
    private let limit: Int

    init(limit: Int) {
        (self.wake, self.bell) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.limit = limit
    }

    /// Adds an element.
    ///
    /// - Parameter most: Where so many wait already it is left out.
    /// - Returns: `false` when nobody takes any more.
    @discardableResult
    func add(_ element: Element, unlessThereAre most: Int = .max) -> Bool {
        let isOpen = self.elements.withLock { state in
            guard !state.isClosed else { return false }
            guard state.waiting.count < most else { return true }
            if state.waiting.count == self.limit { state.waiting.removeFirst() }
            state.waiting.append(element)
            return true
        }
        if isOpen { self.bell.yield() }
        return isOpen
    }

    /// Takes all that there is.
    func take() -> [Element] {
        self.elements.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    func close() {
        self.elements.withLock { $0 = ([], true) }
        self.bell.finish()
    }
}
