public import RTP
public import SDP
public import SIPMessages

/// The audio of a call without its sockets: packets in, sound and keys out; sound and keys in, packets out (RFC 3550,
/// RFC 4733).
///
/// Whoever drives it calls `tick` once for each packet time: that plays as much of the peer's sound and makes one packet of
/// ours.
public struct AudioStream: Sendable {
    /// Our source.
    public let ssrc: UInt32
    /// Where packets come from and go to.
    public private(set) var latch: SymmetricLatch
    /// The peer's stream; `nil` while no packet has come.
    public private(set) var reception: Reception?
    /// The reports of the stream.
    public private(set) var control: RTCPSession
    /// Samples in a second, of what goes in and of what comes out.
    public private(set) var sampleRate = 8_000
    /// Milliseconds that a packet of ours covers: 10 to 60, by what the peer wants.
    public private(set) var packetMilliseconds = 20

    private(set) var format: AudioFormat?
    private let formats: [AudioFormat]
    private(set) var sender: AudioSender?
    private var peerFormat: MediaFormat?
    private var eventType: UInt8?
    private var received = ReceivedFormats()
    private var isSending: Bool
    private var peerControl: MediaControlAddress

    private var sequence: UInt16
    private var timestamp: UInt32
    private var lastSent: (at: MonotonicInstant, timestamp: UInt32)?
    /// Packets that were sent.
    public private(set) var sent: UInt64 = 0
    /// Whether the peer has described its silence, and sends nothing since.
    public private(set) var isPeerPausing = false
    private(set) var sentOctets: UInt64 = 0
    private(set) var rejected: UInt64 = 0

    private(set) var playout: AudioPlayout?
    private(set) var playing: AudioFormat?
    /// From the rate of what comes to that of what goes, where they differ, and what it has made ahead of time.
    private var resampler: Resampler?
    private var resampled: [Int16] = []
    private var decoded: [Int16] = []
    private var keysIn: TelephoneEventReceiver
    private var tones: KeyToneDetector
    private var merger = KeyPressMerger()
    private(set) var heardSamples = 0
    private var events: [TelephoneEventReceiver.Happening] = []
    private var toneEvents: [KeyToneDetector.Happening] = []

    /// A stream that begins now.
    ///
    /// - Parameters:
    ///   - seed: A number that nobody can guess: source, first sequence number and timestamp come from it
    ///     (RFC 3550 §5.1).
    ///   - stream: What offer and answer have agreed on.
    ///   - formats: What the program can send and play.
    public init(
        seed: UInt64, _ stream: NegotiatedStream, formats: [AudioFormat] = AudioFormat.all, at now: MonotonicInstant
    ) {
        self.formats = formats
        self.ssrc = UInt32(truncatingIfNeeded: seed)
        self.control = RTCPSession(
            ssrc: self.ssrc, canonicalName: EchoStream.canonicalName(seed), seed: seed &* 0xD6E8_FEB8_6659_FD93,
            at: now)
        self.sequence = UInt16(truncatingIfNeeded: seed >> 32)
        self.timestamp = UInt32(truncatingIfNeeded: seed >> 32) &* 0x9E37_79B9
        self.latch = SymmetricLatch(described: stream.destination?.rtp.address)
        self.peerControl = MediaControlAddress(stream)
        self.isSending = false
        self.keysIn = TelephoneEventReceiver(clockRate: 8_000)
        self.tones = KeyToneDetector()
        self.agree(stream)
    }

    /// Offer and answer have changed what is agreed on.
    public mutating func update(_ stream: NegotiatedStream) {
        self.latch.describe(stream.destination?.rtp.address)
        self.peerControl.update(stream)
        self.agree(stream)
    }

