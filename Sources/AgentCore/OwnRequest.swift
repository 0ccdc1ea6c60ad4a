public import SIPMessages

/// A request that is sent outside of calls: MESSAGE, OPTIONS, PUBLISH and whatever has no dialog (RFC 3261 §8.1).
public struct RequestPlan: Hashable, Sendable {
    /// Its method: none of those that belong to dialogs or to a transaction of another. A REGISTER asks for bindings, or
    /// sets one that nobody keeps.
    public var method: Method
    /// Whom it is for: the first Request-URI, and To.
    public var target: URI
    /// Who sends it: From, without tag.
    public var from: NameAddress
    /// To, where it is not the target.
    public var to: NameAddress?
    /// Proxies that it passes first; those of the account unless set.
    public var routes: [NameAddress] = []
    /// More header lines, by name and value.
    public var fields: [CallPlan.Field] = []
    /// The body.
    public var body: [UInt8] = []
    /// The type of the body.
    public var type: MediaType?
    /// Whether it says where we can be reached; a MESSAGE does not (RFC 3428 §4).
    public var hasContact = false
    /// The account that it is of, with its Service-Route, flow and password; `nil` for none.
    public var account: RegistrationHandle?

    /// A request from one to another.
    public init(_ method: Method, to target: URI, from: NameAddress) {
        (self.method, self.target, self.from) = (method, target, from)
    }

    /// A message that is text (RFC 3428 §4).
    public static func message(_ text: String, to target: URI, from: NameAddress) -> RequestPlan {
        var plan = RequestPlan(.message, to: target, from: from)
        plan.body = Array(text.utf8)
        plan.type = MediaType("text", "plain", parameters: ["charset": "UTF-8"])
        return plan
    }

    /// Whether the method stands for itself.
    var isSound: Bool {
        switch self.method {
        case .invite, .ack, .cancel, .bye, .prack, .update, .notify, .subscribe, .refer: false
        default: true
        }
    }
}

/// A request of the application's through its redirections and repetitions.
struct OwnRequest {
    /// What became of one.
    enum Outcome {
        case answered(SIPMessage)
        case failed(CallEnd)
    }

    let plan: RequestPlan
    let callID: CallID
    let tag: String
    var targets: TargetList
    /// The number of the request that was sent last.
    var number: UInt32 = 0
    /// What it may not have or be any more, as responses said.
    var repairs = RequestRepairs()
    /// The last failure, for when no address is left.
    var failure: SIPMessage?

    mutating func nextSequence() -> UInt32 {
        self.number &+= 1
        return self.number
    }

    /// The request to the present target, without Via and Contact.
    mutating func builder(to target: URI, product: String) -> MessageBuilder {
        var builder = MessageBuilder(self.plan.method, target)
        builder.add(.route, self.plan.routes)
        builder.add(.maxForwards, 70)
        var from = self.plan.from
        from.tag = self.tag
        builder.add(.from, from)
        builder.add(.to, self.plan.to ?? NameAddress(self.plan.target))
        builder.add(.callID, self.callID)
        builder.add(.cseq, CSeq(self.nextSequence(), self.plan.method))
        if !product.isEmpty { builder.add(.userAgent, FieldText(product)) }
        for field in self.plan.fields { builder.add(named: field.name, field.value) }
        if !self.plan.body.isEmpty, !self.repairs.hasNoBody { builder.setBody(self.plan.body, type: self.plan.type) }
        self.repairs.apply(to: &builder)
        return builder
    }
}
