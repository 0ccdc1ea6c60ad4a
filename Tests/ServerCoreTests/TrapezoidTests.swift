import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Two domains that find each other by the DNS (RFC 3261 figure 1, RFC 3263)")
struct TrapezoidTests {
    /// atlanta.example.com with Alice and biloxi.example.com with Bob, a server each, known by DNS records only.
    struct Trapezoid {
        let stage: Stage
        let alice: ScriptedPeer
        let bob: ScriptedPeer

        init(shards: Int = 1) throws {
            self.stage = Stage(shards: shards)
            self.stage.server("atlanta", at: "192.0.2.111", ["atlanta.example.com"]) { $0.requires([.alice]) }
            self.stage.server("biloxi", at: "192.0.2.222", ["biloxi.example.com"]) { $0.requires([.bob]) }
            self.alice = try self.stage.peer(
                "alice", at: "192.0.2.101", "sip:alice@atlanta.example.com", by: "192.0.2.111")
            self.bob = try self.stage.bob()
            let addresses = [("atlanta", "192.0.2.111"), ("biloxi", "192.0.2.222")]
            for (name, address) in addresses {
                let domain = "\(name).example.com"
                // The peers have put their own addresses there.
                self.stage.world.services.dns.remove(domain)
                self.stage.world.services.dns.add(
                    domain,
                    .naptr(
                        order: 10, preference: 10, flags: "s", service: "SIP+D2U", replacement: "_sip._udp.\(domain)"))
                self.stage.world.services.dns.add(
                    "_sip._udp.\(domain)", .srv(priority: 1, weight: 1, port: 5060, target: "proxy.\(domain)"))
                self.stage.world.services.dns.add(
                    "proxy.\(domain)", .address(try #require(IPAddress(address))))
            }
            try self.register(self.alice, .alice)
            try self.register(self.bob, .bob)
            self.stage.world.run(for: .seconds(1))
        }

        private func register(_ peer: ScriptedPeer, _ account: Account) throws {
            try peer.registers()
            let answer = try #require(account.answer(try peer.expects(401), .register, "sip:\(account.domain)"))
            try peer.registersAgain { $0.add(named: "Authorization", answer) }
            try peer.expects(200)
        }

        /// Lets one user call the other, with the password that his own server asks for.
        func invites(_ caller: ScriptedPeer, _ account: Account, _ uri: String) throws {
            try caller.invites(uri)
            let answer = try #require(account.answer(try caller.expects(407), .invite, uri))
            try caller.sends(.invite) { $0.add(named: "Proxy-Authorization", answer) }
        }
    }

    @Test("A call goes from Alice by both servers to Bob and ends, message by message", arguments: [1, 64])
    func call(shards: Int) throws {
        let world = try Trapezoid(shards: shards)
        let start = world.stage.world.ladder.compact.split(separator: "\n").count
        try world.invites(world.alice, .alice, Place.bob)
        let invite = try world.bob.expects(.invite)
        #expect(invite.all(.via).map { $0.host.name } == ["192.0.2.222", "192.0.2.111", "192.0.2.101"])
        try world.bob.sends(180)
        try world.alice.expects(180)
        try world.bob.sends(200)
        try world.alice.expects(200)
        try world.alice.sends(.ack)
        try world.bob.expects(.ack)
        try world.bob.sends(.bye)
        try world.alice.expects(.bye)
        try world.alice.sends(200)
        try world.bob.expects(200)
        try world.stage.world.end()
        #expect(
            world.stage.flow(from: start) == [
                "alice>atlanta INVITE 1", "atlanta>alice 407 Proxy Authentication Required INVITE 1",
                "alice>atlanta ACK 1", "alice>atlanta INVITE 2", "atlanta>alice 100 Trying INVITE 2",
                "atlanta>biloxi INVITE 2", "biloxi>atlanta 100 Trying INVITE 2", "biloxi>bob INVITE 2",
                "bob>biloxi 180 Ringing INVITE 2", "biloxi>atlanta 180 Ringing INVITE 2",
                "atlanta>alice 180 Ringing INVITE 2", "bob>biloxi 200 OK INVITE 2", "biloxi>atlanta 200 OK INVITE 2",
                "atlanta>alice 200 OK INVITE 2", "alice>atlanta ACK 2", "atlanta>biloxi ACK 2", "biloxi>bob ACK 2",
                "bob>biloxi BYE 1", "biloxi>atlanta BYE 1", "atlanta>alice BYE 1", "alice>atlanta 200 OK BYE 1",
                "atlanta>biloxi 200 OK BYE 1", "biloxi>bob 200 OK BYE 1",
            ])
    }

