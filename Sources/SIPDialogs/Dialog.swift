public import SIPMessages

/// A dialog: what two UAs agree on about where and in which order their requests go (RFC 3261 §12).
///
///     INVITE ──101-199 with tag──▶ Early ──2xx──▶ Confirmed ──▶ gone
///        └─────────────────2xx─────────────────▶─┘
///
/// A dialog that is over exists no more: its owner drops it. It knows nothing of sessions, which are a usage of it
/// (RFC 5057).
public struct Dialog: Hashable, Sendable {
    /// Whether a final response has made it.
    public enum State: Hashable, Sendable { case early, confirmed }

    /// What tells it from others.
    public private(set) var id: DialogID
    /// Whether it is early or confirmed.
    public private(set) var state: State
    /// The local URI with its tag: From of what we send.
    public let local: NameAddress
    /// The remote URI with its tag: To of what we send.
    public let remote: NameAddress
    /// Whether we began it: then the Call-ID is ours (§14.1).
    public let isCaller: Bool
    /// The number of the last request that we sent; `nil` before the first.
    public private(set) var localSequence: UInt32?
    /// The number of the last request that the other side sent; `nil` before the first.
    public private(set) var remoteSequence: UInt32?
    /// Where requests are addressed to: the Contact of the other side.
    public private(set) var remoteTarget: URI
    /// The proxies that requests pass, the nearest first.
    public private(set) var routeSet: [NameAddress]
    /// Whether it was begun over TLS with a SIPS URI, so that requests must use SIPS (§12.1.1).
    public let isSecure: Bool

    // MARK: Construction

    /// The dialog that a response to our request begins (RFC 3261 §12.1.2).
    ///
    /// Where the response has no Contact, as provisional ones of some peers, requests go to the Request-URI for the time
    /// being.
    ///
    /// - Returns: `nil` when the response names no dialog: it has no From, To, Call-ID or CSeq.
    public init?(request: SIPMessage, response: SIPMessage) {
        guard let id = DialogID(response: response), let from = response.first(.from), let to = response.first(.to),
            let cseq = request.first(.cseq), let requestURI = request.requestURI
        else { return nil }
        self.id = id
        self.state = response.status?.isSuccess == true ? .confirmed : .early
        (self.local, self.remote) = (from, to)
        self.isCaller = true
        (self.localSequence, self.remoteSequence) = (cseq.number, nil)
        self.remoteTarget = response.first(.contact)?.uri ?? requestURI
        self.routeSet = response.all(.recordRoute).reversed()
        self.isSecure = requestURI.sip?.isSecure ?? false
    }

    /// The dialog that our response to a request begins (RFC 3261 §12.1.1).
    ///
    /// - Parameters:
    ///   - localTag: The tag that our response gives to To.
    ///   - localSequence: The number of the last request of ours with this Call-ID and tag: where a NOTIFY begins the
    ///     dialog, of what it was sent for (RFC 6665 §4.4.1).
    /// - Returns: `nil` when the request lacks From, To, Call-ID, CSeq or Contact.
    public init?(request: SIPMessage, localTag: String, localSequence: UInt32? = nil) {
        guard let callID = request.first(.callID), let from = request.first(.from), var to = request.first(.to),
            let cseq = request.first(.cseq), let contact = request.first(.contact)?.uri
        else { return nil }
        to.tag = localTag
        self.id = DialogID(callID, localTag: localTag, remoteTag: from.tag ?? "")
        self.state = .early
        (self.local, self.remote) = (to, from)
        self.isCaller = false
        (self.localSequence, self.remoteSequence) = (localSequence, cseq.number)
        self.remoteTarget = contact
        self.routeSet = request.all(.recordRoute)
        self.isSecure = request.requestURI?.sip?.isSecure ?? false
    }

    /// Our own 2xx makes the dialog confirmed.
    public mutating func confirm() { self.state = .confirmed }

    /// The 2xx to our INVITE makes the dialog confirmed; its Record-Route takes the place of the provisional one
    /// (RFC 3261 §13.2.2.4).
    public mutating func confirm(by response: SIPMessage) {
        if self.state == .early {
            self.state = .confirmed
            self.routeSet = response.all(.recordRoute).reversed()
        }
        self.refreshTarget(by: response)
    }

    /// A target refresh request that is accepted, or a reliable response to ours, says where requests go from now on
    /// (RFC 6141 §4.6, §4.7).
    public mutating func refreshTarget(by message: SIPMessage) {
        if let uri = message.first(.contact)?.uri { self.remoteTarget = uri }
    }

    // MARK: Requests of the other side

    /// How the number of a request stands to those before it.
    public enum Order: Hashable, Sendable {
        /// It is the next one; gaps are allowed.
        case inOrder
        /// It is not above the last one, and is answered with 500 (RFC 3261 §12.2.2).
        case outOfOrder
    }

    /// Takes note of the CSeq of a request other than ACK and CANCEL (RFC 3261 §12.2.2).
    public mutating func receive(_ cseq: CSeq) -> Order {
        if let last = self.remoteSequence, cseq.number <= last { return .outOfOrder }
        self.remoteSequence = cseq.number
        return .inOrder
    }

    // MARK: Requests of ours

    /// The URI whose server is asked first: that of the first route, or the remote target (RFC 3261 §8.1.2, §12.2.1.1).
    public var nextHop: URI { self.routeSet.first?.uri ?? self.remoteTarget }

    /// The number of the next request is counted; for an INVITE that is sent again outside of a dialog, too.
    public mutating func nextSequence() -> UInt32 {
        // A UAC chooses below 2^31 (§8.1.1.5); a dialog that came there would have sent a request a second for 68 years.
        let next = ((self.localSequence ?? 0) &+ 1) & 0x7FFF_FFFF
        self.localSequence = next
        return next
    }

    /// A request of the next number, without Via and Contact (RFC 3261 §12.2.1.1).
    public mutating func request(_ method: Method) -> MessageBuilder {
        let number = self.nextSequence()
        return self.request(method, number: number)
    }

    /// The ACK to a 2xx, which has the number of its INVITE (RFC 3261 §13.2.2.4), without Via.
    public func acknowledgement(of number: UInt32) -> MessageBuilder { self.request(.ack, number: number) }

    private func request(_ method: Method, number: UInt32) -> MessageBuilder {
        var target = self.remoteTarget
        var routes = self.routeSet
        if let first = self.routeSet.first, first.uri.sip?.isLooseRouter == false {
            // A strict router takes the Request-URI's place, which moves to the end of the route (§12.2.1.1).
            routes.removeFirst()
            routes.append(NameAddress(self.remoteTarget))
            target = Self.asRequestURI(first.uri)
        }
        var builder = MessageBuilder(method, Self.asRequestURI(target))
        builder.add(.route, routes)
        builder.add(.maxForwards, 70)
        builder.add(.from, self.local)
        builder.add(.to, self.remote)
        builder.add(.callID, self.id.callID)
        builder.add(.cseq, CSeq(number, method))
        return builder
    }

    /// The URI without what may not stand in a Request-URI: `method` and header fields (§19.1.1, table 1).
    private static func asRequestURI(_ uri: URI) -> URI {
        guard var sip = uri.sip else { return uri }
        sip.parameters.remove("method")
        sip.headers = URIParameters()
        return .sip(sip)
    }
}
