import Testing

@testable import SIPMessages

@Suite("Identities in certificates (RFC 5922 §7.1, §7.2)")
struct CertificateIdentityTests {
    /// A subjectAltName entry.
    enum Name: Sendable {
        case uri(String)
        case dns(String)
        case ip([UInt8])
        case other

        var encoded: [UInt8] {
            switch self {
            case .uri(let text): Self.value(0x86, Array(text.utf8))
            case .dns(let text): Self.value(0x82, Array(text.utf8))
            case .ip(let octets): Self.value(0x87, octets)
            case .other: Self.value(0x81, Array("alice@example.com".utf8))
            }
        }

        static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
            let count = content.count
            let length: [UInt8] =
                count < 128
                ? [UInt8(count)] : count < 256 ? [0x81, UInt8(count)] : [0x82, UInt8(count >> 8), UInt8(count & 0xFF)]
            return [tag] + length + content
        }
    }

    private static func sequence(_ parts: [[UInt8]]) -> [UInt8] { Name.value(0x30, Array(parts.joined())) }

    /// What of a certificate is read (RFC 5280 §4.1), the rest empty.
    private static func certificate(
        commonNames: [String] = [], names: [Name]?, otherExtension: Bool = true, version: Bool = true
    ) -> [UInt8] {
        let subject = sequence(
            commonNames.map {
                Name.value(0x31, sequence([Name.value(6, [0x55, 4, 3]), Name.value(0x0C, Array($0.utf8))]))
            })
        var extensions: [[UInt8]] = []
        if otherExtension {
            extensions.append(
                sequence([Name.value(6, [0x55, 0x1D, 0x0F]), Name.value(1, [0xFF]), Name.value(4, [3, 2, 7, 0x80])]))
        }
        if let names {
            extensions.append(
                sequence([Name.value(6, [0x55, 0x1D, 0x11]), Name.value(4, sequence(names.map(\.encoded)))]))
        }
        let content = sequence(
            (version ? [Name.value(0xA0, Name.value(2, [2]))] : [])
                + [Name.value(2, [1]), sequence([]), sequence([]), sequence([]), subject, sequence([])]
                + (extensions.isEmpty ? [] : [Name.value(0xA3, sequence(extensions))]))
        return sequence([content, sequence([]), Name.value(3, [0])])
    }

    private static func identities(_ octets: [UInt8]) throws -> CertificateIdentities {
        let identities = CertificateIdentities(certificate: octets.span)
        return try #require(identities)
    }

    @Test(
        "Which names of subjectAltName are SIP domain identities (§7.1 step 1)",
        arguments: [
            ([Name.uri("sip:example.com")], ["example.com"]), ([.uri("SIP:Example.COM")], ["example.com"]),
            ([.uri("sip:example.com;transport=tls")], ["example.com"]), ([.uri("sips:example.com")], []),
            ([.uri("https://example.com")], []), ([.uri("sip:alice@example.com")], []),
            ([.dns("example.com"), .dns("example.net.")], ["example.com", "example.net"]),
            // A DNS name counts if and only if no SIP URI is there.
            ([.dns("example.net"), .uri("sip:example.com")], ["example.com"]),
            ([.dns("example.net"), .uri("sip:alice@example.com")], ["example.net"]),
            ([.dns("example.net"), .uri("https://example.com")], ["example.net"]), ([.other], []), ([], []),
            ([.dns("example.com\u{0}.attacker.test")], []), ([.dns("")], []),
        ] as [([Name], [String])])
    func alternativeNames(names: [Name], domains: [String]) throws {
        let certificate = Self.certificate(commonNames: ["cn.example.com"], names: names)
        #expect(try Self.identities(certificate).domains == domains)
    }

    @Test("The CN counts if and only if there is no subjectAltName (§7.1 step 2)")
    func commonName() throws {
        let certificate = Self.certificate(commonNames: ["Example Inc", "example.com"], names: nil)
        #expect(try Self.identities(certificate).domains == ["example.com"])
        let old = Self.certificate(commonNames: ["example.com"], names: nil, otherExtension: false, version: false)
        #expect(try Self.identities(old).domains == ["example.com"])
        let company = Self.certificate(commonNames: ["Example Inc"], names: nil)
        #expect(try Self.identities(company).domains.isEmpty)
    }

    @Test("A broken subjectAltName has no names, and the CN takes no part either")
    func brokenNames() throws {
        var octets = Self.certificate(commonNames: ["cn.example.com"], names: [.dns("example.com")])
        let position = try #require(octets.firstIndex(of: 0x82))
        octets[position + 1] = 0x20
        #expect(try Self.identities(octets).domains.isEmpty)
    }

    @Test(
        "Names compare whole and in any case; wildcards match nothing but themselves (§7.2)",
        arguments: [
            ("example.com", "example.com", true), ("example.com", "EXAMPLE.com.", true),
            ("example.com", "foo.example.com", false), ("foo.example.com", "example.com", false),
            ("*.example.com", "foo.example.com", false), ("*.example.com", "*.example.com", true),
            (".example.com", "foo.example.com", false),
        ])
    func compares(name: String, identity: String, isProved: Bool) throws {
        let identities = try Self.identities(Self.certificate(names: [.dns(name)]))
        #expect(identities.prove(Host(identity)) == isProved)
    }

    @Test("An address is proved by the same address alone")
    func addresses() throws {
        let v6: [UInt8] = [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]
        let identities = try Self.identities(
            Self.certificate(names: [.ip([192, 0, 2, 1]), .ip(v6), .ip([1, 2, 3]), .dns("192.0.2.9")]))
        #expect(identities.prove("192.0.2.1"))
        #expect(identities.prove("[2001:db8::1]"))
        #expect(!identities.prove("192.0.2.2"))
        #expect(!identities.prove("192.0.2.9"))
    }

    @Test("A SIP URI with an address proves that address, and is no domain")
    func addressURI() throws {
        let identities = try Self.identities(Self.certificate(names: [.uri("sip:192.0.2.1")]))
        #expect(identities.domains.isEmpty)
        #expect(identities.prove("192.0.2.1"))
    }

    @Test("No more names are read than the limit")
    func limit() throws {
        let names = (0..<CertificateIdentities.limit).map { Name.dns("h\($0).example.com") }
        #expect(try Self.identities(Self.certificate(names: names)).domains.count == names.count)
        #expect(try Self.identities(Self.certificate(names: names + [.dns("example.com")])).domains.isEmpty)
    }

    @Test("What is no certificate has no identities, wherever it is cut")
    func cut() {
        let octets = Self.certificate(names: [.dns("example.com")])
        for count in 0..<octets.count {
            let cut = Array(octets[..<count])
            let identities = CertificateIdentities(certificate: cut.span)
            #expect(identities == nil)
        }
    }

    @Test(
        "Lengths are as short as can be, and definite (X.690 §10.1)",
        arguments: [
            [0x30, 0x80, 0, 0], [0x30, 0x81, 0x01, 0], [0x30, 0x82, 0, 1, 0], [0x30, 0x84, 0, 0, 0, 1, 0], [0x1F, 0],
        ])
    func lengths(octets: [UInt8]) {
        let value = DERValue(octets.span, in: OctetRange(0, octets.count))
        #expect(value == nil)
    }
}
