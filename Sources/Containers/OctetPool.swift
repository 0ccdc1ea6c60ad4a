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
    /// The block sizes: steps of at most a quarter, so that little is wasted. The last takes any UDP message.
    @usableFromInline static let sizes: InlineArray<32, Int> = [
        32, 48, 64, 80, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048,
        2560, 3072, 4096, 6144, 8192, 16384, 32768, 65536, 262_144, 2_097_152,
    ]
    /// For each 32 octets up to 2048, the smallest class that fits.
    private static let classes: InlineArray<65, UInt8> = {
        var classes = InlineArray<65, UInt8>(repeating: 0)
        for i in 0...64 {
            var sizeClass = 0
            while Self.sizes[sizeClass] < i * 32 { sizeClass += 1 }
            classes[i] = UInt8(sizeClass)
        }
        return classes
    }()

    @usableFromInline
    struct SizeClass {
        var pages: [UnsafeMutablePointer<UInt8>] = []
        var free: [UInt32] = []
        var used: UInt32 = 0
        let size: Int
        let blocksPerPage: UInt32
    }

    private var sizeClasses: [SizeClass]
    /// How many octets the pool has taken from the system.
    public private(set) var reservedOctets = 0
    /// How many octets lie in blocks that are in use.
    public private(set) var usedOctets = 0
    /// How many octets may lie in blocks that are in use.
    public let limit: Int

    /// An empty pool that keeps at most `limit` octets.
    public init(limit: Int) {
        self.limit = limit
        self.sizeClasses = []
        for i in 0..<32 {
            let size = Self.sizes[i]
            self.sizeClasses.append(SizeClass(size: size, blocksPerPage: UInt32(Swift.max(1, 32_768 / size))))
        }
    }

    deinit {
        for sizeClass in self.sizeClasses {
            for page in sizeClass.pages { page.deallocate() }
        }
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
        var index = count <= 2048 ? Int(Self.classes[(count &+ 31) / 32]) : 22
        while Self.sizes[index] < count { index &+= 1 }
        let block: UInt32
        if let recycled = self.sizeClasses[index].free.popLast() {
            block = recycled
        } else {
            block = self.sizeClasses[index].used
            let perPage = self.sizeClasses[index].blocksPerPage
            if block % perPage == 0 {
                let size = Self.sizes[index] * Int(perPage)
                self.sizeClasses[index].pages.append(UnsafeMutablePointer<UInt8>.allocate(capacity: size))
                self.reservedOctets += size
            }
            self.sizeClasses[index].used += 1
        }
        self.usedOctets += Self.sizes[index]
        return PooledOctets(block: block, sizeClass: index, count: count)
    }

    /// Gives a block back; `none` is ignored.
    public mutating func release(_ kept: PooledOctets) {
        guard !kept.isNone else { return }
        self.sizeClasses[kept.sizeClass].free.append(kept.block)
        self.usedOctets -= Self.sizes[kept.sizeClass]
    }

    /// Gives the block in a variable back and empties the variable.
    public mutating func release(_ kept: inout PooledOctets) {
        self.release(kept)
        kept = .none
    }

    private func address(_ kept: PooledOctets) -> UnsafeMutablePointer<UInt8> {
        let perPage = self.sizeClasses[kept.sizeClass].blocksPerPage
        let size = self.sizeClasses[kept.sizeClass].size
        return self.sizeClasses[kept.sizeClass].pages[Int(kept.block / perPage)] + Int(kept.block % perPage) * size
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
