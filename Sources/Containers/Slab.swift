/// Plain-data records in chunks that never move, found by a 32-bit number that is used again.
///
/// Records link to each other by such numbers, never by reference, so nothing here is counted or collected. It grows by
/// a chunk at a time up to `capacity`, without copying what is there.
public struct Slab<Element: BitwiseCopyable>: ~Copyable {
    @usableFromInline static var chunkShift: Int32 { 8 }
    @usableFromInline static var chunkSize: Int32 { 1 << 8 }

    @usableFromInline var chunks = RawList<UnsafeMutablePointer<Element>>()
    @usableFromInline var free = RawList<Int32>()
    @usableFromInline var used: Int32 = 0
    /// One bit for each number that is in use.
    @usableFromInline var live = RawList<UInt64>()
    /// How many records are in use.
    @inlinable public var count: Int { self.liveCount }
    @usableFromInline var liveCount = 0
    /// How many records there may be at most.
    public let capacity: Int

    /// An empty slab for at most `capacity` records.
    public init(capacity: Int) {
        self.capacity = Swift.min(capacity, Int(Int32.max) - Int(Self.chunkSize))
    }

    deinit { for i in 0..<self.chunks.count { self.chunks[i].deallocate() } }

    /// Stores a record; `nil` when the slab is full.
    @inlinable
    public mutating func insert(_ element: Element) -> Int32? {
        guard self.liveCount < self.capacity else { return nil }
        let index: Int32
        if let recycled = self.free.popLast() {
            index = recycled
        } else {
            index = self.used
            if index & (Self.chunkSize &- 1) == 0 { self.addChunk() }
            self.used &+= 1
        }
        self.liveCount &+= 1
        self.live[Int(index &>> 6)] |= 1 &<< UInt64(index & 63)
        (self.chunks[Int(index &>> Self.chunkShift)] + Int(index & (Self.chunkSize &- 1))).initialize(to: element)
        return index
    }

    @inlinable @inline(never)
    mutating func addChunk() {
        self.chunks.append(UnsafeMutablePointer<Element>.allocate(capacity: Int(Self.chunkSize)))
        for _ in 0..<Self.chunkSize / 64 { self.live.append(0) }
    }

    /// Gives the record's number back.
    @inlinable
    public mutating func remove(_ index: Int32) {
        guard self.isInUse(index) else {
            assertionFailure("slab record removed twice")
            return
        }
        self.live[Int(index &>> 6)] &= ~(1 &<< UInt64(index & 63))
        self.free.append(index)
        self.liveCount &-= 1
    }

    /// All numbers in use are below this one.
    @inlinable
    public var extent: Int32 { self.used }

    /// Whether a record has ever had this number: what the numbers that come off the wire are held against.
    @inlinable
    public func isPlausible(_ index: Int32) -> Bool { index >= 0 && index < self.used }

    /// Whether this is the number of a record.
    @inlinable
    public func isInUse(_ index: Int32) -> Bool {
        self.isPlausible(index) && self.live[Int(index &>> 6)] & (1 &<< UInt64(index & 63)) != 0
    }

    /// The record with this number, changed in place.
    @inlinable
    public subscript(index: Int32) -> Element {
        unsafeAddress {
            precondition(index >= 0 && index < self.used, "slab index out of range")
            return UnsafePointer(self.chunks[Int(index &>> Self.chunkShift)] + Int(index & (Self.chunkSize &- 1)))
        }
        unsafeMutableAddress {
            precondition(index >= 0 && index < self.used, "slab index out of range")
            return self.chunks[Int(index &>> Self.chunkShift)] + Int(index & (Self.chunkSize &- 1))
        }
    }
}
