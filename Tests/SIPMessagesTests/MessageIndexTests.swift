import Testing

@testable import SIPMessages

@Suite("Indexing a message (RFC 3261 §7)")
struct MessageIndexTests {
    static let invite = """
        INVITE sip:bob@biloxi.example.com SIP/2.0\r
        Via: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bKnashds8;rport\r
        Max-Forwards: 70\r
        t: "Bob" <sip:bob@biloxi.example.com>\r
        From: Alice <sip:alice@atlanta.example.com>;tag=1928301774\r
        CALL-ID : a84b4c76e66710\r
        X-Folded: one\r
         two\r
        CSeq: 314159 INVITE\r
        Content-Length: 4\r
        \r
        abcdXYZ
        """

    @Test("Start line, fields, folds and body are found where they lie")
    func findsParts() throws {
        let octets = Array(Self.invite.utf8)
        var index = MessageIndex()
        try index.parse(octets.span)
        #expect(index.fault == nil)
        #expect(index.method == .invite)
        #expect(octets.span.string(index.requestURI) == "sip:bob@biloxi.example.com")
        #expect(index.fields.map(\.id) == [.via, .maxForwards, .to, .from, .callID, .other, .cseq, .contentLength])
        #expect(octets.span.string(index.fields[5].value) == "one\r\n two")
        #expect(octets.span.string(index.body) == "abcd")
        var via = ViaIndex()
        #expect(try ViaIndex.parse(octets.span, in: index.fields[0].value.range, into: &via) == nil)
        #expect(via.hasRport && via.hasMagicCookie && via.transport == .udp)
        #expect(octets.span.string(via.branch) == "z9hG4bKnashds8")
        let to = try AddressIndex(parsing: octets.span, in: index.fields[2].value.range, field: .to)
        #expect(octets.span.string(to.displayName) == "Bob")
        let uri = try URIIndex(parsing: octets.span, in: to.uri.range)
        #expect(octets.span.string(uri.user) == "bob")
        #expect(octets.span.string(uri.host) == "biloxi.example.com")
    }

    @Test("Without some of its lines a message has the index that follows their removal", arguments: 0..<8, 1...2)
    func followsRemoval(first: Int, count: Int) throws {
        let octets = Array(Self.invite.utf8)
        var index = MessageIndex()
        try index.parse(octets.span)
        let removed = first..<Swift.min(first + count, index.fields.count)
        // Content-Length says where the body ends.
        guard !removed.contains(7) else { return }
        let rest = octets[..<index.startOfLine(removed.lowerBound)] + octets[index.startOfLine(removed.upperBound)...]
        var expected = MessageIndex()
        try expected.parse(Array(rest).span)
        let gone = index.fields[removed].map(\.id)
        var copy = MessageIndex()
        copy.assign(index)
        index.removeFields(removed)
        #expect(index == expected)
        for id in HeaderID.allKnown { #expect(index.has(id) == expected.has(id)) }
        #expect(index.headerOctets == expected.headerOctets)
        // The copy has not changed.
        #expect(gone.allSatisfy { $0 == .other || copy.has($0) })
        #expect(copy.fields.count == 8 && copy.startOfLine(8) == copy.headerOctets - 2)
    }

    @Test("Methods are told apart by their whole name, in its case")
    func knowsMethods() {
        let names = [
            "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "INFO", "PRACK", "UPDATE", "SUBSCRIBE", "NOTIFY",
            "REFER", "MESSAGE", "PUBLISH",
        ]
        for (number, name) in names.enumerated() {
            #expect(Method(name).code.rawValue == UInt8(number + 1), "\(name)")
            #expect(Method(name).code.method == Method(name))
            for other in [name.lowercased(), "X" + name, name + "X", String(name.dropFirst()), String(name.dropLast())]
            {
                #expect(Method(other).code == .other, "\(other)")
            }
        }
        for other in ["", "XUBSCRIBE", "XXREGISTER", "AREGISTER", "AAAAAAACK"] { #expect(Method(other).code == .other) }
    }

    @Test("Every known name is found in any case, long and compact")
    func knowsNames() {
        for id in HeaderID.allKnown {
            #expect(HeaderID(name: id.name) == id)
            #expect(HeaderID(name: id.name.uppercased()) == id)
            if let compact = id.compactForm { #expect(HeaderID(name: compact) == id) }
        }
        #expect(HeaderID(name: "X-Unknown") == .other)
    }

    @Test(
        "IP addresses are read and written in canonical form (RFC 5952)",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("2001:DB8::0009:1", "2001:db8::9:1"), ("::", "::"), ("::1", "::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("::ffff:192.0.2.10", "::ffff:192.0.2.10"),
            ("2001:db8:::192.0.2.1", "2001:db8::c000:201"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("fe80::", "fe80::"),
        ])
    func canonicalAddresses(text: String, canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
    }

    @Test(
        "What is no IP address is refused",
        arguments: [
            "1.2.3", "1.2.3.4.5", "256.1.1.1", "1:2", ":::1::2", "1::2::3", "12345::", ":1", "1:2:3:4:5:6:7:8:9",
        ])
    func refusedAddresses(text: String) {
        #expect(IPAddress(text) == nil)
    }
}
