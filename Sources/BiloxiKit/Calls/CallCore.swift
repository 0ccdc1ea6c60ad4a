import AgentCore
import MediaTransport
import SDP
import SIPMessages
import Synchronization

/// What a call knows and who waits for it: told by the agent and by the media, asked by the tasks of the application.
final class CallCore: Sendable {
    private struct State: Sendable {
        var line: CallLine
        /// The call that this one takes the place of as soon as it stands.
        var predecessor: Call?
        var refusal: SIPError?
        /// What went wrong on our side, which the end then tells of.
        var failure: SIPError?
        var sounds: [UInt64: Promise<Result<Void, SIPError>>] = [:]
        /// Sounds that ended before anybody waited for their end.
        var played: Set<UInt64> = []
        var rooms: [UInt64: Promise<Void>] = [:]
        var sentKeys: Promise<Void>?
        var change: Promise<Result<Void, SIPError>>?
        var isEstablished = false
        var isHeldByPeer = false
        /// What the other side hears while it is held.
        var music: UInt64?
    }

    private let state: Mutex<State>
    /// Whether it was answered, or why not.
    let answered = Promise<Result<Void, SIPError>>()
    /// How it ended.
    let end = Promise<SIPError>()
    let digits = Channel<Digit>(limit: 256)
    let events = Channel<CallEvent>(limit: 256)

    init(_ line: CallLine) {
        self.state = Mutex(State(line: line))
        line.relay.core = self
    }

    func begin(_ handle: CallHandle, _ callID: String?) {
        self.state.withLock { ($0.line.handle, $0.line.callID) = (handle, callID) }
    }

    var line: CallLine { self.state.withLock { $0.line } }
    var handle: CallHandle? { self.state.withLock { $0.line.handle } }
    var callID: String? { self.state.withLock { $0.line.callID } }

    var predecessor: Call? {
        get { self.state.withLock { $0.predecessor } }
        set { self.state.withLock { $0.predecessor = newValue } }
    }

    /// Takes another line; returns the one before.
    func exchange(_ line: CallLine) -> CallLine {
        line.relay.core = self
        return self.state.withLock { state in
            defer { (state.line, state.isHeldByPeer) = (line, line.audio.agreed?.isHeldByPeer ?? false) }
            return state.line
        }
    }

    /// Lets the calls that wait for answers of the agent in vain go on: the line has changed.
    func lineChanged(_ peer: String) {
        let change = self.state.withLock { state in
            defer { state.change = nil }
            return state.change
        }
        change?.keep(.failure(SIPError(.rejected, "the other side is another one now")))
        self.events.send(.transferred(to: peer))
    }
    var isHeldByPeer: Bool { self.state.withLock { $0.isHeldByPeer } }

    /// Notes what the other side hears while it is held; returns what it has heard.
    func exchangeMusic(_ number: UInt64?) -> UInt64? {
        self.state.withLock { state in
            defer { state.music = number }
            return state.music
        }
    }

    // MARK: From the agent

    func progressed(_ response: SIPMessage) {
        guard let status = response.status else { return }
        self.state.withLock { $0.line.callID = response.first(.callID)?.value }
        self.events.send(.progress(status: Int(status.number), reason: response.reasonPhrase))
    }

    func established() {
        self.state.withLock { $0.isEstablished = true }
        if self.answered.keep(.success(())) { self.events.send(.answered) }
    }

    func refused(_ response: SIPMessage) {
        let error = SIPError(response)
        self.state.withLock { ($0.refusal, $0.line.callID) = (error, error.callID) }
    }

    /// Something went wrong on our side; the end of the call follows.
    func failed(_ error: SIPError) { self.state.withLock { $0.failure = $0.failure ?? error } }

    func agreed(_ stream: NegotiatedStream?) {
        let (change, turned) = self.state.withLock { state in
            defer { state.change = nil }
            let isHeld = stream?.isHeldByPeer ?? false
            defer { state.isHeldByPeer = isHeld }
            return (state.change, state.isEstablished && isHeld != state.isHeldByPeer ? isHeld : nil)
        }
        change?.keep(.success(()))
        if let turned { self.events.send(turned ? .heldByPeer : .resumedByPeer) }
    }

    /// A change that we asked for was refused.
    func changed(_ error: SIPError) {
        let change = self.state.withLock { state in
            defer { state.change = nil }
            return state.change
        }
        change?.keep(.failure(error))
    }

    func ended(_ end: CallEnd) {
        let state = self.state.withLock { state in
            defer {
                (state.sounds, state.rooms, state.sentKeys, state.change) = ([:], [:], nil, nil)
            }
            return state
        }
        var error = state.failure ?? SIPError(end)
        if state.failure == nil, case .rejected = end, let refusal = state.refusal { error = refusal }
        error.callID = state.line.callID
        self.end.keep(error)
        self.answered.keep(.failure(error))
        for sound in state.sounds.values { sound.keep(.failure(error)) }
        for room in state.rooms.values { room.keep(()) }
        state.sentKeys?.keep(())
        state.change?.keep(.failure(error))
        self.digits.close()
        self.events.send(.ended(error))
        self.events.close()
    }

    // MARK: From the media

    func happened(_ event: AudioEvent) {
        switch event {
        case .began(let source): self.events.send(.audioBegan(from: source.description))
        case .pressed(let key, let way):
            let digit = Digit(key: key, via: Digit.Way(way))
            self.digits.send(digit)
            self.events.send(.digit(digit))
        case .played(let number):
            let sound = self.state.withLock { state in
                let sound = state.sounds.removeValue(forKey: number)
                if sound == nil { state.played.insert(number) }
                return sound
            }
            sound?.keep(.success(()))
        case .hasRoom(let number):
            let room = self.state.withLock { $0.rooms.removeValue(forKey: number) }
            room?.keep(())
        case .sentKeys:
            let promise = self.state.withLock { state in
                defer { state.sentKeys = nil }
                return state.sentKeys
            }
            promise?.keep(())
        case .silent: self.events.send(.silent)
        case .oneWay(let finding): self.events.send(.oneWayAudio(OneWayAudio(finding)))
        case .unprotected: break  // The call ends with it.
        }
    }

    // MARK: Waiting

    /// The end of a sound that has been begun.
    func endOfSound(_ number: UInt64) -> Promise<Result<Void, SIPError>> {
        let promise = Promise<Result<Void, SIPError>>()
        if let error = self.end.current {
            promise.keep(.failure(error))
            return promise
        }
        let isOver = self.state.withLock { state in
            if state.played.remove(number) != nil { return true }
            state.sounds[number] = promise
            return false
        }
        if isOver { promise.keep(.success(())) }
        if let error = self.end.current { promise.keep(.failure(error)) }
        return promise
    }

    /// The moment when a stream of sound has room again.
    func room(_ number: UInt64) -> Promise<Void> {
        self.state.withLock { state in
            if let promise = state.rooms[number] { return promise }
            let promise = Promise<Void>()
            state.rooms[number] = promise
            return promise
        }
    }

    /// The moment when all keys have been sent; to be taken before they are ordered.
    func keysSent() -> Promise<Void> {
        self.state.withLock { state in
            if let promise = state.sentKeys { return promise }
            let promise = Promise<Void>()
            state.sentKeys = promise
            return promise
        }
    }

    /// The outcome of the change of the session that is about to be asked for; `nil` when one is under way.
    func beginChange() -> Promise<Result<Void, SIPError>>? {
        self.state.withLock { state in
            guard state.change == nil else { return nil }
            let promise = Promise<Result<Void, SIPError>>()
            state.change = promise
            return promise
        }
    }
}
