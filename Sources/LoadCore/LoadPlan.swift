public import SIPMessages
public import SIPTransactions

/// What a run does: what begins, towards whom, and how what comes is answered.
public struct LoadPlan: Sendable {
    /// What begins again and again.
    public enum Scenario: Hashable, Sendable {
        /// INVITE, ACK, after `hold` BYE.
        case calls
        /// REGISTER of one user after the other.
        case registrations
        /// MESSAGE.
        case messages
        /// OPTIONS.
        case options

        var method: Method.Code {
            switch self {
            case .calls: .invite
            case .registrations: .register
            case .messages: .message
            case .options: .options
            }
        }
    }

    /// What begins; `nil` for nothing: then calls and messages are only answered.
    public var scenario: Scenario?
    /// The Request-URI: who is called, or the registrar.
    public var target: NumberedText
    /// Who calls, and who is registered: a URI without brackets.
    public var account: NumberedText
    /// What REGISTER binds; `nil` for the address that it is sent from.
    public var contact: NumberedText?
    /// How long a binding is to last, in seconds.
    public var expires: UInt32 = 3600
    /// How many users take turns, and the number of the first.
    public var users = 1
    /// The number of the first user.
    public var firstUser = 1
    /// When each begins.
    public var schedule: ArrivalSchedule
    /// How many may be under way at once.
    public var concurrency: Int
    /// How many begin at most; `nil` for as many as the schedule has.
    public var count: Int?
    /// How long a call is up.
    public var hold: TimeSpan = .zero
    /// How long a call may ring before it is cancelled.
    public var patience: TimeSpan = .seconds(60)
    /// The text of a MESSAGE.
    public var text = "The quick brown fox jumps over the lazy dog."
    /// Over TLS, the domain that the server's certificate must be for; empty for its address.
    public var domain: [UInt8] = []
    /// User-Agent.
    public var product = "Biloxi"
    /// The base values of the timers.
    public var timers = TransactionTimers()
    /// How what comes is answered.
    public var answering = Answering()
    /// Answers challenges; `nil` where there is no password.
    public var credentials: Credentials?

    /// A run.
    public init(
        _ scenario: Scenario?, target: NumberedText, account: NumberedText, schedule: ArrivalSchedule,
        concurrency: Int
    ) {
        self.scenario = scenario
        (self.target, self.account, self.schedule) = (target, account, schedule)
        self.concurrency = concurrency
    }

    /// How requests are answered that come.
    public struct Answering: Hashable, Sendable {
        /// Whether calls are taken; otherwise they are answered with 480.
        public var takesCalls = false
        /// How long after the INVITE 180 is sent; not at all where the final answer comes earlier.
        public var ringAfter: TimeSpan = .zero
        /// How long after the INVITE the final answer is sent.
        public var answerAfter: TimeSpan = .zero
        /// The final answer to what begins something: 200, or a refusal.
        public var status: UInt16 = 200
        /// How many calls there may be at once; one more is answered with 503.
        public var calls = 200_000

        /// 200 to everything but calls.
        public init() {}
    }

    /// Answers a challenge.
    public struct Credentials: Sendable {
        /// Appends the value of Authorization or Proxy-Authorization; returns `false`, and appends nothing, where the challenge
        /// is none that can be answered.
        ///
        /// - Parameters:
        ///   - challenge: The response; its challenge lies in the range.
        ///   - method: The method of the request.
        ///   - uri: Its Request-URI.
        ///   - user: The number of the user.
        public typealias Writer =
            @Sendable (
                _ challenge: Span<UInt8>, _ value: OctetRange, _ method: String, _ uri: String, _ user: Int,
                _ output: inout [UInt8]
            ) -> Bool

        let write: Writer

        /// Credentials that a function makes, since their digest needs a library.
        public init(_ write: @escaping Writer) { self.write = write }
    }
}

/// One of the addresses that a generator sends from and receives at.
public struct LoadSource: Hashable, Sendable {
    /// Its transport.
    public let transport: TransportProtocol
    /// The address and port, as others reach it.
    public let address: SocketAddress
    /// `Via: SIP/2.0/UDP 192.0.2.1:5060;branch=`
    let viaStart: [UInt8]
    /// `@192.0.2.1:5060;transport=tcp>`, without the transport where it is UDP.
    let contactEnd: [UInt8]
    /// An offer or answer without media.
    let description: [UInt8]

    /// An address.
    public init(_ transport: TransportProtocol, _ address: SocketAddress) {
        (self.transport, self.address) = (transport, address)
        var via = Array("Via: SIP/2.0/\(transport.viaName) ".utf8)
        address.write(to: &via)
        via.append(";branch=")
        self.viaStart = via
        var contact: [UInt8] = [0x40]
        address.write(to: &contact)
        if transport != .udp { contact += Array(";transport=\(transport)".utf8) }
        contact.append(0x3E)
        self.contactEnd = contact
        let family = address.ip.isIPv6 ? "IP6" : "IP4"
        // Nothing is sent or received (RFC 3264 §5.1), so that no port is needed.
        let lines = [
            "v=0", "o=- 1 1 IN \(family) \(address.ip)", "s=-", "c=IN \(family) \(address.ip)", "t=0 0",
            "m=audio 9 RTP/AVP 8 0 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=inactive",
        ]
        self.description = Array(lines.map { $0 + "\r\n" }.joined().utf8)
    }
}
