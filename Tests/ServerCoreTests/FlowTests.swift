import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Flows: how devices are reached, and what happens when they are gone (RFC 5626, RFC 3581)")
struct FlowTests {
    @Test("Devices behind NAT call and are called: answers and calls take the mapping (RFC 3581 §4, RFC 5626 §5.3)")
    func translators() throws {
        let stage = Stage()
        stage.server()
        let world = stage.world
        func device(_ name: String, _ uri: String, box: String, inside: String) throws -> ScriptedPeer {
            let number = world.addTranslator(at: try #require(IPAddress(box)))
            let peer = world.peer(name, at: inside, uri: try URI(uri), behind: number)
            peer.outboundProxy = SocketAddress(try #require(IPAddress(Place.proxy)), 5060)
            return peer
        }
        let alice = try device("alice", "sip:alice@atlanta.example.com", box: "198.51.100.1", inside: "10.0.0.5")
        let bob = try device("bob", Place.bob, box: "198.51.100.2", inside: "10.0.0.5")
        try bob.isRegistered()
        try alice.invites()
        let invite = try bob.expects(.invite)
        // What Alice wrote of herself is private; the proxy has noted where she came from.
        #expect(invite.all(.via).last?.host.name == "10.0.0.5")
        #expect(invite.all(.via).last?.received?.description == "198.51.100.1")
        try bob.sends(486)
        try alice.expects(486)
        try world.end()
    }

    @Test("A call to a device on a stream goes over its connection", arguments: [TransportProtocol.tcp, .tls, .ws])
    func stream(transport: TransportProtocol) throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        let bob = try stage.bob(over: transport)
        // As a browser's: an address that nobody can reach (RFC 7118 §5).
        try bob.isRegistered(["<sip:bob@df7jal23ls0d.invalid;transport=\(transport)>"])
        try alice.invites()
        let invite = try bob.expects(.invite)
        #expect(invite.all(.via).first?.transport == transport)
        try bob.sends(200)
        try alice.expects(200)
        try alice.sends(.ack)
        try bob.expects(.ack)
        try stage.world.end()
    }

    @Test("A device whose connection has ended is not there: 480 at once", arguments: [TransportProtocol.tcp, .ws])
    func deadConnection(transport: TransportProtocol) throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        let bob = try stage.bob(over: transport)
        try bob.isRegistered(["<sip:bob@df7jal23ls0d.invalid;transport=\(transport)>"])
        stage.world.resetConnections(between: "bob", and: "proxy")
        stage.world.run(for: .seconds(1))
        try alice.invites()
        try alice.expects(480, within: .seconds(1))
        try stage.world.end()
    }

