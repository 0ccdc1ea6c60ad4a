import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("SIPS URIs (RFC 5630, RFC 3261 §26.2.2)")
struct SecureURITests {
    private static let secureBob = "sips:bob@biloxi.example.com"

    /// Registers a device of Bob over TLS with a SIPS Contact.
    private func registerSecurely(_ bob: ScriptedPeer, _ contact: String = "<sips:bob@192.0.2.201>") throws {
        try bob.sends(.register, to: try URI("sips:\(Place.domain)")) { request in
            request.set(.to, NameAddress(bob.uri))
            request.remove(.contact)
            request.add(named: "Contact", contact)
        }
        try bob.expects(200, for: .register)
    }

    private func invites(_ alice: ScriptedPeer, _ uri: String, contact: String = "<sips:alice@192.0.2.101>") throws {
        try alice.sends(.invite, to: try URI(uri)) { request in
            request.remove(.contact)
            request.add(named: "Contact", contact)
        }
    }

    @Test("A SIPS request goes over TLS to the SIPS contact, record-routed with SIPS URIs (RFC 3261 §16.6 step 4)")
    func secure() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(over: .tls), try stage.bob(over: .tls))
        try self.registerSecurely(bob)
        try self.invites(alice, Self.secureBob)
        let invite = try bob.expects(.invite)
        #expect(invite.requestURI?.description == "sips:bob@192.0.2.201")
        #expect(invite.all(.via).map(\.transport) == [.tls, .tls])
        let routes = invite.all(.recordRoute).map { $0.uri.description }
        #expect(routes.allSatisfy { $0.hasPrefix("sips:192.0.2.222:5061;lr") }, "\(routes)")
        #expect(!routes.isEmpty)
        try bob.sends(486)
        try alice.expects(486)
        try stage.world.end()
    }

    @Test("A SIP request to a device with a SIPS contact is sent a SIP URI over TLS: nothing is upgraded (§5.3)")
    func notUpgraded() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob(over: .tls))
        try self.registerSecurely(bob)
        try alice.invites()
        let invite = try bob.expects(.invite)
        #expect(invite.requestURI?.description == "sip:bob@192.0.2.201")
        #expect(invite.first(.via)?.transport == .tls)
        try bob.sends(486)
        try alice.expects(486)
        try stage.world.end()
    }

    @Test(
        "A SIPS request to a device with a SIP contact is refused with 480 and warning 380: nothing is downgraded (§5.3)",
        arguments: [TransportProtocol.udp, .tcp, .tls])
    func notDowngraded(transport: TransportProtocol) throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(over: .tls), try stage.bob(over: transport))
        try bob.isRegistered()
        try self.invites(alice, Self.secureBob)
        let refusal = try alice.expects(480)
        #expect(refusal.values(named: "Warning") == ["380 biloxi \"SIPS Not Allowed\""])
        try bob.expectsNothing(for: .seconds(1))
        try stage.world.end()
    }

    @Test("Of two devices the one with a SIPS contact alone has a SIPS request (§5.3)")
    func choosesSecureDevices() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice(over: .tls)
        let (secure, plain) = (try stage.bob(over: .tls), try stage.bob("plain", at: "192.0.2.202"))
        try self.registerSecurely(secure)
        try plain.isRegistered()
        try self.invites(alice, Self.secureBob)
        try secure.expects(.invite)
        try plain.expectsNothing(for: .seconds(1))
        try secure.sends(486)
        try alice.expects(486)
        try stage.world.end()
    }

    @Test("A SIPS request that comes without TLS is refused with 400", arguments: [TransportProtocol.udp, .tcp, .ws])
    func insecureHop(transport: TransportProtocol) throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice(over: transport)
        try self.invites(alice, Self.secureBob)
        try alice.expects(400)
        try stage.world.end()
    }

    @Test("A SIPS request with a SIP Contact is refused with 400 (RFC 3261 §8.1.1.8, RFC 5630 §5.3)")
    func insecureContact() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice(over: .tls)
        try self.invites(alice, Self.secureBob, contact: "<sip:alice@192.0.2.101>")
        try alice.expects(400)
        try stage.world.end()
    }

    @Test("A server without an end point of TLS does not support the scheme: 416 (RFC 3261 §16.3)")
    func unsupported() throws {
        let stage = Stage()
        stage.server { $0.proxy.endpoints.removeAll { $0.transport.isSecure || $0.transport == .ws } }
        let alice = try stage.alice()
        try self.invites(alice, Self.secureBob)
        try alice.expects(416)
        try stage.world.end()
    }

    @Test("A SIPS URI elsewhere is reached over TLS alone, and one that names UDP is refused with 400")
    func elsewhere() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice(over: .tls)
        let carol = stage.world.peer("carol", at: "192.0.2.82")
        try alice.sends(.message, to: try URI("sips:carol@192.0.2.82")) { $0.remove(.contact) }
        #expect(try carol.expects(.message).first(.via)?.transport == .tls)
        try carol.sends(200)
        try alice.expects(200)
        try alice.sends(.message, to: try URI("sips:carol@192.0.2.82;transport=tcp")) { $0.remove(.contact) }
        #expect(try carol.expects(.message).first(.via)?.transport == .tls)
        try carol.sends(200)
        try alice.expects(200)
        try alice.sends(.message, to: try URI("sips:carol@192.0.2.82;transport=udp")) { $0.remove(.contact) }
        try alice.expects(400)
        try carol.expectsNothing(for: .seconds(1))
        try stage.world.end()
    }

    @Test("Where the server shows a certificate its Via asks for an alias over TLS, and nowhere else (RFC 5923 §8.1)")
    func offersAlias() throws {
        let stage = Stage()
        stage.server { settings in
            for i in settings.proxy.endpoints.indices where settings.proxy.endpoints[i].transport == .tls {
                settings.proxy.endpoints[i].offersAlias = true
            }
        }
        let alice = try stage.alice()
        let carol = stage.world.peer("carol", at: "192.0.2.82")
        for (transport, isOffered) in [(TransportProtocol.tls, true), (.tcp, false)] {
            try alice.sends(.message, to: try URI("sip:carol@192.0.2.82;transport=\(transport)"))
            #expect(try carol.expects(.message).first(.via)?.parameters.has("alias") == isOffered)
            try carol.sends(200)
            try alice.expects(200)
        }
        try stage.world.end()
    }

    @Test("Along a route of SIP URIs too a SIPS request goes over TLS (RFC 5630 §4)")
    func secureAlongRoute() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice(over: .tls)
        let edge = stage.world.peer("edge", at: "192.0.2.82")
        try alice.sends(.message, to: try URI("sips:carol@example.net")) {
            $0.remove(.contact)
            $0.add(named: "Route", "<sip:192.0.2.222;lr>, <sip:192.0.2.82;lr>")
        }
        #expect(try edge.expects(.message).first(.via)?.transport == .tls)
        try edge.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }

    @Test(
        "A SIPS contact is bound by a SIPS REGISTER over TLS along SIPS Path URIs alone: 400 (§5.2)",
        arguments: [
            (TransportProtocol.tls, "sip", nil), (.tcp, "sips", nil), (.udp, "sips", nil),
            (.tls, "sips", "<sip:192.0.2.9;lr>"),
        ] as [(TransportProtocol, String, String?)])
    func bindsSecurely(transport: TransportProtocol, scheme: String, path: String?) throws {
        let stage = Stage()
        stage.server()
        let bob = try stage.bob(over: transport)
        try bob.sends(.register, to: try URI("\(scheme):\(Place.domain)")) { request in
            request.set(.to, NameAddress(bob.uri))
            request.remove(.contact)
            request.add(named: "Contact", "<sips:bob@192.0.2.201>")
            request.add(named: "Supported", "path")
            if let path { request.add(named: "Path", path) }
        }
        try bob.expects(400, for: .register)
        try stage.world.end()
    }
}
