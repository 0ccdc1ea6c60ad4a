import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Responses to a client that is not where its request came from (RFC 3261 §18.2.2, RFC 3263 §5)")
struct ReplyWayTests {
    private let stage = Stage()
    private let bob: ScriptedPeer
    private let alice: ScriptedPeer

    init() throws {
        self.stage.server()
        self.bob = try self.stage.bob()
        self.alice = try self.stage.alice()
        try self.bob.isRegistered()
        for (name, address) in [("first", "192.0.2.102"), ("second", "192.0.2.103")] {
            _ = try self.stage.peer(name, at: address, "sip:\(name)@atlanta.example.com")
            self.stage.world.services.dns.add("\(name).example.net", .address(try #require(IPAddress(address))))
        }
    }

    /// A request of Alice's with this Via, after which her host is gone, unless it is to stay for a while.
    private func send(_ method: String, via: String, goesAtOnce: Bool = true) throws {
        let text =
            "\(method) \(Place.bob) SIP/2.0\r\nVia: SIP/2.0/UDP \(via);branch=z9hG4bKgone\r\nMax-Forwards: 70\r\n"
            + "From: <sip:alice@atlanta.example.com>;tag=1\r\nTo: <\(Place.bob)>\r\nCall-ID: gone\r\n"
            + "CSeq: 1 \(method)\r\nContact: <sip:alice@192.0.2.101>\r\nContent-Length: 0\r\n\r\n"
        let proxy = SocketAddress(try #require(IPAddress(Place.proxy)), 5060)
        try self.alice.sendsOctets(Array(text.utf8), to: proxy)
        if goesAtOnce { self.stage.world.crash("alice") }
    }

    private func answers(_ name: String) -> [String] {
        self.stage.flow().filter { $0.hasPrefix("proxy>\(name) ") }.map { String($0.dropFirst("proxy>\(name) ".count)) }
    }

    @Test("A name in sent-by leads to those who stand in for it, one after the other, by SRV where it has no port")
    func named() throws {
        for (priority, host) in [(1, "first"), (2, "second")] {
            self.stage.world.services.dns.add(
                "_sip._udp.client.example.net",
                .srv(priority: UInt16(priority), weight: 0, port: 5060, target: "\(host).example.net"))
        }
        self.stage.world.crash("first")
        try self.send("MESSAGE", via: "client.example.net")
        try self.bob.expects(.message)
        try self.bob.sends(200)
        self.stage.world.run(for: .seconds(2))
        #expect(self.answers("second").contains("200 OK MESSAGE 1"), "\(self.stage.flow())")
    }

    @Test("With a port it is the address of the name that counts; later responses of the call go there too")
    func withPort() throws {
        try self.send("INVITE", via: "second.example.net:5060")
        try self.bob.expects(.invite)
        self.stage.world.run(for: .seconds(1))
        try self.bob.sends(180)
        self.stage.world.run(for: .seconds(1))
        #expect(self.answers("second") == ["100 Trying INVITE 1", "180 Ringing INVITE 1"], "\(self.stage.flow())")
        try self.bob.sends(486)
        self.stage.world.run(for: .seconds(1))
        #expect(self.answers("second").last == "486 Busy Here INVITE 1")
    }

    @Test("So does a 2xx to an INVITE whose client has gone since, when its server sends it again")
    func success() throws {
        try self.send("INVITE", via: "second.example.net:5060", goesAtOnce: false)
        try self.bob.expects(.invite)
        try self.bob.sends(180)
        self.stage.world.run(for: .seconds(1))
        #expect(self.answers("alice") == ["100 Trying INVITE 1", "180 Ringing INVITE 1"], "\(self.stage.flow())")
        self.stage.world.crash("alice")
        try self.bob.sends(200)
        // It is sent again after 0.5, 1.5, 3.5, 5.5 and 7.5 s (§13.3.1.4).
        self.stage.world.run(for: .seconds(8))
        #expect(self.answers("second").count >= 4, "\(self.stage.flow())")
        #expect(Set(self.answers("second")) == ["200 OK INVITE 1"], "\(self.stage.flow())")
    }

    @Test(
        "A name that leads nowhere, and the address that is dead itself, are an end",
        arguments: ["nowhere.example.net", "192.0.2.101"])
    func nowhere(host: String) throws {
        try self.send("MESSAGE", via: host)
        try self.bob.expects(.message)
        try self.bob.sends(200)
        self.stage.world.run(for: .seconds(2))
        #expect(self.answers("first") == [] && self.answers("second") == [])
    }

    @Test(
        "The host that maddr names is answered, and not the source (§18.2.2)",
        arguments: ["192.0.2.103", "second.example.net"])
    func maddr(host: String) throws {
        try self.send("MESSAGE", via: "192.0.2.101;maddr=\(host)")
        try self.bob.expects(.message)
        try self.bob.sends(200)
        self.stage.world.run(for: .seconds(2))
        #expect(self.answers("second") == ["200 OK MESSAGE 1"])
        #expect(self.answers("alice") == [])
    }
}