    private mutating func agree(_ stream: NegotiatedStream) {
        let before = (self.sampleRate, self.peerFormat, self.packetMilliseconds)
        let chosen = stream.sendFormats.first { $0.isPrimary && AudioFormat.of($0, among: self.formats) != nil }
        self.format = chosen.flatMap { AudioFormat.of($0, among: self.formats) }
        self.peerFormat = chosen
        self.eventType = stream.eventFormat?.payloadType
        self.received = ReceivedFormats(stream, self.formats)
        self.sampleRate = self.format?.sampleRate ?? 8_000
        self.packetMilliseconds = Swift.min(
            60, self.format?.codec.encoding.packetMilliseconds(wanted: stream.packetTime) ?? 20)
        if self.sampleRate != before.0 {
            self.tones = KeyToneDetector(sampleRate: self.sampleRate)
            self.playout = nil
        }
        if self.sender == nil || self.peerFormat != before.1 || self.packetMilliseconds != before.2 {
            self.makeSender()
        }
        self.sender?.labels.eventType = self.eventType
        self.sender?.labels.eventClockRate = stream.eventFormat?.map.clockRate
        self.isSending = stream.sends && self.sender != nil
    }

    /// Begins anew with an encoder, where the numbers are.
    private mutating func makeSender() {
        (self.sequence, self.timestamp) = (
            self.sender?.sequenceNumber ?? self.sequence, self.sender?.timestamp ?? self.timestamp
        )
        self.sender = nil
        guard let format, let peerFormat,
            let encoder = try? format.codec.makeEncoder(for: peerFormat, packetMilliseconds: self.packetMilliseconds)
        else { return }
        self.sender = AudioSender(
            format.codec.encoding, encoder: encoder,
            labels: AudioSender.Labels(payloadType: peerFormat.payloadType, eventType: self.eventType),
            packetMilliseconds: self.packetMilliseconds, ssrc: self.ssrc, sequenceNumber: self.sequence,
            timestamp: self.timestamp)
        self.keysIn = TelephoneEventReceiver(clockRate: format.codec.encoding.clockRate)
    }

    /// Samples that a packet of ours covers.
    public var samplesPerPacket: Int { self.sampleRate * self.packetMilliseconds / 1_000 }

    // MARK: Keys

    /// Whether keys go out as events; if not, the peer understands none, and their tones have to be sent as sound.
    public var sendsEvents: Bool { self.eventType != nil }

    /// Whether no key is being sent, and none waits.
    public var hasSentKeys: Bool { self.sender?.isSendingKeys != true }

    /// Orders a key as an event; `false` when it is none, too many wait, or the peer takes no events.
    public mutating func send(_ key: Character, milliseconds: UInt32 = 100, pause: UInt32 = 60) -> Bool {
        guard self.eventType != nil, let code = TelephoneEvent.code(of: key) else { return false }
        return self.sender?.send(event: code, milliseconds: milliseconds, pause: pause) == true
    }

    /// Takes a key that came by another way than this stream.
    ///
    /// - Returns: The press, when it is new.
    public mutating func report(_ key: Character, by way: KeyPressMerger.Way, at now: MonotonicInstant)
        -> KeyPressMerger.Press?
    {
        self.merger.report(key, by: way, at: now)
    }

    // MARK: Receiving

    /// Takes a packet of the peer.
    ///
    /// - Parameter presses: Keys that it brings are appended.
    public mutating func receive(
        _ packet: Span<UInt8>, from source: SocketAddress, at now: MonotonicInstant,
        into presses: inout [KeyPressMerger.Press]
    ) {
        guard let header = try? RTPHeader(parsing: packet), let kind = self.received[header.payloadType],
            self.latch.receive(header, from: source, at: now) == .accept
        else {
            self.rejected &+= 1
            return
        }
        if self.reception?.ssrc != header.ssrc {
            self.reception = Reception(first: header, clockRate: self.received.clockRate(of: kind), at: now)
        }
        if self.reception?.receive(header, at: now) == .outOfRange {
            self.rejected &+= 1
            return
        }
        if case .noise = kind { self.isPeerPausing = true } else { self.isPeerPausing = false }
        switch kind {
        case .audio(let format): self.insert(header, packet, format, at: now)
        case .noise: self.playout?.insert(header, packet, at: now)
        case .events:
            // It has its place in the sequence, though no sound.
            self.playout?.insert(header, packet, isSound: false, at: now)
            self.keysIn.receive(header, packet, at: now, into: &self.events)
            self.takeEvents(at: now, into: &presses)
        }
    }

