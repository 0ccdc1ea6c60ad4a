public import SIPMessages

/// One end of a dialog, as the proxy knows the way to it when the dialog begins.
public struct DialogSide: BitwiseCopyable, Hashable, Sendable {
    /// The way to the end, where it is known.
    public var flow: Flow?
    /// Whether requests to this end go over `flow` whatever URI they name: the end sits on a connection or behind a NAT
    /// (RFC 5626 §5.3).
    public var isPinned = false
    /// Whether the end is a user of ours, who has proved it.
    public var isUser = false
    /// The keyed hash of the host that the next hop to this end has, 1 to 2^32 - 1; 0 where it is not known.
    public var hop: UInt32 = 0
    /// Whether requests to this end have their CSeq raised by one: the dialog began with a request that was sent a second
    /// time, with credentials of ours (RFC 3261 §22.3).
    public var raisesCSeq = false

    /// An end of which nothing is known.
    public init() {}
}

/// What our value in Record-Route says of a dialog, in a form that nobody else can make: RFC 5626 §5.2.
///
/// It stands in the parameter `d` of our URI, so that the proxy keeps no state of a dialog, and finds the way of its later
/// requests after a restart too. It holds both ends: a request that bears the tag of the one goes to the other, by
/// whichever of our end points it comes in.
///
/// ### What it permits
///
/// A request within a dialog cannot always be challenged: an ACK never, a caller from elsewhere has no password of ours.
/// So the token lets it through, and must not let through more. It is no secret: both ends of the dialog know it, and
/// either may be an enemy, who writes what he likes behind our Route: an invented To tag, any Request-URI, any further
/// Route. A token that proved the dialog only (that its Call-ID was set up through us) would relay for him to any address,
/// to a gateway that trusts us for one. Therefore it binds where the dialog leads, and a request goes on unchallenged
///
/// - over the flow of the other end, where the end is pinned: the URI decides nothing then;
/// - to the host where the other end, or the proxy before it, was when the dialog began;
/// - anywhere, if it comes over the flow of an end that was then a user of ours: it may call anywhere anyway.
///
/// The last holds over UDP as far as source addresses do: who can forge that of a user's device, and knows the token of a
/// call of his, can send a request in his name, and gets no answer to it. Connections cannot be forged so.
///
/// A request to another place (the other end has moved, and given a new Contact) is judged as if it began a dialog. An
/// ACK is let through by the token alone: it makes no transaction, gets no answer, and who does not wait for it drops it.
///
/// The proof covers the Call-ID and the tag of the end that began the dialog, all that is in the token, and our own
/// addresses. It is 64 bits of SipHash-2-4: to guess one takes as many requests.
public struct FlowToken: BitwiseCopyable, Hashable, Sendable {
    /// The end that sent the request which made the dialog.
    public var caller: DialogSide
    /// The other end.
    public var callee: DialogSide

    /// A token for these ends.
    public init(caller: DialogSide, callee: DialogSide) { (self.caller, self.callee) = (caller, callee) }

    /// What a proof is made for: the dialog that a Call-ID and the tag of one of its ends name.
    public static func dialog(
        _ octets: Span<UInt8>, callID: Range<Int>, tag: Range<Int>, key: SipHashKey
    ) -> UInt64 {
        var hasher = SipHash24(key: key)
        hasher.combine(octet: 0x64)
        hasher.combine(octets, callID)
        hasher.combine(octet: 0)
        hasher.combine(octets, tag)
        return hasher.finish()
    }

    /// What the proof of our Path is made for, in which the client is the caller: it holds for every request.
    public static var registration: UInt64 { 0x7061_7468 }

    /// The keyed hash of the host of a URI, for `DialogSide.hop`.
    public static func hop(_ uri: URIIndex, _ octets: Span<UInt8>, key: SipHashKey) -> UInt32 {
        var hasher = SipHash24(key: key)
        if let ip = uri.hostAddress(in: octets) {
            hasher.combine(octet: 1)
            hasher.combine(ip.high)
            hasher.combine(ip.low)
        } else {
            hasher.combine(octet: 2)
            hasher.combine(lowercasing: octets, uri.host.range)
        }
        return Swift.max(1, UInt32(truncatingIfNeeded: hasher.finish()))
    }

    // MARK: Octets

