import CLinuxIO
public import MediaEngine
public import SDP
import SIPMessages
import Synchronization

/// The audio of one call: descriptions, sockets, and what sounds in it. All methods may be called from any thread.
///
/// Descriptions go in and out as octets, as a dialog carries them. The sockets are open from the first description that
/// needs them until `stop`.
public final class AudioEndpoint: Sendable {
    private struct State: Sendable {
        var base: EndpointState<AudioSession>
        /// Of an INVITE that forks each leg has an answer of its own; the offer is the same.
        var offered: Negotiation?
        var legs: [Int: Negotiation] = [:]
        var leg: Int?
        var direction = MediaDirection.sendrecv
        var isMuted = false
        var isEstablished = false
        var last = AudioStatistics()
    }

    /// The encodings that it takes, the preferred first.
    public let formats: [AudioFormat]
    private let server: MediaServer
    private let told: @Sendable (AudioEvent) -> Void
    private let table = Mutex(SoundDesk())
    private let state: Mutex<State>

    init(
        _ server: MediaServer, _ local: IPAddress, _ formats: [AudioFormat],
        _ told: @escaping @Sendable (AudioEvent) -> Void
    ) {
        (self.server, self.formats, self.told) = (server, formats, told)
        self.state = Mutex(State(base: EndpointState(server, local, AudioFormat.described(formats))))
    }

    deinit { self.stop() }

    private var desk: SoundDesk { self.table.withLock { $0 } }

    /// Lets what sounds at another end point, and who listens there, go on here; there it is silent then. Numbers of sounds
    /// and listeners stay what they are. For a call that takes the place of another.
    public func continueSound(of other: AudioEndpoint) {
        let desk = other.table.withLock { desk in
            defer { desk = SoundDesk() }
            return desk
        }
        self.table.withLock { $0 = desk }
        for endpoint in [other, self] {
            let (session, desk) = (endpoint.state.withLock { $0.base.session }, endpoint.desk)
            session?.use(desk)
        }
    }

    // MARK: Descriptions

    /// What it can do, for a 200 to OPTIONS and the body of a 488 (RFC 3264 §9).
    public var capabilities: [UInt8] { self.state.withLock { $0.base.negotiation.capabilities } }

    /// What we want to do with the audio, for the next offer or answer: `sendonly` and `inactive` hold the other side.
    public var direction: MediaDirection {
        get { self.state.withLock { $0.direction } }
        set { self.state.withLock { $0.direction = newValue } }
    }

    /// What is agreed on; `nil` where nothing is.
    public var agreed: NegotiatedStream? { self.state.withLock { $0.base.negotiation.stream } }

    /// Answers an offer, the first or a later one; what is agreed on holds at once.
    public func answer(_ octets: [UInt8]) -> DescriptionOutcome {
        self.state.withLock { state in
            var negotiation = state.base.negotiation
            let outcome = negotiation.answer(octets) { () throws(MediaError) in try self.stream(&state) }
            state.base.negotiation = negotiation
            if case .description = outcome { self.apply(&state) }
            return outcome
        }
    }

    /// Makes an offer.
    ///
    /// - Parameter limits: What the other side could agree to, by the body of its 488.
    public func offer(limits: [UInt8]? = nil) -> DescriptionOutcome {
        self.state.withLock { state in
            var negotiation = state.base.negotiation
            let outcome = negotiation.offer(limits: limits) { () throws(MediaError) in try self.stream(&state) }
            state.base.negotiation = negotiation
            if case .description = outcome { (state.offered, state.legs) = (negotiation, [:]) }
            return outcome
        }
    }

    /// What was agreed on in a leg of the call holds now.
    ///
    /// - Parameter description: The other side's. If an offer of ours waits, it is the answer; else ours has answered it.
    /// - Returns: why it cannot be used, or `nil`.
    public func start(leg: Int, _ description: [UInt8]) -> String? {
        self.state.withLock { state in
            if var negotiation = state.offered, state.legs[leg] == nil {
                if let problem = negotiation.accept(answer: description) { return problem }
                state.legs[leg] = negotiation
                // Of several early dialogs the newest is heard (RFC 3960 §3.1 leaves the choice).
                (state.base.negotiation, state.leg) = (negotiation, leg)
                self.apply(&state)
            }
            return nil
        }
    }

