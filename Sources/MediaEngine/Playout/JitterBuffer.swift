public import RTP
public import SIPMessages

/// Puts the packets of a stream in order and holds them back as long as their delay varies (RFC 3550 §6.4.1 measures it).
///
/// What is wanted is the delay at which all but 3 % of the last packets would have come in time. The buffer only says
/// how far it is from there; its reader stretches or shortens the sound, so that no word is cut. Nothing is allocated per
/// packet.
public struct JitterBuffer: Sendable {
    /// What there is to play next.
    public enum Output: Hashable, Sendable {
        /// Nothing yet: the stream has not begun, or its first packets are held back.
        case waiting
        /// A packet, which `payload` lends until the next call.
        case packet
        /// A packet that is missing: its time has to be filled.
        case missing
        /// The peer sends nothing for this time, on purpose: timestamps go on without packets.
        case silence
    }

    /// Packets that have room.
    public static let capacity = 64
    private static let mask = Self.capacity - 1
    private static let window = 128

    /// The shortest and the longest delay, in ticks.
    public let minimumDelay: Int, maximumDelay: Int
    /// Ticks that a packet covers; learned from the stream.
    public private(set) var packetTicks: Int
    /// The delay that is wanted beyond that of the fastest packet, in ticks.
    public private(set) var targetDelay: Int
    /// What has become of the packets.
    public private(set) var pattern = LossPattern()
    /// The payload type of the packet that was put out last.
    public private(set) var payloadType: UInt8 = 0

    private let clockRate: UInt32
    private let slotOctets: Int
    private var storage: [UInt8]
    private var lengths: [Int16]
    private var timestamps: [UInt32]
    private var types: [UInt8]
    private var buffered = 0

    private var isPlaying = false
    private var hasBegun = false
    private var begin = MonotonicInstant.start
    private var nextSequence: UInt16 = 0
    private var nextTimestamp: UInt32 = 0
    private var filledAhead = 0
    private var outputSlot = 0
    private var isOutput = false

    private var reference: UInt32 = 0
    private var transits: [Int32]
    private var sorted: [Int32]
    private var transitCount = 0
    private var fastest: Int32 = 0

    /// A buffer of a stream.
    ///
    /// - Parameters:
    ///   - clockRate: Ticks of the timestamp in a second.
    ///   - maximumOctets: The longest payload; longer ones are discarded.
    public init(
        clockRate: UInt32, packetMilliseconds: Int = 20, minimumMilliseconds: Int = 20, maximumMilliseconds: Int = 400,
        maximumOctets: Int = 480
    ) {
        self.clockRate = Swift.max(1_000, clockRate)
        let ticks = Int(self.clockRate) / 1_000
        self.packetTicks = packetMilliseconds * ticks
        self.minimumDelay = minimumMilliseconds * ticks
        self.maximumDelay = maximumMilliseconds * ticks
        self.targetDelay = 2 * self.packetTicks
        self.slotOctets = maximumOctets
        self.storage = [UInt8](repeating: 0, count: Self.capacity * maximumOctets)
        self.lengths = [Int16](repeating: -1, count: Self.capacity)
        self.timestamps = [UInt32](repeating: 0, count: Self.capacity)
        self.types = [UInt8](repeating: 0, count: Self.capacity)
        self.transits = [Int32](repeating: 0, count: Self.window)
        self.sorted = [Int32](repeating: 0, count: Self.window)
    }

    /// Takes a packet.
    public mutating func insert(_ header: RTPHeader, _ packet: Span<UInt8>, at now: MonotonicInstant) {
        let count = header.payload.count
        guard count >= 0, count <= self.slotOctets, header.payload.upper <= packet.count else { return }
        if !self.hasBegun { self.start(header, now) }
        var offset = SequenceOrder.distance(from: self.nextSequence, to: header.sequenceNumber)
        if abs(offset) > 1_000 || offset >= Self.capacity {
            // Another stream, or one that has run away: what waits is too old to be of use.
            self.clear()
            self.start(header, now)
            offset = 0
        }
        self.note(header.timestamp, now)
        guard offset >= 0 else { return }
        let slot = Int(header.sequenceNumber) & Self.mask
        guard self.lengths[slot] < 0 else { return }
        self.lengths[slot] = Int16(truncatingIfNeeded: count)
        self.timestamps[slot] = header.timestamp
        self.types[slot] = header.payloadType
        for i in 0..<count { self.storage[slot &* self.slotOctets &+ i] = packet[header.payload.lower &+ i] }
        self.buffered += 1
    }

    private mutating func start(_ header: RTPHeader, _ now: MonotonicInstant) {
        self.hasBegun = true
        self.isPlaying = false
        self.begin = now.advanced(by: self.time(self.targetDelay))
        self.nextSequence = header.sequenceNumber
        self.nextTimestamp = header.timestamp
        self.reference = self.ticks(now) &- header.timestamp
        self.transitCount = 0
        self.filledAhead = 0
    }

    private mutating func clear() {
        for slot in 0..<Self.capacity { self.lengths[slot] = -1 }
        self.buffered = 0
        self.isOutput = false
    }

