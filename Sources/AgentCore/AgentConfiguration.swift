public import SIPDialogs
public import SIPMessages

/// One of a UA's addresses: `Flow.endpoint` counts them.
public struct AgentEndpoint: Hashable, Sendable {
    /// Its transport.
    public var transport: TransportProtocol
    /// The address that goes into Via and Contact.
    public var address: SocketAddress

    /// An end point; `address` is the one that others can reach.
    public init(_ transport: TransportProtocol, _ address: SocketAddress) {
        (self.transport, self.address) = (transport, address)
    }

    /// A Contact at this end point.
    func contact(user: String?) -> URI {
        var uri = SIPURI(user: user, host: Host(self.address.ip), port: self.address.port)
        if self.transport != .udp { uri.parameters["transport"] = String(describing: self.transport) }
        return .sip(uri)
    }

    /// The Via of a request that leaves here.
    func via(branch: String) -> Via {
        Via(
            self.transport, host: Host(self.address.ip), port: self.address.port,
            parameters: ["rport": nil, "branch": branch])
    }
}

/// What a UA is, what it can do, and how much of it (RFC 3261 §8).
public struct AgentConfiguration: Sendable {
    /// When provisional responses are sent reliably (RFC 3262 §3).
    public enum Reliability: Hashable, Sendable { case whenRequired, whenSupported }

    /// What it does beside plain calls.
    public struct Features: OptionSet, Hashable, Sendable {
        /// The features as bits.
        public let rawValue: UInt8
        /// The features with these bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// It takes MESSAGE (RFC 3428).
        public static let messages = Features(rawValue: 1)
        /// It calls whom a REFER names (RFC 3515), and reports how that goes.
        public static let transfers = Features(rawValue: 2)
        /// It lets a call take the place of another (RFC 3891).
        public static let replacement = Features(rawValue: 4)
        /// It mixes a call into another (RFC 3911): the application does what `AgentAction.joins` says.
        public static let joining = Features(rawValue: 8)
        /// It has early media in sessions of their own (RFC 3959).
        public static let earlySessions = Features(rawValue: 16)
    }

    /// Its addresses.
    public var endpoints: [AgentEndpoint]
    /// What goes into User-Agent and Server; empty for neither.
    public var product = "Biloxi"
    /// Which of our addresses a peer at an address sees; `nil` takes the first of the same family.
    public var source: (@Sendable (IPAddress) -> IPAddress?)?
    /// The media types of bodies that it understands.
    public var mediaTypes = [MediaType("application", "sdp")]
    /// What it does beside plain calls.
    public var features: Features = [.messages, .transfers, .replacement]
    /// The media types of messages that it takes (RFC 3428 §7).
    public var messageTypes = [MediaType.plainText]
    /// The packages of INFO that it takes (RFC 6086 §5.2).
    public var infoPackages: [String] = []
    /// Whether one who knows the tags of a dialog, and proved who it is as far as its credentials go, may have it replaced
    /// or joined (RFC 3891 §3, RFC 3911 §4): its INVITE, and who the other side of that dialog is.
    public var mayReplace: @Sendable (_ invite: SIPMessage, _ replaced: NameAddress) -> Bool = { _, _ in true }
    /// When provisional responses are sent reliably.
    public var reliability = Reliability.whenRequired
    /// What it wants of session timers; `nil` when it does without.
    public var sessionTimer: SessionTimerPolicy? = SessionTimerPolicy()
    /// Whether it tries the Contacts of a 3xx itself (RFC 3261 §8.1.3.4).
    public var followsRedirections = true
    /// Makes header lines for a request that was challenged, by name and value; `nil` when it has no password for it.
    public var credentials: (@Sendable (Challenged) -> [(name: String, value: String)]?)?
    /// The body of its 200 to OPTIONS: a description of the media that it can handle (RFC 3261 §11.2); empty for none.
    public var capabilities: [UInt8] = []
    /// How many calls there may be; beyond, an INVITE is answered with 486.
    public var maximumCalls = 100_000
    /// How many registrations are kept.
    public var maximumRegistrations = 10_000
    /// How many subscriptions of ours are kept.
    public var maximumSubscriptions = 10_000
    /// How many dialogs one INVITE of ours may make by forking.
    public var maximumForks = 16
    /// How many addresses one call may be redirected to.
    public var maximumTargets = 16
    /// How many transfers may be asked for in one call at a time, by each side.
    public var maximumTransfers = 4
    /// How long the application may take to decide on a transfer before the REFER is answered without it
    /// (RFC 3515 §2.4.2).
    public var decidingLimit: TimeSpan = .seconds(2)
    /// How long a transfer may take until it is reported no more, in seconds.
    public var reportingLimit: UInt32 = 300
    /// How long the media may take to describe itself; beyond, the request fails with 500.
    public var describingLimit: TimeSpan = .seconds(10)
    /// How long an INVITE to us may go unanswered; beyond, it is answered with 480.
    public var ringingLimit: TimeSpan = .seconds(180)