    private mutating func insert(
        _ header: RTPHeader, _ packet: Span<UInt8>, _ format: AudioFormat, at now: MonotonicInstant
    ) {
        if self.playout == nil || self.playing != format {
            guard let decoder = try? format.codec.makeDecoder() else {
                self.rejected &+= 1
                return
            }
            self.playout = AudioPlayout(format.codec.encoding, decoder: decoder, noiseType: self.received.noise)
            self.playing = format
            self.resampler =
                format.sampleRate == self.sampleRate ? nil : Resampler(from: format.sampleRate, to: self.sampleRate)
            self.resampled.removeAll(keepingCapacity: true)
        }
        self.playout?.insert(header, packet, at: now)
    }

    private mutating func takeEvents(at now: MonotonicInstant, into presses: inout [KeyPressMerger.Press]) {
        for case .began(let code) in self.events {
            guard let key = TelephoneEvent.key(of: code) else { continue }
            if let press = self.merger.report(key, by: .telephoneEvent, at: now) { presses.append(press) }
        }
        self.events.removeAll(keepingCapacity: true)
    }

    // MARK: One packet time

    /// Plays one packet time of the peer's sound.
    ///
    /// - Parameters:
    ///   - samples: `samplesPerPacket` samples are appended; silence while nothing comes.
    ///   - presses: Keys that are heard in it are appended.
    public mutating func play(
        at now: MonotonicInstant, into samples: inout [Int16], _ presses: inout [KeyPressMerger.Press]
    ) {
        let (start, count) = (samples.count, self.samplesPerPacket)
        if self.playout == nil {
            samples.append(contentsOf: repeatElement(0, count: count))
        } else if self.resampler == nil {
            self.playout?.play(count, into: &samples, at: now)
        } else {
            self.playResampled(count, into: &samples, at: now)
        }
        self.keysIn.wake(at: now, into: &self.events)
        self.takeEvents(at: now, into: &presses)
        var energy = 0
        for i in start..<samples.count { energy += Int(samples[i]) * Int(samples[i]) }
        // -50 dBov: 104 of 32768.
        if energy > 104 * 104 * count { self.heardSamples += count }
        // Who can send events does; its sound is not searched, so that a voice presses no keys.
        guard self.eventType == nil else { return }
        self.tones.listen(samples.span.extracting(start..<samples.count), into: &self.toneEvents)
        for case .began(let key) in self.toneEvents {
            if let press = self.merger.report(key, by: .inBand, at: now) { presses.append(press) }
        }
        self.toneEvents.removeAll(keepingCapacity: true)
    }

    private mutating func playResampled(_ count: Int, into samples: inout [Int16], at now: MonotonicInstant) {
        let step = Swift.max(1, (self.playing?.sampleRate ?? self.sampleRate) * self.packetMilliseconds / 1_000)
        while self.resampled.count < count {
            var decoded: [Int16] = []
            swap(&decoded, &self.decoded)
            decoded.removeAll(keepingCapacity: true)
            self.playout?.play(step, into: &decoded, at: now)
            self.resampler?.process(decoded.span, into: &self.resampled)
            swap(&decoded, &self.decoded)
        }
        samples.append(contentsOf: self.resampled.prefix(count))
        self.resampled.removeFirst(count)
    }

    /// Makes the packet of one packet time. Time passes, whether a packet is made or not.
    ///
    /// - Parameters:
    ///   - samples: The sound, `samplesPerPacket` samples; while a key is being sent it is left out.
    ///   - packet: The packet is appended.
    /// - Returns: Where to send it; `nil` when there is none, as on hold.
    public mutating func makePacket(
        _ samples: Span<Int16>, at now: MonotonicInstant, into packet: inout [UInt8]
    ) -> SocketAddress? {
        guard self.isSending, let destination = self.latch.destination else {
            let count = self.samplesPerPacket
            self.sender?.pause(samples: count)
            return nil
        }
        let start = packet.count
        var octets = 0
        self.lastSent = (now, self.sender?.timestamp ?? 0)
        self.sender?.send(samples) { header, payload in
            header.append(to: &packet)
            for i in 0..<payload.count { packet.append(payload[i]) }
            octets += payload.count
        }
        // A codec that sends nothing in silence may leave this packet out.
        guard packet.count > start else { return nil }
        self.sent &+= 1
        self.sentOctets &+= UInt64(octets)
        return destination
    }

