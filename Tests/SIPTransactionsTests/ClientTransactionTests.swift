import SIPMessages
import SIPTransactions
import Testing

@Suite("Client transactions in the layer (RFC 3261 §17.1, §9.1)")
struct ClientTransactionTests {
    @Test("A response finds its transaction by branch and CSeq method (§17.1.3)")
    func matches() throws {
        let layer = LayerUnderTest()
        let invite = try #require(layer.send("INVITE"))
        let options = try #require(layer.send("OPTIONS"))
        #expect(layer.match(response: layer.response(180, to: invite)) == .deliver(invite, owner: 9))
        #expect(layer.match(response: layer.response(200, to: options)) == .deliver(options, owner: 9))
        #expect(layer.match(response: layer.response(200, to: invite)) == .deliver(invite, owner: 9))
    }

    @Test(
        "A response with another CSeq method is stray (§17.1.3)",
        arguments: ["OPTIONS", "CANCEL", "XINVITE", "XCANCEL", "invite"])
    func otherMethod(method: String) throws {
        let layer = LayerUnderTest()
        let invite = try #require(layer.send("INVITE"))
        #expect(layer.match(response: layer.response(200, to: invite, method: method)) == .stray)
        #expect(layer.alive[1] == 1)
    }

    @Test("One wrong digit in the branch makes a response stray", arguments: 7..<39)
    func foreignBranch(position: Int) throws {
        let layer = LayerUnderTest()
        let invite = try #require(layer.send("INVITE"))
        var response = layer.response(200, to: invite)
        let cookie = Array("z9hG4bK".utf8)
        let start = try #require(response.indices.first { response[$0...].starts(with: cookie) })
        response[start + position] = response[start + position] == 0x31 ? 0x32 : 0x31
        #expect(layer.match(response: response) == .stray)
    }

    @Test(
        "A response whose branch is too short, too long, not hexadecimal or absent is stray",
        arguments: [
            "z9hG4bK", "z9hG4bK0", "1", "z9hG4bK" + String(repeating: "g", count: 49),
            "z9hG4bK" + String(repeating: "f", count: 49), "z9hG4bK" + String(repeating: "0", count: 49),
            "z9hG4bK" + String(repeating: "0", count: 4900),
        ])
    func malformedBranch(branch: String) throws {
        let layer = LayerUnderTest()
        _ = try #require(layer.send("INVITE"))
        let text = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=\(branch)\r\nCSeq: 1 INVITE\r\n\r\n"
        #expect(layer.match(response: Array(text.utf8)) == .stray)
    }

