/// A place in an `OctetPool`, in eight octets; `none` where nothing is kept.
public struct PooledOctets: BitwiseCopyable, Hashable, Sendable {
    @usableFromInline var block: UInt32
    /// The size class in the upper 8 bits, the number of octets in the rest.
    @usableFromInline var sizeAndCount: UInt32

    @inlinable
    init(block: UInt32, sizeClass: Int, count: Int) {
        self.block = block
        self.sizeAndCount = UInt32(sizeClass) &<< 24 | UInt32(count)
    }

    /// Nothing.
    @inlinable public static var none: PooledOctets { PooledOctets(block: 0, sizeClass: 255, count: 0) }
    /// Whether it stands for no octets at all.
    @inlinable public var isNone: Bool { self.sizeClass == 255 }
    /// How many octets are kept.
    @inlinable public var count: Int { Int(self.sizeAndCount & 0xFF_FFFF) }
    @inlinable var sizeClass: Int { Int(self.sizeAndCount &>> 24) }
}

/// Octets that outlive the datagram they came in: messages kept for retransmission, bindings. Blocks come in size classes
/// from pages that never move, so keeping and giving back costs a copy and no allocation.
public struct OctetPool: ~Copyable {
    /// Blocks of one size in pages of `1 << pageShift` blocks. The free ones are listed apart: what was kept for half a
    /// minute is in no cache any more, and to give it back need not bring it there.
    private struct SizeClass: ~Copyable {
        var pages = RawList<UnsafeMutablePointer<UInt8>>(capacity: 2)
        var free = RawList<UInt32>(capacity: 2)
        var used: UInt32 = 0
        let size: Int
        let pageShift: UInt32

        init(_ index: Int) {
            self.size = OctetPool.size(ofClass: index)
            self.pageShift = UInt32(Swift.max(0, 9 - index / 4))
        }

        deinit { for i in 0..<self.pages.count { self.pages[i].deallocate() } }

        /// Where a block lies.
        func address(_ block: UInt32) -> UnsafeMutablePointer<UInt8> {
            self.pages[Int(block &>> self.pageShift)] + Int(block & (1 &<< self.pageShift &- 1)) &* self.size
        }
    }

    private static let classCount = 65
    private let sizeClasses: UnsafeMutablePointer<SizeClass>
    /// How many octets the pool has taken from the system.
    public private(set) var reservedOctets = 0
    /// How many octets lie in blocks that are in use.
    public private(set) var usedOctets = 0
    /// How many octets may lie in blocks that are in use.
    public let limit: Int

    /// An empty pool that keeps at most `limit` octets.
    public init(limit: Int) {
        self.limit = limit
        self.sizeClasses = .allocate(capacity: Self.classCount)
        for i in 0..<Self.classCount { (self.sizeClasses + i).initialize(to: SizeClass(i)) }
    }

    deinit {
        self.sizeClasses.deinitialize(count: Self.classCount)
        self.sizeClasses.deallocate()
    }

    /// The size of a class's blocks: four steps to each doubling, from 32 octets to 2 MiB, so that little is wasted.
    private static func size(ofClass index: Int) -> Int { (4 &+ (index & 3)) &<< (index &>> 2 &+ 3) }

    /// The smallest class whose blocks have room for `count` octets.
    private static func sizeClass(for count: Int) -> Int {
        guard count > 32 else { return 0 }
        let last = count &- 1
        let top = 63 &- last.leadingZeroBitCount
        return (top &- 5) &* 4 &+ (last &>> (top &- 2)) & 3 &+ 1
    }

    /// Keeps a copy of the octets in `range`; `nil` when the pool is full or there are more than 2 MiB.
    public mutating func keep(_ octets: Span<UInt8>, _ range: Range<Int>) -> PooledOctets? {
        guard let kept = self.reserve(range.count) else { return nil }
        let target = self.address(kept)
        octets.extracting(range).withUnsafeBufferPointer { source in
            if let base = source.baseAddress { target.update(from: base, count: source.count) }
        }
        return kept
    }

    /// Keeps a copy of all of `octets`.
    public mutating func keep(_ octets: Span<UInt8>) -> PooledOctets? { self.keep(octets, 0..<octets.count) }

    /// A block for `count` octets, whose content is whatever was there.
    private mutating func reserve(_ count: Int) -> PooledOctets? {
        guard count <= 2_097_152, self.usedOctets &+ count <= self.limit else { return nil }
        let index = Self.sizeClass(for: count)
        self.usedOctets &+= self.sizeClasses[index].size
        let block = self.sizeClasses[index].free.popLast() ?? self.addBlock(index)
        return PooledOctets(block: block, sizeClass: index, count: count)
    }

    /// A block that has not been in use before.
    private mutating func addBlock(_ index: Int) -> UInt32 {
        let block = self.sizeClasses[index].used
        let perPage: UInt32 = 1 << self.sizeClasses[index].pageShift
        if block & (perPage - 1) == 0 {
            let octets = self.sizeClasses[index].size * Int(perPage)
            self.sizeClasses[index].pages.append(.allocate(capacity: octets))
            self.reservedOctets += octets
        }
        self.sizeClasses[index].used += 1
        return block
    }

    /// Gives a block back; `none` is ignored.
    public mutating func release(_ kept: PooledOctets) {
        guard !kept.isNone else { return }
        let index = kept.sizeClass
        precondition(index < Self.classCount, "octets of no pool")
        self.sizeClasses[index].free.append(kept.block)
        self.usedOctets &-= self.sizeClasses[index].size
    }

    /// Gives the block in a variable back and empties the variable.
    public mutating func release(_ kept: inout PooledOctets) {
        self.release(kept)
        kept = .none
    }

    private func address(_ kept: PooledOctets) -> UnsafeMutablePointer<UInt8> {
        precondition(kept.sizeClass < Self.classCount, "octets of no pool")
        return self.sizeClasses[kept.sizeClass].address(kept.block)
    }

    /// Appends the octets that are kept, but for the first `start`; nothing for `none`.
    public func append(_ kept: PooledOctets, from start: Int = 0, to output: inout [UInt8]) {
        guard !kept.isNone, start < kept.count else { return }
        let source = unsafe UnsafeBufferPointer(
            start: UnsafePointer(self.address(kept) + start), count: kept.count - start)
        unsafe output.append(contentsOf: source)
    }

    /// Lends the octets that are kept; none for `none`.
    @_lifetime(borrow self)
    public func span(_ kept: PooledOctets) -> Span<UInt8> {
        guard !kept.isNone else {
            let empty = Span<UInt8>()
            return _overrideLifetime(empty, borrowing: self)
        }
        let span = unsafe Span(_unsafeStart: UnsafePointer(self.address(kept)), count: kept.count)
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}
