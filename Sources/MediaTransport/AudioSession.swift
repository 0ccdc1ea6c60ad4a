import CLinuxIO
public import MediaEngine
import RTP
import SDP
public import SIPMessages
import Synchronization

/// What happens in the audio of a call. It is told on a thread of the media server.
public enum AudioEvent: Hashable, Sendable {
    /// The first packet of the peer has come.
    case began(SocketAddress)
    /// A key was pressed.
    case pressed(key: Character, way: KeyWay)
    /// A sound has been played to its end.
    case played(UInt64)
    /// A stream of sound has room again.
    case hasRoom(UInt64)
    /// All keys that were ordered have been sent.
    case sentKeys
    /// Nothing has come for `MediaSettings.silence`.
    case silent
}

/// How a key was told.
public typealias KeyWay = KeyPressMerger.Way

/// The audio of a call on its thread: sockets on one side, sounds and listeners on the other.
final class AudioSession: PacketHandler {
    /// Octets that a stream of sound may hold before its writer has to wait: half a second at 16 kHz.
    static let roomSamples = 8_000

    private struct State: Sendable {
        var stream: AudioStream
        var isSharedPort: Bool
        var isExpectingMedia: Bool
        var lastHeard: MonotonicInstant
        var hasToldSilence = false
        var hasBegun = false
        var isMuted = false
        /// When the next packet is due.
        var nextPacket: MonotonicInstant
        var isSendingKeys = false
        // Kept to be used again.
        var report: [UInt8] = []
        var packet: [UInt8] = []
        var mix: [Int32] = []
        var out: [Int16] = []
        var presses: [KeyPressMerger.Press] = []
    }

    private let state: Mutex<State>
    private let sockets: SocketPair
    private let silence: TimeSpan?
    private let desk: SoundDesk
    private let told: @Sendable (AudioEvent) -> Void

    init(
        _ stream: NegotiatedStream, _ sockets: SocketPair, _ desk: SoundDesk, formats: [AudioFormat],
        silence: TimeSpan?, at now: MonotonicInstant, told: @escaping @Sendable (AudioEvent) -> Void
    ) {
        (self.sockets, self.silence, self.desk, self.told) = (sockets, silence, desk, told)
        // Streams that begin together do not send together.
        let phase = TimeSpan(nanoseconds: Int64.random(in: 0..<4) * MediaThread.tick.nanoseconds)
        self.state = Mutex(
            State(
                stream: AudioStream(seed: UInt64.random(in: .min ... .max), stream, formats: formats, at: now),
                isSharedPort: stream.hasRTCPMux, isExpectingMedia: stream.direction.receives, lastHeard: now,
                nextPacket: now.advanced(by: phase)))
    }

    func update(_ stream: NegotiatedStream, at now: MonotonicInstant) {
        self.state.withLock { state in
            state.stream.update(stream)
            state.isSharedPort = stream.hasRTCPMux
            state.isExpectingMedia = stream.direction.receives
            state.lastHeard = now
            state.hasToldSilence = false
        }
    }

    var statistics: AudioStatistics { self.state.withLock { $0.stream.statistics } }
    var sampleRate: Int { self.state.withLock { $0.stream.sampleRate } }

    /// Whether keys go as events; otherwise their tones go as sound.
    func send(keys: [Character], milliseconds: UInt32, pause: UInt32) -> Bool {
        self.state.withLock { state in
            guard state.stream.sendsEvents else { return false }
            for key in keys { _ = state.stream.send(key, milliseconds: milliseconds, pause: pause) }
            state.isSendingKeys = true
            return true
        }
    }

    func report(_ key: Character, by way: KeyPressMerger.Way, at now: MonotonicInstant) {
        let press = self.state.withLock { $0.stream.report(key, by: way, at: now) }
        if let press { self.told(.pressed(key: press.key, way: press.way)) }
    }

    func mute(_ isMuted: Bool) { self.state.withLock { $0.isMuted = isMuted } }

    private static func ntp() -> UInt64 { NTPTime.from(unixMilliseconds: cio_wall_milliseconds()) }

    // MARK: On the thread

    var isPaced: Bool { true }

