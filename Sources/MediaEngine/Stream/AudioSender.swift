public import RTP

/// Makes the packets of a stream out of sound: frames and packets, sequence numbers and timestamps, pauses, and keys.
///
/// Sound goes in as it comes, in any portions, at the rate of the encoding; packets come out as soon as they are whole.
public struct AudioSender: Sendable {
    /// What the packets are called.
    public struct Labels: Hashable, Sendable {
        /// The payload type of sound.
        public var payloadType: UInt8
        /// That of comfort noise; `nil` where none was agreed on, so that silence is sent like speech.
        public var noiseType: UInt8?
        /// That of telephone-events; `nil` where none was agreed on.
        public var eventType: UInt8?
        /// Ticks of the durations of events in a second, where they are not those of the encoding: many peers know events
        /// at 8000 Hz only, whatever the sound has beside them.
        public var eventClockRate: UInt32?

        /// What the packets are called.
        public init(
            payloadType: UInt8, noiseType: UInt8? = nil, eventType: UInt8? = nil, eventClockRate: UInt32? = nil
        ) {
            (self.payloadType, self.noiseType, self.eventType) = (payloadType, noiseType, eventType)
            self.eventClockRate = eventClockRate
        }
    }

    /// How often noise is described again while silence lasts, in milliseconds.
    private static let noiseInterval = 400

    /// Our source.
    public let ssrc: UInt32
    /// The encoding.
    public let encoding: AudioEncoding
    /// What the packets are called.
    public var labels: Labels
    /// Packets and octets of payload that were made.
    public private(set) var packets: UInt32 = 0, payloadOctets: UInt32 = 0
    /// The timestamp of the next sample.
    public private(set) var timestamp: UInt32
    /// The number of the next packet.
    public private(set) var sequenceNumber: UInt16

    private let encoder: any AudioEncoder
    private let frameSamples: Int
    private let framesPerPacket: Int
    private var events: TelephoneEventSender
    private var activity: VoiceActivity
    private var pending: [Int16] = []
    private var payload: [UInt8] = []
    private var start: UInt32 = 0
    private var frames = 0
    /// Frames that are not encoded, since a packet of an event stands in their place.
    private var skipped = 0
    private var isAfterSilence = true
    private var sinceNoise = 0

    /// A sender of a stream.
    ///
    /// - Parameters:
    ///   - packetMilliseconds: What a packet covers: one of the encoding's packet times.
    ///   - sequenceNumber: The first one, and `timestamp`: nobody shall be able to guess them (RFC 3550 §5.1).
    public init(
        _ encoding: AudioEncoding, encoder: any AudioEncoder, labels: Labels, packetMilliseconds: Int, ssrc: UInt32,
        sequenceNumber: UInt16, timestamp: UInt32
    ) {
        (self.encoding, self.encoder, self.labels) = (encoding, encoder, labels)
        (self.ssrc, self.sequenceNumber, self.timestamp) = (ssrc, sequenceNumber, timestamp)
        let frame = encoding.frameMilliseconds == 0 ? packetMilliseconds : encoding.frameMilliseconds
        self.frameSamples = Swift.max(1, frame * encoding.sampleRate / 1_000)
        self.framesPerPacket = Swift.max(1, packetMilliseconds / Swift.max(1, frame))
        self.events = TelephoneEventSender(clockRate: encoding.clockRate)
        self.activity = VoiceActivity(frameMilliseconds: frame)
        self.pending.reserveCapacity(2 * self.frameSamples)
        self.payload.reserveCapacity(encoding.maximumOctets)
    }

    /// Whether keys are being sent, or wait.
    public var isSendingKeys: Bool { !self.events.isIdle }

    /// What one packet covers.
    public var samplesPerPacket: Int { self.frameSamples * self.framesPerPacket }

    /// Orders an event: a key by its code, 0-15, for instance (RFC 4733 §3.2).
    ///
    /// - Returns: Whether it will be sent: not where events were not agreed on, or too many wait.
    public mutating func send(event code: UInt8, milliseconds: UInt32 = 100, pause: UInt32 = 60) -> Bool {
        self.labels.eventType != nil && self.events.send(code, milliseconds: milliseconds, pause: pause)
    }

    /// What was lost of what was sent, as the peer reports it.
    public func heard(lossPercent: Int) { self.encoder.heard(lossPercent: lossPercent) }

