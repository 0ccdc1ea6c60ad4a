public import RTP
public import SIPMessages

/// Turns the packets of a stream into sound without gaps: jitter buffer, decoding, concealment of losses, and the
/// stretching and shortening with which the delay follows the network.
///
/// Packets go in as they come; whoever plays asks for samples at the rate of its clock. A clock that runs faster or slower
/// than the peer's is made up for in the same way as a change of delay.
public struct AudioPlayout: Sendable {
    /// The packets.
    public private(set) var buffer: JitterBuffer
    /// The encoding of the stream.
    public let encoding: AudioEncoding
    /// Samples that were stretched or shortened in all.
    public private(set) var addedSamples = 0, removedSamples = 0
    /// Whether the last samples that were put out were made up, or silence: no key is to be listened for in them.
    public private(set) var isMadeUp = false

    private let decoder: any AudioDecoder
    private let noiseType: UInt8?
    private var concealment: LossConcealment
    private var noise: ComfortNoise
    private var isNoisy = false
    private var ready: [Int16] = []
    private var frame: [Int16] = []
    private var following: [Int16] = []

    /// A playout of a stream.
    ///
    /// - Parameters:
    ///   - noiseType: The payload type of comfort noise, where it was agreed on.
    public init(
        _ encoding: AudioEncoding, decoder: any AudioDecoder, noiseType: UInt8? = nil,
        maximumMilliseconds: Int = 400
    ) {
        (self.encoding, self.decoder) = (encoding, decoder)
        self.noiseType = noiseType
        self.buffer = JitterBuffer(
            clockRate: encoding.clockRate, packetMilliseconds: encoding.packetMilliseconds(),
            maximumMilliseconds: maximumMilliseconds, maximumOctets: encoding.maximumOctets)
        self.concealment = LossConcealment(sampleRate: encoding.sampleRate)
        self.noise = ComfortNoise(seed: 0x5EED)
        self.ready.reserveCapacity(encoding.sampleRate / 4)
        self.frame.reserveCapacity(encoding.sampleRate / 8)
        self.following.reserveCapacity(encoding.sampleRate / 8)
    }

    /// A playout of a stream whose encoding needs no state.
    public init(_ codec: SampleCodec, sampleRate: Int, noiseType: UInt8? = nil, maximumMilliseconds: Int = 400) {
        self.init(
            codec.encoding(sampleRate: sampleRate), decoder: SampleStream(codec), noiseType: noiseType,
            maximumMilliseconds: maximumMilliseconds)
    }

    /// Takes a packet of the stream.
    ///
    /// - Parameter isSound: Whether it is to be played: not an event, which only keeps its place in the sequence.
    public mutating func insert(
        _ header: RTPHeader, _ packet: Span<UInt8>, isSound: Bool = true, at now: MonotonicInstant
    ) {
        self.buffer.insert(header, packet, isSound: isSound, at: now)
    }

    /// Appends the next samples; silence while nothing has come.
    public mutating func play(_ count: Int, into samples: inout [Int16], at now: MonotonicInstant) {
        while self.ready.count < count { self.decodeNext(at: now, atLeast: count - self.ready.count) }
        samples.append(contentsOf: self.ready.prefix(count))
        self.ready.removeFirst(count)
    }

    private mutating func decodeNext(at now: MonotonicInstant, atLeast needed: Int) {
        self.frame.removeAll(keepingCapacity: true)
        let count = self.encoding.samples(ticks: self.buffer.packetTicks)
        let output = self.buffer.next(ahead: self.encoding.ticks(samples: self.ready.count), at: now)
        self.isMadeUp = output != .packet
        switch output {
        case .waiting:
            self.frame.append(contentsOf: repeatElement(0, count: needed))
        case .silence:
            self.rest(self.encoding.samples(ticks: self.buffer.pauseTicks))
        case .missing where self.isNoisy:
            self.rest(count)
        case .missing:
            self.conceal(count)
        case .packet where self.buffer.payloadType == self.noiseType:
            var noise = self.noise
            self.buffer.withPayload { noise.receive($0) }
            self.noise = noise
            self.isNoisy = true
            self.isMadeUp = true
            self.rest(count)
        case .packet:
            self.isNoisy = false
            self.decode()
            self.adjust(at: now)
        }
        // A packet without sound, or a clock that is slower than its samples, shall not let this go on for ever.
        if self.frame.isEmpty { self.frame.append(contentsOf: repeatElement(0, count: Swift.max(1, count))) }
        self.ready.append(contentsOf: self.frame)
    }

    private mutating func decode() {
        let decoder = self.decoder
        var decoded = self.frame
        self.frame = []
        self.buffer.withPayload { decoder.decode($0, into: &decoded) }
        self.frame = decoded
        self.concealment.hear(&self.frame)
    }

    /// The silence of a pause: that of the decoder, or the noise that the peer has described.
    private mutating func rest(_ count: Int) {
        if self.isNoisy || !self.decoder.rest(count, into: &self.frame) { self.noise.append(count, to: &self.frame) }
        self.concealment.hear(&self.frame)
    }

    private mutating func conceal(_ count: Int) {
        let decoder = self.decoder
        var made = self.frame
        self.frame = []
        let isNoise = self.buffer.followingType == self.noiseType && self.noiseType != nil
        let isMade =
            isNoise
            ? nil
            : self.buffer.withFollowing { payload, missing in
                if missing == 1 { return decoder.conceal(count, following: payload, into: &made) }
                return decoder.conceal(count, following: Span(), into: &made)
            }
        if isMade ?? decoder.conceal(count, following: Span(), into: &made) {
            self.frame = made
            self.concealment.hear(&self.frame)
            return
        }
        var following = self.following
        following.removeAll(keepingCapacity: true)
        var gap = 0
        if decoder.isStateless, !isNoise {
            gap =
                self.buffer.withFollowing { payload, missing in
                    decoder.decode(payload, into: &following)
                    return missing * count
                } ?? 0
        }
        self.concealment.conceal(count, before: following.span, gap: gap, into: &made)
        (self.frame, self.following) = (made, following)
    }

    /// Brings the delay nearer to what is wanted: by a pitch period, and only when it is far enough from it.
    private mutating func adjust(at now: MonotonicInstant) {
        let rate = self.encoding.sampleRate
        let excess = self.buffer.excess(ahead: self.encoding.ticks(samples: self.ready.count), at: now)
        if self.encoding.samples(ticks: excess) > rate / 66 {
            self.removedSamples += TimeScale.shorten(&self.frame, from: 0, rate: rate)
        } else if excess < -self.buffer.packetTicks / 4 {
            self.addedSamples += TimeScale.lengthen(&self.frame, from: 0, rate: rate)
        }
    }
}
