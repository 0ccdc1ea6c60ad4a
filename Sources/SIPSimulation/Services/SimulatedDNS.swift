public import SIPMessages

/// A DNS record of the kinds that RFC 3263 needs.
public struct DNSRecord: Hashable, Sendable {
    /// What a record holds.
    public enum Kind: Hashable, Sendable { case a, aaaa, srv, naptr }
    /// The data of a record.
    public enum Data: Hashable, Sendable {
        /// An IPv4 or IPv6 address: A or AAAA.
        case address(IPAddress)
        /// RFC 2782.
        case srv(priority: UInt16, weight: UInt16, port: UInt16, target: String)
        /// RFC 3403; the flags are `s` for RFC 3263.
        case naptr(order: UInt16, preference: UInt16, flags: String, service: String, replacement: String)
    }

    /// What the record says.
    public let data: Data
    /// For how long it may be kept.
    public let timeToLive: TimeSpan

    /// A record that may be kept for an hour, unless said otherwise.
    public init(_ data: Data, timeToLive: TimeSpan = .seconds(3600)) {
        (self.data, self.timeToLive) = (data, timeToLive)
    }

    /// The kind of the record.
    public var kind: Kind {
        switch self.data {
        case .address(let address): address.isIPv6 ? .aaaa : .a
        case .srv: .srv
        case .naptr: .naptr
        }
    }
}

/// The records of all names of the simulated world. Names compare in any case.
public struct SimulatedDNS: Sendable {
    private var records: [String: [DNSRecord]] = [:]

    /// Adds a record to a name.
    public mutating func add(_ name: String, _ data: DNSRecord.Data, timeToLive: TimeSpan = .seconds(3600)) {
        self.records[Self.canonical(name), default: []].append(DNSRecord(data, timeToLive: timeToLive))
    }

    /// Removes every record of a name.
    public mutating func remove(_ name: String) { self.records[Self.canonical(name)] = nil }

    /// The records of one kind; `nil` when there is no such name.
    public func records(_ name: String, _ kind: DNSRecord.Kind) -> [DNSRecord]? {
        self.records[Self.canonical(name)]?.filter { $0.kind == kind }
    }

    /// The first address of a name, or the address that the text is.
    public func address(of host: Host) -> IPAddress? {
        if let address = host.address { return address }
        for record in self.records[Self.canonical(host.name)] ?? [] {
            if case .address(let address) = record.data { return address }
        }
        return nil
    }

    func answer(_ name: String, _ kind: DNSRecord.Kind) -> ServiceAnswer.Outcome {
        self.records(name, kind).map { .records($0) } ?? .nameError
    }

    private static func canonical(_ name: String) -> String {
        let lowercased = name.lowercased()
        return lowercased.hasSuffix(".") ? String(lowercased.dropLast()) : lowercased
    }
}
