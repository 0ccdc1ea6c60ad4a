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
    /// Samples that were stretched or shortened in all.
    public private(set) var addedSamples = 0, removedSamples = 0

    private let codec: SampleCodec
    private let sampleRate: Int
    private var concealment: LossConcealment
    private var noise: ComfortNoise
    private var ready: [Int16] = []
    private var frame: [Int16] = []
    private let noiseType: UInt8?

    /// A playout of a stream.
    ///
    /// - Parameter noiseType: The payload type of comfort noise, where it was agreed on.
    public init(_ codec: SampleCodec, sampleRate: Int, noiseType: UInt8? = nil, maximumMilliseconds: Int = 400) {
        (self.codec, self.sampleRate, self.noiseType) = (codec, sampleRate, noiseType)
        self.buffer = JitterBuffer(
            clockRate: UInt32(truncatingIfNeeded: sampleRate), maximumMilliseconds: maximumMilliseconds,
            maximumOctets: sampleRate * codec.octetsPerSample * 60 / 1_000)
        self.concealment = LossConcealment(sampleRate: sampleRate)
        self.noise = ComfortNoise(seed: 0x5EED)
        self.ready.reserveCapacity(sampleRate / 4)
        self.frame.reserveCapacity(sampleRate / 8)
    }

    /// Takes a packet of the stream.
    public mutating func insert(_ header: RTPHeader, _ packet: Span<UInt8>, at now: MonotonicInstant) {
        self.buffer.insert(header, packet, at: now)
    }

    /// Appends the next samples; silence while nothing has come.
    public mutating func play(_ count: Int, into samples: inout [Int16], at now: MonotonicInstant) {
        while self.ready.count < count { self.decodeNext(at: now, atLeast: count - self.ready.count) }
        samples.append(contentsOf: self.ready.prefix(count))
        self.ready.removeFirst(count)
    }

    private mutating func decodeNext(at now: MonotonicInstant, atLeast needed: Int) {
        self.frame.removeAll(keepingCapacity: true)
        let ticks = self.buffer.packetTicks
        switch self.buffer.next(at: now) {
        case .waiting:
            self.frame.append(contentsOf: repeatElement(0, count: needed))
        case .silence:
            self.noise.append(ticks, to: &self.frame)
            self.concealment.hear(&self.frame)
        case .missing:
            self.concealment.conceal(ticks, into: &self.frame)
        case .packet where self.buffer.payloadType == self.noiseType:
            var noise = self.noise
            self.buffer.withPayload { noise.receive($0) }
            noise.append(ticks, to: &self.frame)
            self.noise = noise
            self.concealment.hear(&self.frame)
        case .packet:
            let codec = self.codec
            var decoded = self.frame
            self.frame = []
            self.buffer.withPayload { codec.decode($0, into: &decoded) }
            self.frame = decoded
            self.concealment.hear(&self.frame)
            self.adjust(at: now)
        }
        self.ready.append(contentsOf: self.frame)
    }

    /// Brings the delay nearer to what is wanted: by a pitch period, and only when it is far enough from it.
    private mutating func adjust(at now: MonotonicInstant) {
        let excess = self.buffer.excess(ahead: self.ready.count, at: now)
        if excess > self.sampleRate / 66 {
            self.removedSamples += TimeScale.shorten(&self.frame, from: 0, rate: self.sampleRate)
        } else if excess < -self.buffer.packetTicks / 4 {
            self.addedSamples += TimeScale.lengthen(&self.frame, from: 0, rate: self.sampleRate)
        }
    }
}
