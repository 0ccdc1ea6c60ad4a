/// A growing list of plain data that has one owner, so that changing it asks nobody: an array would find out at every
/// change whether it is shared.
@usableFromInline
struct RawList<Element: BitwiseCopyable>: ~Copyable {
    @usableFromInline var base: UnsafeMutablePointer<Element>
    @usableFromInline var count: Int
    @usableFromInline var capacity: Int

    /// An empty list.
    @inlinable
    init(capacity: Int = 16) {
        self.base = .allocate(capacity: capacity)
        self.count = 0
        self.capacity = capacity
    }

    /// A list of `count` equal elements.
    @inlinable
    init(repeating element: Element, count: Int) {
        self.init(capacity: count)
        self.base.initialize(repeating: element, count: count)
        self.count = count
    }

    @inlinable
    deinit { self.base.deallocate() }

    /// Adds an element behind the last.
    @inlinable
    mutating func append(_ element: Element) {
        if self.count == self.capacity { self.grow() }
        (self.base + self.count).initialize(to: element)
        self.count &+= 1
    }

    @inlinable @inline(never)
    mutating func grow() {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: self.capacity * 2)
        larger.moveInitialize(from: self.base, count: self.count)
        self.base.deallocate()
        self.base = larger
        self.capacity *= 2
    }

    /// Takes the last element; `nil` when there is none.
    @inlinable
    mutating func popLast() -> Element? {
        guard self.count > 0 else { return nil }
        self.count &-= 1
        return self.base[self.count]
    }

    /// The element at `index`, changed in place.
    @inlinable
    subscript(index: Int) -> Element {
        unsafeAddress {
            precondition(index >= 0 && index < self.count, "index out of range")
            return UnsafePointer(self.base + index)
        }
        unsafeMutableAddress {
            precondition(index >= 0 && index < self.count, "index out of range")
            return self.base + index
        }
    }
}
