import SIPMessages

/// Reads a DNS message from its start to its end; every step is checked against both.
struct DNSReader: ~Copyable, ~Escapable {
    private let octets: Span<UInt8>
    var position = 0

    @_lifetime(copy octets)
    init(_ octets: Span<UInt8>) { self.octets = octets }

    @_lifetime(self: copy self)
    mutating func number8() throws(DNSReplyError) -> UInt8 {
        guard self.position < self.octets.count else { throw .truncated }
        defer { self.position += 1 }
        return self.octets[self.position]
    }

    @_lifetime(self: copy self)
    mutating func number16() throws(DNSReplyError) -> UInt16 {
        let high = UInt16(try self.number8())
        return high << 8 | UInt16(try self.number8())
    }

    @_lifetime(self: copy self)
    mutating func number32() throws(DNSReplyError) -> UInt32 {
        let high = UInt32(try self.number16())
        return high << 16 | UInt32(try self.number16())
    }

    /// Reads a name, compressed or not (RFC 1035 §4.1.4); `nil` when it is well formed, but no name of a host.
    @_lifetime(self: copy self)
    mutating func name() throws(DNSReplyError) -> DomainName? {
        var text: [UInt8] = []
        var isUsable = true
        var after: Int?
        // A pointer leads before where the name began that it stands in, so that no chain of them has a loop.
        var limit = self.position
        var total = 0
        while true {
            let length = try self.number8()
            switch length >> 6 {
            case 0:
                guard length > 0 else {
                    if let after { self.position = after }
                    if text.isEmpty { return isUsable ? .root : nil }
                    return isUsable ? DomainName(String(decoding: text, as: UTF8.self)) : nil
                }
                total += Int(length) + 1
                guard total <= 254 else { throw .malformedName }
                if !text.isEmpty { text.append(0x2E) }
                for _ in 0..<length {
                    let octet = try self.number8()
                    if !DomainName.isAllowed(octet) { isUsable = false }
                    text.append(octet)
                }
            case 3:
                let target = Int(length & 0x3F) << 8 | Int(try self.number8())
                guard target < limit else { throw .malformedName }
                if after == nil { after = self.position }
                limit = target
                self.position = target
            default:
                throw .malformedName
            }
        }
    }

    /// What stands before the data of every record (RFC 1035 §4.1.3).
    struct RecordHeader {
        var owner: DomainName?
        var type: UInt16
        var isInternet: Bool
        /// The time to live; with the highest bit set it counts as 0 (RFC 2181 §8).
        var seconds: UInt32
        /// The octets of data that follow; all of them are there.
        var length: Int
    }

    @_lifetime(self: copy self)
    mutating func recordHeader() throws(DNSReplyError) -> RecordHeader {
        let owner = try self.name()
        let type = try self.number16()
        let isInternet = try self.number16() == 1
        let seconds = try self.number32()
        let length = Int(try self.number16())
        guard length <= self.octets.count - self.position else { throw .truncated }
        return RecordHeader(
            owner: owner, type: type, isInternet: isInternet, seconds: seconds >> 31 == 0 ? seconds : 0,
            length: length)
    }

    /// The data of a record that ends at `end`; `nil` when a name in it is none that we could ask for.
    @_lifetime(self: copy self)
    mutating func content(of type: DNSQuestion.RecordType, end: Int) throws(DNSReplyError) -> DNSRecord? {
        switch type {
        case .a:
            guard end - self.position == 4 else { throw .truncated }
            return .address(IPAddress(v4: try self.number32()))
        case .aaaa:
            guard end - self.position == 16 else { throw .truncated }
            let high = UInt64(try self.number32()) << 32 | UInt64(try self.number32())
            let low = UInt64(try self.number32()) << 32 | UInt64(try self.number32())
            return .address(IPAddress(v6: high, low))
        case .srv:
            let (priority, weight, port) = (try self.number16(), try self.number16(), try self.number16())
            guard let target = try self.name() else { return nil }
            return .srv(SRVRecord(priority: priority, weight: weight, port: port, target: target))
        case .naptr:
            let (order, preference) = (try self.number16(), try self.number16())
            let (flags, services) = (try self.characterString(), try self.characterString())
            let expression = try self.characterString()
            guard let replacement = try self.name() else { return nil }
            return .naptr(
                NAPTRRecord(
                    order: order, preference: preference, flags: flags, services: services,
                    regularExpression: expression, replacement: replacement))
        }
    }

    /// A `<character-string>` (RFC 1035 §3.3).
    @_lifetime(self: copy self)
    private mutating func characterString() throws(DNSReplyError) -> String {
        var text: [UInt8] = []
        for _ in 0..<(try self.number8()) { text.append(try self.number8()) }
        return String(decoding: text, as: UTF8.self)
    }
}
