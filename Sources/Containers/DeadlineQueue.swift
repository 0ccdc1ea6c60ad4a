/// Timers that fire in the order in which they were set, since all of them wait equally long: a ring that grows.
///
/// Setting one writes behind the last, and taking one reads the first; there is nothing to sort. One that is not wanted
/// any more stays until its time: whoever takes it finds out.
public struct DeadlineQueue<Element: BitwiseCopyable>: ~Copyable {
    @usableFromInline
    struct Entry: BitwiseCopyable {
        @usableFromInline var deadline: Int64
        @usableFromInline var element: Element

        @inlinable
        init(_ element: Element, deadline: Int64) { (self.element, self.deadline) = (element, deadline) }
    }

    @usableFromInline var entries: UnsafeMutablePointer<Entry>
    @usableFromInline var room: Int
    @usableFromInline var head = 0
    @usableFromInline let capacity: Int
    /// How many wait.
    @inlinable public var count: Int { self.waiting }
    @usableFromInline var waiting = 0

    /// An empty queue in which at most `capacity` may wait.
    @inlinable
    public init(capacity: Int) {
        self.capacity = capacity
        self.room = 64
        self.entries = .allocate(capacity: self.room)
    }

    @inlinable
    deinit { self.entries.deallocate() }

    /// Where the entry lies that `position` others wait before.
    @inlinable
    func place(_ position: Int) -> UnsafeMutablePointer<Entry> {
        self.entries + ((self.head &+ position) & (self.room &- 1))
    }

    /// Sets a timer.
    ///
    /// - Parameter deadline: in milliseconds.
    /// - Returns: `false` when it is due before the last, or there are too many.
    @inlinable
    public mutating func append(_ element: Element, deadline: Int64) -> Bool {
        guard self.waiting < self.capacity else { return false }
        if self.waiting > 0, self.place(self.waiting &- 1).pointee.deadline > deadline { return false }
        if self.waiting == self.room { self.grow() }
        self.place(self.waiting).initialize(to: Entry(element, deadline: deadline))
        self.waiting &+= 1
        return true
    }

    @inlinable @inline(never)
    mutating func grow() {
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: self.room * 2)
        for i in 0..<self.waiting { (larger + i).initialize(to: self.place(i).pointee) }
        self.entries.deallocate()
        (self.entries, self.room, self.head) = (larger, self.room * 2, 0)
    }

    /// When the first is due, in milliseconds; `nil` when none waits.
    @inlinable
    public var nextDeadline: Int64? { self.waiting > 0 ? self.entries[self.head].deadline : nil }

    /// Takes the first if it is due at `now` (milliseconds).
    @inlinable
    public mutating func advance(to now: Int64) -> Element? {
        guard self.waiting > 0, self.entries[self.head].deadline <= now else { return nil }
        let element = self.entries[self.head].element
        self.head = (self.head &+ 1) & (self.room &- 1)
        self.waiting &-= 1
        return element
    }
}
