import SIPMessages
public import SIPRouting

/// Writes DNS messages (RFC 1035 §4), without compression: what a test server answers.
public struct DNSReplyWriter: Sendable {
    /// What has been written.
    public private(set) var octets: [UInt8] = []

    /// The header and the question.
    ///
    /// - Parameters:
    ///   - code: 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
    ///   - flags: Added to "response, recursion available": 0x0200 says that it is truncated.
    public init(
        id: UInt16, question: DNSQuestion, code: UInt16 = 0, flags: UInt16 = 0, answers: Int = 0, authorities: Int = 0
    ) {
        for number in [id, 0x8180 | flags | code, 1, UInt16(answers), UInt16(authorities), 0] { self.write16(number) }
        self.write(question.name)
        self.write16(question.type.rawValue)
        self.write16(1)
    }

    /// A number of 16 bits.
    public mutating func write16(_ number: UInt16) {
        self.octets += [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
    }

    /// A number of 32 bits.
    public mutating func write32(_ number: UInt32) {
        self.write16(UInt16(number >> 16))
        self.write16(UInt16(truncatingIfNeeded: number))
    }

    /// A name, without compression.
    public mutating func write(_ name: DomainName) {
        for label in name.text.split(separator: ".") { self.writeString(String(label)) }
        self.octets.append(0)
    }

    /// A label, or a `<character-string>`.
    public mutating func writeString(_ text: String) {
        self.octets.append(UInt8(truncatingIfNeeded: text.utf8.count))
        self.octets += text.utf8
    }

    /// A record, whose data `body` writes.
    public mutating func record(
        _ owner: DomainName, type: UInt16, seconds: UInt32, _ body: (inout DNSReplyWriter) -> Void
    ) {
        self.write(owner)
        self.write16(type)
        self.write16(1)
        self.write32(seconds)
        let start = self.octets.count
        self.write16(0)
        body(&self)
        let length = self.octets.count - start - 2
        (self.octets[start], self.octets[start + 1]) = (UInt8(length >> 8), UInt8(truncatingIfNeeded: length))
    }

    /// A record of one of the types that server selection asks for.
    public mutating func record(_ owner: DomainName, seconds: UInt32, _ record: DNSRecord) {
        switch record {
        case .address(let address) where address.isIPv6:
            self.record(owner, type: 28, seconds: seconds) { writer in
                for half in [address.high, address.low] {
                    writer.write32(UInt32(half >> 32))
                    writer.write32(UInt32(truncatingIfNeeded: half))
                }
            }
        case .address(let address):
            self.record(owner, type: 1, seconds: seconds) { $0.write32(UInt32(truncatingIfNeeded: address.low)) }
        case .srv(let record):
            self.record(owner, type: 33, seconds: seconds) { writer in
                for number in [record.priority, record.weight, record.port] { writer.write16(number) }
                writer.write(record.target)
            }
        case .naptr(let record):
            self.record(owner, type: 35, seconds: seconds) { writer in
                writer.write16(record.order)
                writer.write16(record.preference)
                for text in [record.flags, record.services, record.regularExpression] { writer.writeString(text) }
                writer.write(record.replacement)
            }
        }
    }

    /// An alias (CNAME).
    public mutating func alias(_ owner: DomainName, seconds: UInt32, _ target: DomainName) {
        self.record(owner, type: 5, seconds: seconds) { $0.write(target) }
    }

    /// The SOA record that tells how long a name has no records (RFC 2308).
    public mutating func authority(_ zone: DomainName, seconds: UInt32, minimum: UInt32) {
        self.record(zone, type: 6, seconds: seconds) { writer in
            writer.write(zone)
            writer.write(zone)
            for number: UInt32 in [1, 3600, 600, 86_400, minimum] { writer.write32(number) }
        }
    }
}
