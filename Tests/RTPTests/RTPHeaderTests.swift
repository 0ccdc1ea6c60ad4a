import SIPMessages
import Testing

@testable import RTP

@Suite("RTP packets (RFC 3550 §5.1)")
struct RTPHeaderTests {
    /// 2 contributing sources, an extension of one word (0xBEDE), 3 octets of payload, 2 of padding.
    static let full: [UInt8] = [
        0xB2, 0x80 | 96, 0x12, 0x34, 0xDE, 0xAD, 0xBE, 0xEF, 0x01, 0x02, 0x03, 0x04, 0, 0, 0, 7, 0, 0, 0, 8,
        0xBE, 0xDE, 0, 1, 0x10, 0xAA, 0, 0, 1, 2, 3, 0, 2,
    ]

    @Test("Every part of a header is read")
    func readsAll() throws {
        let header = try RTPHeader(parsing: Self.full.span)
        #expect(header.payloadType == 96)
        #expect(header.hasMarker)
        #expect(header.sequenceNumber == 0x1234)
        #expect(header.timestamp == 0xDEAD_BEEF)
        #expect(header.ssrc == 0x0102_0304)
        #expect(header.contributorCount == 2)
        #expect(header.contributor(1, in: Self.full.span) == 8)
        #expect(header.contributor(2, in: Self.full.span) == nil)
        #expect(header.extensionProfile == 0xBEDE)
        #expect(header.extensionRange == OctetRange(24, 28))
        #expect(header.payload == OctetRange(28, 31))
    }

    @Test("What is cut off is refused, at every length", arguments: 0..<29)
    func truncated(count: Int) {
        let octets = Array(Self.full.prefix(count))
        #expect(throws: RTPParseError.self) { try RTPHeader(parsing: octets.span) }
    }

    @Test(
        "What is no RTP is refused",
        arguments: [
            ([0x00, 0x01], RTPParseError.wrongVersion), ([0x40, 0x00], .wrongVersion), ([0x80, 200], .rtcp),
            ([0x80, 192], .rtcp), ([0x80, 223], .rtcp), ([0xA0, 0], .malformedPadding), ([0x90, 0], .tooShort),
            ([0x81, 0], .tooShort),
        ] as [([UInt8], RTPParseError)])
    func refuses(start: [UInt8], error: RTPParseError) {
        let octets = start + [UInt8](repeating: 0, count: 10)
        #expect(throws: error) { try RTPHeader(parsing: octets.span) }
    }

    @Test("Padding as long as the payload leaves none; longer is refused")
    func padding() throws {
        var octets: [UInt8] = [0xA0] + [UInt8](repeating: 0, count: 11) + [9, 9, 3]
        #expect(try RTPHeader(parsing: octets.span).payload.isEmpty)
        octets[14] = 4
        #expect(throws: RTPParseError.malformedPadding) { try RTPHeader(parsing: octets.span) }
    }

    @Test("A header that is written is read as the same, and a rewritten packet keeps its other parts")
    func writes() throws {
        let header = RTPHeader(payloadType: 8, hasMarker: true, sequenceNumber: 65_535, timestamp: 5, ssrc: .max)
        var octets: [UInt8] = []
        header.append(to: &octets)
        #expect(octets == [0x80, 0x88, 0xFF, 0xFF, 0, 0, 0, 5, 0xFF, 0xFF, 0xFF, 0xFF])
        var packet = Self.full
        var span = packet.mutableSpan
        header.rewrite(&span)
        let read = try RTPHeader(parsing: packet.span)
        #expect(read.payloadType == 8)
        #expect(read.ssrc == .max)
        #expect(Array(packet[12...]) == Array(Self.full[12...]))
        #expect(packet[0] == Self.full[0])
    }
}
