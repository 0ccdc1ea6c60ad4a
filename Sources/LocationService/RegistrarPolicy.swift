/// What a registrar grants: RFC 3261 §10.3.
public struct RegistrarPolicy: Hashable, Sendable {
    /// The shortest expiry, in seconds, that is granted; below it 423 says so.
    public var minExpires: UInt32 = 60
    /// The expiry, in seconds, of a Contact that names none.
    public var defaultExpires: UInt32 = 3600
    /// The longest expiry, in seconds; a longer wish is shortened.
    public var maxExpires: UInt32 = 7200
    /// Bindings an AOR may have.
    public var maxContacts = 10
    /// Octets of one Contact with its parameters, Call-ID and Path.
    public var maxBindingOctets = 4096
    /// The Service-Route that a 200 names: route values, separated by commas; empty for none (RFC 3608).
    public var serviceRoute: [UInt8] = []
    /// Whether a REGISTER with a Path must come from a device that knows Path: 420 tells others that a proxy has added one
    /// (RFC 3327 §5.3).
    public var requiresPathSupport = true
    /// Seconds within which a device must send a keep-alive on its flow; 0 says nothing (RFC 5626 §4.4.1).
    public var flowTimer: UInt32 = 0

    /// The policy with its defaults.
    public init() {}
}

/// Why a REGISTER is refused.
public struct RegisterRefusal: Error, Hashable, Sendable {
    /// The status of the response.
    public var status: UInt16
    /// Its reason phrase, which names what is wrong.
    public var reason: StaticString
    /// The value of Min-Expires with a 423, in seconds.
    public var minExpires: UInt32?
    /// The value of Retry-After, in seconds.
    public var retryAfter: UInt32?
    /// The value of Unsupported with a 420.
    public var unsupported: StaticString?

    /// A refusal with this status and reason phrase.
    public init(
        _ status: UInt16, _ reason: StaticString, minExpires: UInt32? = nil, retryAfter: UInt32? = nil,
        unsupported: StaticString? = nil
    ) {
        (self.status, self.reason, self.minExpires, self.retryAfter) = (status, reason, minExpires, retryAfter)
        self.unsupported = unsupported
    }

    /// Whether both refuse with the same answer.
    public static func == (left: RegisterRefusal, right: RegisterRefusal) -> Bool {
        left.status == right.status && left.minExpires == right.minExpires && left.retryAfter == right.retryAfter
            && String(describing: left.reason) == String(describing: right.reason)
    }

    /// Feeds what `==` compares, or a part of it, to the hasher.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.status) }
}