    func receive(_ batch: PacketBatch, count: Int, isRTCP: Bool, at now: MonotonicInstant) {
        var events: [AudioEvent] = []
        self.state.withLock { state in
            for i in 0..<count {
                guard let source = batch.source(i) else { continue }
                batch.withOctets(i) { octets in
                    if isRTCP || (state.isSharedPort && RTCPReader.isRTCP(octets.span)) {
                        state.stream.receiveControl(octets.span, from: source, at: now, ntp: Self.ntp())
                    } else {
                        state.stream.receive(octets.span, from: source, at: now, into: &state.presses)
                    }
                }
            }
            guard let reception = state.stream.reception else { return }
            state.lastHeard = Swift.max(state.lastHeard, reception.lastArrival)
            if !state.hasBegun, let source = state.stream.latch.source {
                state.hasBegun = true
                events.append(.began(source))
            }
            Self.takePresses(&state, &events)
        }
        for event in events { self.told(event) }
    }

    func tick(at now: MonotonicInstant) {
        var events: [AudioEvent] = []
        self.state.withLock { state in
            let step = TimeSpan.milliseconds(Int64(state.stream.packetMilliseconds))
            // After a halt of the machine the clock begins anew: what was missed is of no use to anybody.
            if now.since(state.nextPacket) > step * 5 { state.nextPacket = now }
            while state.nextPacket <= now {
                state.nextPacket = state.nextPacket.advanced(by: step)
                self.exchange(&state, at: now, &events)
            }
        }
        for event in events { self.told(event) }
    }

    /// Plays one packet time, and sends one packet.
    private func exchange(_ state: inout State, at now: MonotonicInstant, _ events: inout [AudioEvent]) {
        let (count, rate) = (state.stream.samplesPerPacket, state.stream.sampleRate)
        var presses: [KeyPressMerger.Press] = []
        var heard: [Int16] = []
        heard.reserveCapacity(count)
        state.stream.play(at: now, into: &heard, &presses)
        state.presses += presses
        Self.takePresses(&state, &events)
        self.desk.hear(heard, rate: rate)
        state.mix.removeAll(keepingCapacity: true)
        state.mix.append(contentsOf: repeatElement(0, count: count))
        self.desk.mix(into: &state.mix, rate: rate, &events)
        var (out, packet): ([Int16], [UInt8]) = ([], [])
        swap(&out, &state.out)
        swap(&packet, &state.packet)
        out.removeAll(keepingCapacity: true)
        packet.removeAll(keepingCapacity: true)
        for sample in state.mix { out.append(state.isMuted ? 0 : Int16(clamping: sample)) }
        let destination = state.stream.makePacket(out.span, at: now, into: &packet)
        swap(&out, &state.out)
        swap(&packet, &state.packet)
        if let destination { self.sockets.rtp.send(state.packet, to: destination) }
        if state.isSendingKeys, state.stream.hasSentKeys {
            state.isSendingKeys = false
            events.append(.sentKeys)
        }
    }

    private static func takePresses(_ state: inout State, _ events: inout [AudioEvent]) {
        for press in state.presses { events.append(.pressed(key: press.key, way: press.way)) }
        state.presses.removeAll(keepingCapacity: true)
    }

    func wake(at now: MonotonicInstant) {
        let isSilent = self.state.withLock { state in
            if now >= state.stream.control.nextReport {
                self.send(&state) { $0.stream.report(at: now, ntp: Self.ntp(), into: &$0.report) }
            }
            guard let silence, state.isExpectingMedia, !state.hasToldSilence, now.since(state.lastHeard) > silence
            else { return false }
            state.hasToldSilence = true
            return true
        }
        if isSilent { self.told(.silent) }
    }

    /// Tells the peer that our source leaves (RFC 3550 §6.6).
    func leave(at now: MonotonicInstant) {
        self.state.withLock { state in
            self.send(&state) { $0.stream.leave(at: now, ntp: Self.ntp(), into: &$0.report) }
        }
    }

    private func send(_ state: inout State, _ write: (inout State) -> SocketAddress?) {
        state.report.removeAll(keepingCapacity: true)
        guard let destination = write(&state) else { return }
        (state.isSharedPort ? self.sockets.rtp : self.sockets.rtcp).send(state.report, to: destination)
    }
}