    /// Says what is to be played now, and goes on by one packet.
    public mutating func next(at now: MonotonicInstant) -> Output {
        if self.isOutput {
            self.lengths[self.outputSlot] = -1
            self.buffered -= 1
            self.isOutput = false
        }
        guard self.hasBegun else { return .waiting }
        if !self.isPlaying {
            guard now >= self.begin else { return .waiting }
            self.isPlaying = true
        }
        while true {
            let slot = Int(self.nextSequence) & Self.mask
            if self.lengths[slot] >= 0 {
                let gap = SequenceOrder.distance(from: self.nextTimestamp, to: self.timestamps[slot])
                if gap > 0, gap < 10 * Int(self.clockRate) {
                    self.nextTimestamp &+= UInt32(truncatingIfNeeded: Swift.min(gap, self.packetTicks))
                    return .silence
                }
                self.filledAhead = 0
                self.outputSlot = slot
                self.isOutput = true
                self.payloadType = self.types[slot]
                self.learnPacketTime(after: slot)
                self.nextSequence &+= 1
                self.nextTimestamp = self.timestamps[slot] &+ UInt32(truncatingIfNeeded: self.packetTicks)
                self.pattern.note(.received)
                return .packet
            }
            if self.buffered > 0 {
                // It is lost: later ones are there.
                self.pattern.note(.lost)
                self.nextSequence &+= 1
                self.nextTimestamp &+= UInt32(truncatingIfNeeded: self.packetTicks)
                if self.filledAhead > 0 {
                    self.filledAhead -= 1
                    continue
                }
                return .missing
            }
            // Nothing is there. Its time is filled, and it is played all the same should it come yet: the delay has then
            // grown, as it had to.
            self.filledAhead = Swift.min(self.filledAhead + 1, Self.capacity)
            return .missing
        }
    }

    /// The payload of the packet that was put out last.
    public func withPayload<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        let start = self.outputSlot * self.slotOctets
        let count = Swift.max(0, Int(self.lengths[self.outputSlot]))
        return body(self.storage.span.extracting(start..<(start + count)))
    }

    /// How much longer the delay is than it should be, in ticks; negative where it is shorter.
    ///
    /// - Parameter ahead: Ticks of sound that have been taken out and not been played yet.
    public func excess(ahead: Int, at now: MonotonicInstant) -> Int {
        guard self.isPlaying, self.transitCount > 8 else { return 0 }
        let played = self.nextTimestamp &- UInt32(truncatingIfNeeded: self.packetTicks)
        let transit = Int(
            Int32(bitPattern: self.ticks(now) &+ UInt32(truncatingIfNeeded: ahead) &- played &- self.reference))
        return transit - Int(self.fastest) - self.targetDelay
    }

    /// The sum of the delay that is wanted, as a time.
    public var targetTime: TimeSpan { self.time(self.targetDelay) }

    private mutating func learnPacketTime(after slot: Int) {
        let following = Int(self.nextSequence &+ 1) & Self.mask
        guard self.lengths[following] >= 0 else { return }
        let ticks = SequenceOrder.distance(from: self.timestamps[slot], to: self.timestamps[following])
        // A longer distance is a pause, not a packet.
        if ticks > 0, ticks <= Int(self.clockRate) / 8, ticks < 2 * self.packetTicks || self.packetTicks == 0 {
            self.packetTicks = ticks
        }
    }

    private mutating func note(_ timestamp: UInt32, _ now: MonotonicInstant) {
        let transit = Int32(bitPattern: self.ticks(now) &- timestamp &- self.reference)
        self.transits[self.transitCount & (Self.window - 1)] = transit
        self.transitCount += 1
        guard self.transitCount <= 32 || self.transitCount & 7 == 0 else { return }
        let count = Swift.min(self.transitCount, Self.window)
        // Insertion into a sorted list, which allocates nothing.
        for i in 0..<count {
            let value = self.transits[i]
            var place = i
            while place > 0, self.sorted[place - 1] > value {
                self.sorted[place] = self.sorted[place - 1]
                place -= 1
            }
            self.sorted[place] = value
        }
        self.fastest = self.sorted[0]
        // A packet is taken out up to its own length before it is played to the end.
        let varies = Int(self.sorted[(count - 1) * 97 / 100]) - Int(self.fastest)
        let wanted = varies + self.packetTicks + self.packetTicks / 4
        let bounded = Swift.max(self.minimumDelay, Swift.min(self.maximumDelay, wanted))
        // Up at once, down slowly: a burst of jitter seldom comes alone.
        self.targetDelay = bounded > self.targetDelay ? bounded : self.targetDelay - (self.targetDelay - bounded) / 8
    }

    private func ticks(_ now: MonotonicInstant) -> UInt32 {
        let (seconds, rest) = now.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return UInt32(
            truncatingIfNeeded: seconds &* Int64(self.clockRate) &+ rest * Int64(self.clockRate) / 1_000_000_000)
    }

    private func time(_ ticks: Int) -> TimeSpan {
        TimeSpan(nanoseconds: Int64(ticks) * 1_000_000_000 / Int64(self.clockRate))
    }
}