    @Test(
        "An INVITE without answer goes out at 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s and is given up at 32 s (timers A, B)"
    )
    func noAnswer() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.send("INVITE"))
        var times: [Int64] = []
        for _ in 0..<64 {
            if !layer.takeSent().isEmpty { times.append(layer.now.nanoseconds / 1_000_000) }
            layer.run(for: .milliseconds(500))
        }
        #expect(times == [0, 500, 1500, 3500, 7500, 15_500, 31_500])
        #expect(layer.events == [.clientTimedOut(id, owner: 9)])
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test("A failure is acknowledged each time it comes and delivered once; then timer D ends it (§17.1.1.2)")
    func failure() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.send("INVITE"))
        _ = layer.takeSent()
        let response = layer.response(486, to: id)
        #expect(layer.match(response: response) == .deliver(id, owner: 9))
        #expect(layer.match(response: response) == .absorbed)
        #expect(layer.takeSent() == Array(repeating: "ACK sip:bob@biloxi.example.com SIP/2.0", count: 2))
        layer.run(for: .milliseconds(31_999))
        #expect(layer.match(response: response) == .absorbed)
        layer.run(for: .milliseconds(1))
        #expect(layer.match(response: response) == .stray)
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test(
        "The ACK to a failure has the INVITE's Request-URI, Via, From, Call-ID, number, the response's To (§17.1.1.3)"
    )
    func ackContent() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.send("INVITE"))
        let invite = try #require(layer.takeMessages().first)
        _ = layer.match(response: layer.response(486, to: id))
        let ack = try SIPMessage(try #require(layer.takeMessages().first))
        let request = try SIPMessage(invite)
        #expect(ack.method == .ack && ack.requestURI == request.requestURI)
        #expect(ack.all(.via) == request.all(.via) && ack.all(.via).count == 1)
        #expect(ack.first(.from) == request.first(.from) && ack.first(.callID) == request.first(.callID))
        #expect(ack.first(.cseq) == CSeq(986759, .ack))
        #expect(ack.first(.to)?.tag == "a6c85cf")
        #expect(ack.fault == nil && ack.body.isEmpty)
    }

    @Test("Every 2xx to an INVITE is delivered until timer M (RFC 6026 §7.2)")
    func successes() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.send("INVITE"))
        let response = layer.response(200, to: id)
        for _ in 0..<3 { #expect(layer.match(response: response) == .deliver(id, owner: 9)) }
        layer.run(for: .milliseconds(31_999))
        #expect(layer.match(response: response) == .deliver(id, owner: 9))
        layer.run(for: .milliseconds(1))
        #expect(layer.match(response: response) == .stray)
        #expect(layer.events == [.clientEnded(id, owner: 9)])
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test("After a 2xx there is nothing to cancel: no CANCEL goes out (§9.1)")
    func cancelAfterSuccess() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.send("INVITE"))
        _ = layer.match(response: layer.response(200, to: id))
        _ = layer.takeSent()
        layer.cancel(id)
        #expect(layer.takeSent() == [])
        #expect(layer.alive[1] == 1)
        layer.run(for: .seconds(32))
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test("The final response to a non-INVITE request is delivered once; copies are absorbed until timer K")
    func nonInvite() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.send("OPTIONS"))
        let response = layer.response(404, to: id)
        #expect(layer.match(response: response) == .deliver(id, owner: 9))
        #expect(layer.match(response: response) == .absorbed)
        layer.run(for: .seconds(5))
        #expect(layer.match(response: response) == .stray)
        #expect(layer.takeSent() == ["OPTIONS sip:bob@biloxi.example.com SIP/2.0"])
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test(
        "Over a stream a transaction other than an accepted INVITE ends with the final response",
        arguments: ["OPTIONS", "INVITE"])
    func stream(method: String) throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.send(method, over: .tcp))
        #expect(layer.match(response: layer.response(404, to: id)) == .deliver(id, owner: 9))
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test("CANCEL has the INVITE's branch; its answer is absorbed and the 487 delivered (§9.1)")
    func cancel() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.send("INVITE"))
        let invite = try SIPMessage(try #require(layer.takeMessages().first))
        _ = layer.match(response: layer.response(180, to: id))
        #expect(layer.isProceeding(id))
        layer.cancel(id)
        layer.cancel(id)
        let sent = layer.takeMessages()
        #expect(sent.count == 1)
        let cancel = try SIPMessage(try #require(sent.first))
        #expect(cancel.method == .cancel && cancel.requestURI == invite.requestURI)
        #expect(cancel.all(.via) == invite.all(.via) && cancel.first(.to) == invite.first(.to))
        #expect(cancel.first(.cseq) == CSeq(986759, .cancel))
        let answer = layer.response(200, to: id, method: "CANCEL")
        #expect(layer.match(response: answer) == .absorbed)
        #expect(layer.match(response: layer.response(487, to: id)) == .deliver(id, owner: 9))
        layer.run(for: .seconds(32))
        #expect(layer.events == [])
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test("A CANCEL without answer is sent as timer E asks; its end is not told to the transaction user")
    func cancelIsRepeated() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.send("INVITE"))
        _ = layer.match(response: layer.response(180, to: id))
        _ = layer.takeSent()
        layer.cancel(id)
        layer.run(for: .seconds(40))
        #expect(layer.takeSent() == Array(repeating: "CANCEL sip:bob@biloxi.example.com SIP/2.0", count: 11))
        #expect(layer.events == [])
        #expect(layer.alive[1] == 1)
        layer.abandon(client: id)
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test(
        "A transport error ends a transaction that has sent and waits, and is told", arguments: ["INVITE", "OPTIONS"])
    func transportFailed(method: String) throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.send(method))
        let sender = try #require(layer.outbox.messages.first?.sender)
        #expect(sender == .client(id))
        #expect(layer.transportFailed(.nobody) == nil)
        #expect(layer.transportFailed(.client(TransactionID(slot: 500, generation: id.generation))) == nil)
        #expect(layer.transportFailed(sender) == .clientTransportFailed(id, owner: 9))
        #expect(layer.transportFailed(sender) == nil)
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test(
        "A transport error after a provisional response to INVITE ends nothing: nothing of ours is underway (figure 5)"
    )
    func transportFailedWhileProceeding() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.send("INVITE"))
        _ = layer.match(response: layer.response(180, to: id))
        #expect(layer.transportFailed(.client(id)) == nil)
        #expect(layer.isLive(client: id))
    }

    @Test("An ACK that cannot be sent ends the INVITE's transaction, and is told (RFC 6026 §7.2, figure 5)")
    func acknowledgementFailed() throws {
        let layer = LayerUnderTest()
        let id = try #require(layer.send("INVITE"))
        _ = layer.match(response: layer.response(486, to: id))
        let sender = try #require(layer.outbox.messages.last?.sender)
        #expect(layer.takeSent().map { $0.prefix(4) } == ["INVI", "ACK "])
        #expect(layer.transportFailed(sender) == .clientTransportFailed(id, owner: 9))
        #expect(layer.alive == [0, 0, 0, 0])
    }

    @Test("An error that comes late does not hit the transaction which has the slot now")
    func lateTransportFailure() throws {
        let layer = LayerUnderTest()
        let first = try #require(layer.send("OPTIONS", over: .tcp))
        let sender = try #require(layer.outbox.messages.first?.sender)
        _ = layer.match(response: layer.response(200, to: first))
        let second = try #require(layer.send("OPTIONS", over: .tcp))
        #expect(first.slot == second.slot)
        #expect(layer.transportFailed(sender) == nil)
        #expect(layer.isLive(client: second))
    }

    @Test("At the limit no transaction is opened, and one that is over makes room")
    func limit() throws {
        var limits = TransactionLayer.Limits()
        limits.transactions = 2
        let layer = LayerUnderTest(limits: limits)
        let first = try #require(layer.send("OPTIONS", over: .tcp))
        _ = try #require(layer.send("OPTIONS", over: .tcp))
        #expect(layer.send("OPTIONS", over: .tcp) == nil)
        _ = layer.match(response: layer.response(200, to: first))
        #expect(layer.send("OPTIONS", over: .tcp) != nil)
    }

    @Test("A request that cannot be kept is not sent and leaves nothing")
    func octetLimit() {
        var limits = TransactionLayer.Limits()
        limits.octets = 100
        let layer = LayerUnderTest(limits: limits)
        #expect(layer.send("OPTIONS") == nil)
        #expect(layer.takeSent() == [])
        #expect(layer.outbox.octets.isEmpty)
        #expect(layer.alive == [0, 0, 0, 0])
    }
}
