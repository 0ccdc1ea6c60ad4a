import SIPMessages
import SIPTransactions
import Testing

@Suite("Server transactions in the layer (RFC 3261 §17.2, RFC 4320, RFC 6026)")
struct ServerTransactionTests {
    @Test("A retransmitted INVITE gets the last provisional response, none before there is one")
    func provisionalIsRepeated() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request()).1)
        layer.receive(LayerUnderTest.request())
        #expect(layer.takeSent() == [])
        layer.respond(id, 180)
        layer.respond(id, 183)
        layer.receive(LayerUnderTest.request())
        #expect(layer.takeSent() == ["SIP/2.0 180 X", "SIP/2.0 183 X", "SIP/2.0 183 X"])
    }

    @Test("An INVITE gets 100 at once, made from the request, and again when it comes again (§17.2.1)")
    func tryingAtOnce() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request(), promisesAnswer: false).1)
        #expect(layer.outbox.messages.map(\.sender) == [.server(id)])
        let sent = layer.takeMessages()
        #expect(sent.count == 1)
        #expect(sent[0].hasPrefix("SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bK776"))
        #expect(sent[0].contains("\r\nTo: Bob <sip:bob@biloxi.example.com>\r\n"))
        layer.receive(LayerUnderTest.request(), promisesAnswer: false)
        #expect(layer.takeMessages() == sent)
        layer.run(for: .seconds(60))
        #expect(layer.takeSent() == [] && layer.events == [])
        layer.respond(id, 486)
        #expect(layer.takeSent() == ["SIP/2.0 486 X"])
    }

    @Test(
        "An INVITE whose user promised an answer gets 100 when it has none after 200 ms, over any transport (§17.2.1)",
        arguments: [TransportProtocol.udp, .tcp])
    func tryingAfterPromise(transport: TransportProtocol) throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request(), over: transport, promisesAnswer: true).1)
        layer.run(for: .milliseconds(199))
        #expect(layer.takeSent() == [])
        layer.run(for: .milliseconds(1))
        #expect(layer.takeSent() == ["SIP/2.0 100 Trying"])
        layer.run(for: .seconds(60))
        #expect(layer.takeSent() == [])
        #expect(layer.respond(id, 200))
    }

    @Test("A user that keeps its promise has no 100 sent", arguments: [180, 200, 486] as [UInt16])
    func promiseKept(status: UInt16) throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request(), over: .tcp).1)
        layer.run(for: .milliseconds(199))
        layer.respond(id, status)
        layer.run(for: .seconds(20))
        #expect(layer.takeSent() == ["SIP/2.0 \(status) X"])
    }

    @Test("No other request gets 100 at once (RFC 4320 §4.1)", arguments: [TransportProtocol.udp, .tcp])
    func noTryingAtOnce(transport: TransportProtocol) {
        let layer = LayerUnderTest()
        layer.receive(LayerUnderTest.request("MESSAGE"), over: transport, promisesAnswer: false)
        #expect(layer.takeSent() == [])
    }

    @Test(
        "A response that cannot be sent is told, and the transaction goes on (§17.2.4, RFC 6026 §8.8)",
        arguments: [("INVITE", 180), ("INVITE", 200), ("INVITE", 486), ("OPTIONS", 200)] as [(String, UInt16)])
    func responseFailed(method: String, status: UInt16) throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request(method)).1)
        layer.respond(id, status)
        let sender = try #require(layer.outbox.messages.last?.sender)
        #expect(layer.transportFailed(sender) == .serverTransportFailed(id, owner: 5))
        #expect(layer.isLive(server: id))
        _ = layer.takeSent()
        // What may be sent again is: the next copy may arrive.
        layer.receive(LayerUnderTest.request(method))
        #expect(layer.takeSent() == (status == 200 && method == "INVITE" ? [] : ["SIP/2.0 \(status) X"]))
    }

    @Test("The error of a response whose transaction is over is nobody's, also when the slot is used again")
    func lateResponseFailure() throws {
        let layer = LayerUnderTest()
        let first = try #require(layer.receive(LayerUnderTest.request("OPTIONS"), over: .tcp).1)
        layer.respond(first, 200)
        #expect(layer.transportFailed(.server(first)) == nil)
        let second = try #require(layer.receive(LayerUnderTest.request("OPTIONS"), over: .tcp).1)
        layer.respond(second, 100)
        #expect(first.slot == second.slot)
        #expect(layer.transportFailed(.server(first)) == nil)
    }

    @Test("A failure is sent again at 0.5, 1.5, 3.5 … s and for each INVITE, until timer H tells the transaction user")
    func failureIsRepeated() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request()).1)
        layer.respond(id, 486)
        layer.run(for: .milliseconds(3500))
        #expect(layer.takeSent().count == 4)
        layer.receive(LayerUnderTest.request())
        #expect(layer.takeSent() == ["SIP/2.0 486 X"])
        layer.run(for: .milliseconds(28_500))
        #expect(layer.events == [.serverTimedOut(id, owner: 5)])
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test("A retransmitted INVITE is absorbed after a 2xx, until timer L (RFC 6026 §7.1)")
    func accepted() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request()).1)
        layer.respond(id, 200)
        _ = layer.takeSent()
        layer.run(for: .milliseconds(31_999))
        #expect(layer.match(LayerUnderTest.request()) == .absorbed)
        #expect(layer.takeSent() == [])
        layer.run(for: .milliseconds(1))
        #expect(layer.match(LayerUnderTest.request()) == .new)
        #expect(layer.events == [])
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test(
        "A second final response is taken back, but for a 2xx after a 2xx",
        arguments: [(200, 486), (486, 200), (486, 487), (486, 180), (200, 180)] as [(UInt16, UInt16)])
    func secondFinal(first: UInt16, second: UInt16) throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request()).1)
        #expect(layer.respond(id, first))
        #expect(!layer.respond(id, second))
        #expect(layer.takeSent() == ["SIP/2.0 \(first) X"])
        #expect(layer.outbox.octets.isEmpty)
    }

    @Test("Each fork's 2xx passes (RFC 6026 §7.1)")
    func manySuccesses() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request()).1)
        for _ in 0..<3 { #expect(layer.respond(id, 200)) }
        #expect(layer.takeSent().count == 3)
    }

    @Test("A non-INVITE request gets its final response again for 64*T1 over UDP (timer J)")
    func nonInvite() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request("OPTIONS")).1)
        layer.receive(LayerUnderTest.request("OPTIONS"))
        #expect(layer.takeSent() == [])
        layer.respond(id, 200)
        layer.run(for: .milliseconds(31_999))
        layer.receive(LayerUnderTest.request("OPTIONS"))
        #expect(layer.takeSent() == ["SIP/2.0 200 X", "SIP/2.0 200 X"])
        layer.run(for: .milliseconds(1))
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test(
        "Over a stream every transaction but an accepted INVITE ends with its last message",
        arguments: ["OPTIONS", "INVITE"])
    func stream(method: String) throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request(method), over: .tcp).1)
        layer.respond(id, 404)
        if method == "INVITE" {
            layer.run(for: .seconds(10))
            #expect(layer.takeSent() == ["SIP/2.0 404 X"])
            layer.receive(LayerUnderTest.request("ACK"), over: .tcp)
        }
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test("408 is never sent to a non-INVITE request: its transaction ends in silence (RFC 4320 §4.2)")
    func no408() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request("OPTIONS")).1)
        #expect(!layer.respond(id, 408))
        #expect(layer.takeSent() == [])
        #expect(layer.alive == [0, 0, 0, 0])
        let invite = try #require(layer.receive(LayerUnderTest.request()).1)
        #expect(layer.respond(invite, 408))
    }

    @Test(
        "To a non-INVITE request no provisional response but 100 is sent, over any transport (RFC 4320 §4.1)",
        arguments: [TransportProtocol.udp, .tcp])
    func noProvisional(transport: TransportProtocol) throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request("OPTIONS"), over: transport).1)
        layer.run(for: .seconds(4))
        for status: UInt16 in [180, 183, 199] { #expect(!layer.respond(id, status)) }
        #expect(layer.respond(id, 100))
        #expect(layer.takeSent() == ["SIP/2.0 100 X"])
    }

    @Test(
        "Over UDP a 100 goes out no earlier than 3.5 s after the request, when its user is told (RFC 4320 §4.1)"
    )
    func tryingDue() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(LayerUnderTest.request("REGISTER")).1)
        layer.run(for: .milliseconds(3499))
        #expect(!layer.respond(id, 100))
        #expect(layer.events == [])
        layer.run(for: .milliseconds(1))
        #expect(layer.events == [.tryingDue(id, owner: 5)])
        #expect(layer.respond(id, 100))
        layer.receive(LayerUnderTest.request("REGISTER"))
        #expect(layer.takeSent() == ["SIP/2.0 100 X", "SIP/2.0 100 X"])
    }

    @Test("A transaction that is over answers to its number no more, also when the slot is used again")
    func staleNumber() throws {
        let layer = LayerUnderTest()
        let first = try #require(layer.receive(LayerUnderTest.request("OPTIONS"), over: .tcp).1)
        layer.respond(first, 200)
        let second = try #require(layer.receive(LayerUnderTest.request("OPTIONS"), over: .tcp).1)
        #expect(first.slot == second.slot && first != second)
        #expect(!layer.respond(first, 200))
        #expect(layer.isLive(server: second) && !layer.isLive(server: first))
        #expect(layer.respond(second, 200))
    }

    @Test("At the limit a transaction is refused, and taken when another has ended")
    func limit() throws {
        var limits = TransactionLayer.Limits()
        limits.transactions = 3
        let layer = LayerUnderTest(limits: limits)
        var ids: [TransactionID] = []
        for i in 0..<3 { ids.append(try #require(layer.receive(Self.options(i), over: .tcp).1)) }
        #expect(layer.receive(Self.options(3), over: .tcp).1 == nil)
        #expect(layer.alive[0] == 3)
        layer.respond(ids[1], 200)
        #expect(layer.receive(Self.options(3), over: .tcp).1 != nil)
        #expect(layer.match(Self.options(0)) == .absorbed)
    }

    @Test("When no more octets may be kept a transaction is refused, and nothing is left of the attempt")
    func octetLimit() throws {
        var limits = TransactionLayer.Limits()
        limits.octets = 600
        let layer = LayerUnderTest(limits: limits)
        let first = try #require(layer.receive(Self.options(0), over: .tcp).1)
        let used = layer.alive[3]
        #expect(used > 300)
        #expect(layer.receive(Self.options(1), over: .tcp).1 == nil)
        #expect(layer.alive == [1, 0, 1, used])
        layer.respond(first, 200)
        #expect(layer.alive == [0, 0, 0, 0])
        #expect(layer.receive(Self.options(1), over: .tcp).1 != nil)
    }

    static func options(_ number: Int) -> [UInt8] {
        LayerUnderTest.request("OPTIONS", branch: ";branch=z9hG4bK\(number)")
    }
}
