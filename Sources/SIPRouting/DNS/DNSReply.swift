/// Why the octets of a DNS reply cannot be read.
public enum DNSReplyError: Error, Hashable, Sendable {
    /// The message ends within a record, or a length in it leads outside.
    case truncated
    /// A name has a compression pointer that does not lead backwards, or a label of an unknown kind.
    case malformedName
    /// It is no reply, or answers another question.
    case notAnAnswer
}

/// Reads the replies of DNS servers (RFC 1035 §4, RFC 2308, RFC 2782, RFC 3403, RFC 3596).
///
/// The additional section is not used: what stands there was not asked for, and a cache that believes it can be
/// poisoned (RFC 2181 §5.4.1). RFC 2782 lets a client use it or ask; asking costs a round trip to the local resolver.
public enum DNSReply {
    /// The most records of the type asked for that are kept; the rest is ignored.
    public static let maximumRecords = 64
    /// The most aliases in a chain.
    public static let maximumAliases = 8

    /// Reads a whole reply, header included.
    ///
    /// - Returns: `failed` for a response code other than NOERROR and NXDOMAIN.
    /// - Throws: `DNSReplyError`.
    public static func parse(
        _ octets: Span<UInt8>, answering question: DNSQuestion
    ) throws(DNSReplyError) -> DNSAnswer {
        var reader = DNSReader(octets)
        _ = try reader.number16()
        let flags = try reader.number16()
        let questions = try reader.number16()
        let answers = try reader.number16()
        let authorities = try reader.number16()
        _ = try reader.number16()
        guard flags & 0x8000 != 0, questions == 1 else { throw .notAnAnswer }
        guard try reader.name() == question.name, try reader.number16() == question.type.rawValue,
            try reader.number16() == 1
        else { throw .notAnAnswer }
        let code = flags & 0xF
        guard code == 0 || code == 3 else { return .failed }
        var entries: [Entry] = []
        for _ in 0..<answers {
            guard let entry = try self.record(&reader, of: question.type) else { continue }
            if entries.count < Self.maximumRecords { entries.append(entry) }
        }
        let found = self.follow(entries, from: question.name)
        if code == 0, !found.records.isEmpty { return .records(found.records, seconds: found.seconds) }
        for _ in 0..<authorities {
            if let seconds = try self.negativeLifetime(&reader) {
                // An alias that leads nowhere holds no longer than the alias (RFC 2308 §2.1).
                return .noRecords(seconds: Swift.min(seconds, found.seconds))
            }
        }
        return .noRecords(seconds: 0)
    }

    private struct Entry {
        var owner: DomainName
        var seconds: UInt32
        var content: Content
    }
    private enum Content {
        case record(DNSRecord)
        case alias(DomainName)
    }

    /// One record of the answer section; `nil` when it is of no use to us.
    private static func record(
        _ reader: inout DNSReader, of type: DNSQuestion.RecordType
    ) throws(DNSReplyError) -> Entry? {
        let header = try reader.recordHeader()
        let end = reader.position + header.length
        defer { reader.position = end }
        guard let owner = header.owner, header.isInternet else { return nil }
        let content: Content?
        if header.type == 5 {
            content = try reader.name().map { .alias($0) }
        } else if header.type == type.rawValue {
            content = try reader.content(of: type, end: end).map { .record($0) }
        } else {
            content = nil
        }
        guard reader.position <= end else { throw .truncated }
        return content.map { Entry(owner: owner, seconds: header.seconds, content: $0) }
    }

    /// The records at the end of the chain of aliases that begins at `name`, and the shortest lifetime on the way.
    private static func follow(_ entries: [Entry], from name: DomainName) -> (records: [DNSRecord], seconds: UInt32) {
        var name = name
        var seconds = UInt32.max
        for _ in 0...Self.maximumAliases {
            var records: [DNSRecord] = []
            var next: DomainName?
            for entry in entries where entry.owner == name {
                seconds = Swift.min(seconds, entry.seconds)
                switch entry.content {
                case .record(let record): records.append(record)
                case .alias(let alias): next = alias
                }
            }
            guard records.isEmpty, let next else { return (records, seconds) }
            name = next
        }
        return ([], seconds)
    }

    /// How long "there is none" holds: the lesser of a SOA record's own TTL and its MINIMUM (RFC 2308 §5).
    private static func negativeLifetime(_ reader: inout DNSReader) throws(DNSReplyError) -> UInt32? {
        let header = try reader.recordHeader()
        let end = reader.position + header.length
        defer { reader.position = end }
        guard header.type == 6, header.isInternet else { return nil }
        _ = try reader.name()
        _ = try reader.name()
        guard reader.position + 20 == end else { throw .truncated }
        reader.position += 16
        return Swift.min(header.seconds, try reader.number32())
    }
}
