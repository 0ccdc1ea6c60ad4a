import AgentCore
import MediaEngine
import MediaTransport
import SDP
import SIPMessages
import SignallingTransport

/// A call, one's own or one that was accepted. It is over when one side hangs up, and at the latest when the scope of its
/// user agent ends.
///
///     let call = try await ua.call("sip:bob@example.test", ringFor: .seconds(20))
///     try await call.play(.file("hello.wav"))
///     try await call.send(digits: "42#")
///     await call.hangUp()
public final class Call: Sendable {
    let core: CallCore
    let engine: Engine
    /// Whether we have called.
    public let isOutgoing: Bool

    init(_ engine: Engine, at local: IPAddress, peer: NameAddress?, isOutgoing: Bool) {
        (self.engine, self.isOutgoing) = (engine, isOutgoing)
        self.core = CallCore(CallLine(engine, at: local, peer: peer))
    }

    var audio: AudioEndpoint { self.core.line.audio }
    /// The address of ours that the other side sees.
    var local: IPAddress { self.core.line.local }
    /// The other side: `sip:bob@example.test`; after a transfer the new one.
    public var peer: String { self.core.line.peer }
    /// The name that the other side gives itself; `nil` without one.
    public var peerName: String? { self.core.line.peerName }

    /// Goes on with the other side of another call, which gets ours; what sounds here, and who listens, stays.
    func exchangeLines(with other: Call) {
        let line = other.core.line
        line.audio.isMuted = self.audio.isMuted
        line.audio.continueSound(of: self.audio)
        _ = other.core.exchange(self.core.exchange(line))
        self.core.lineChanged(line.peer)
    }

    /// The Call-ID, to find the call in a trace.
    public var callID: String? { self.core.callID }

    /// How it ended; `nil` while it goes on.
    public var end: SIPError? { self.core.end.current }

    /// What happens in the call, from its beginning. Each event goes to one listener.
    public var events: Events<CallEvent> { self.core.events.sequence }

    /// The keys that are pressed at the other side, each once, however it tells them: as events, by INFO or as tones. Each
    /// goes to one listener, `collect` included.
    public var digits: Events<Digit> { self.core.digits.sequence }

    /// Waits until the call is over.
    ///
    /// - Returns: How it ended; `nil` when the task was cancelled before.
    @discardableResult
    public func ended() async -> SIPError? { await self.core.end.value() }

    /// Hangs up: BYE, or CANCEL while it is not answered. When the call is over nothing happens.
    public func hangUp() async { self.hangUpNow() }

    func hangUpNow() {
        guard let handle = self.core.handle else { return }
        self.engine.perform { turn in
            turn.agent.hangUp(handle, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
    }

    // MARK: Hold

    /// Lets the other side wait: nothing of it is wanted any more (RFC 3264 §8.4).
    ///
    /// - Parameter music: What it hears meanwhile, over and over; all else that is played waits. Without one that goes on.
    /// - Throws: `SIPError` when it refuses, when the call is over, or: `media`, when there is no such file.
    public func hold(playing music: Sound? = nil) async throws {
        let source = try music?.source(loops: true)
        try await self.change(.sendonly)
        guard let source else { return }
        let number = self.audio.play(source)
        self.audio.playAlone(number)
        if let before = self.core.exchangeMusic(number) { self.audio.endSound(before) }
    }

    /// Goes on after `hold`.
    ///
    /// - Throws: `SIPError` when the other side refuses, or the call is over.
    public func resume() async throws {
        try await self.change(.sendrecv)
        guard let number = self.core.exchangeMusic(nil) else { return }
        self.audio.playAlone(nil)
        self.audio.endSound(number)
    }

    /// Whether the other side holds us.
    public var isHeldByPeer: Bool { self.core.isHeldByPeer }

    private func change(_ direction: MediaDirection) async throws {
        if let error = self.core.end.current { throw error }
        guard let handle = self.core.handle, let change = self.core.beginChange() else {
            throw SIPError(.rejected, "a change of the call is under way: wait for it")
        }
        let before = self.audio.direction
        self.audio.direction = direction
        self.engine.perform { turn in
            turn.agent.modify(handle, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
        switch await change.value() {
        case .success?: return
        case .failure(let error)?:
            self.audio.direction = before
            throw error
        case nil: throw CancellationError()
        }
    }

    /// Whether silence goes out in place of what is played.
    public var isMuted: Bool {
        get { self.audio.isMuted }
        set { self.audio.isMuted = newValue }
    }

    // MARK: Quality

    /// How it sounds, and what has passed so far; of a call that is over, how it was.
    public func quality() -> CallQuality {
        let statistics = self.audio.statistics
        var quality = CallQuality()
        quality.mos = statistics.quality?.conversationScore ?? 0
        quality.codec = statistics.codec
        (quality.received, quality.lost) = (Int(clamping: statistics.received), Int(statistics.lost))
        let expected = Double(statistics.received) + Double(Swift.max(0, statistics.lost))
        if expected > 0 { quality.lossPercent = Double(statistics.missed) * 100 / expected }
        quality.sent = Int(clamping: statistics.sent)
        quality.peerLossPercent = statistics.peerLossPercent
        quality.jitter = statistics.jitter.duration
        quality.roundTrip = statistics.roundTrip?.duration
        quality.bufferDelay = statistics.bufferDelay.duration
        quality.heard = statistics.heard.duration
        quality.rejected = Int(clamping: statistics.rejected)
        quality.peerJitter = statistics.peerJitter?.duration
        quality.peerMOS = statistics.peerScore
        quality.encryption = statistics.protection
        quality.source = statistics.source?.description
        quality.destination = statistics.destination?.description
        return quality
    }
}
