import SIPMessages
import SIPTransactions
import Testing

@Suite("Matching requests to server transactions (RFC 3261 §17.2.3, §9.2)")
struct ServerMatchingTests {
    static let invite = LayerUnderTest.request()

    @Test(
        "A request with the same branch, sent-by and method is a retransmission",
        arguments: [
            LayerUnderTest.request(), LayerUnderTest.request(sentBy: "PC33.Atlanta.example.com"),
            LayerUnderTest.request(callID: "another"), LayerUnderTest.request(uri: "sip:carol@chicago.example.com"),
        ])
    func retransmission(request: [UInt8]) {
        let layer = LayerUnderTest()
        layer.receive(Self.invite)
        #expect(layer.match(request) == .absorbed)
    }

    @Test(
        "A request with another branch, sent-by or method begins a transaction",
        arguments: [
            LayerUnderTest.request(branch: ";branch=z9hG4bK777"),
            LayerUnderTest.request(sentBy: "pc34.atlanta.example.com"),
            LayerUnderTest.request(sentBy: "pc33.atlanta.example.com:5062"), LayerUnderTest.request("OPTIONS"),
            LayerUnderTest.request("FOO"), LayerUnderTest.request("CANCEL"),
        ])
    func another(request: [UInt8]) {
        let layer = LayerUnderTest()
        layer.receive(Self.invite)
        #expect(layer.match(request) == .new)
    }

    @Test("Two unknown methods with one branch are two transactions")
    func unknownMethods() {
        let layer = LayerUnderTest()
        layer.receive(LayerUnderTest.request("FOO"))
        #expect(layer.match(LayerUnderTest.request("FOO")) == .absorbed)
        #expect(layer.match(LayerUnderTest.request("BAR")) == .new)
    }

    @Test("The ACK to a failure belongs to the INVITE's transaction; one that comes again is absorbed")
    func ackToFailure() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(Self.invite).1)
        layer.respond(id, 486)
        #expect(layer.match(LayerUnderTest.request("ACK", to: "Bob <sip:bob@biloxi.example.com>;tag=1")) == .absorbed)
        #expect(layer.match(LayerUnderTest.request("ACK", to: "Bob <sip:bob@biloxi.example.com>;tag=1")) == .absorbed)
        _ = layer.takeSent()
        layer.run(for: .seconds(4))
        #expect(layer.takeSent() == [])
        layer.run(for: .seconds(1))
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test("The ACK to a 2xx is for the transaction user, with a branch of its own or, against the rules, the INVITE's")
    func ackToSuccess() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(Self.invite).1)
        layer.respond(id, 200)
        #expect(layer.match(LayerUnderTest.request("ACK", branch: ";branch=z9hG4bKnew")) == .unmatchedACK)
        #expect(layer.match(LayerUnderTest.request("ACK")) == .unmatchedACK)
        #expect(layer.alive[0] == 1)
    }

    @Test("CANCEL finds the INVITE with its branch, and nothing where there is none (§9.2)")
    func cancel() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(Self.invite).1)
        #expect(layer.cancelled(by: LayerUnderTest.request("CANCEL")) == id)
        #expect(layer.cancelled(by: LayerUnderTest.request("CANCEL", branch: ";branch=z9hG4bK1")) == .none)
        #expect(layer.cancelled(by: LayerUnderTest.request("CANCEL", sentBy: "evil.example.com")) == .none)
        layer.respond(id, 487)
        #expect(layer.cancelled(by: LayerUnderTest.request("CANCEL")) == id)
    }

    /// A request of an RFC 2543 client: its branch, if any, does not begin with the cookie.
    static func old(
        _ method: String = "INVITE", uri: String = "sip:bob@biloxi.example.com", branch: String = ";branch=1",
        from: String = "Alice <sip:alice@atlanta.example.com>;tag=88sja8x", to: String = "<sip:bob@biloxi.example.com>",
        callID: String = "987asjd97y7atg", number: Int = 1
    ) -> [UInt8] {
        LayerUnderTest.request(
            method, uri: uri, branch: branch, from: from, to: to, callID: callID, number: number)
    }

    @Test(
        "Without the cookie, Request-URI, From tag, Call-ID, CSeq and topmost Via make a retransmission",
        arguments: [old(), old(from: "\"A.\" <sip:alice@atlanta.example.com>;tag=88sja8x")])
    func oldRetransmission(request: [UInt8]) {
        let layer = LayerUnderTest()
        layer.receive(Self.old())
        #expect(layer.match(request) == .absorbed)
    }

    @Test(
        "Without the cookie, any of them that differs makes a new transaction",
        arguments: [
            old(uri: "sip:carol@biloxi.example.com"), old(branch: ";branch=2"), old(branch: ""),
            old(from: "Alice <sip:alice@atlanta.example.com>;tag=other"), old(callID: "another"), old(number: 2),
            old("OPTIONS"), LayerUnderTest.request(),
        ])
    func oldAnother(request: [UInt8]) {
        let layer = LayerUnderTest()
        layer.receive(Self.old())
        #expect(layer.match(request) == .new)
    }

    @Test("The ACK of an RFC 2543 client, with the To tag of the response, ends the retransmission of a failure")
    func oldACK() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(Self.old()).1)
        layer.respond(id, 404)
        #expect(layer.match(Self.old("ACK", to: "<sip:bob@biloxi.example.com>;tag=314")) == .absorbed)
        layer.run(for: .seconds(5))
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test(
        "An ACK of an RFC 2543 client with another To tag than the response belongs to no transaction of ours",
        arguments: ["<sip:bob@biloxi.example.com>", "<sip:bob@biloxi.example.com>;tag=315"])
    func oldACKOfAnother(to: String) throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(Self.old()).1)
        layer.respond(id, 404, toTag: "314")
        #expect(layer.match(Self.old("ACK", to: to)) == .unmatchedACK)
        layer.run(for: .milliseconds(500))
        #expect(layer.takeSent() == ["SIP/2.0 404 X", "SIP/2.0 404 X"])
        #expect(layer.match(Self.old("ACK", to: "<sip:bob@biloxi.example.com>;tag=314")) == .absorbed)
    }

    @Test("Without the cookie the To tag of a request counts too: within another dialog it is another request")
    func oldToTag() throws {
        let layer = LayerUnderTest()
        let within = Self.old(to: "<sip:bob@biloxi.example.com>;tag=1")
        layer.receive(within)
        #expect(layer.match(within) == .absorbed)
        #expect(layer.match(Self.old(to: "\"Bob\" <sip:bob@biloxi.example.com>;tag=1")) == .absorbed)
        #expect(layer.match(Self.old(to: "<sip:bob@biloxi.example.com>;tag=2")) == .new)
        #expect(layer.match(Self.old()) == .new)
        #expect(layer.cancelled(by: Self.old("CANCEL", to: "<sip:bob@biloxi.example.com>;tag=2")) == .none)
    }

    @Test("The CANCEL of an RFC 2543 client finds its INVITE")
    func oldCancel() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.receive(Self.old()).1)
        #expect(layer.cancelled(by: Self.old("CANCEL")) == id)
        #expect(layer.cancelled(by: Self.old("CANCEL", number: 2)) == .none)
    }
}
