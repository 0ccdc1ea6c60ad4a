public import SIPMessages

/// A `c=` line: the address to which media goes (RFC 8866 §5.7).
public struct ConnectionData: Hashable, Sendable, CustomStringConvertible {
    /// `IN`, or another type of network.
    public var networkType: String
    /// `IP4`, `IP6`, or another type of address.
    public var addressType: String
    /// The address or the name of a host, without what follows a slash.
    public var address: String
    /// The time to live of an IPv4 multicast address.
    public var timeToLive: UInt8?
    /// How many contiguous multicast addresses there are, where the line says so.
    public var addressCount: UInt32?

    /// The connection to a host; a name counts as one of IPv4.
    public init(_ host: Host) {
        self.networkType = "IN"
        self.addressType = host.address?.isIPv6 == true ? "IP6" : "IP4"
        self.address = host.name
    }

    init(parsing value: [UInt8]) throws(SDPParseError.Problem) {
        var reader = LineReader(value)
        guard let networkType = reader.word(), let addressType = reader.word() else { throw .init(.subfields) }
        reader.skipSpace()
        let address = reader.text { $0 != 0x20 && $0 != 0x09 && $0 != 0x2F }
        guard !address.isEmpty else { throw .init(.subfields) }
        (self.networkType, self.addressType, self.address) = (networkType, addressType, address)
        var numbers: [UInt64] = []
        while reader.skip(0x2F) { numbers.append(try reader.number(maximum: UInt64(UInt32.max))) }
        try reader.expectEnd()
        switch (self.isInternet, self.addressType, numbers.count) {
        case (true, "IP4", 0...2):
            if let ttl = numbers.first {
                guard ttl <= 255 else { throw .init(.numberTooLarge) }
                self.timeToLive = UInt8(truncatingIfNeeded: ttl)
            }
            if numbers.count == 2 { self.addressCount = UInt32(truncatingIfNeeded: numbers[1]) }
        case (true, "IP6", 0...1):
            if let count = numbers.first { self.addressCount = UInt32(truncatingIfNeeded: count) }
        case (true, "IP4", _), (true, "IP6", _): throw .init(.address)
        default: break
        }
        // An address of the other family is no name either; a peer that sends it would get our media nowhere.
        if let ip = self.ip, self.isInternet, ip.isIPv6 != (self.addressType == "IP6") { throw .init(.address) }
    }

    private var isInternet: Bool { self.networkType == "IN" }

    /// The address where it is one; `nil` for a name, which has to be looked up first.
    public var ip: IPAddress? { IPAddress(self.address) }

    /// Whether it is 0.0.0.0 or ::, to which nothing is sent: the hold of RFC 2543 (RFC 3264 §8.4, RFC 6337 §5.4).
    public var isUnspecified: Bool { self.ip?.isUnspecified == true }

    /// Whether it is a multicast address.
    public var isMulticast: Bool {
        guard let ip = self.ip else { return false }
        return ip.isIPv6 ? ip.high >> 56 == 0xFF : ip.low >> 28 == 0xE
    }

    /// The value of the line.
    public var description: String {
        var text = "\(self.networkType) \(self.addressType) \(self.address)"
        if let timeToLive { text += "/\(timeToLive)" }
        if let addressCount { text += "/\(addressCount)" }
        return text
    }
}
