public import RTP
public import SIPMessages

/// Puts the packets of a stream in order and holds them back as long as their delay varies (RFC 3550 §6.4.1 measures it).
///
/// What is wanted is the delay at which all but 3 % of the last packets would have come in time. Within speech the buffer
/// only says how far it is from there; its reader stretches or shortens the sound, so that no word is cut. After a pause it
/// waits for the right moment itself. Nothing is allocated per packet.
public struct JitterBuffer: Sendable {
    /// What there is to play next.
    public enum Output: Hashable, Sendable {
        /// Nothing yet: the stream has not begun, or its first packets are held back.
        case waiting
        /// A packet, which `payload` lends until the next call.
        case packet
        /// A packet that is missing: the time of one has to be filled.
        case missing
        /// The peer sends no sound for this time, on purpose: `pauseTicks` of it.
        case silence
    }

    /// Packets that have room.
    public static let capacity = 64
    private static let mask = Self.capacity - 1

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
    /// How long the silence is that was put out last.
    public private(set) var pauseTicks = 0

    private struct Slot: BitwiseCopyable {
        var timestamp: UInt32 = 0
        var length: Int32 = -1
        var type: UInt8 = 0
        var isSound = true
    }

    private let clockRate: UInt32
    private let slotOctets: Int
    private var storage: [UInt8]
    private var slots = [Slot](repeating: Slot(), count: Self.capacity)
    private var buffered = 0

    private var isPlaying = false
    private var hasBegun = false
    private var begin = MonotonicInstant.start
    private var nextSequence: UInt16 = 0
    private var nextTimestamp: UInt32 = 0
    /// Packets whose time was filled while nothing was there: if they turn out to be lost, that is done already.
    private var filledAhead = 0
    /// Whether what came last was an event, behind which the peer sends no sound.
    private var isInEvent = false
    /// Of the last 64 numbers those that were given up: one that comes yet was late and not lost.
    private var givenUp: UInt64 = 0
    private var outputSlot = 0
    private var isOutput = false