    // MARK: RTCP

    /// Takes an RTCP datagram of the peer; one from elsewhere, or that is broken, changes nothing.
    ///
    /// - Parameter ntp: The wall clock, as reports carry it.
    public mutating func receiveControl(
        _ octets: Span<UInt8>, from source: SocketAddress, at now: MonotonicInstant, ntp: UInt64
    ) {
        guard self.peerControl.accepts(source, self.latch) else { return }
        guard (try? self.control.receive(octets, at: now, ntp: ntp)) != nil else { return }
        self.peerControl.learn(source)
        if let report = self.control.peerReport {
            // An encoder that can protect itself does as much as is lost (RFC 7587 §3.3).
            self.sender?.heard(lossPercent: Int(report.fractionLost) * 100 / 256)
        }
    }

    /// Appends a report when one is due.
    ///
    /// - Returns: Where to send it; `nil` when none is due or nowhere is known.
    public mutating func report(at now: MonotonicInstant, ntp: UInt64, into output: inout [UInt8]) -> SocketAddress? {
        guard now >= self.control.nextReport else { return nil }
        var (reception, metrics) = (self.reception, self.metrics)
        self.control.writeReport(
            sender: self.senderInfo(at: now, ntp: ntp), reception: &reception, metrics: metrics, at: now, to: &output)
        (self.reception, metrics) = (reception, nil)
        return self.peerControl.destination(self.latch)
    }

    /// Appends the report with which the stream ends.
    ///
    /// - Returns: Where to send it; `nil` when nowhere is known.
    public mutating func leave(at now: MonotonicInstant, ntp: UInt64, into output: inout [UInt8]) -> SocketAddress? {
        var reception = self.reception
        self.control.writeBye(
            sender: self.senderInfo(at: now, ntp: ntp), reception: &reception, at: now, to: &output)
        return self.peerControl.destination(self.latch)
    }

    /// What we say of what we send; `nil` while we have sent nothing.
    private func senderInfo(at now: MonotonicInstant, ntp: UInt64) -> SenderInfo? {
        guard self.sent > 0, let lastSent else { return nil }
        let elapsed = now.since(lastSent.at).nanoseconds / 1_000
        let rate = Int64(self.sender?.encoding.clockRate ?? 8_000)
        return SenderInfo(
            ntp: ntp,
            timestamp: lastSent.timestamp &+ UInt32(truncatingIfNeeded: elapsed * rate / 1_000_000),
            packets: UInt32(truncatingIfNeeded: self.sent), payloadOctets: UInt32(truncatingIfNeeded: self.sentOctets))
    }
}

/// What the payload types are that the peer may send.
private struct ReceivedFormats: Sendable {
    enum Kind {
        case audio(AudioFormat)
        case events(UInt32)
        case noise
    }

    private var kinds: [UInt8: Kind] = [:]
    /// The payload type of comfort noise.
    private(set) var noise: UInt8?

    init() {}

    init(_ stream: NegotiatedStream, _ formats: [AudioFormat]) {
        for format in stream.receiveFormats {
            if format.isTelephoneEvent {
                self.kinds[format.payloadType] = .events(format.map.clockRate)
            } else if format.is("CN") {
                self.kinds[format.payloadType] = .noise
                self.noise = format.payloadType
            } else if let audio = AudioFormat.of(format, among: formats) {
                self.kinds[format.payloadType] = .audio(audio)
            }
        }
    }

    subscript(payloadType: UInt8) -> Kind? { self.kinds[payloadType] }

    /// Ticks of the timestamp in a second.
    func clockRate(of kind: Kind) -> UInt32 {
        switch kind {
        case .audio(let format): format.media.map.clockRate
        case .events(let rate): rate
        case .noise: 8_000
        }
    }
}
