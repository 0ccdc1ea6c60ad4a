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