    @Test("Of two devices the one whose connection has ended does not hide the other's answer")
    func oneDeadConnection() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        let dead = try stage.bob("dead", at: "192.0.2.201", over: .tcp)
        let living = try stage.bob("living", at: "192.0.2.202")
        try dead.isRegistered(["<sip:bob@dead.invalid;transport=tcp>"])
        try living.isRegistered()
        stage.world.resetConnections(between: "dead", and: "proxy")
        stage.world.run(for: .seconds(1))
        try alice.invites()
        try living.expects(.invite)
        try living.sends(486)
        try alice.expects(486)
        try stage.world.end()
    }

    @Test("A caller's stream that ends while it rings leaves nothing (§18.4)")
    func callerGone() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice(over: .tcp)
        let bob = try stage.bob()
        try bob.isRegistered()
        try alice.invites()
        try bob.expects(.invite)
        try bob.sends(180)
        try alice.expects(180)
        stage.world.crash("alice")
        stage.world.run(for: .seconds(2))
        try bob.sends(486)
        stage.world.runToEnd()
        stage.world.perform(as: "proxy") { node, _ in
            let audit = node.audit()
            #expect(audit.isClean, "\(audit)")
        }
    }

    @Test(
        "A next hop with a name is found in the DNS; when a server is down, the next one is (RFC 3263 §4)")
    func names() throws {
        let stage = Stage()
        stage.server()
        let world = stage.world
        world.network.reportsUnreachable = true
        func srv(_ target: String, _ priority: UInt16) {
            world.services.dns.add(
                "_sip._udp.example.net", .srv(priority: priority, weight: 0, port: 5060, target: target))
        }
        srv("down.example.net", 1)
        srv("up.example.net", 2)
        world.services.dns.add("down.example.net", .address(try #require(IPAddress("192.0.2.81"))))
        world.services.dns.add("up.example.net", .address(try #require(IPAddress("192.0.2.82"))))
        let carol = world.peer("carol", at: "192.0.2.82")
        let alice = try stage.alice()
        try alice.invites("sip:carol@example.net")
        let invite = try carol.expects(.invite)
        #expect(invite.requestURI?.description == "sip:carol@example.net")
        try carol.sends(486)
        try alice.expects(486)
        try world.end()
    }

    /// A domain with two servers, the first preferred.
    private func pair(_ stage: Stage) throws -> (first: ScriptedPeer, second: ScriptedPeer) {
        let world = stage.world
        for (number, address) in [(UInt16(1), "192.0.2.81"), (2, "192.0.2.82")] {
            let name = "s\(number).example.net"
            world.services.dns.add("_sip._udp.example.net", .srv(priority: number, weight: 0, port: 5060, target: name))
            world.services.dns.add(name, .address(try #require(IPAddress(address))))
        }
        return (world.peer("first", at: "192.0.2.81"), world.peer("second", at: "192.0.2.82"))
    }

    @Test("A server that answers 503 with Retry-After is sent nothing more for that time (RFC 3261 §21.5.4)")
    func retryAfter() throws {
        let stage = Stage()
        stage.server()
        let (first, second) = try self.pair(stage)
        let alice = try stage.alice()
        try alice.invites("sip:carol@example.net")
        try first.expects(.invite)
        try first.sends(503) { $0.set(.retryAfter, RetryAfter(120)) }
        try second.expects(.invite)
        try second.sends(486)
        try alice.expects(486)
        // Longer than a server that just failed is left for last.
        stage.world.run(for: .seconds(100))
        try alice.invites("sip:carol@example.net")
        try second.expects(.invite)
        try second.sends(486)
        try alice.expects(486)
        stage.world.run(for: .seconds(30))
        try alice.invites("sip:carol@example.net")
        try first.expects(.invite)
        try first.sends(486)
        try alice.expects(486)
        try stage.world.end()
    }

    @Test("Of two servers that failed lately, the one that has answered since goes first (RFC 3263 §4.3)")
    func recovered() throws {
        let stage = Stage()
        stage.server()
        let (first, second) = try self.pair(stage)
        let alice = try stage.alice()
        // Both refuse; then the second is well again.
        for status: StatusCode in [503, 486] {
            try alice.invites("sip:carol@example.net")
            try first.expects(.invite)
            try first.sends(503)
            try second.expects(.invite)
            try second.sends(status)
            try alice.expects(status == 503 ? 500 : status)
        }
        try alice.invites("sip:carol@example.net")
        try second.expects(.invite)
        try second.sends(486)
        try alice.expects(486)
        try stage.world.end()
    }

    @Test("A name that is none is answered with 404 (§21.4.5)")
    func unknownName() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        try alice.invites("sip:carol@nowhere.example.net")
        try alice.expects(404)
        try stage.world.end()
    }

    @Test("Cancelled while the DNS is asked, the call ends with 487 and nothing is sent (§9.2, §16.10)")
    func cancelledLookUp() throws {
        let stage = Stage()
        stage.server()
        stage.world.services.dnsFaults.delay = .seconds(2)
        stage.world.services.dns.add("example.net", .address(try #require(IPAddress("192.0.2.82"))))
        let carol = stage.world.peer("carol", at: "192.0.2.82")
        let alice = try stage.alice()
        try alice.invites("sip:carol@example.net")
        stage.world.run(for: .milliseconds(100))
        try alice.sends(.cancel)
        try alice.expects(200, for: .cancel)
        try alice.expects(487)
        try carol.expectsNothing(for: .seconds(10))
        try stage.world.end()
    }

    @Test("A DNS that never answers ends a call before the caller's patience (§16.9)")
    func silentDNS() throws {
        let stage = Stage()
        stage.server()
        stage.world.services.dnsFaults.never = 1
        let alice = try stage.alice()
        try alice.invites("sip:carol@example.net")
        stage.world.run(for: .seconds(40))
        let finals = stage.flow().filter { $0.hasPrefix("proxy>alice") && !$0.contains(" 100 ") }
        #expect(finals.count == 1, "\(finals)")
    }

    @Test(
        "Subscriptions and transfers are record-routed as calls are (RFC 6665 §4.3, RFC 3515)",
        arguments: [Method.subscribe, .refer])
    func recordRoute(method: Method) throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.sends(method, to: try URI(Place.bob))
        #expect(try bob.expects(method).has(.recordRoute))
        try bob.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }

    @Test(
        "A NOTIFY of a subscription through us is record-routed too: it may make the dialog (RFC 6665 §4.3)"
    )
    func notify() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.sends(.subscribe, to: try URI(Place.bob))
        try bob.expects(.subscribe)
        try bob.sends(200)
        try alice.expects(200)
        try bob.sends(.notify)
        let notify = try alice.expects(.notify)
        #expect(notify.all(.recordRoute).map { $0.uri.sip?.host.name } == [Place.proxy])
        try alice.sends(200)
        try bob.expects(200)
        // One that no subscription of ours explains is not (the same section).
        try alice.sends(.notify, to: try URI(Place.bob))
        #expect(try !bob.expects(.notify).has(.recordRoute))
        try bob.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }

    @Test("An edge proxy's 430 is between proxies: the caller is told that nobody is there (RFC 5626 §7)")
    func flowFailed() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        try bob.expects(.invite)
        try bob.sends(430)
        try alice.expects(480)
        try stage.world.end()
    }

    @Test("Requests that make no dialog are not record-routed", arguments: [Method.message, .options, .publish])
    func noRecordRoute(method: Method) throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.sends(method, to: try URI(Place.bob))
        #expect(try !bob.expects(method).has(.recordRoute))
        try bob.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }
}
