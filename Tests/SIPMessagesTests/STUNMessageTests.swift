import Testing

@testable import SIPMessages

@Suite("STUN keep-alives (RFC 5626 §8, RFC 5389)")
struct STUNMessageTests {
    private static func octets(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.filter { !$0.isWhitespace }
        return stride(from: 0, to: digits.count, by: 2).compactMap { position in
            let start = digits.index(digits.startIndex, offsetBy: position)
            return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)
        }
    }

    /// The transaction of all test vectors.
    private static let id = "b7e7a701 bc34d686 fa87dfae"
    /// RFC 5769 §2.1.
    private static let request = octets(
        """
        00010058 2112a442 \(id) 80220010 5354554e 20746573 7420636c 69656e74 00240004 6e0001ff 80290008 932ff9b1 51263b36
        00060009 6576746a 3a683676 59202020 00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2 80280004 e57a3bcf
        """)
    private static let plain = octets("00010000 2112a442 \(id)")

    private func answer(_ octets: [UInt8], to source: SocketAddress) throws -> [UInt8]? {
        var output: [UInt8] = [0xFF]
        guard try STUNMessage(parsing: octets.span).writeAnswer(to: source, into: &output) else { return nil }
        return Array(output.dropFirst())
    }

    @Test("The sample request is a Binding request with a right fingerprint (RFC 5769 §2.1)")
    func readsRequest() throws {
        let message = try STUNMessage(parsing: Self.request.span)
        #expect(message.kind == .request)
        #expect(message.method == STUNMessage.binding)
        #expect(message.transactionID == STUNMessage.TransactionID(high: 0xB7E7_A701, low: 0xBC34_D686_FA87_DFAE))
        #expect(message.hasFingerprint)
        #expect(message.mappedAddress == nil)
        // PRIORITY is ICE's, and must be understood.
        #expect(message.unknownAttributes == [0x0024])
    }

    @Test(
        "The sample responses give the address that the request came from (RFC 5769 §2.2, §2.3)",
        arguments: [
            (
                """
                0101003c 2112a442 \(id) 8022000b 74657374 20766563 746f7220 00200008 0001a147 e112a643
                00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96
                """, "192.0.2.1"
            ),
            (
                """
                01010048 2112a442 \(id) 8022000b 74657374 20766563 746f7220 00200014 0002a147 0113a9fa a5d3f179
                bc25f4b5 bed2b9d9 00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c
                """, "2001:db8:1234:5678:11:2233:4455:6677"
            ),
        ])
    func readsResponses(text: String, address: String) throws {
        let message = try STUNMessage(parsing: Self.octets(text).span)
        #expect(message.kind == .success)
        #expect(message.mappedAddress == SocketAddress(try #require(IPAddress(address)), 32853))
        #expect(message.unknownAttributes.isEmpty)
    }

    @Test("A Binding request is answered with the address it came from, XORed with cookie and transaction (§15.2)")
    func answers() throws {
        let v4 = try answer(Self.plain, to: SocketAddress(try #require(IPAddress("192.0.2.1")), 32853))
        #expect(v4 == Self.octets("0101000c 2112a442 \(Self.id) 00200008 0001a147 e112a643"))
        let address = try #require(IPAddress("2001:db8:1234:5678:11:2233:4455:6677"))
        let v6 = try answer(Self.plain, to: SocketAddress(address, 32853))
        #expect(
            v6
                == Self.octets(
                    "01010018 2112a442 \(Self.id) 00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9"))
    }

    @Test("What must be understood and is not is answered with 420 and its types, and a fingerprint with one (§7.3.1)")
    func refusesUnknownAttributes() throws {
        let octets = try #require(try answer(Self.request, to: SocketAddress(.loopback, 1)))
        // Error, Binding; ERROR-CODE 4*100 + 20 with a reason of 17 octets; UNKNOWN-ATTRIBUTES with one type.
        #expect(octets.prefix(4) == Self.octets("0111 002c")[...])
        #expect(octets[20..<28] == Self.octets("00090015 00000414")[...])
        #expect(octets[28..<48] == (Array("Unknown Attribute".utf8) + [0, 0, 0])[...])
        #expect(octets[48..<56] == Self.octets("000a0002 00240000")[...])
        let answer = try STUNMessage(parsing: octets.span)
        #expect(answer.kind == .error)
        #expect(answer.hasFingerprint)
    }

    @Test("Attributes that need not be understood change nothing (§15)")
    func ignoresOptionalAttributes() throws {
        let octets = Self.octets("0001000c 2112a442 \(Self.id) 80220005 61626364 65000000")
        #expect(try answer(octets, to: SocketAddress(.loopback, 1))?.prefix(2) == [0x01, 0x01])
    }

    @Test(
        "Indications, responses and other methods are not answered (§7.3)",
        arguments: ["0011", "0101", "0111", "0003", "0005"])
    func answersRequestsOnly(type: String) throws {
        #expect(try answer(Self.octets("\(type)0000 2112a442 \(Self.id)"), to: SocketAddress(.loopback, 1)) == nil)
    }

    @Test(
        "What breaks the format is dropped in silence (§7.3)",
        arguments: [
            ("", "shorter than a STUN header"), ("0001000021 12a442", "shorter than a STUN header"),
            ("80010000 2112a442 \(id)", "the two highest bits are set"),
            ("00010000 2112a443 \(id)", "no magic cookie"),
            ("00010004 2112a442 \(id)", "its length is not that of the datagram"),
            ("00010000 2112a442 \(id) 00000000", "its length is not that of the datagram"),
            ("00010002 2112a442 \(id) 0000", "its length is not that of the datagram"),
            ("00010008 2112a442 \(id) 80220005 61626364", "an attribute goes beyond its message"),
            ("00010008 2112a442 \(id) 80280004 00000000", "wrong fingerprint"),
            ("00010008 2112a442 \(id) 00200004 00010000", "a mapped address that is none"),
            ("0001000c 2112a442 \(id) 00200008 0002a147 e112a643", "a mapped address that is none"),
        ])
    func drops(text: String, reason: String) {
        #expect {
            try STUNMessage(parsing: Self.octets(text).span)
        } throws: {
            "\($0)" == reason
        }
    }

    @Test("Nothing may follow the fingerprint (§15.5)")
    func fingerprintIsLast() {
        var octets = Self.request + Self.octets("80220000")
        octets[3] += 4
        #expect(throws: STUNMessage.ParseError.self) { try STUNMessage(parsing: octets.span) }
    }

    @Test("Messages and attributes have bounds")
    func bounds() throws {
        func message(_ attributes: Int) -> [UInt8] {
            let length = UInt16(attributes * 4)
            return [0, 1, UInt8(length >> 8), UInt8(truncatingIfNeeded: length)] + Self.plain[4...]
                + [[UInt8]](repeating: [0x80, 0x22, 0, 0], count: attributes).joined()
        }
        _ = try STUNMessage(parsing: message(STUNMessage.attributeLimit).span)
        #expect(throws: STUNMessage.ParseError.self) {
            try STUNMessage(parsing: message(STUNMessage.attributeLimit + 1).span)
        }
        #expect(throws: STUNMessage.ParseError.self) { try STUNMessage(parsing: message(320).span) }
    }

    @Test("The first octet tells STUN from SIP (RFC 5626 §8)")
    func isTold() {
        let answers = [Self.plain, [1], [2], Array("OPTIONS".utf8), []].map { STUNMessage.isLikely($0.span) }
        #expect(answers == [true, true, false, false, false])
    }
}