    /// Lets time pass in which nothing is sent, on hold for instance; a packet that was begun is dropped.
    public mutating func pause(samples: Int) {
        self.pending.removeAll(keepingCapacity: true)
        (self.frames, self.skipped) = (0, 0)
        self.payload.removeAll(keepingCapacity: true)
        self.timestamp &+= UInt32(truncatingIfNeeded: self.encoding.ticks(samples: samples))
        self.isAfterSilence = true
    }

    /// Takes sound.
    ///
    /// - Parameters:
    ///   - samples: At the rate of the encoding.
    ///   - body: Is given the header and the payload of each packet that has become whole.
    public mutating func send(_ samples: Span<Int16>, _ body: (RTPHeader, Span<UInt8>) -> Void) {
        var frame = self.pending
        self.pending = []
        var taken = 0
        while taken < samples.count {
            let count = Swift.min(samples.count - taken, self.frameSamples - frame.count)
            for i in taken..<(taken + count) { frame.append(samples[i]) }
            taken += count
            if frame.count == self.frameSamples {
                self.sendFrame(frame.span, body)
                frame.removeAll(keepingCapacity: true)
            }
        }
        self.pending = frame
    }

    private mutating func sendFrame(_ frame: Span<Int16>, _ body: (RTPHeader, Span<UInt8>) -> Void) {
        let ticks = UInt32(truncatingIfNeeded: self.encoding.ticks(samples: self.frameSamples))
        defer { self.timestamp &+= ticks }
        if self.frames == 0 {
            if self.skipped == 0 { self.sendEvent(ticks, body) }
            if self.skipped > 0 {
                self.skipped -= 1
                return
            }
            if let noiseType = self.labels.noiseType, !self.activity.isSpeech(frame) {
                return self.sendNoise(noiseType, frame, body)
            }
            self.start = self.timestamp
        }
        self.sinceNoise = 0
        switch self.encoder.encode(frame, into: &self.payload) {
        case .sound:
            self.frames += 1
            if self.frames == self.framesPerPacket { self.finish(body) }
        case .silence:
            self.finish(body, isSpeech: self.frames > 0)
            self.isAfterSilence = true
        case .nothing:
            if self.frames > 0 { self.finish(body) }
            self.isAfterSilence = true
        }
    }

    private mutating func sendEvent(_ ticks: UInt32, _ body: (RTPHeader, Span<UInt8>) -> Void) {
        guard let type = self.labels.eventType else { return }
        let packetTicks = ticks &* UInt32(truncatingIfNeeded: self.framesPerPacket)
        guard var packet = self.events.next(timestamp: self.timestamp, ticks: packetTicks) else { return }
        if let rate = self.labels.eventClockRate, rate != self.encoding.clockRate {
            let duration = UInt64(packet.event.duration) * UInt64(rate) / UInt64(self.encoding.clockRate)
            packet.event.duration = UInt16(clamping: duration)
        }
        self.skipped = self.framesPerPacket
        self.isAfterSilence = true
        packet.event.append(to: &self.payload)
        self.emit(type, packet.timestamp, hasMarker: packet.hasMarker, body)
    }

    private mutating func sendNoise(_ type: UInt8, _ frame: Span<Int16>, _ body: (RTPHeader, Span<UInt8>) -> Void) {
        let covered = self.frameSamples * 1_000 / self.encoding.sampleRate
        if !self.isAfterSilence || self.sinceNoise >= Self.noiseInterval || self.packets == 0 {
            self.payload = NoiseDescription.payload(of: frame)
            self.emit(type, self.timestamp, hasMarker: false, body)
            self.sinceNoise = 0
        }
        self.isAfterSilence = true
        self.sinceNoise += covered
    }

    private mutating func finish(_ body: (RTPHeader, Span<UInt8>) -> Void, isSpeech: Bool = true) {
        // The marker is on the first packet of speech after a silence (RFC 3551 §4.1).
        self.emit(self.labels.payloadType, self.start, hasMarker: isSpeech && self.isAfterSilence, body)
        self.isAfterSilence = false
        self.frames = 0
    }

    private mutating func emit(
        _ type: UInt8, _ timestamp: UInt32, hasMarker: Bool, _ body: (RTPHeader, Span<UInt8>) -> Void
    ) {
        let header = RTPHeader(
            payloadType: type, hasMarker: hasMarker, sequenceNumber: self.sequenceNumber, timestamp: timestamp,
            ssrc: self.ssrc)
        self.sequenceNumber &+= 1
        self.packets &+= 1
        self.payloadOctets &+= UInt32(truncatingIfNeeded: self.payload.count)
        body(header, self.payload.span)
        self.payload.removeAll(keepingCapacity: true)
    }
}
