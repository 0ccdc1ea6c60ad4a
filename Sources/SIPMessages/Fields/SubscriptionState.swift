/// The state of a subscription (RFC 6665 §4.1.3, §8.2.3).
public struct SubscriptionState: FieldValue {
    /// `active`, `pending`, `terminated`, or an extension, which counts as `active` with its parameters unknown.
    public var state: String
    /// The parameters.
    public var parameters: Parameters

    /// A state of these parts; times are in seconds.
    public init(_ state: String, expires: UInt32? = nil, reason: String? = nil, retryAfter: UInt32? = nil) {
        self.state = state
        self.parameters = Parameters()
        self.parameters["expires"] = expires.map { String($0) }
        self.parameters["reason"] = reason
        self.parameters["retry-after"] = retryAfter.map { String($0) }
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.state = try reader.tokenText()
        self.parameters = try reader.parameters()
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(text: self.state)
        self.parameters.write(to: &output)
    }

    /// Whether notifications are sent.
    public var isActive: Bool { self.state.equals(ignoringCase: "active") }
    /// Whether the subscription waits for authorization.
    public var isPending: Bool { self.state.equals(ignoringCase: "pending") }
    /// Whether the subscription is over.
    public var isTerminated: Bool { self.state.equals(ignoringCase: "terminated") }
    /// The seconds that the subscription lasts.
    public var expires: UInt32? { self.parameters["expires"].flatMap { UInt32($0) } }
    /// Why it ended: `deactivated`, `probation`, `rejected`, `timeout`, `giveup`, `noresource`, `invariant` …
    public var reason: String? { self.parameters["reason"] }
    /// The seconds to wait before another subscription.
    public var retryAfter: UInt32? { self.parameters["retry-after"].flatMap { UInt32($0) } }
}
