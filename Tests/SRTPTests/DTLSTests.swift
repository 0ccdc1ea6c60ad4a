import MediaKeying
import SIPMessages
import Testing

@testable import SRTP

@Suite("Keys by a handshake of DTLS (RFC 5763, RFC 5764)")
struct DTLSTests {
    /// The records of a datagram.
    static func records(_ datagram: [UInt8]) -> [[UInt8]] {
        var (records, rest): ([[UInt8]], ArraySlice<UInt8>) = ([], datagram[...])
        while rest.count >= 13 {
            let count = 13 + (Int(rest[rest.startIndex + 11]) << 8) + Int(rest[rest.startIndex + 12])
            records.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return records
    }

    /// Lets both ends talk until nothing is sent any more; `isLost` says which records get lost.
    static func talk(_ client: DTLSEndpoint, _ server: DTLSEndpoint, isLost: ((Int) -> Bool)? = nil) {
        var (toServer, toClient): ([[UInt8]], [[UInt8]]) = ([], [])
        var count = 0
        client.start(into: &toServer)
        var rounds = 0
        while rounds < 200 {
            rounds += 1
            let (out, back) = (toServer, toClient)
            (toServer, toClient) = ([], [])
            for datagram in out {
                #expect(datagram.count <= DTLSEndpoint.maximumOctets)
                let isDTLS = DTLSEndpoint.isDTLS(datagram.span)
                #expect(isDTLS)
                guard let isLost else {
                    server.receive(datagram.span, into: &toClient)
                    continue
                }
                for record in Self.records(datagram) {
                    count += 1
                    if !isLost(count) { server.receive(record.span, into: &toClient) }
                }
            }
            for datagram in back {
                guard let isLost else {
                    client.receive(datagram.span, into: &toServer)
                    continue
                }
                for record in Self.records(datagram) {
                    count += 1
                    if !isLost(count) { client.receive(record.span, into: &toServer) }
                }
            }
            if toServer.isEmpty, toClient.isEmpty {
                client.wake(into: &toServer)
                server.wake(into: &toClient)
                if toServer.isEmpty, toClient.isEmpty { return }
            }
        }
    }

    static func agreement(_ endpoint: DTLSEndpoint) -> SRTPAgreement? {
        if case .agreed(let agreement) = endpoint.state { return agreement }
        return nil
    }

    @Test(
        "Both ends get the same keys, crosswise, and media passes with them",
        arguments: [.aeadAES256GCM, .aeadAES128GCM, .aes128CMSHA1Tag80, .aes128CMSHA1Tag32] as [SRTPSuite])
    func agrees(suite: SRTPSuite) throws {
        let (left, right) = (try DTLSIdentity(), try DTLSIdentity())
        let client = try DTLSEndpoint(left, isClient: true)
        let server = try DTLSEndpoint(right, isClient: false, suites: [suite])
        let other = try DTLSEndpoint(left, isClient: true, suites: [suite])
        let first = suite == .aes128CMSHA1Tag32 ? other : client
        first.expect([right.fingerprint])
        server.expect([left.fingerprint])
        Self.talk(first, server)
        let (ours, theirs) = (try #require(Self.agreement(first)), try #require(Self.agreement(server)))
        #expect(ours.suite == suite)
        #expect(ours.local == theirs.remote)
        #expect(ours.remote == theirs.local)
        #expect(ours.local != ours.remote)
        var packet = SRTPSessionTests.packet(1)
        try SRTPSession(ours).protect(&packet)
        try SRTPSession(theirs).unprotect(&packet)
        #expect(packet == SRTPSessionTests.packet(1))
    }

    @Test("Until the fingerprint comes there are no keys; a wrong one ends it (RFC 5763 §5)")
    func fingerprints() throws {
        let (left, right) = (try DTLSIdentity(), try DTLSIdentity())
        let (client, server) = (try DTLSEndpoint(left, isClient: true), try DTLSEndpoint(right, isClient: false))
        server.expect([right.fingerprint])
        Self.talk(client, server)
        #expect(client.state == .unverified)
        #expect(server.state == .failed(.wrongFingerprint))
        client.expect([right.fingerprint, left.fingerprint])
        #expect(Self.agreement(client) != nil)
        #expect(left.fingerprint.octets.count == 32)
        let weak = try DTLSEndpoint(left, isClient: true)
        weak.expect([Fingerprint(hash: "sha-1", octets: [1])])
        Self.talk(weak, try DTLSEndpoint(right, isClient: false))
        #expect(weak.state == .failed(.noFingerprint))
    }

    @Test("Without a profile in common the handshake fails with its reason")
    func profiles() throws {
        let identity = try DTLSIdentity()
        let client = try DTLSEndpoint(identity, isClient: true, suites: [.aeadAES128GCM])
        let server = try DTLSEndpoint(identity, isClient: false, suites: [.aes128CMSHA1Tag80])
        client.expect([identity.fingerprint])
        server.expect([identity.fingerprint])
        Self.talk(client, server)
        #expect(client.state == .failed(.noProfile))
    }

    @Test("Any one record may get lost when each is sent again at once", arguments: 1...40)
    func loss(lost: Int) throws {
        let (left, right) = (try DTLSIdentity(), try DTLSIdentity())
        let client = try DTLSEndpoint(left, isClient: true, firstWait: .zero)
        let server = try DTLSEndpoint(right, isClient: false, firstWait: .zero)
        client.expect([right.fingerprint])
        server.expect([left.fingerprint])
        Self.talk(client, server) { $0 == lost }
        #expect(Self.agreement(client)?.local == Self.agreement(server)?.remote)
        #expect(Self.agreement(client) != nil)
    }

    @Test("Octets of anything do not end a handshake, nor trap", arguments: 0..<20)
    func anything(seed: Int) throws {
        let (left, right) = (try DTLSIdentity(), try DTLSIdentity())
        let (client, server) = (try DTLSEndpoint(left, isClient: true), try DTLSEndpoint(right, isClient: false))
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        var out: [[UInt8]] = []
        for _ in 0..<20 {
            let octets = (0..<40).map { i -> UInt8 in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return i == 0 ? 22 : UInt8(truncatingIfNeeded: state >> 33)
            }
            server.receive(octets.span, into: &out)
        }
        client.expect([right.fingerprint])
        server.expect([left.fingerprint])
        Self.talk(client, server)
        #expect(Self.agreement(server) != nil)
    }
}