    /// A request that was challenged with 401 or 407.
    public struct Challenged: Sendable {
        /// The response with its challenges.
        public let response: SIPMessage
        /// The method of the request.
        public let method: Method
        /// The Request-URI as it was sent.
        public let uri: String
        /// The body of the request.
        public let body: [UInt8]
        /// A number nobody can predict, for a cnonce.
        public let random: UInt64
        /// How often it was sent with credentials already.
        public let attempts: Int
        /// The account that the request is of; `nil` for none.
        public var account: RegistrationHandle?
    }

    /// A UA at these addresses.
    public init(endpoints: [AgentEndpoint]) { self.endpoints = endpoints }

    /// The methods that it handles, for Allow. NOTIFY comes for transfers and subscriptions of ours, whatever we take.
    var methods: [Method] {
        var methods: [Method] = [.invite, .ack, .cancel, .bye, .options, .prack, .update, .info, .notify]
        if self.features.contains(.transfers) { methods += [.refer, .subscribe] }
        if self.features.contains(.messages) { methods.append(.message) }
        return methods
    }

    /// The extensions that it supports, for Supported.
    var extensions: [Token] {
        var extensions: [Token] = ["100rel"]
        if self.sessionTimer != nil { extensions.append("timer") }
        if self.features.contains(.replacement) { extensions.append("replaces") }
        if self.features.contains(.joining) { extensions.append("join") }
        if self.features.contains(.transfers) { extensions += ["norefersub", "nosub", "explicitsub", "tdialog"] }
        if self.features.contains(.earlySessions) { extensions.append("early-session") }
        return extensions
    }

    /// The number of the end point from which a peer at an address is spoken to over a transport; `nil` for none.
    public func endpoint(_ transport: TransportProtocol, to ip: IPAddress) -> UInt16? {
        let source = self.source?(ip)
        let fitting = self.endpoints.indices.filter {
            self.endpoints[$0].transport == transport && self.endpoints[$0].address.ip.isIPv6 == ip.isIPv6
        }
        let chosen = fitting.first { self.endpoints[$0].address.ip == source } ?? fitting.first
        return chosen.map { UInt16(truncatingIfNeeded: $0) }
    }

    /// The way to the server of a URI, where the URI says it all: an address instead of a name (RFC 3263 §4.1, §4.2).
    func flow(to uri: URI) -> Flow? {
        guard let sip = uri.sip, let ip = (sip.maddr ?? sip.host).address else { return nil }
        let transport = sip.transport.map { TransportProtocol($0) } ?? (sip.isSecure ? .tls : .udp)
        guard transport != .other, let endpoint = self.endpoint(transport, to: ip) else { return nil }
        return Flow(
            endpoint: endpoint, transport: transport, remote: SocketAddress(ip, sip.port ?? transport.defaultPort))
    }
}
