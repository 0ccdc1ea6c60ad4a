import MediaEngine
import MediaTransport
import SIPMessages

/// What happens in a call.
public enum CallEvent: Hashable, Sendable {
    /// A provisional response came: 180, it rings; 183, something is to be heard.
    case progress(status: Int, reason: String)
    /// It was answered.
    case answered
    /// The first packet of the other side's audio came, from this address.
    case audioBegan(from: String)
    /// A key was pressed at the other side.
    case digit(Digit)
    /// The other side holds us.
    case heldByPeer
    /// The other side wants to hear us again.
    case resumedByPeer
    /// The other side wants us to call someone in its place.
    case transferRequested(IncomingTransfer)
    /// The other side is someone else now: the one before has transferred us, or has sent another in its place. What sounds
    /// in the call, and who listens, stays.
    case transferred(to: String)
    /// A transfer that we have asked for goes on: what its target answers.
    case transferProgress(status: Int, reason: String)
    /// Nothing has been heard for `UserAgentSettings.silence`.
    case silent
    /// The audio flows one way only: noticed after four seconds, and told once.
    case oneWayAudio(OneWayAudio)
    /// It is over.
    case ended(SIPError)
}

/// Audio that flows one way only, and the addresses that were seen.
public struct OneWayAudio: Hashable, Sendable, CustomStringConvertible {
    /// Whether nothing comes; otherwise nothing of ours arrives, as the other side reports.
    public let isNothingHeard: Bool
    /// Where the other side says that it is, where its packets come from, and where ours go; `nil` for what is not known.
    public let described: String?, source: String?, destination: String?
    /// Where packets come from that are not taken; `nil` where there are none.
    public let elsewhere: String?
    /// What is wrong, in words, with the addresses.
    public let description: String

    init(_ finding: MediaEngine.OneWayAudio) {
        self.isNothingHeard = finding.finding == .nothingComes
        self.described = finding.described?.description
        self.source = finding.source?.description
        self.destination = finding.destination?.description
        self.elsewhere = finding.elsewhere?.description
        self.description = finding.description
    }
}

/// A key that was pressed.
public struct Digit: Hashable, Sendable {
    /// How it was told.
    public enum Way: String, Hashable, Sendable {
        /// As an event in the audio (RFC 4733).
        case telephoneEvent = "telephone-event"
        /// By INFO.
        case info
        /// As its tone.
        case inBand = "in-band"

        init(_ way: KeyWay) {
            switch way {
            case .telephoneEvent: self = .telephoneEvent
            case .info: self = .info
            case .inBand: self = .inBand
            }
        }
    }

    /// The key: 0-9, *, #, A-D.
    public let key: Character
    /// The way that told of it first.
    public let via: Way
}

/// How a call sounds, and what has passed.
public struct CallQuality: Hashable, Sendable {
    /// The opinion score of a conversation by the E-model, 1 to 4.5 (ITU-T G.107); 0 while nothing has come.
    public var mos: Double = 0
    /// The encoding of what we send; empty while nothing is agreed on.
    public var codec = ""
    /// Packets that came, and those that are missing.
    public var received = 0, lost = 0
    /// Packets that did not come in time to be heard, in percent of those expected.
    public var lossPercent: Double = 0
    /// Packets that we have sent.
    public var sent = 0
    /// What the other side has lost of ours by its last report, in percent; `nil` while none has come.
    public var peerLossPercent: Double?
    /// The opinion score of a conversation at the other side: what it says of itself (RFC 3611 §4.7.5), or what follows of
    /// its reports; `nil` while none has come.
    public var peerMOS: Double?
    /// The jitter of arrival (RFC 3550 §6.4.1), here and at the other side; `nil` while that has not reported.
    public var jitter = Duration.zero, peerJitter: Duration?
    /// What protects the audio: `SDES AES_CM_128_HMAC_SHA1_80`, `DTLS AEAD_AES_128_GCM`; empty while nothing does.
    public var encryption = ""
    /// The time there and back; `nil` while no report has come.
    public var roundTrip: Duration?
    /// How long packets are held back so that all come in time.
    public var bufferDelay = Duration.zero
    /// How much of what was heard was no silence.
    public var heard = Duration.zero
    /// Packets that came from elsewhere or were of no use.
    public var rejected = 0
    /// Where the other side's packets come from; `nil` while none has come.
    public var source: String?
    /// Where ours go.
    public var destination: String?
}
