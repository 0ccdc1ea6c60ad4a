import Foundation
import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("What a proxy checks and changes (RFC 3261 §16.3 to §16.6)")
struct ProxyRuleTests {
    @Test(
        "A request with Max-Forwards 0 is answered with 483 (§16.3 step 3)",
        arguments: [Method.invite, .options, .message])
    func hops(method: Method) throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.sends(method, to: try URI(Place.bob)) { $0.set(.maxForwards, 0) }
        try alice.expects(483)
        try bob.expectsNothing(for: .seconds(1))
        try stage.world.end()
    }

    @Test("OPTIONS with Max-Forwards 0 to the server itself is answered by it (§11, §16.3 step 3)")
    func optionsToServer() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        try alice.sends(.options, to: try URI("sip:biloxi.example.com")) { $0.set(.maxForwards, 0) }
        let response = try alice.expects(200)
        // §11.2: what it understands.
        #expect(response.has(.allow) && response.has(.accept) && response.has(.supported))
        try stage.world.end()
    }

    @Test(
        "Another known method to the server itself is answered with 405 that lists what it does as a UAS (§8.2.1)",
        arguments: [Method.invite, .message, .subscribe, .publish])
    func methodToServer(method: Method) throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        try alice.sends(method, to: try URI("sip:biloxi.example.com"))
        #expect(try alice.expects(405).all(.allow) == [.options, .register])
        try stage.world.end()
    }

    @Test("A method that is unknown is answered with 501 by the server itself (§21.5.2)")
    func unknownMethodToServer() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        try alice.sends(Method("FROBNICATE"), to: try URI("sip:biloxi.example.com"))
        try alice.expects(501)
        try stage.world.end()
    }

    @Test("An option of Require that the server itself does not know is answered with 420 that names it (§8.2.2.3)")
    func requireOfServer() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        try alice.sends(.options, to: try URI("sip:biloxi.example.com")) { $0.add(named: "Require", "frob") }
        #expect(try alice.expects(420).all(.unsupported).map(\.description) == ["frob"])
        try stage.world.end()
    }

    @Test("Max-Forwards is one less, and 70 where there was none (§16.6 step 3)")
    func maxForwards() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.sends(.options, to: try URI(Place.bob)) { $0.set(.maxForwards, 12) }
        #expect(try bob.expects(.options).first(.maxForwards) == 11)
        try bob.sends(200)
        try alice.expects(200)
        try alice.sends(.options, to: try URI(Place.bob)) { $0.remove(.maxForwards) }
        #expect(try bob.expects(.options).first(.maxForwards) == 70)
        try bob.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }

    @Test("An option of Proxy-Require that is unknown is answered with 420 that names it (§16.3 step 5)")
    func proxyRequire() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites { $0.add(named: "Proxy-Require", "privileges, foo") }
        let refusal = try alice.expects(420)
        #expect(refusal.all(.unsupported).map(\.description) == ["privileges", "foo"])
        try bob.expectsNothing(for: .seconds(1))
        try stage.world.end()
    }

    @Test("Require is the callee's business: the proxy passes it on (§8.1.1.9)")
    func require() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites { $0.add(named: "Require", "nothingWeKnow") }
        #expect(try bob.expects(.invite).values(named: "Require") == ["nothingWeKnow"])
        try bob.sends(420)
        try alice.expects(420)
        try stage.world.end()
    }

    @Test("A scheme that it cannot route is answered with 416 (§16.3 step 2)")
    func scheme() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        try alice.sends(.options, to: try URI("urn:service:sos"))
        try alice.expects(416)
        try stage.world.end()
    }

    @Test(
        "Any method is relayed, with all that is unknown in it (§16.6 step 1)",
        arguments: [Method.message, .subscribe, .publish, .refer, .info, .update, Method("FROBNICATE")])
    func methods(method: Method) throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.sends(method, to: try URI(Place.bob)) {
            $0.add(named: "X-Frob", "a  b;c")
            $0.setBody(Array("some \0 octets".utf8), type: nil)
        }
        let request = try bob.expects(method)
        #expect(request.values(named: "X-Frob") == ["a  b;c"])
        #expect(request.body == Array("some \0 octets".utf8))
        try bob.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }

    @Test("A user without bindings is answered with 480 (§16.5)")
    func unregistered() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        try alice.invites()
        try alice.expects(480)
        try stage.world.end()
        #expect(
            stage.flow() == [
                "alice>proxy INVITE 1", "proxy>alice 100 Trying INVITE 1",
                "proxy>alice 480 Not Registered INVITE 1", "alice>proxy ACK 1",
            ])
    }

    @Test("A request that comes back as it went is a loop: 482 (RFC 5393 §4.2)", arguments: [false, true])
    func loop(isRouted: Bool) throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        stage.world.permitsViolations(by: "bob")  // It acknowledges no refusal.
        // Where the request comes by a Route of ours, it comes back by one too.
        let route = isRouted ? "Route: <sip:\(Place.proxy);lr>\r\n" : ""
        try alice.invites { if isRouted { $0.add(named: "Route", "<sip:\(Place.proxy);lr>") } }
        let invite = try bob.expects(.invite)
        try bob.sendsBack(invite, as: Place.bob, route: route)
        let refusal = try #require(bob.rawResponses(after: stage.world, .seconds(1)).last)
        #expect(refusal == 482)
        try bob.sends(482)
        try alice.expects(482)
    }

    @Test("One that comes back with another Request-URI is a spiral, and goes on (§16.3 step 4)")
    func spiral() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        let carol = try stage.peer("carol", at: "192.0.2.60", "sip:carol@biloxi.example.com")
        try bob.isRegistered()
        try carol.isRegistered()
        try alice.invites()
        try bob.sendsBack(try bob.expects(.invite), as: "sip:carol@biloxi.example.com", route: "")
        let invite = try carol.expects(.invite)
        #expect(invite.all(.via).map { $0.host.name } == [Place.proxy, "192.0.2.201", Place.proxy, "192.0.2.101"])
        try bob.sends(486)
        try alice.expects(486)
    }

    @Test("Our own Route is taken off, the next one decides the way (§16.4, §16.6 steps 6 and 7)")
    func looseRoute() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        let next = try stage.peer("next", at: "192.0.2.70", "sip:next@192.0.2.70")
        try alice.invites("sip:carol@elsewhere.example.org") {
            $0.add(named: "Route", "<sip:\(Place.proxy);lr>, <sip:192.0.2.70;lr;x=1>")
            $0.add(named: "Route", "<sip:192.0.2.71;lr>")
        }
        let invite = try next.expects(.invite)
        #expect(invite.requestURI?.description == "sip:carol@elsewhere.example.org")
        #expect(
            invite.all(.route).map { $0.uri.description } == ["sip:192.0.2.70;lr;x=1", "sip:192.0.2.71;lr"])
        try next.sends(404)
        try alice.expects(404)
        try stage.world.end()
    }

    @Test("To a strict router the first Route becomes the Request-URI, which moves to the end (§16.6 step 6)")
    func strictRouter() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        let strict = try stage.peer("strict", at: "192.0.2.70", "sip:strict@192.0.2.70")
        try alice.invites("sip:carol@elsewhere.example.org") {
            $0.add(named: "Route", "<sip:\(Place.proxy);lr>, <sip:192.0.2.70>, <sip:192.0.2.71;lr>")
        }
        let invite = try strict.expects(.invite)
        #expect(invite.requestURI?.description == "sip:192.0.2.70")
        #expect(
            invite.all(.route).map { $0.uri.description } == [
                "sip:192.0.2.71;lr", "sip:carol@elsewhere.example.org",
            ])
        try strict.sends(404)
        try alice.expects(404)
        try stage.world.end()
    }

    @Test("A strict router's Request-URI is one of ours: the last Route takes its place (§16.4)")
    func fromStrictRouter() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        let next = try stage.peer("next", at: "192.0.2.70", "sip:next@192.0.2.70")
        try alice.invites("sip:\(Place.proxy);lr") {
            $0.add(named: "Route", "<sip:192.0.2.70;lr>, <sip:carol@elsewhere.example.org>")
        }
        let invite = try next.expects(.invite)
        #expect(invite.requestURI?.description == "sip:carol@elsewhere.example.org")
        #expect(invite.all(.route).map { $0.uri.description } == ["sip:192.0.2.70;lr"])
        try next.sends(404)
        try alice.expects(404)
        try stage.world.end()
    }

    @Test("Of a strict router's request, too, all our values are taken off the Route (§16.4, RFC 5658 §4)")
    func fromStrictRouterTwice() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        let next = try stage.peer("next", at: "192.0.2.70", "sip:next@192.0.2.70")
        try alice.invites("sip:\(Place.proxy);lr") {
            $0.add(
                named: "Route",
                "<sip:\(Place.proxy);transport=tcp;lr>, <sip:192.0.2.70;lr>, <sip:carol@elsewhere.example.org>")
        }
        let invite = try next.expects(.invite)
        #expect(invite.requestURI?.description == "sip:carol@elsewhere.example.org")
        #expect(invite.all(.route).map { $0.uri.description } == ["sip:192.0.2.70;lr"])
        #expect(invite.all(.via).count == 2)
        try next.sends(404)
        try alice.expects(404)
        try stage.world.end()
    }

    @Test("Where the transport changes, both sides find their own in Record-Route (RFC 5658 §4)")
    func doubleRecordRoute() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice(over: .tcp)
        let bob = try stage.bob()
        try bob.isRegistered()
        try alice.invites()
        let invite = try bob.expects(.invite)
        #expect(invite.all(.recordRoute).map { $0.uri.sip?.transport ?? "udp" } == ["udp", "tcp"])
        try bob.sends(200)
        try alice.expects(200)
        try alice.sends(.ack)
        // Both are ours and are taken off.
        #expect(try !bob.expects(.ack).has(.route))
        try bob.sends(.bye)
        try alice.expects(.bye)
        try alice.sends(200)
        try bob.expects(200)
        try stage.world.end()
    }

    @Test("Without record-routing the ends talk without us (§16.6 step 4)")
    func noRecordRoute() throws {
        let stage = Stage()
        stage.server { $0.proxy.recordRoute = false }
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        #expect(try !bob.expects(.invite).has(.recordRoute))
        try bob.sends(200)
        try alice.expects(200)
        alice.outboundProxy = nil
        try alice.sends(.ack)
        #expect(try bob.expects(.ack).all(.via).count == 1)
        try stage.world.end()
    }

    @Test("Branches beyond Max-Breadth are made one after the other; without any breadth: 440 (RFC 5393 §5.3.3)")
    func maxBreadth() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        let second = try stage.bob("bob2", at: "192.0.2.202")
        try bob.isRegistered()
        try second.isRegistered()
        try alice.invites { $0.add(named: "Max-Breadth", "0") }
        try alice.expects(440)
        try bob.expectsNothing(for: .seconds(1))
        try alice.invites { $0.add(named: "Max-Breadth", "1") }
        #expect(try bob.expects(.invite).first(.maxBreadth) == 1)
        try second.expectsNothing(for: .seconds(1))
        try bob.sends(486)
        #expect(try second.expects(.invite).first(.maxBreadth) == 1)
        try second.sends(486)
        try alice.expects(486)
        // Two branches share what there is.
        try alice.invites { $0.add(named: "Max-Breadth", "5") }
        let breadths = [try bob.expects(.invite), try second.expects(.invite)].compactMap { $0.first(.maxBreadth) }
        #expect(breadths.reduce(0, +) <= 5 && breadths.allSatisfy { $0 > 0 })
        try second.sends(180)
        try alice.expects(180)
        try bob.sends(600)
        try second.expects(.cancel)
        try second.sends(200)
        try second.sends(487, to: .invite)
        try alice.expects(600)
        try stage.world.end()
    }

    @Test("The ACK to a refusal that kept no transaction ends here (§8.2.7)")
    func statelessRefusal() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites { $0.set(.maxForwards, 0) }
        try alice.expects(483)
        try bob.expectsNothing(for: .seconds(40))
        try stage.world.end()
        #expect(
            stage.flow(from: 2) == [
                "alice>proxy INVITE 1", "proxy>alice 483 Too Many Hops INVITE 1", "alice>proxy ACK 1",
            ])
    }

    @Test("A CANCEL for nothing that is known is answered with 481 (§9.2)")
    func strayCancel() throws {
        let stage = Stage()
        stage.server()
        let text =
            "CANCEL sip:bob@biloxi.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bKnone\r\n"
            + "From: <sip:alice@atlanta.example.com>;tag=1\r\nTo: <sip:bob@biloxi.example.com>\r\n"
            + "Call-ID: stray\r\nCSeq: 1 CANCEL\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        let answers = try TortureTests.sent(by: "proxy", after: Array(text.utf8), in: stage.world)
        #expect(answers.map { $0.status?.number } == [481])
    }
}

extension ScriptedPeer {
    /// Sends an INVITE that it got on to the proxy again, as a proxy that does not know better would.
    func sendsBack(_ invite: SIPMessage, as uri: String, route: String) throws {
        var text = invite.description
        guard let line = text.range(of: "\r\n") else { return }
        let via = "Via: SIP/2.0/UDP 192.0.2.201:5060;branch=z9hG4bKback\r\n"
        text.replaceSubrange(text.startIndex..<line.upperBound, with: "INVITE \(uri) SIP/2.0\r\n\(via)\(route)")
        let proxy = SocketAddress(IPAddress(Place.proxy) ?? .loopback, 5060)
        try self.sendsOctets(Array(text.utf8), to: proxy)
    }

    /// The final responses that went to this peer within a span, as the ladder has them.
    func rawResponses(after world: SimulatedWorld, _ span: TimeSpan) -> [UInt16] {
        let start = world.ladder.lines.count
        world.run(for: span)
        let name = self.place.name
        return world.ladder.lines[start...].filter { line in
            line.receiver.map { world.ladder.hosts[$0] == name } ?? false
        }.compactMap { UInt16($0.label.prefix(3)) }.filter { $0 >= 200 }
    }
}
