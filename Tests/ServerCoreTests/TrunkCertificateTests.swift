import CallRouting
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("Calls of a trunk that is known by its certificate (RFC 5922 §7.4, RFC 3325 §5)")
struct TrunkCertificateTests {
    /// A server whose trunk shows a certificate for gw.example.net, and Bob who has registered.
    private struct Office {
        let stage = Stage()
        let server: SimulatedServer
        let bob: ScriptedPeer
        let gateway: ScriptedPeer
        /// How many lines the flow had when all was prepared.
        let start: Int

        init(proving domains: [String] = ["gw.example.net"]) throws {
            self.server = self.stage.server("proxy", at: Place.proxy, [Place.domain]) {
                $0.requires([.bob])
                $0.inbound = .trusted
                var trunk = TrunkSettings("pstn", targets: ["sip:gw.example.net;transport=tls"])
                trunk.domains = ["gw.example.net"]
                trunk.inbound = DialPlan([DialPlanFlowTests.route("+49301*", .user("bob"))])
                $0.trunks = [trunk]
                $0.trustedDomains = trunk.domains
            }
            self.server.certificates[try #require(IPAddress("198.51.100.9"))] = CertificateIdentities(domains: domains)
            self.bob = try self.stage.bob()
            try self.bob.registers()
            let answer = try #require(Account.bob.answer(try self.bob.expects(401), .register, "sip:\(Place.domain)"))
            try self.bob.registersAgain { $0.add(named: "Authorization", answer) }
            try self.bob.expects(200)
            // Its address is none that the configuration names.
            self.gateway = try self.stage.peer("gateway", at: "198.51.100.9", "sip:+49170@gw.example.net", over: .tls)
            self.start = self.stage.flow().count
        }

        func calls(_ uri: String = "sip:+493011@192.0.2.222:5061;transport=tls") throws {
            try self.gateway.invites(uri) { $0.add(named: "P-Asserted-Identity", "<tel:+49170>") }
        }
    }

    @Test("The call goes where the trunk's plan says, without a password, and its assertion is believed, to the BYE")
    func call() throws {
        let office = try Office()
        try office.calls()
        let invite = try office.bob.expects(.invite)
        #expect(invite.requestURI?.description == "sip:bob@192.0.2.201:5060")
        #expect(invite.values(named: "P-Asserted-Identity") == ["<tel:+49170>"])
        #expect(invite.all(.via).map(\.transport) == [.udp, .tls])
        // One value for each side (RFC 5658 §4): the gateway's goes back to TLS.
        #expect(invite.all(.recordRoute).map { $0.uri.sip?.transport } == [nil, "tls"])
        try office.bob.sends(180)
        try office.gateway.expects(180)
        try office.bob.sends(200)
        try office.gateway.expects(200)
        try office.gateway.sends(.ack)
        try office.bob.expects(.ack)
        try office.bob.sends(.bye)
        #expect(try office.gateway.expects(.bye).all(.via).map(\.transport) == [.tls, .udp])
        try office.gateway.sends(200)
        try office.bob.expects(200)
        #expect(
            office.stage.flow(from: office.start) == [
                "gateway>proxy INVITE 1", "proxy>bob INVITE 1", "proxy>gateway 100 Trying INVITE 1",
                "bob>proxy 180 Ringing INVITE 1", "proxy>gateway 180 Ringing INVITE 1", "bob>proxy 200 OK INVITE 1",
                "proxy>gateway 200 OK INVITE 1", "gateway>proxy ACK 1", "proxy>bob ACK 1", "bob>proxy BYE 1",
                "proxy>gateway BYE 1", "gateway>proxy 200 OK BYE 1", "proxy>bob 200 OK BYE 1",
            ])
        try office.stage.world.end()
    }

    @Test("Nobody else is let in: without a certificate, with one of another domain, or with one in the clear")
    func others() throws {
        let other = try Office(proving: ["other.example.net"])
        try other.calls()
        try other.gateway.expects(403)
        let office = try Office()
        let stranger = try office.stage.peer("stranger", at: "198.51.100.10", "sip:+49170@gw.example.net", over: .tls)
        try stranger.invites("sip:bob@192.0.2.222:5061;transport=tls")
        try stranger.expects(403)
        office.gateway.transport = .tcp
        office.gateway.outboundProxy = SocketAddress(try #require(IPAddress(Place.proxy)), 5060)
        try office.calls("sip:+493011@192.0.2.222")
        try office.gateway.expects(403)
        try office.bob.expectsNothing(for: .seconds(1))
    }

    @Test("And it goes to users of ours alone: the trunk is no way out for others")
    func elsewhere() throws {
        let office = try Office()
        try office.calls("sip:victim@203.0.113.9")
        try office.gateway.expects(403)
        try office.stage.world.end()
    }
}
