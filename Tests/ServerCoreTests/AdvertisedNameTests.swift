import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("A server that is reached by another host than its addresses")
struct AdvertisedNameTests {
    private func stage(_ host: Host) -> Stage {
        let stage = Stage()
        stage.server { settings in
            settings.proxy.endpoints = settings.proxy.endpoints.map {
                Endpoint($0.transport, local: $0.local, advertised: host)
            }
            if let ip = host.address {
                settings.addresses = settings.proxy.endpoints.map { SocketAddress(ip, $0.local.port) }
            }
        }
        return stage
    }

    @Test(
        "Via and Record-Route name it, and what comes back by them is ours (RFC 5922 §7.5)",
        arguments: ["Edge.Example.COM", "203.0.113.7"])
    func call(host: String) throws {
        let stage = self.stage(Host(host))
        stage.world.services.dns.add(host.lowercased(), .address(try #require(IPAddress(Place.proxy))))
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        let invite = try bob.expects(.invite)
        #expect(invite.first(.via)?.host.name == host.lowercased())
        let routes = invite.all(.recordRoute).compactMap { $0.uri.sip?.host.name }
        #expect(routes == [host.lowercased()])
        try bob.sends(486)
        try alice.expects(486)
        try stage.world.end()
    }

    @Test("Each listener has the host by which it is reached: the way back of each side names its own (RFC 5658 §4)")
    func perListener() throws {
        let stage = Stage()
        stage.server { settings in
            settings.proxy.endpoints = settings.proxy.endpoints.map {
                Endpoint(
                    $0.transport, local: $0.local,
                    advertised: Host($0.transport == .udp ? "203.0.113.7" : "edge.example.com"))
            }
            settings.addresses = [SocketAddress(IPAddress("203.0.113.7") ?? .loopback, 5060)]
        }
        let (alice, bob) = (try stage.alice(), try stage.bob(over: .tcp))
        stage.world.services.dns.add("edge.example.com", .address(try #require(IPAddress(Place.proxy))))
        try bob.isRegistered()
        try alice.invites()
        let invite = try bob.expects(.invite)
        #expect(invite.first(.via)?.host.name == "edge.example.com")
        #expect(invite.all(.recordRoute).compactMap { $0.uri.sip?.host.name } == ["edge.example.com", "203.0.113.7"])
        try bob.sends(486)
        try alice.expects(486)
        // Each is this server's, with the port of its listener alone.
        for (uri, status) in [
            ("sip:203.0.113.7", StatusCode(200)), ("sip:edge.example.com;transport=tcp", 200),
            ("sip:203.0.113.7:5061", 500),
        ] {
            try alice.sends(.options, to: try URI(uri))
            try alice.expects(status)
        }
        try stage.world.end()
    }

    @Test("A request with such a Route goes on, one with another port of that name goes there")
    func routes() throws {
        let stage = self.stage("edge.example.com")
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.sends(.message, to: try URI(Place.bob)) { $0.add(named: "Route", "<sip:EDGE.example.com:5060;lr>") }
        #expect(try !bob.expects(.message).has(.route))
        try bob.sends(200)
        try alice.expects(200)
        try alice.sends(.message, to: try URI(Place.bob)) { $0.add(named: "Route", "<sip:edge.example.com:5099;lr>") }
        try alice.expects(404)
        try bob.expectsNothing(for: .seconds(1))
        try stage.world.end()
    }
}
