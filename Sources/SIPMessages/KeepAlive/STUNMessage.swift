/// A STUN message: a keep-alive among SIP messages on a UDP port (RFC 5626 §3.5.2, RFC 5389 §6).
///
/// It is told from a SIP message by its first octet, which is 0 or 1 (RFC 5626 §8).
public struct STUNMessage: Hashable, Sendable {
    /// What a message is to its receiver (RFC 5389 §6).
    public enum Kind: Hashable, Sendable { case request, indication, success, error }

    /// The largest message that is read: no attribute of a Binding request needs more.
    public static let octetLimit = 1280
    /// The most attributes that are read.
    public static let attributeLimit = 32

    /// What it is.
    public let kind: Kind
    /// The method, 0 to 0xFFF: 1 is Binding.
    public let method: UInt16
    /// The 96 bits that bind a response to its request.
    public let transactionID: TransactionID
    /// The address in XOR-MAPPED-ADDRESS: where the request came from, as its receiver saw it.
    public let mappedAddress: SocketAddress?
    /// The types of attributes that must be understood and are not (RFC 5389 §7.3.1), each once, in their order.
    public let unknownAttributes: [UInt16]
    /// Whether a fingerprint is there (RFC 5389 §15.5); it is right, then.
    public let hasFingerprint: Bool

    /// The Binding method.
    public static let binding: UInt16 = 1

    /// 96 bits that nobody can guess (RFC 5389 §6).
    public struct TransactionID: BitwiseCopyable, Hashable, Sendable {
        let high: UInt32
        let low: UInt64

        /// The number of these bits, most significant first.
        public init(high: UInt32, low: UInt64) { (self.high, self.low) = (high, low) }
    }

    /// Why a datagram is no STUN message. It is dropped then: an answer could be sent to someone who never asked.
    public struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
        /// What is wrong.
        public let description: String

        init(_ description: String) { self.description = description }
    }

    /// Whether a datagram is to be read as STUN and not as SIP, by its first octet (RFC 5626 §8).
    public static func isLikely(_ octets: Span<UInt8>) -> Bool { !octets.isEmpty && octets[0] < 2 }

    /// Reads a datagram that holds one message.
    ///
    /// - Throws: `ParseError` for what RFC 5389 §7.3 wants dropped in silence: no magic cookie (and so RFC 3489, with
    ///   which there is no compatibility, RFC 5626 §8), a wrong length, a broken attribute, a wrong fingerprint.
    public init(parsing octets: Span<UInt8>) throws(ParseError) {
        guard octets.count >= Self.headerOctets else { throw ParseError("shorter than a STUN header") }
        guard octets.count <= Self.octetLimit else { throw ParseError("longer than \(Self.octetLimit) octets") }
        let type = octets.number16(at: 0)
        guard type & 0xC000 == 0 else { throw ParseError("the two highest bits are set") }
        guard octets.number32(at: 4) == Self.magicCookie else { throw ParseError("no magic cookie") }
        let length = Int(octets.number16(at: 2))
        guard length % 4 == 0, length == octets.count - Self.headerOctets else {
            throw ParseError("its length is not that of the datagram")
        }
        // The bits of the class stand between those of the method.
        switch type & 0x0110 {
        case 0x0000: self.kind = .request
        case 0x0010: self.kind = .indication
        case 0x0100: self.kind = .success
        default: self.kind = .error
        }
        self.method = type & 0xF | type >> 1 & 0x70 | type >> 2 & 0xF80
        let id = TransactionID(
            high: octets.number32(at: 8), low: UInt64(octets.number32(at: 12)) << 32 | UInt64(octets.number32(at: 16)))
        self.transactionID = id
        var attributes = Attributes()
        try attributes.read(octets, id)
        self.mappedAddress = attributes.mappedAddress
        self.unknownAttributes = attributes.unknown
        self.hasFingerprint = attributes.hasFingerprint
    }

    static let headerOctets = 20
    static let magicCookie: UInt32 = 0x2112_A442
}

extension STUNMessage {
    /// What is read of the attributes (RFC 5389 §15).
    private struct Attributes {
        var mappedAddress: SocketAddress?
        var unknown: [UInt16] = []
        var hasFingerprint = false
        private var hasIntegrity = false
        private var count = 0

