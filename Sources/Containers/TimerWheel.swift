/// A hierarchical timing wheel in steps of one millisecond: setting, moving and stopping a timer costs a few
/// instructions whatever their number, and no allocation.
///
/// Four rings: 256 buckets of 1 ms, then 64 buckets of 256 ms, of 16 s and of 17 min. A timer waits in the ring that its
/// distance asks for and comes inward when the wheel reaches its bucket; what is further than the last ring reaches goes
/// round once more. A timer never fires early.
public struct TimerWheel: ~Copyable {
    @usableFromInline
    struct Node: BitwiseCopyable {
        var deadline: Int64
        var payload: UInt64
        var next: Int32
        var previous: Int32
        var bucket: Int16
    }

    private struct Ring {
        let base: Int
        let size: Int64
        let shift: Int64
    }

    private static let rings: InlineArray<4, Ring> = [
        Ring(base: 0, size: 256, shift: 0), Ring(base: 256, size: 64, shift: 8),
        Ring(base: 320, size: 64, shift: 14), Ring(base: 384, size: 64, shift: 20),
    ]
    private static let bucketCount = 448

    private var nodes: Slab<Node>
    private var heads: [Int32]
    private var tails: [Int32]
    /// One bit for each bucket that holds a timer.
    private var occupied: InlineArray<7, UInt64>
    /// Every timer before this millisecond has fired.
    private var present: Int64

    /// How many timers are set.
    public var count: Int { self.nodes.count }

    /// A wheel for at most `capacity` timers whose time begins at `now`, in milliseconds.
    public init(capacity: Int, now: Int64 = 0) {
        self.nodes = Slab(capacity: capacity)
        self.heads = [Int32](repeating: -1, count: Self.bucketCount)
        self.tails = [Int32](repeating: -1, count: Self.bucketCount)
        self.occupied = InlineArray(repeating: 0)
        self.present = now
    }

    /// Sets a timer; `nil` when there are too many.
    ///
    /// - Parameters:
    ///   - deadline: in milliseconds; one that is past fires at the next `advance`.
    ///   - payload: what `advance` returns.
    public mutating func insert(deadline: Int64, payload: UInt64) -> Int32? {
        let node = Node(deadline: deadline, payload: payload, next: -1, previous: -1, bucket: 0)
        guard let index = self.nodes.insert(node) else { return nil }
        self.link(index)
        return index
    }

    /// Stops a timer. Its number must not be used afterwards.
    public mutating func remove(_ index: Int32) {
        self.unlink(index)
        self.nodes.remove(index)
    }

    /// Moves a timer to another time.
    public mutating func move(_ index: Int32, to deadline: Int64) {
        self.unlink(index)
        self.nodes[index].deadline = deadline
        self.link(index)
    }

    /// When a timer fires, in milliseconds.
    public func deadline(of index: Int32) -> Int64 { self.nodes[index].deadline }

    /// Takes one timer that is due at `now` (milliseconds); `nil` when none is. Call it until it returns `nil`.
    public mutating func advance(to now: Int64) -> UInt64? {
        while true {
            // All timers of the present bucket are due: within 256 ms a bucket has one meaning.
            let head = self.heads[Int(self.present & 255)]
            if head >= 0 {
                let payload = self.nodes[head].payload
                self.remove(head)
                return payload
            }
            guard self.present < now else { return nil }
            guard let next = self.nextEvent, next <= now else {
                self.present = now
                return nil
            }
            self.present = next
            self.cascade()
        }
    }

    /// A moment, in milliseconds, before which no timer is due; `nil` when none is set. It is exact when the next timer is
    /// less than 256 ms away; otherwise it may be early, by less than the width of the timer's bucket.
    public var nextDeadline: Int64? {
        self.heads[Int(self.present & 255)] >= 0 ? self.present : self.nextEvent
    }

    // MARK: Buckets

    private func bucket(for deadline: Int64) -> Int {
        let deadline = Swift.max(deadline, self.present)
        let distance = deadline &- self.present
        if distance < 1 &<< 8 { return Int(deadline & 255) }
        if distance < 1 &<< 14 { return 256 &+ Int(deadline &>> 8 & 63) }
        if distance < 1 &<< 20 { return 320 &+ Int(deadline &>> 14 & 63) }
        let reachable = Swift.min(deadline, self.present &+ 63 &<< 20)
        return 384 &+ Int(reachable &>> 20 & 63)
    }

    private mutating func link(_ index: Int32) {
        let bucket = self.bucket(for: self.nodes[index].deadline)
        let tail = self.tails[bucket]
        self.nodes[index].bucket = Int16(truncatingIfNeeded: bucket)
        self.nodes[index].next = -1
        self.nodes[index].previous = tail
        self.tails[bucket] = index
        if tail < 0 {
            self.heads[bucket] = index
            self.occupied[bucket &>> 6] |= 1 &<< UInt64(bucket & 63)
        } else {
            self.nodes[tail].next = index
        }
    }

    private mutating func unlink(_ index: Int32) {
        let bucket = Int(self.nodes[index].bucket)
        let (next, previous) = (self.nodes[index].next, self.nodes[index].previous)
        if previous < 0 { self.heads[bucket] = next } else { self.nodes[previous].next = next }
        if next < 0 { self.tails[bucket] = previous } else { self.nodes[next].previous = previous }
        if self.heads[bucket] < 0 { self.occupied[bucket &>> 6] &= ~(1 &<< UInt64(bucket & 63)) }
    }

    /// Places anew the timers of the outer buckets that begin at the present, the outermost first.
    private mutating func cascade() {
        for ring in [3, 2, 1] {
            let (base, size, shift) = (Self.rings[ring].base, Self.rings[ring].size, Self.rings[ring].shift)
            guard self.present & (1 &<< shift &- 1) == 0 else { continue }
            let bucket = base &+ Int(self.present &>> shift & (size &- 1))
            var index = self.heads[bucket]
            self.heads[bucket] = -1
            self.tails[bucket] = -1
            self.occupied[bucket &>> 6] &= ~(1 &<< UInt64(bucket & 63))
            while index >= 0 {
                let next = self.nodes[index].next
                self.link(index)
                index = next
            }
        }
    }

    /// The next millisecond after the present at which a bucket of any ring begins that holds a timer.
    private var nextEvent: Int64? {
        guard self.nodes.count > 0 else { return nil }
        var earliest: Int64?
        for ring in 0..<4 {
            let (base, size, shift) = (Self.rings[ring].base, Self.rings[ring].size, Self.rings[ring].shift)
            let current = self.present &>> shift
            guard let distance = self.distance(base, Int(size), after: Int(current & (size &- 1))) else { continue }
            let start = (current &+ Int64(distance)) &<< shift
            if earliest.map({ start < $0 }) ?? true { earliest = start }
        }
        return earliest
    }

    /// How many buckets after `position`, going round the ring, the next one with a timer is: 1 up to `size`.
    private func distance(_ base: Int, _ size: Int, after position: Int) -> Int? {
        if let found = self.firstOccupied(base &+ position &+ 1, base &+ size) { return found &- base &- position }
        if let found = self.firstOccupied(base, base &+ position &+ 1) { return found &- base &- position &+ size }
        return nil
    }

    private func firstOccupied(_ start: Int, _ end: Int) -> Int? {
        var position = start
        while position < end {
            let word = self.occupied[position &>> 6] &>> UInt64(position & 63)
            if word != 0 {
                let found = position &+ word.trailingZeroBitCount
                return found < end ? found : nil
            }
            position = (position | 63) &+ 1
        }
        return nil
    }
}
