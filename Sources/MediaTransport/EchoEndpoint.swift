import MediaEngine
public import SDP
public import SIPMessages
import Synchronization

/// One call's end point that returns what it hears. All methods may be called from any thread.
///
/// Descriptions go in and out as octets, as a dialog carries them. The sockets are open from the first description that
/// needs them until `stop`.
public final class EchoEndpoint: Sendable {
    /// What came of a description.
    public typealias Outcome = DescriptionOutcome

    /// The formats that are returned unheard: an echo needs no codec, only to know them by name.
    public static let formats: [MediaFormat] = [
        MediaFormat(0, "PCMU"), MediaFormat(8, "PCMA"), MediaFormat(9, "G722"),
        MediaFormat(96, "opus", 48_000, channels: 2), MediaFormat(18, "G729"), MediaFormat(4, "G723"),
        MediaFormat(97, "iLBC"), MediaFormat(3, "GSM"), MediaFormat(98, "speex"), MediaFormat(99, "speex", 16_000),
        MediaFormat(101, "telephone-event", parameters: "0-16"),
        MediaFormat(102, "telephone-event", 48_000, parameters: "0-16"),
        MediaFormat(103, "telephone-event", 16_000, parameters: "0-16"), MediaFormat(13, "CN"),
    ]

    private let server: MediaServer
    private let silent: @Sendable () -> Void
    private let state: Mutex<EndpointState<EchoSession>>

    init(_ server: MediaServer, _ local: IPAddress, _ silent: @escaping @Sendable () -> Void) {
        (self.server, self.silent) = (server, silent)
        self.state = Mutex(EndpointState(server, local, Self.formats))
    }

    deinit { self.stop() }

    /// The port of the RTP socket; `nil` while there is none.
    public var port: UInt16? { self.state.withLock { $0.sockets?.rtp.local.port } }

    /// What the end point can do, for a 200 to OPTIONS and the body of a 488 (RFC 3264 §9).
    public var capabilities: [UInt8] { self.state.withLock { $0.negotiation.capabilities } }

    /// Answers an offer, the first or a later one; what is agreed on holds at once.
    public func answer(_ octets: [UInt8]) -> Outcome {
        self.state.withLock { state in
            var negotiation = state.negotiation
            let outcome = negotiation.answer(octets) { () throws(MediaError) in try state.stream(Self.formats) }
            state.negotiation = negotiation
            if case .description = outcome { self.apply(&state) }
            return outcome
        }
    }

    /// Makes an offer: for an INVITE without one, or an INVITE of ours.
    public func offer() -> Outcome {
        self.state.withLock { state in
            var negotiation = state.negotiation
            let outcome = negotiation.offer { () throws(MediaError) in try state.stream(Self.formats) }
            state.negotiation = negotiation
            return outcome
        }
    }

    /// Takes the answer to our offer; returns why it cannot be used, or `nil`.
    public func accept(answer octets: [UInt8]) -> String? {
        self.state.withLock { state in
            if let problem = state.negotiation.accept(answer: octets) { return problem }
            self.apply(&state)
            return nil
        }
    }

    /// Our offer was rejected: what was agreed on before holds on.
    public func offerRejected() { self.state.withLock { $0.negotiation.offerRejected() } }

    /// What has come and gone so far; `nil` while there is no stream.
    public var statistics: EchoStatistics? { self.state.withLock { $0.session }?.statistics }

    /// Closes the sockets. Nothing is returned any more.
    public func stop() { self.state.withLock { _ = $0.stop() } }

    private func apply(_ state: inout EndpointState<EchoSession>) {
        let identity = state.identity
        _ = state.apply { stream, keys, sockets, now in
            EchoSession(
                stream, keys, identity, sockets, silence: self.server.settings.silence, at: now, silent: self.silent)
        }
    }
}

/// What an echo has received and returned.
public struct EchoStatistics: Hashable, Sendable {
    /// Packets that came in the peer's current stream.
    public var received: UInt64 = 0
    /// Packets of it that are missing.
    public var lost: Int64 = 0
    /// The jitter of their arrival.
    public var jitter = TimeSpan.zero
    /// The time there and back, by the peer's reports.
    public var roundTrip: TimeSpan?
    /// Packets that were returned.
    public var returned: UInt64 = 0
    /// Packets that were dropped.
    public var dropped: UInt64 = 0
    /// Where they come from and go to.
    public var peer: SocketAddress?
}
