public import SIPMessages

/// What is asked of the DNS: records of one type at one name.
public struct DNSQuestion: Hashable, Sendable, CustomStringConvertible {
    /// The types of records that server selection needs; the raw value is the number in messages.
    public enum RecordType: UInt16, Hashable, Sendable {
        /// RFC 1035
        case a = 1
        /// RFC 3596
        case aaaa = 28
        /// RFC 2782
        case srv = 33
        /// RFC 3403
        case naptr = 35
    }

    /// The type of the records.
    public var type: RecordType
    /// The name that has them.
    public var name: DomainName

    /// A question for records of this type at this name.
    public init(_ type: RecordType, _ name: DomainName) { (self.type, self.name) = (type, name) }

    /// `SRV _sip._udp.example.com`
    public var description: String {
        let type =
            switch self.type {
            case .a: "A"
            case .aaaa: "AAAA"
            case .srv: "SRV"
            case .naptr: "NAPTR"
            }
        return "\(type) \(self.name)"
    }
}

/// A rule of a domain for what to ask next (RFC 3403 §4).
public struct NAPTRRecord: Hashable, Sendable {
    /// Records of a lower order are considered first, and those of a higher not at all once one has matched.
    public var order: UInt16
    /// Among records of one order the lower is preferred.
    public var preference: UInt16
    /// `s`: the replacement has SRV records; empty: it has NAPTR records.
    public var flags: String
    /// The service: `SIPS+D2T`.
    public var services: String
    /// The substitution expression; empty in rules for SIP (RFC 3263 §4.1).
    public var regularExpression: String
    /// The next name.
    public var replacement: DomainName

    /// A rule of these parts.
    public init(
        order: UInt16, preference: UInt16, flags: String, services: String, regularExpression: String = "",
        replacement: DomainName
    ) {
        (self.order, self.preference) = (order, preference)
        (self.flags, self.services, self.regularExpression) = (flags, services, regularExpression)
        self.replacement = replacement
    }
}

/// A server of a service (RFC 2782).
public struct SRVRecord: Hashable, Sendable {
    /// Servers of the lowest priority are tried first.
    public var priority: UInt16
    /// The share of requests among servers of one priority.
    public var weight: UInt16
    /// The port of the service there.
    public var port: UInt16
    /// The name of the server; the root when there is decidedly none.
    public var target: DomainName

    /// A server of these parts.
    public init(priority: UInt16, weight: UInt16, port: UInt16, target: DomainName) {
        (self.priority, self.weight, self.port, self.target) = (priority, weight, port, target)
    }
}

/// One record of an answer, without its owner.
public enum DNSRecord: Hashable, Sendable {
    case address(IPAddress)
    case srv(SRVRecord)
    case naptr(NAPTRRecord)
}

/// What came of a question.
public enum DNSAnswer: Hashable, Sendable {
    /// Records of the type asked for, in the order of the answer, and for how many seconds they hold.
    case records([DNSRecord], seconds: UInt32)
    /// There are none, by NXDOMAIN or an empty answer, and for how many seconds that holds; 0 when the answer does not
    /// tell (RFC 2308 §5).
    case noRecords(seconds: UInt32)
    /// The servers refused, failed, or sent what cannot be read.
    case failed
    /// Nobody answered in time.
    case timedOut

    /// Addresses, services or rules that hold for `seconds`.
    public static func records(_ records: DNSRecord..., seconds: UInt32) -> DNSAnswer {
        .records(records, seconds: seconds)
    }
}
