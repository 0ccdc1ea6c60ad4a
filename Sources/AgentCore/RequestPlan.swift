public import SIPMessages

/// A request of the application's own outside of calls: MESSAGE, OPTIONS, or any other method but INVITE, ACK and CANCEL.
public struct RequestPlan: Hashable, Sendable {
    /// The method.
    public var method: Method
    /// The Request-URI, and To unless that is given.
    public var target: URI
    /// Who asks: From, without tag.
    public var from: NameAddress
    /// To, where it is not the target.
    public var to: NameAddress?
    /// Proxies that it passes first.
    public var routes: [NameAddress] = []
    /// The user part of a Contact; `nil` for no Contact.
    public var contactUser: String?
    /// More header lines, by name and value. One of From, To, Call-ID, CSeq, Max-Forwards or User-Agent takes the place of
    /// what is written otherwise.
    public var fields: [CallPlan.Field] = []
    /// The body.
    public var body: [UInt8] = []
    /// What the body is; `nil` without one.
    public var contentType: MediaType?

    /// A request.
    public init(_ method: Method, to target: URI, from: NameAddress) {
        (self.method, self.target, self.from) = (method, target, from)
    }
}
