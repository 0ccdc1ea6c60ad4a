public import SIPMessages

/// One binding of an address-of-record to a contact, as it is stored and shown: RFC 3261 §10.3, with RFCs 3327, 3840, 5626.
public struct BindingRecord: Hashable, Sendable {
    /// The address-of-record in canonical form: `user@domain`, escapes undone, domain in lower case.
    public var aor: [UInt8]
    /// The contact URI, as it was registered.
    public var contact: [UInt8]
    /// The parameters of the Contact, without `q` and `expires`, with the semicolon before the first.
    public var parameters: [UInt8]
    /// The instance id of `+sip.instance`, without quotes and brackets; empty when there is none (RFC 5626 §4.1).
    public var instanceID: [UInt8]
    /// The `reg-id`; 0 when there is none (RFC 5626 §4.2).
    public var regID: UInt32
    /// The Call-ID of the REGISTER that made or last refreshed the binding.
    public var callID: [UInt8]
    /// The CSeq number of that REGISTER.
    public var cseq: UInt32
    /// The preference, in thousandths: 1000 unless given (RFC 3261 §20.10).
    public var q: UInt16
    /// When the binding ends: milliseconds since 1970, UTC.
    public var expiresAt: Int64
    /// The Path that requests to this binding take: route values, separated by commas; empty when there is none (RFC 3327).
    public var path: [UInt8]
    /// The User-Agent of the device; empty when it did not say.
    public var userAgent: [UInt8]
    /// Where the REGISTER came from and by which of our addresses.
    public var flow: StoredFlow
    /// Since when the instance has been registered in one call without a gap, in milliseconds since 1970, UTC: temporary
    /// GRUUs of before are void (RFC 5627 §5.1). 0 where there is no instance.
    public var since: Int64

    /// A binding; parts that most devices leave out have defaults.
    public init(
        aor: [UInt8], contact: [UInt8], parameters: [UInt8] = [], instanceID: [UInt8] = [], regID: UInt32 = 0,
        callID: [UInt8], cseq: UInt32, q: UInt16 = 1000, expiresAt: Int64, path: [UInt8] = [],
        userAgent: [UInt8] = [], flow: StoredFlow, since: Int64 = 0
    ) {
        self.aor = aor
        self.contact = contact
        self.parameters = parameters
        self.instanceID = instanceID
        self.regID = regID
        self.callID = callID
        self.cseq = cseq
        self.q = q
        self.expiresAt = expiresAt
        self.path = path
        self.userAgent = userAgent
        self.flow = flow
        self.since = since
    }
}

/// A flow by its addresses, which outlive the program; a stream connection does not, so its flow is then lost.
public struct StoredFlow: Hashable, Sendable {
    /// The transport.
    public var transport: TransportProtocol
    /// Our side.
    public var local: SocketAddress
    /// The device's side.
    public var remote: SocketAddress

    /// A flow between two addresses.
    public init(transport: TransportProtocol, local: SocketAddress, remote: SocketAddress) {
        (self.transport, self.local, self.remote) = (transport, local, remote)
    }
}

/// A change of the location service that must be stored before it is acknowledged.
public enum BindingChange: Hashable, Sendable {
    /// The binding was made or refreshed. It replaces one with the same AOR and the same instance id and reg-id, or,
    /// where these are missing, the same contact.
    case store(BindingRecord)
    /// The binding was removed.
    case remove(BindingRecord)
}