        mutating func read(_ octets: Span<UInt8>, _ id: TransactionID) throws(ParseError) {
            var position = STUNMessage.headerOctets
            while position < octets.count {
                // The length of the message is a multiple of four, so type and length are there.
                let type = octets.number16(at: position)
                let length = Int(octets.number16(at: position + 2))
                let value = position + 4
                let end = value + (length + 3) / 4 * 4
                self.count += 1
                guard end <= octets.count, self.count <= STUNMessage.attributeLimit else {
                    throw ParseError("an attribute goes beyond its message")
                }
                guard !self.hasFingerprint else { throw ParseError("an attribute follows the fingerprint") }
                try self.note(type, octets, OctetRange(value, value + length), id)
                position = end
            }
        }

        private mutating func note(
            _ type: UInt16, _ octets: Span<UInt8>, _ value: OctetRange, _ id: TransactionID
        ) throws(ParseError) {
            switch type {
            case STUNMessage.fingerprint:
                guard value.count == 4,
                    octets.number32(at: value.lower) == STUNMessage.fingerprint(octets, 0..<value.lower - 4)
                else { throw ParseError("wrong fingerprint") }
                self.hasFingerprint = true
            case _ where self.hasIntegrity:
                break  // What follows the integrity is not covered by it, and does not count (RFC 5389 §15.4).
            case STUNMessage.messageIntegrity:
                self.hasIntegrity = true
            case STUNMessage.xorMappedAddress where self.mappedAddress == nil:
                guard let address = STUNMessage.address(octets, value, id) else {
                    throw ParseError("a mapped address that is none")
                }
                self.mappedAddress = address
            default:
                // Types below 0x8000 must be understood.
                guard type < 0x8000, !STUNMessage.known.contains(type), !self.unknown.contains(type) else { return }
                self.unknown.append(type)
            }
        }
    }

    static let messageIntegrity: UInt16 = 0x0008
    static let unknownAttributesType: UInt16 = 0x000A
    static let xorMappedAddress: UInt16 = 0x0020
    static let fingerprint: UInt16 = 0x8028
    /// MAPPED-ADDRESS, USERNAME, MESSAGE-INTEGRITY, ERROR-CODE, UNKNOWN-ATTRIBUTES, REALM, NONCE, XOR-MAPPED-ADDRESS:
    /// those of RFC 5389 §18.2. A keep-alive is not authenticated, so that most of them say nothing here.
    private static let known: [UInt16] = [0x0001, 0x0006, 0x0008, 0x0009, 0x000A, 0x0014, 0x0015, 0x0020]

    /// RFC 5389 §15.2: the port and the address, each hidden from NAT boxes that rewrite what looks like one.
    private static func address(_ octets: Span<UInt8>, _ value: OctetRange, _ id: TransactionID) -> SocketAddress? {
        guard value.count >= 8 else { return nil }
        let port = octets.number16(at: value.lower + 2) ^ UInt16(truncatingIfNeeded: Self.magicCookie >> 16)
        let first = octets.number32(at: value.lower + 4) ^ Self.magicCookie
        switch (octets[value.lower + 1], value.count) {
        case (1, 8): return SocketAddress(IPAddress(v4: first), port)
        case (2, 20):
            let second = octets.number32(at: value.lower + 8) ^ id.high
            let low =
                UInt64(octets.number32(at: value.lower + 12)) << 32 | UInt64(octets.number32(at: value.lower + 16))
            return SocketAddress(IPAddress(v6: UInt64(first) << 32 | UInt64(second), low ^ id.low), port)
        default: return nil
        }
    }

    /// RFC 5389 §15.5: CRC-32 of what stands before, XORed with a number.
    static func fingerprint(_ octets: Span<UInt8>, _ range: Range<Int>) -> UInt32 {
        var remainder: UInt32 = .max
        for i in range {
            remainder ^= UInt32(octets[i])
            for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 0 ? 0 : 0xEDB8_8320) }
        }
        return ~remainder ^ 0x5354_554E
    }
}

extension Span where Element == UInt8 {
    /// The two octets at `position`, most significant first.
    func number16(at position: Int) -> UInt16 { UInt16(self[position]) << 8 | UInt16(self[position + 1]) }

    /// The four octets at `position`, most significant first.
    func number32(at position: Int) -> UInt32 {
        UInt32(self.number16(at: position)) << 16 | UInt32(self.number16(at: position + 2))
    }
}