    private var reference: UInt32 = 0
    private var delays = DelayStatistics()

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
        self.packetTicks = Swift.max(1, packetMilliseconds) * ticks
        self.minimumDelay = minimumMilliseconds * ticks
        self.maximumDelay = maximumMilliseconds * ticks
        self.targetDelay = 2 * self.packetTicks
        self.slotOctets = maximumOctets
        self.storage = [UInt8](repeating: 0, count: Self.capacity * maximumOctets)
    }

    /// Takes a packet.
    ///
    /// - Parameter isSound: Whether its payload is to be played; one that is not, an event for instance, only keeps its
    ///   place in the sequence.
    public mutating func insert(
        _ header: RTPHeader, _ packet: Span<UInt8>, isSound: Bool = true, at now: MonotonicInstant
    ) {
        let count = isSound ? header.payload.count : 0
        guard count >= 0, count <= self.slotOctets, header.payload.upper <= packet.count else { return }
        if !self.hasBegun { self.start(header, now) }
        var offset = SequenceOrder.distance(from: self.nextSequence, to: header.sequenceNumber)
        if abs(offset) > 1_000 || offset >= Self.capacity || self.hasJumped(header, isSound, now) {
            // Another stream, or one that has run away: what waits is too old to be of use.
            self.clear()
            self.start(header, now)
            offset = 0
        }
        // Events keep the timestamp at which they began.
        if isSound { self.note(header.timestamp, now) }
        guard offset >= 0 else { return self.comesLate(-offset) }
        let slot = Int(header.sequenceNumber) & Self.mask
        guard self.slots[slot].length < 0 else { return }
        self.slots[slot] = Slot(
            timestamp: header.timestamp, length: Int32(truncatingIfNeeded: count), type: header.payloadType,
            isSound: isSound)
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
        self.delays.reset()
        self.filledAhead = 0
        self.givenUp = 0
    }

    private mutating func clear() {
        for slot in 0..<Self.capacity { self.slots[slot].length = -1 }
        self.buffered = 0
        self.isOutput = false
        self.isInEvent = false
    }

    /// Whether the timestamp is more than a second away from where the clock would have it: the peer counts anew.
    private func hasJumped(_ header: RTPHeader, _ isSound: Bool, _ now: MonotonicInstant) -> Bool {
        guard isSound, self.delays.count > 0 else { return false }
        return abs(Int(self.transit(header.timestamp, now)) - self.delays.fastest) > Int(self.clockRate)
    }

    private mutating func comesLate(_ age: Int) {
        guard age <= 64, self.givenUp >> UInt64(age - 1) & 1 == 1 else { return }
        self.givenUp &= ~(1 << UInt64(age - 1))
        self.pattern.noteLate()
    }

    /// Goes on to the next sequence number.
    private mutating func goOn(isGivenUp: Bool = false) {
        self.nextSequence &+= 1
        self.givenUp = self.givenUp << 1 | (isGivenUp ? 1 : 0)
    }

    /// Says what is to be played now, and goes on by one packet.
    ///
    /// - Parameter ahead: Ticks of sound that have been taken out and not been played yet.
    public mutating func next(ahead: Int = 0, at now: MonotonicInstant) -> Output {
        if self.isOutput {
            self.free(self.outputSlot)
            self.isOutput = false
        }
        guard self.hasBegun else { return .waiting }
        if !self.isPlaying {
            guard now >= self.begin else { return .waiting }
            self.isPlaying = true
        }
        while self.buffered > 0 {
            let slot = Int(self.nextSequence) & Self.mask
            guard self.slots[slot].length >= 0 else {
                // It is lost: later ones are there.
                self.pattern.note(.lost)
                self.goOn(isGivenUp: true)
                if self.isInEvent { continue }
                self.nextTimestamp &+= UInt32(truncatingIfNeeded: self.packetTicks)
                if self.filledAhead == 0 { return .missing }
                self.filledAhead -= 1
                continue
            }
            if !self.slots[slot].isSound {
                self.free(slot)
                self.pattern.note(.received)
                self.isInEvent = true
                self.goOn()
                continue
            }
            let timestamp = self.slots[slot].timestamp
            let excess = self.excess(of: timestamp, ahead, now)
            if SequenceOrder.distance(from: self.nextTimestamp, to: timestamp) > 0, excess < 0 {
                // A pause, whose end has not come yet.
                self.pauseTicks = Swift.min(-excess, self.packetTicks)
                return .silence
            }
            self.isInEvent = false
            self.filledAhead = 0
            if excess + self.targetDelay > self.maximumDelay {
                // The network stood still; what it kept is too old.
                self.free(slot)
                self.pattern.note(.discarded)
                self.nextTimestamp = timestamp &+ UInt32(truncatingIfNeeded: self.packetTicks)
                self.goOn()
                continue
            }
            self.putOut(slot)
            return .packet
        }
        if self.isInEvent {
            self.pauseTicks = self.packetTicks
            return .silence
        }
        // Nothing is there. Its time is filled, and it is played all the same should it come yet: the delay has then
        // grown, as it had to.
        self.filledAhead = Swift.min(self.filledAhead + 1, Self.capacity)
        return .missing
    }

    private mutating func putOut(_ slot: Int) {
        self.outputSlot = slot
        self.isOutput = true
        self.payloadType = self.slots[slot].type
        self.learnPacketTime(after: slot)
        self.nextTimestamp = self.slots[slot].timestamp &+ UInt32(truncatingIfNeeded: self.packetTicks)
        self.goOn()
        self.pattern.note(.received)
    }

    private mutating func free(_ slot: Int) {
        self.slots[slot].length = -1
        self.buffered -= 1
    }

    /// The payload of the packet that was put out last.
    public func withPayload<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        self.withPayload(of: self.outputSlot, body)
    }

    private func withPayload<Result>(of slot: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        let start = slot * self.slotOctets
        let count = Swift.max(0, Int(self.slots[slot].length))
        return body(self.storage.span.extracting(start..<(start + count)))
    }

    /// The next packet of sound that is there, behind one that is missing.
    ///
    /// - Parameter body: Is given the payload, and how many packets are missing before it, the one that was told of last
    ///   among them.
    /// - Returns: What `body` returns; `nil` when none has come, or it follows a pause.
    public func withFollowing<Result>(_ body: (Span<UInt8>, _ missing: Int) -> Result) -> Result? {
        guard self.buffered > 0, !self.isInEvent else { return nil }
        for further in 0..<Self.capacity {
            let slot = Int(self.nextSequence &+ UInt16(further)) & Self.mask
            guard self.slots[slot].length >= 0 else { continue }
            let gap = SequenceOrder.distance(from: self.nextTimestamp, to: self.slots[slot].timestamp)
            guard self.slots[slot].isSound, gap == further * self.packetTicks else { return nil }
            return self.withPayload(of: slot) { body($0, further + 1) }
        }
        return nil
    }

    /// The payload type of the packet that `withFollowing` would lend.
    public var followingType: UInt8? {
        for further in 0..<Self.capacity where self.buffered > 0 {
            let slot = Int(self.nextSequence &+ UInt16(further)) & Self.mask
            if self.slots[slot].length >= 0 { return self.slots[slot].type }
        }
        return nil
    }

    /// How much longer the delay is than it should be, in ticks; negative where it is shorter.
    ///
    /// - Parameter ahead: Ticks of sound that have been taken out and not been played yet.
    public func excess(ahead: Int, at now: MonotonicInstant) -> Int {
        guard self.isPlaying else { return 0 }
        return self.excess(of: self.nextTimestamp &- UInt32(truncatingIfNeeded: self.packetTicks), ahead, now)
    }

    /// How much later than it should a timestamp is played when that is done now; 0 while too little is known.
    private func excess(of timestamp: UInt32, _ ahead: Int, _ now: MonotonicInstant) -> Int {
        guard self.delays.count > 8 else { return 0 }
        let transit = self.transit(timestamp &- UInt32(truncatingIfNeeded: ahead), now)
        return Int(transit) - self.delays.fastest - self.targetDelay
    }

    /// The sum of the delay that is wanted, as a time.
    public var targetTime: TimeSpan { self.time(self.targetDelay) }

    private mutating func learnPacketTime(after slot: Int) {
        let following = (slot + 1) & Self.mask
        guard self.slots[following].length >= 0, self.slots[following].isSound else { return }
        let ticks = SequenceOrder.distance(from: self.slots[slot].timestamp, to: self.slots[following].timestamp)
        // A longer distance is a pause, not a packet.
        if ticks > 0, ticks <= Int(self.clockRate) / 8, ticks <= 3 * self.packetTicks { self.packetTicks = ticks }
    }

    private mutating func note(_ timestamp: UInt32, _ now: MonotonicInstant) {
        self.delays.note(self.transit(timestamp, now))
        guard self.delays.count <= 32 || self.delays.count & 7 == 0 else { return }
        // A packet is taken out up to its own length before it is played to the end.
        let wanted = self.delays.variation + self.packetTicks + self.packetTicks / 4
        let bounded = Swift.max(self.minimumDelay, Swift.min(self.maximumDelay, wanted))
        // Up at once, down slowly: a burst of jitter seldom comes alone.
        self.targetDelay = bounded > self.targetDelay ? bounded : self.targetDelay - (self.targetDelay - bounded) / 8
    }

    /// How long after its timestamp a moment is, on a scale with a zero of its own.
    private func transit(_ timestamp: UInt32, _ now: MonotonicInstant) -> Int32 {
        Int32(bitPattern: self.ticks(now) &- timestamp &- self.reference)
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
