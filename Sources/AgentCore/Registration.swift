public import SIPMessages

/// A registration that is to be kept (RFC 3261 §10.2).
public struct RegistrationPlan: Hashable, Sendable {
    /// The registrar: the Request-URI, a domain without user.
    public var registrar: URI
    /// The address-of-record: To and From.
    public var aor: NameAddress
    /// The user part of our Contact; that of the address-of-record unless set.
    public var contactUser: String?
    /// How long the binding should last, in seconds.
    public var expires: UInt32 = 3600
    /// What identifies this device for good, a URN without angle brackets (RFC 5626 §4.1); `nil` for none.
    public var instanceID: String?
    /// Which of the device's flows it is (RFC 5626 §4.2); `nil` without Outbound.
    public var regID: UInt32?
    /// Proxies that the REGISTER passes first.
    public var routes: [NameAddress] = []

    /// The user part of the Contact.
    var user: String? { self.contactUser ?? self.aor.uri.sip?.user }

    /// A registration of an address-of-record with the registrar of its domain.
    public init(_ aor: NameAddress, registrar: URI) { (self.aor, self.registrar) = (aor, registrar) }
}

/// What a registrar has granted.
public struct RegistrationGrant: Hashable, Sendable {
    /// How long our binding lasts, in seconds.
    public var expires: UInt32
    /// Proxies that requests of ours are to pass (RFC 3608).
    public var serviceRoute: [NameAddress]
    /// More addresses-of-record that are ours (RFC 7315 §4.1).
    public var associated: [NameAddress]
    /// The public GRUU of this device (RFC 5627 §4.2).
    public var publicGRUU: SIPURI?
    /// The temporary GRUU that was minted with this answer (RFC 5627 §4.2).
    public var temporaryGRUU: SIPURI?
    /// Whether requests for us come over the flow of the REGISTER (RFC 5626 §4.2.1).
    public var isOutbound = false
    /// After how many seconds without a sign of life the first hop gives the flow up (RFC 5626 §4.4); `nil` when it does
    /// not say.
    public var flowTimer: UInt32?
}

/// A registration: made, refreshed in time, tried again with patience when it fails, and removed (RFC 3261 §10.2,
/// RFC 5626 §4.5).
///
///     registering ──2xx──▶ registered ──most of its time──▶ registering
///        ├──423: longer──▶ registering       └──flow lost──▶ registering
///        ├──408, 5xx, nothing──▶ waiting ──back-off──▶ registering
///        ├──other──▶ refused
///        └──removed──▶ removing ──any answer──▶ gone
struct Registration {
    enum State: Hashable { case registering, registered, waiting, refused, removing }

    let plan: RegistrationPlan
    let callID: CallID
    private let tag: String
    private(set) var state = State.registering
    private var number: UInt32 = 0
    private var expires: UInt32
    private var failures: Int64 = 0
    /// Whether the binding is to be removed as soon as the answer is there.
    private(set) var isUnwanted = false
    private(set) var wakeAt = MonotonicInstant.never
    var timer: Int32 = -1
    /// The REGISTER that is underway.
    var request: RequestHandle?
    /// The way that the last REGISTER went.
    var flow: Flow?
    /// Whether the first hop knows nothing of Outbound: the binding is an ordinary one (RFC 5626 §4.2.1).
    private var lacksOutbound = false
    /// What was granted last.
    private(set) var granted: RegistrationGrant?

    /// The first and the longest wait after a failure (RFC 5626 §4.5).
    private static let baseWait = TimeSpan.seconds(30)
    private static let longestWait = TimeSpan.seconds(1800)

    init(_ plan: RegistrationPlan, callID: CallID, tag: String) {
        (self.plan, self.callID, self.tag) = (plan, callID, tag)
        self.expires = plan.expires
    }

    mutating func nextSequence() -> UInt32 {
        self.number &+= 1
        return self.number
    }

    /// A REGISTER, without Via and Contact. All of one registration have one Call-ID, and rising numbers (§10.2).
    mutating func makeRequest() -> MessageBuilder {
        (self.state, self.wakeAt) = (self.isUnwanted ? .removing : .registering, .never)
        var builder = MessageBuilder(.register, self.plan.registrar)
        builder.add(.route, self.plan.routes)
        builder.add(.maxForwards, 70)
        var from = self.plan.aor
        from.tag = self.tag
        builder.add(.from, from)
        builder.add(.to, self.plan.aor)
        builder.add(.callID, self.callID)
        builder.add(.cseq, CSeq(self.nextSequence(), .register))
        builder.add(named: "Supported", self.regID == nil ? "path, gruu" : "path, gruu, outbound")
        return builder
    }