    @Test("It works the other way round, and for what is no call")
    func back() throws {
        let world = try Trapezoid()
        try world.invites(world.bob, .bob, "sip:alice@atlanta.example.com")
        try world.alice.expects(.invite)
        try world.alice.sends(486)
        try world.bob.expects(486)
        try world.alice.sends(.message, to: try URI(Place.bob))
        let answer = try #require(Account.alice.answer(try world.alice.expects(407), .message, Place.bob))
        try world.alice.sends(.message) { $0.add(named: "Proxy-Authorization", answer) }
        try world.bob.expects(.message)
        try world.bob.sends(200)
        try world.alice.expects(200)
        try world.stage.world.end()
    }

    @Test("When the other domain's first server is gone, its second is found (RFC 3263 §4.3)")
    func secondServer() throws {
        let world = try Trapezoid()
        world.stage.world.services.dns.add(
            "_sip._udp.biloxi.example.com", .srv(priority: 0, weight: 1, port: 5060, target: "gone.biloxi.example.com"))
        world.stage.world.services.dns.add(
            "gone.biloxi.example.com", .address(try #require(IPAddress("192.0.2.223"))))
        try world.invites(world.alice, .alice, Place.bob)
        try world.bob.expects(.invite)
        try world.bob.sends(486)
        try world.alice.expects(486)
        try world.stage.world.end()
    }

    @Test("A domain that does not exist is 404 to the caller")
    func noDomain() throws {
        let world = try Trapezoid()
        try world.invites(world.alice, .alice, "sip:bob@nowhere.example.com")
        try world.alice.expects(404)
        try world.stage.world.end()
    }

    @Test("The ACK to a 2xx whose Contact is a host name finds its way by the DNS (§13.2.2.4, §16.6 step 7)")
    func namedContact() throws {
        let world = try Trapezoid()
        world.stage.world.services.dns.add("phone.biloxi.example.com", .address(try #require(IPAddress("192.0.2.201"))))
        try world.invites(world.alice, .alice, Place.bob)
        try world.bob.expects(.invite)
        try world.bob.sends(200) {
            $0.remove(.contact)
            $0.add(named: "Contact", "<sip:bob@phone.biloxi.example.com>")
        }
        try world.alice.expects(200)
        try world.alice.sends(.ack)
        let ack = try world.bob.expects(.ack)
        #expect(ack.requestURI?.description == "sip:bob@phone.biloxi.example.com")
        #expect(!ack.has(.route))
        try world.alice.sends(.bye)
        try world.bob.expects(.bye)
        try world.bob.sends(200)
        try world.alice.expects(200)
        try world.stage.world.end()
    }

    @Test("An ACK of a stranger whose name nobody knows goes to the device that the dialog is with, and nowhere else")
    func unknownContact() throws {
        let world = try Trapezoid()
        try world.invites(world.alice, .alice, Place.bob)
        try world.bob.expects(.invite)
        try world.bob.sends(200) {
            $0.remove(.contact)
            $0.add(named: "Contact", "<sip:bob@nowhere.example.com>")
        }
        try world.alice.expects(200)
        try world.alice.sends(.ack)
        #expect(try world.bob.expects(.ack).requestURI?.description == "sip:bob@nowhere.example.com")
        try world.stage.world.end()
    }
}