    /// The call stands, and goes on with this leg: what it agreed on holds.
    public func choose(leg: Int) {
        self.state.withLock { state in
            if let negotiation = state.legs[leg], state.leg != leg {
                (state.base.negotiation, state.leg) = (negotiation, leg)
                self.apply(&state)
            }
            (state.offered, state.legs, state.isEstablished) = (nil, [:], true)
            state.base.session?.establish(at: MonotonicInstant(nanoseconds: cio_monotonic_nanoseconds()))
        }
    }

    /// Our offer was rejected: what was agreed on before holds on.
    public func offerRejected() {
        self.state.withLock { state in
            state.base.negotiation.offerRejected()
            state.offered = nil
        }
    }

    private func stream(_ state: inout State) throws(MediaError) -> LocalStream {
        try state.base.stream(AudioFormat.described(self.formats), state.direction)
    }

    /// Lets what is agreed on hold.
    private func apply(_ state: inout State) {
        let (identity, desk) = (state.base.identity, self.desk)
        let (isMuted, isEstablished) = (state.isMuted, state.isEstablished)
        let ended = state.base.apply { stream, keys, sockets, now in
            let session = AudioSession(
                stream, keys, identity, sockets, desk, formats: self.formats,
                silence: self.server.settings.silence, at: now, told: self.told)
            session.mute(isMuted)
            if isEstablished { session.establish(at: now) }
            return session
        }
        if let ended { state.last = ended.statistics }
    }

    /// Closes the sockets; nothing is sent or heard any more.
    public func stop() {
        self.state.withLock { state in
            if let ended = state.base.stop() { state.last = ended.statistics }
        }
    }

    // MARK: Sound

    /// The port of the RTP socket; `nil` while there is none.
    public var port: UInt16? { self.state.withLock { $0.base.sockets?.rtp.local.port } }

    /// Lets something sound, together with what sounds already; `AudioEvent.played` tells its end.
    ///
    /// - Returns: Its number.
    public func play(_ source: SoundSource) -> UInt64 { self.desk.add(source) }

    /// Lets one sound be heard alone, while all others wait where they are; `nil` lets them go on.
    public func playAlone(_ number: UInt64?) { self.desk.playAlone(number) }

    /// Ends a sound.
    public func endSound(_ number: UInt64) { self.desk.remove(number) }

    /// Writes to a stream of sound.
    ///
    /// - Returns: `false` when it has half a second and more: `AudioEvent.hasRoom` tells when to go on.
    public func write(_ samples: [Int16], to number: UInt64) -> Bool { self.desk.write(samples, to: number) }

    /// Lets a stream of sound end with what it has.
    public func closeSound(_ number: UInt64) { self.desk.close(number) }

    /// Lets somebody listen to what is heard, or to what is sent: samples and their rate, for each packet time. Runs on a
    /// thread of the media server and must not block.
    ///
    /// - Returns: A number for `removeListener`.
    public func addListener(
        toOwn isOwn: Bool = false, _ listener: @escaping @Sendable ([Int16], Int) -> Void
    ) -> UInt64 {
        self.desk.addListener(toOwn: isOwn, listener)
    }

    /// Lets a listener go.
    public func removeListener(_ number: UInt64) { self.desk.removeListener(number) }

    /// Whether silence goes out in place of what sounds.
    public var isMuted: Bool {
        get { self.state.withLock { $0.isMuted } }
        set {
            let session = self.state.withLock { state in
                state.isMuted = newValue
                return state.base.session
            }
            session?.mute(newValue)
        }
    }

    // MARK: Keys

    /// Sends keys one after the other, as events where the other side takes them (RFC 4733), else as their tones.
    ///
    /// - Returns: `nil` when they go as events, whose end `AudioEvent.sentKeys` tells; else the number of the sound.
    public func send(keys: [Character], milliseconds: UInt32 = 100, pause: UInt32 = 60) -> UInt64? {
        let session = self.state.withLock { $0.base.session }
        if session?.send(keys: keys, milliseconds: milliseconds, pause: pause) == true { return nil }
        return self.play(SoundSource(tone: Tone.keys(String(keys), milliseconds: milliseconds, pause: pause)))
    }

    /// Takes a key that came by INFO; it is told unless the audio has told it already.
    public func reportKeyByInfo(_ key: Character) {
        let session = self.state.withLock { $0.base.session }
        session?.report(key, by: .info, at: MonotonicInstant(nanoseconds: cio_monotonic_nanoseconds()))
    }

    /// What has passed so far.
    public var statistics: AudioStatistics {
        self.state.withLock { state in state.base.session?.statistics ?? state.last }
    }
}