    private var regID: UInt32? { self.lacksOutbound ? nil : self.plan.regID }

    /// What its Contact says.
    var contact: OutgoingRequest.ContactPlan {
        var parameters = Parameters()
        if let instanceID = self.plan.instanceID {
            parameters.append(Parameter("+sip.instance", "<\(instanceID)>", isQuoted: true))
        }
        if let regID = self.regID { parameters.append(Parameter("reg-id", String(regID))) }
        parameters.append(Parameter("expires", self.isUnwanted ? "0" : String(self.expires)))
        return .init(user: self.plan.user, parameters: parameters)
    }

    /// What is to be done after an answer.
    enum Step {
        case registered(RegistrationGrant)
        /// Try again at once: with a longer time, or to remove it.
        case again
        /// Wait, and try again.
        case wait(TimeSpan)
        case refused
        case gone
    }

    /// A final answer came to the REGISTER.
    ///
    /// - Parameter contact: The Contact that it had.
    mutating func receive(
        _ response: SIPMessage, _ status: StatusCode, contact: URI?, random: UInt64, at now: MonotonicInstant
    ) -> Step {
        if self.state == .removing { return .gone }
        if self.isUnwanted { return .again }
        if status.isSuccess {
            let grant = self.grant(response, contact: contact)
            (self.state, self.granted) = (.registered, grant)
            self.failures = 0
            // Refreshed well before its end: five seconds are for a REGISTER that has to be sent again.
            let seconds = Int64(grant.expires)
            let margin = Swift.max(Swift.min(seconds / 10, 60), Swift.min(seconds / 2, 5))
            self.wakeAt = now.advanced(by: .seconds(Swift.max(seconds - margin, 1)))
            return .registered(grant)
        }
        if status == 423, let minimum = response.first(.minExpires), minimum > self.expires {
            self.expires = minimum  // §10.2.8
            return .again
        }
        if status == 439, self.regID != nil {
            self.lacksOutbound = true
            return .again
        }
        let isPassing = status == 408 || status == 480 || status == 430 || status.statusClass == 5
        guard isPassing else {
            self.state = .refused
            return .refused
        }
        return self.wait(atLeast: response.first(.retryAfter)?.seconds ?? 0, random: random, at: now)
    }

    /// There was no answer, or no way.
    mutating func failed(random: UInt64, at now: MonotonicInstant) -> Step {
        if self.isUnwanted { return .gone }
        return self.wait(atLeast: 0, random: random, at: now)
    }

    /// 30 s, doubled with each failure up to half an hour, of which a random 50 to 100 % are waited (RFC 5626 §4.5).
    private mutating func wait(atLeast seconds: UInt32, random: UInt64, at now: MonotonicInstant) -> Step {
        let upper = Swift.min(Self.baseWait * (1 << Swift.min(self.failures, 10)), Self.longestWait)
        self.failures += 1
        let half = upper.nanoseconds / 2
        let drawn = TimeSpan(nanoseconds: half + Int64(random % UInt64(half)))
        let asked = TimeSpan.seconds(Int64(Swift.min(seconds, 86_400)))
        let span = Swift.max(drawn, asked)
        self.state = .waiting
        self.wakeAt = now.advanced(by: span)
        return .wait(span)
    }

    /// The binding is not wanted any more.
    ///
    /// - Returns: whether a REGISTER is to be sent now; otherwise one is underway, or there is nothing to remove.
    mutating func remove() -> Bool {
        self.isUnwanted = true
        self.wakeAt = .never
        return self.state == .registered
    }

    private func grant(_ response: SIPMessage, contact: URI?) -> RegistrationGrant {
        let contacts = response.all(.contact)
        let ours = contacts.first { binding in
            if let instanceID = self.plan.instanceID, binding.instanceID == instanceID { return true }
            guard let contact, let uri = binding.uri else { return false }
            return uri.isEquivalent(to: contact)
        }
        let expires = ours?.expires ?? response.first(.expires) ?? self.expires
        return RegistrationGrant(
            expires: expires, serviceRoute: response.all(.serviceRoute), associated: response.all(.pAssociatedURI),
            publicGRUU: ours?.publicGRUU, temporaryGRUU: ours?.temporaryGRUU,
            isOutbound: self.regID != nil && response.requires("outbound"), flowTimer: response.first(.flowTimer))
    }
}
