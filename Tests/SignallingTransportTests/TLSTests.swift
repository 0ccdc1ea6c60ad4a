import NIOSSL
import SIPMessages
import Testing

@testable import SignallingTransport

@Suite("SIP over TLS (RFC 3261 §26.3, RFC 5922)")
struct TLSTests {
    private func settings(_ certificate: Certificate) -> StreamSettings {
        var settings = StreamSettings()
        settings.tls = certificate.settings
        return settings
    }

    private func options(_ peer: Peer, over transport: TransportProtocol = .tls) -> String {
        Text.request("OPTIONS", to: "", uri: "sip:sip.test", from: peer.local, over: transport, call: "o")
    }

    @Test(
        "A client that trusts the certificate made by the server is answered", arguments: [TLSVersion.tlsv12, .tlsv13])
    func answers(version: TLSVersion) throws {
        let certificate = try Certificate()
        let server = try TestServer([.tls], streams: self.settings(certificate))
        let peer = try Peer(
            connectingTo: server.address(.tls),
            tls: try certificate.clientContext(minimum: version, maximum: version))
        try peer.send(self.options(peer))
        #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
    }

    @Test("TLS 1.1 is not spoken (RFC 8996)")
    func refusesOldVersions() throws {
        let certificate = try Certificate()
        let server = try TestServer([.tls], streams: self.settings(certificate))
        let peer = try Peer(
            connectingTo: server.address(.tls),
            tls: try certificate.clientContext(minimum: .tlsv1, maximum: .tlsv11))
        #expect(try peer.inbox.next() == .closed)
    }

    @Test("A changed certificate is shown to whoever connects from then on; a broken file changes nothing")
    func reloads() throws {
        let certificate = try Certificate()
        let server = try TestServer([.tls], streams: self.settings(certificate))
        func shown() throws -> [UInt8]? {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            let peer = try Peer(
                connectingTo: server.address(.tls), tls: try NIOSSLContext(configuration: configuration))
            try peer.send("\r\n\r\n")
            #expect(try peer.inbox.next() == .pong)
            return try peer.shownCertificate()
        }
        let first = try shown()
        #expect(try shown() == first)
        try certificate.renew()
        let second = try shown()
        #expect(second != first)
        try certificate.spoil()
        #expect(try shown() == second)
    }

    @Test("Where certificates of clients are required, one without is refused")
    func wantsClientCertificates() throws {
        let certificate = try Certificate()
        var settings = self.settings(certificate)
        settings.tls?.clientCertificates = .required
        settings.tls?.trustRootsFile = certificate.certificateFile
        let server = try TestServer([.tls], streams: settings)
        let stranger = try Peer(
            connectingTo: server.address(.tls), tls: try certificate.clientContext(maximum: .tlsv12))
        #expect(try stranger.inbox.next() == .closed)
        let known = try Peer(
            connectingTo: server.address(.tls), tls: try certificate.clientContext(showsCertificate: true))
        try known.send(self.options(known))
        #expect(Text.startLine(try known.inbox.message()) == "SIP/2.0 200 OK")
    }

    /// Relays a MESSAGE from one server to a user at the other, over a TLS connection that the first opens.
    private func relay(trusting trusted: Certificate, to shown: Certificate) throws -> String {
        let far = try TestServer([.tls], streams: self.settings(shown))
        var settings = self.settings(shown)
        settings.tls?.trustRootsFile = trusted.certificateFile
        let near = try TestServer([.udp, .tls], streams: settings)
        let caller = try Peer(udpTo: near.address(.udp))
        try caller.send(
            Text.request(
                "OPTIONS", to: "", uri: "sip:\(far.address(.tls));transport=tls", from: caller.local, over: .udp,
                call: "o"))
        return Text.startLine(try caller.inbox.message())
    }

    @Test(
        "A server is connected to when its certificate is for its address and leads to a trusted root (RFC 5922 §7.3)")
    func connects() throws {
        let certificate = try Certificate()
        #expect(try self.relay(trusting: certificate, to: certificate) == "SIP/2.0 200 OK")
    }

    @Test("A server whose certificate leads to no trusted root is not spoken to (RFC 5922 §7.3)")
    func refusesStrangers() throws {
        let (trusted, shown) = (try Certificate(), try Certificate())
        #expect(try self.relay(trusting: trusted, to: shown).hasPrefix("SIP/2.0 5"))
    }

    @Test("A server whose certificate is for another address is not spoken to (RFC 5922 §7.3)")
    func refusesOtherAddresses() throws {
        let certificate = try Certificate(addresses: [IPAddress(v4: 0xC000_0201)])
        #expect(try self.relay(trusting: certificate, to: certificate).hasPrefix("SIP/2.0 5"))
    }

    @Test("WebSocket over TLS (RFC 7118 §5.1)")
    func secureWebSocket() throws {
        let certificate = try Certificate()
        let server = try TestServer([.wss], streams: self.settings(certificate))
        let peer = try Peer(
            connectingTo: server.address(.wss), tls: try certificate.clientContext(), isWebSocket: true)
        try peer.send(WebSocketText.handshake())
        #expect(Text.startLine(try peer.inbox.message()) == "HTTP/1.1 101 Switching Protocols")
        try peer.send(octets: WebSocketText.text(self.options(peer, over: .wss)))
        #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
    }

    @Test("A listener of TLS without a certificate is refused with a reason")
    func wantsCertificate() throws {
        #expect(throws: TransportError.self) { try TestServer([.tls]) }
    }

    @Test(
        "The key of a certificate that was made is for its owner's eyes only; both files stay while they are good",
        arguments: [("sip.test", 0, false), ("sip.test", 700, false), ("other.test", 0, true), ("sip.test", 800, true)])
    func keepsFiles(domain: String, days: Int64, isMade: Bool) throws {
        let certificate = try Certificate()
        #expect(certificate.keyMode == 0o600)
        let isMadeAnew = try SelfSignedCertificate.make(
            certificateFile: certificate.certificateFile, keyFile: certificate.keyFile, domains: [domain],
            addresses: [], now: SystemClock.wall() / 1000 + days * 86_400)
        #expect(isMadeAnew == isMade)
        #expect(certificate.keyMode == 0o600)
    }

    @Test(
        "Times of certificates are UTCTime until 2049, GeneralizedTime later (RFC 5280 §4.1.2.5)",
        arguments: [
            (0, "700101000000Z"), (951_782_399, "000228235959Z"), (951_782_400, "000229000000Z"),
            (2_524_607_999, "491231235959Z"), (2_524_608_000, "20500101000000Z"),
        ] as [(Int64, String)])
    func writesTimes(seconds: Int64, text: String) {
        let tag: UInt8 = text.count == 13 ? 0x17 : 0x18
        #expect(DER.time(seconds) == [tag, UInt8(text.count)] + Array(text.utf8))
    }
}