    private enum Flag {
        static let hasFlow: UInt8 = 1
        static let isIPv6: UInt8 = 2
        static let isPinned: UInt8 = 4
        static let mayConnect: UInt8 = 8
        static let isUser: UInt8 = 16
        static let hasHop: UInt8 = 32
        static let hasConnection: UInt8 = 64
        static let raisesCSeq: UInt8 = 128
    }

    /// Appends the token as text.
    ///
    /// - Parameters:
    ///   - subject: What `dialog` gives for the dialog.
    ///   - configuration: Whose end points the flows name.
    public func write(
        for subject: UInt64, _ configuration: borrowing ProxyConfiguration, key: SipHashKey, into output: inout [UInt8]
    ) {
        var writer = Octets()
        var hasher = SipHash24(key: key)
        hasher.combine(subject)
        Self.write(self.caller, configuration, &hasher, into: &writer)
        Self.write(self.callee, configuration, &hasher, into: &writer)
        hasher.combine(writer.octets.span, 0..<writer.count)
        writer.append(hasher.finish(), octets: 8)
        output.append(base64URL: writer.octets.span, 0..<writer.count)
    }

    /// The octets of a token: two ends of 33 octets at most, and the proof.
    struct Octets {
        var octets = InlineArray<74, UInt8>(repeating: 0)
        var count = 0

        /// The octets for which a text stands; `nil` when that cannot be a token.
        init?(_ text: Span<UInt8>, _ range: Range<Int>) {
            guard range.count >= 14, range.count <= 99 else { return nil }
            var (octets, count) = (self.octets, 0)
            let isWhole = text.decodeBase64URL(range) {
                octets[count] = $0
                count &+= 1
            }
            guard isWhole else { return nil }
            (self.octets, self.count) = (octets, count)
        }

        init() {}

        mutating func append(_ number: UInt64, octets count: Int) {
            for i in 0..<count {
                self.octets[self.count] = UInt8(truncatingIfNeeded: number >> UInt64(8 * i))
                self.count += 1
            }
        }
    }

    private static func write(
        _ side: DialogSide, _ configuration: borrowing ProxyConfiguration, _ hasher: inout SipHash24,
        into writer: inout Octets
    ) {
        let flow = side.isPinned || side.isUser ? side.flow : nil
        var flags: UInt8 = 0
        if side.isPinned { flags |= Flag.isPinned }
        if side.isUser { flags |= Flag.isUser }
        if side.hop != 0 { flags |= Flag.hasHop }
        if side.raisesCSeq { flags |= Flag.raisesCSeq }
        if let flow {
            flags |= Flag.hasFlow
            if flow.remote.ip.isIPv6 { flags |= Flag.isIPv6 }
            if flow.mayConnect { flags |= Flag.mayConnect }
            if flow.connection != 0 { flags |= Flag.hasConnection }
        }
        writer.append(UInt64(flags), octets: 1)
        if side.hop != 0 { writer.append(UInt64(side.hop), octets: 4) }
        guard let flow else { return }
        writer.append(UInt64(flow.endpoint), octets: 2)
        if flow.connection != 0 {
            writer.append(UInt64(configuration.generation), octets: 4)
            writer.append(UInt64(flow.connection), octets: 4)
        }
        if flow.remote.ip.isIPv6 { writer.append(flow.remote.ip.high, octets: 8) }
        writer.append(flow.remote.ip.low, octets: flow.remote.ip.isIPv6 ? 8 : 4)
        writer.append(UInt64(flow.remote.port), octets: 2)
        configuration.combineLocal(of: flow.endpoint, &hasher)
    }

    /// Reads the token in `range`; `nil` when it is none of ours for this dialog.
    public init?(
        _ text: Span<UInt8>, _ range: Range<Int>, for subject: UInt64, _ configuration: borrowing ProxyConfiguration,
        key: SipHashKey
    ) {
        guard let claim = Claim(text, range, configuration), claim.isProved(for: subject, configuration, key: key)
        else { return nil }
        self = claim.token
    }

    /// What a text says that may be a token of ours, before anything proves it.
    public struct Claim {
        /// What it says.
        public let token: FlowToken
        /// What the proof covers of it, and the proof.
        private let octets: Octets
        private let proof: UInt64

