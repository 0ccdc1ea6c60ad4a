public import MediaEngine
import MediaKeying
import RTP
import SDP
public import SIPMessages
import SRTP
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
    /// The audio flows one way only.
    case oneWay(OneWayAudio)
    /// It cannot be protected as was agreed on, and so it does not flow: why.
    case unprotected(String)
}

/// How a key was told.
public typealias KeyWay = KeyPressMerger.Way

/// The audio of a call on its thread: sockets on one side, sounds and listeners on the other.
final class AudioSession: MediaSession {
    /// Octets that a stream of sound may hold before its writer has to wait: half a second at 16 kHz.
    static let roomSamples = 8_000

    private struct State: Sendable {
        var base: SessionState<AudioStream>
        /// Looks whether audio flows both ways, once the call stands: before, nobody has to send.
        var watch: FlowWatch?
        var desk: SoundDesk
        var hasBegun = false
        var isMuted = false
        /// When the next packet is due.
        var nextPacket: MonotonicInstant
        var isSendingKeys = false
        // Kept to be used again.
        var packet: [UInt8] = []
        var mix: [Int32] = []
        var out: [Int16] = []
        var presses: [KeyPressMerger.Press] = []
    }

    private let state: Mutex<State>
    private let told: @Sendable (AudioEvent) -> Void

    init(
        _ stream: NegotiatedStream, _ keys: MediaKeys, _ identity: DTLSIdentity?, _ sockets: SocketPair,
        _ desk: SoundDesk, formats: [AudioFormat], silence: TimeSpan?, at now: MonotonicInstant,
        told: @escaping @Sendable (AudioEvent) -> Void
    ) {
        self.told = told
        // Streams that begin together do not send together.
        let phase = TimeSpan(nanoseconds: Int64.random(in: 0..<4) * MediaThread.tick.nanoseconds)
        let audio = AudioStream(seed: UInt64.random(in: .min ... .max), stream, formats: formats, at: now)
        self.state = Mutex(
            State(
                base: SessionState(audio, stream, keys, identity, sockets, silence: silence, at: now),
                desk: desk, nextPacket: now.advanced(by: phase)))
    }

    func update(_ stream: NegotiatedStream, _ keys: MediaKeys, at now: MonotonicInstant) {
        self.state.withLock { state in
            state.base.update(stream, keys, at: now)
            state.watch?.restart(at: now)
        }
    }

    var statistics: AudioStatistics {
        self.state.withLock { state in
            var statistics = state.base.stream.statistics
            statistics.protection = state.base.protection.description
            statistics.rejected &+= state.base.protection.unopened
            return statistics
        }
    }

    /// Whether keys go as events; otherwise their tones go as sound.
    func send(keys: [Character], milliseconds: UInt32, pause: UInt32) -> Bool {
        self.state.withLock { state in
            guard state.base.stream.sendsEvents else { return false }
            for key in keys { _ = state.base.stream.send(key, milliseconds: milliseconds, pause: pause) }
            state.isSendingKeys = true
            return true
        }
    }

    func report(_ key: Character, by way: KeyPressMerger.Way, at now: MonotonicInstant) {
        let press = self.state.withLock { $0.base.stream.report(key, by: way, at: now) }
        if let press { self.told(.pressed(key: press.key, way: press.way)) }
    }

    /// The call stands: audio has to flow both ways from now on.
    func establish(at now: MonotonicInstant) {
        self.state.withLock { state in
            if state.watch == nil { state.watch = FlowWatch(at: now) }
        }
    }

    /// What sounds, and who listens, is another from now on.
    func use(_ desk: SoundDesk) { self.state.withLock { $0.desk = desk } }

    func mute(_ isMuted: Bool) { self.state.withLock { $0.isMuted = isMuted } }

    // MARK: On the thread

    var isPaced: Bool { true }

    func receive(_ batch: PacketBatch, count: Int, isRTCP: Bool, at now: MonotonicInstant) {
        var events: [AudioEvent] = []
        self.state.withLock { state in
            var presses: [KeyPressMerger.Press] = []
            swap(&presses, &state.presses)
            for i in 0..<count {
                state.base.receive(i, of: batch, isRTCP: isRTCP, at: now) { stream, octets, source in
                    stream.receive(octets.span, from: source, at: now, into: &presses)
                    return nil
                }
            }
            swap(&presses, &state.presses)
            if !state.hasBegun, let source = state.base.stream.latch.source {
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
            let step = TimeSpan.milliseconds(Int64(state.base.stream.packetMilliseconds))
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
        let (count, rate) = (state.base.stream.samplesPerPacket, state.base.stream.sampleRate)
        var presses: [KeyPressMerger.Press] = []
        var heard: [Int16] = []
        heard.reserveCapacity(count)
        state.base.stream.play(at: now, into: &heard, &presses)
        state.presses += presses
        Self.takePresses(&state, &events)
        state.desk.hear(heard, rate: rate)
        state.mix.removeAll(keepingCapacity: true)
        state.mix.append(contentsOf: repeatElement(0, count: count))
        state.desk.mix(into: &state.mix, rate: rate, &events)
        var (out, packet): ([Int16], [UInt8]) = ([], [])
        swap(&out, &state.out)
        swap(&packet, &state.packet)
        out.removeAll(keepingCapacity: true)
        packet.removeAll(keepingCapacity: true)
        for sample in state.mix { out.append(state.isMuted ? 0 : Int16(clamping: sample)) }
        state.desk.send(out, rate: rate)
        let destination = state.base.stream.makePacket(out.span, at: now, into: &packet)
        swap(&out, &state.out)
        if let destination { state.base.send(&packet, to: destination) }
        swap(&packet, &state.packet)
        if state.isSendingKeys, state.base.stream.hasSentKeys {
            state.isSendingKeys = false
            events.append(.sentKeys)
        }
    }

    private static func takePresses(_ state: inout State, _ events: inout [AudioEvent]) {
        for press in state.presses { events.append(.pressed(key: press.key, way: press.way)) }
        state.presses.removeAll(keepingCapacity: true)
    }

    func wake(at now: MonotonicInstant) {
        var events: [AudioEvent] = []
        self.state.withLock { state in
            if state.base.wake(at: now) { events.append(.silent) }
            if let reason = state.base.protection.takeFailure() { events.append(.unprotected(reason)) }
            guard let finding = state.watch?.look(Self.situation(state.base), at: now) else { return }
            events.append(.oneWay(Self.oneWay(finding, state.base)))
        }
        for event in events { self.told(event) }
    }

    private static func situation(_ base: SessionState<AudioStream>) -> FlowWatch.Situation {
        let (stream, control) = (base.stream, base.stream.control)
        return FlowWatch.Situation(
            isExpecting: base.isExpectingMedia, isPausing: stream.isPeerPausing,
            received: stream.reception?.received ?? 0, sent: stream.sent, reports: control.reports,
            reported: control.isReportedOn ? control.peerReport?.extendedHighest : nil)
    }

    private static func oneWay(_ finding: FlowWatch.Finding, _ base: SessionState<AudioStream>) -> OneWayAudio {
        let latch = base.stream.latch
        return OneWayAudio(
            finding: finding, described: latch.described, source: latch.source, destination: latch.destination,
            elsewhere: latch.rejectedSource, problem: base.protection.problem)
    }

    func leave(at now: MonotonicInstant) { self.state.withLock { $0.base.leave(at: now) } }
}
