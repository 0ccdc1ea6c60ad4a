import CallRouting
import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Sessions that are established, message by message (RFC 3665 §3.1-3.7)")
struct SessionFlowTests {
    @Test("Successful session establishment without a server: what the peers of the other flows are worth (§3.1)")
    func direct() throws {
        let stage = Stage()
        let cast = Cast(stage)
        let addresses = ["alice": "192.0.2.101", "bob": "192.0.2.201"]
        for (name, domain, other) in [("alice", "atlanta", "bob"), ("bob", "biloxi", "alice")] {
            try cast.add(
                name, at: try #require(addresses[name]), "sip:\(name)@\(domain).example.com",
                host: "client.\(domain).example.com", over: .tcp, by: try #require(addresses[other]))
        }
        cast.begins()
        var flow = try PrintedFlow("3.1")
        flow.amendTargets()
        try cast.play(flow)
        try cast.ends(as: flow)
    }

    @Test("Session establishment through two proxies (§3.2)", arguments: [1, 64])
    func twoProxies(shards: Int) throws {
        let neighbours = try Neighbours.all(shards: shards, over: .tcp)
        var flow = try PrintedFlow("3.2")
        flow.amendTargets()
        flow.amendRecordRoutes()
        flow.amendRoutes()
        flow.amendFailureACK("F3", route: "sip:ss1.atlanta.example.com;lr")
        flow.move("F6", before: "F5")
        flow.move("F8", before: "F7")
        flow.amend("F22", because: "Bob is at 192.0.2.201: a slip") {
            $0.vias[1] = "tcp client.biloxi.example.com received=192.0.2.201"
        }
        try neighbours.cast.play(flow)
        try neighbours.cast.ends(as: flow)
    }

    @Test("Session with multiple proxy authentication (§3.3)", arguments: [1, 64])
    func multipleAuthentication(shards: Int) throws {
        let neighbours = try Neighbours.all(shards: shards, asks: true)
        var flow = try PrintedFlow("3.3")
        flow.amendFailureACK("F3", "F10", route: "sip:ss1.atlanta.example.com;lr")
        flow.amend("F20", "F21", because: "an ACK has no Contact, and a proxy adds none: a slip") { $0.contacts = [] }
        let branches = flow["F6"].map { [$0.branches[0]] } ?? []
        flow.amend(
            "F8", because: "the Via of an ACK to a failure is the one of its INVITE (RFC 3261 §17.1.1.3): a slip"
        ) {
            $0.vias = ["udp ss1.atlanta.example.com"]
            $0.branches = branches
        }
        try neighbours.cast.play(flow)
        try neighbours.cast.ends(as: flow)
    }

    @Test("Successful session with proxy failure (§3.4)", arguments: [1, 64])
    func proxyFailure(shards: Int) throws {
        let neighbours = try Neighbours.all(shards: shards, asks: true)
        let (stage, cast) = (neighbours.stage, neighbours.cast)
        var flow = try PrintedFlow("3.4")
        flow.move("F13", before: "F12")
        stage.world.partition(["ss1"], from: stage.world.now)
        try cast.play(flow, to: "F1")
        let alice = try cast.peer("alice")
        try alice.expectsTimeout()
        alice.outboundProxy = SocketAddress(try #require(IPAddress(Neighbours.ss2)), 5060)
        try cast.play(flow, from: "F8")
        try cast.ends(as: flow)
    }

    /// Alice has been challenged before; each shard has its own nonces, so with several she would be once more.
    @Test("Session through a SIP ALG (§3.5)")
    func gateway() throws {
        let neighbours = Neighbours()
        let (stage, cast) = (neighbours.stage, neighbours.cast)
        try neighbours.addProxy2(asks: true, binding: "<sip:bob@192.0.2.201>") { $0.proxy.recordRoute = false }
        let address = try #require(IPAddress("192.0.2.128"))
        let gateway = ApplicationGateway(
            "alg1.atlanta.example.com",
            replacing: [
                ("c=IN IP4 192.0.2.101", "c=IN IP4 192.0.2.128"), ("m=audio 49172", "m=audio 2000"),
                ("c=IN IP4 192.0.2.201", "c=IN IP4 192.0.2.128"), ("m=audio 3456", "m=audio 1734"),
            ], in: stage.world)
        stage.world.services.dns.add("alg1.atlanta.example.com", .address(address))
        stage.world.addHost("alg1", listening: SimulatedListener.standard(address), running: gateway)
        try neighbours.addAlice(by: "192.0.2.128")
        try cast.authenticates("alice", to: Place.bob)
        cast.begins()
        var flow = try PrintedFlow("3.5")
        flow.move("F5", before: "F4")
        flow.amendBinding("F4")
        try cast.play(flow)
        try cast.ends(as: flow)
    }

    @Test("Session via redirect and proxy servers with SDP in ACK (§3.6)", arguments: [1, 64])
    func redirect(shards: Int) throws {
        let neighbours = Neighbours(shards: shards)
        let (stage, cast) = (neighbours.stage, neighbours.cast)
        stage.namedServer("redirect", "redirect.biloxi.example.com", at: Neighbours.ss2, "biloxi.example.com") {
            $0.requires([.bob])
            $0.redirections = [
                Array("bob@biloxi.example.com".utf8): Redirection(
                    302, [.init("sip:bob@chicago.example.com;transport=tcp")])
            ]
        }
        stage.namedServer("ss3", "ss3.chicago.example.com", at: Neighbours.ss3, "chicago.example.com", over: .tcp)
        try neighbours.addAlice(by: Neighbours.ss2)
        try cast.add(
            "bob", at: "192.0.2.100", "sip:bob@chicago.example.com", host: "client.chicago.example.com", over: .tcp,
            by: Neighbours.ss3)
        try cast.registers("bob", ["<sip:bob@client.chicago.example.com>"])
        cast.begins()
        var flow = try PrintedFlow("3.6")
        flow.amendTargets()
        flow.amendRecordRoutes()
        flow.amendRoutes()
        flow.move("F6", before: "F5")
        flow.amend("F14", because: "`received` belongs to Bob's Via, which Proxy 3 got from him: a slip") {
            $0.vias = ["tcp ss3.chicago.example.com", "tcp client.chicago.example.com received=192.0.2.100"]
        }
        try cast.play(flow, to: "F3")
        // Where the Contact of the 302 leads to.
        let alice = try cast.peer("alice")
        alice.transport = .tcp
        alice.outboundProxy = SocketAddress(try #require(IPAddress(Neighbours.ss3)), 5060)
        try cast.play(flow, from: "F4")
        try cast.ends(as: flow)
    }

    @Test("Session with re-INVITE: a proxy that does not record-route sees the first INVITE only (§3.7)")
    func reInvite() throws {
        let neighbours = Neighbours()
        let cast = neighbours.cast
        try neighbours.addProxy2(binding: "<sip:bob@192.0.2.201>") { $0.proxy.recordRoute = false }
        try neighbours.addAlice(by: Neighbours.ss2)
        cast.begins()
        var flow = try PrintedFlow("3.7")
        flow.move("F3", before: "F2")
        flow.amendBinding("F2")
        flow.amend("F9", "F10", "F11", because: "our Bob counts from 1") {
            $0.cseq = "1 " + $0.cseq.drop { $0 != " " }.dropFirst()
        }
        try cast.play(flow, to: "F7")
        let (alice, bob) = (try cast.peer("alice"), try cast.peer("bob"))
        (alice.outboundProxy, bob.outboundProxy) = (nil, nil)
        try cast.play(flow, from: "F8", to: "F8")
        try cast.moves("bob", to: "192.0.2.100", host: "client.chicago.example.com")
        try cast.play(flow, from: "F9")
        try cast.ends(as: flow)
    }
}