        /// Reads the text in `range`; `nil` when it cannot be one of ours.
        ///
        /// A connection of an earlier run is lost: what takes its place must be opened, where it may be.
        public init?(_ text: Span<UInt8>, _ range: Range<Int>, _ configuration: borrowing ProxyConfiguration) {
            guard let octets = Octets(text, range) else { return nil }
            var reader = Reader(octets: octets, end: octets.count - 8)
            guard let caller = FlowToken.read(&reader, configuration),
                let callee = FlowToken.read(&reader, configuration), reader.position == reader.end
            else { return nil }
            reader.end = octets.count
            guard let proof = reader.number(8) else { return nil }
            (self.token, self.octets, self.proof) = (FlowToken(caller: caller, callee: callee), octets, proof)
        }

        /// Whether it was made by us for this dialog.
        public func isProved(
            for subject: UInt64, _ configuration: borrowing ProxyConfiguration, key: SipHashKey
        ) -> Bool {
            var hasher = SipHash24(key: key)
            hasher.combine(subject)
            // An end has a flow here exactly where it had one when the token was made.
            if let flow = self.token.caller.flow { configuration.combineLocal(of: flow.endpoint, &hasher) }
            if let flow = self.token.callee.flow { configuration.combineLocal(of: flow.endpoint, &hasher) }
            hasher.combine(self.octets.octets.span, 0..<self.octets.count - 8)
            return hasher.finish() == self.proof
        }
    }

    private struct Reader {
        let octets: Octets
        var position = 0
        var end: Int

        init(octets: Octets, end: Int) { (self.octets, self.end) = (octets, end) }

        mutating func number(_ count: Int) -> UInt64? {
            guard self.position + count <= self.end else { return nil }
            var number: UInt64 = 0
            for i in 0..<count { number |= UInt64(self.octets.octets[self.position &+ i]) &<< UInt64(8 &* i) }
            self.position += count
            return number
        }
    }

    private static func read(
        _ reader: inout Reader, _ configuration: borrowing ProxyConfiguration
    ) -> DialogSide? {
        guard let number = reader.number(1) else { return nil }
        let flags = UInt8(truncatingIfNeeded: number)
        var side = DialogSide()
        side.isPinned = flags & Flag.isPinned != 0
        side.isUser = flags & Flag.isUser != 0
        side.raisesCSeq = flags & Flag.raisesCSeq != 0
        if flags & Flag.hasHop != 0 {
            guard let hop = reader.number(4) else { return nil }
            side.hop = UInt32(truncatingIfNeeded: hop)
        }
        guard flags & Flag.hasFlow != 0 else { return side }
        guard let endpoint = reader.number(2), Int(endpoint) < configuration.endpoints.count else { return nil }
        var connection: UInt32 = 0
        let mayConnect = flags & Flag.mayConnect != 0
        if flags & Flag.hasConnection != 0 {
            guard let generation = reader.number(4), let number = reader.number(4) else { return nil }
            let isOfThisRun = generation == UInt64(configuration.generation)
            connection =
                isOfThisRun ? UInt32(truncatingIfNeeded: number) : mayConnect ? 0 : Flow.lostConnection
        }
        let isIPv6 = flags & Flag.isIPv6 != 0
        var high: UInt64 = 0
        if isIPv6 {
            guard let upper = reader.number(8) else { return nil }
            high = upper
        }
        guard let low = reader.number(isIPv6 ? 8 : 4), let port = reader.number(2) else { return nil }
        let ip = isIPv6 ? IPAddress(v6: high, low) : IPAddress(v4: UInt32(truncatingIfNeeded: low))
        var flow = Flow(
            endpoint: UInt16(truncatingIfNeeded: endpoint), transport: configuration.endpoints[Int(endpoint)].transport,
            connection: connection, remote: SocketAddress(ip, UInt16(truncatingIfNeeded: port)))
        flow.mayConnect = mayConnect
        side.flow = flow
        return side
    }
}

extension ProxyConfiguration {
    /// Makes a proof depend on our side of a flow.
    fileprivate func combineLocal(of endpoint: UInt16, _ hasher: inout SipHash24) {
        guard Int(endpoint) < self.endpoints.count else { return }
        let local = self.endpoints[Int(endpoint)].local
        hasher.combine(octet: self.endpoints[Int(endpoint)].transport.rawValue)
        hasher.combine(local.ip.high)
        hasher.combine(local.ip.low)
        hasher.combine(UInt64(local.port))
    }
}
