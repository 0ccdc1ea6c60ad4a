import Foundation
import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("Edge proxies (RFC 3327, RFC 5626 §5)")
struct EdgeProxyTests {
    static let edge = "192.0.2.111"

    /// Bob behind a NAT box, who reaches his home through an edge proxy, and Alice, who calls him there.
    struct Network {
        let stage: Stage
        let alice: ScriptedPeer
        let bob: ScriptedPeer

        init(over transport: TransportProtocol = .udp, shards: Int = 1, isAuthenticated: Bool = false) throws {
            self.stage = Stage(shards: shards)
            let home = try #require(HomeDomain(Place.domain, proxy: "sip:\(Place.proxy);lr"))
            self.stage.server("edge", at: EdgeProxyTests.edge, ["edge.example.org"]) {
                $0.homes = [home]
                $0.requiresAuthentication = true
            }
            self.stage.server("home", at: Place.proxy, [Place.domain]) {
                if isAuthenticated { $0.requires([.bob]) }
            }
            self.alice = try self.stage.alice()
            self.bob = try DialogFlowTests.device(
                "bob", Place.bob, box: "198.51.100.2", in: self.stage, over: transport)
            self.bob.outboundProxy = SocketAddress(
                try #require(IPAddress(EdgeProxyTests.edge)), transport.defaultPort)
        }

        @discardableResult
        func register() throws -> SIPMessage {
            try self.bob.registers(["<sip:bob@10.0.0.5:5060>\(OutboundTests.device);reg-id=1"]) {
                $0.add(named: "Supported", "path, outbound")
            }
            return try self.bob.expects(200)
        }
    }

    @Test(
        "The first hop puts its URI with ob and a token into Path, and the flow is registered (RFC 5626 §5.1)",
        arguments: [TransportProtocol.udp, .tcp, .ws])
    func path(transport: TransportProtocol) throws {
        let network = try Network(over: transport)
        let response = try network.register()
        let path = try #require(response.all(.path).first?.uri.sip)
        #expect(response.all(.path).count == 1 && path.host.name == Self.edge)
        #expect(path.parameters["ob"] == "" && path.parameters["lr"] == "" && path.parameters["d"] != nil)
        #expect(response.values(named: "Require") == ["outbound"])
        try network.stage.world.end()
    }

    @Test(
        "A call to the home takes the Path to the client's flow, and so does what follows in it (RFC 5626 §5.3)",
        arguments: [TransportProtocol.udp, .tcp, .ws])
    func call(transport: TransportProtocol) throws {
        let network = try Network(over: transport)
        try network.register()
        try DialogFlowTests.converse(network.alice, network.bob)
        try network.stage.world.end()
    }

    @Test("With 64 shards and passwords at the home it is the same", arguments: [1, 64])
    func authenticated(shards: Int) throws {
        let network = try Network(over: .tcp, shards: shards, isAuthenticated: true)
        let contacts = ["<sip:bob@10.0.0.5:5060;transport=tcp>\(OutboundTests.device);reg-id=1"]
        try network.bob.registers(contacts) { $0.add(named: "Supported", "path, outbound") }
        let challenge = try network.bob.expects(401)
        let answer = try #require(Account.bob.answer(challenge, .register, "sip:\(Place.domain)"))
        try network.bob.registersAgain(contacts) {
            $0.add(named: "Authorization", answer)
            $0.add(named: "Supported", "path, outbound")
        }
        try network.bob.expects(200)
        try DialogFlowTests.converse(network.alice, network.bob)
        try network.stage.world.end()
    }

    @Test(
        "The client calls through the edge proxy and its home (RFC 5626 §5.3.2)",
        arguments: [TransportProtocol.udp, .ws])
    func outgoing(transport: TransportProtocol) throws {
        let network = try Network(over: transport)
        try network.register()
        let carol = try network.stage.peer("carol", at: "192.0.2.60", "sip:carol@biloxi.example.com")
        try carol.isRegistered()
        try network.bob.invites("sip:carol@biloxi.example.com")
        let invite = try carol.expects(.invite)
        #expect(Set(invite.all(.recordRoute).compactMap { $0.uri.sip?.host.name }) == [Self.edge, Place.proxy])
        try carol.sends(200)
        try network.bob.expects(200)
        try network.bob.sends(.ack)
        try carol.expects(.ack)
        try carol.sends(.bye)
        try network.bob.expects(.bye)
        try network.bob.sends(200)
        try carol.expects(200)
        try network.stage.world.end()
    }

    @Test(
        "A flow that has ended: the edge proxy says 430 to the home, the home 480 to the caller (RFC 5626 §5.3.1, §7)")
    func deadFlow() throws {
        let network = try Network(over: .tcp)
        try network.register()
        network.stage.world.resetConnections(between: "bob", and: "edge")
        network.stage.world.run(for: .seconds(1))
        let start = network.stage.flow().count
        try network.alice.invites()
        try network.alice.expects(480, within: .seconds(1))
        try network.stage.world.end()
        #expect(network.stage.flow(from: start).contains { $0.hasPrefix("edge>home 430 ") })
    }

    @Test("A Path whose token was changed is answered with 403 (RFC 5626 §5.3.1)")
    func tampered() throws {
        let network = try Network(over: .tcp)
        let path = try #require(try network.register().values(named: "Path").first)
        let thief = try network.stage.peer("thief", at: "192.0.2.70", "sip:thief@192.0.2.70", by: Self.edge)
        let parts = path.components(separatedBy: ";d=")
        let route =
            try #require(parts.first) + ";d=" + (parts.last?.hasPrefix("R") == true ? "S" : "R")
            + (parts.last?.dropFirst() ?? "")
        try thief.sends(.message, to: try URI("sip:bob@10.0.0.5")) { $0.add(named: "Route", route) }
        try thief.expects(403)
        try network.bob.expectsNothing(for: .seconds(1))
        try network.stage.world.end()
    }

    @Test("A client that does not know Path gets 421, which says so (RFC 3327 §5.2)")
    func pathUnknown() throws {
        let network = try Network()
        try network.bob.registers()
        #expect(try network.bob.expects(421).values(named: "Require") == ["path"])
        try network.stage.world.end()
    }

    @Test("An edge proxy relays to the home it is set up for, and nowhere else")
    func nowhereElse() throws {
        let network = try Network()
        let victim = try network.stage.peer("victim", at: "192.0.2.70", "sip:victim@192.0.2.70")
        try network.bob.sends(.message, to: victim)
        try network.bob.expects(403)
        try network.bob.sends(.message, to: try URI(Place.bob)) { $0.add(named: "Route", "<sip:192.0.2.70;lr>") }
        try network.bob.expects(403)
        try victim.expectsNothing(for: .seconds(1))
        try network.stage.world.end()
    }
}
