import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("The service examples of RFC 5359 with transfers and subscriptions, the agent's part")
struct ServiceCallTests {
    @Test("Unattended transfer: who asks for it hangs up at once, and is told how it went (RFC 5359 §2.4)")
    func unattendedTransfer() throws {
        let company = try Company("alice", "bob", "carol")
        company["carol"].behaviour.rings = true
        company["carol"].behaviour.answersAfter = .milliseconds(300)
        try company.call("bob", "alice")
        let alice = company["alice"].calls[0]
        company.begin()
        let plan = TransferPlan(to: try company.uri("carol"))
        _ = try company.does("alice") { $0.transfer(alice, to: plan, transactions: &$1, at: $2, into: &$3) }
        company.world.run(for: .milliseconds(100))
        company.hangUp("alice", alice)
        company.world.run(for: .seconds(1))
        #expect(
            company.flow == [
                "alice>bob REFER", "bob>alice 200 OK REFER", "bob>alice NOTIFY (100 Trying)", "bob>carol INVITE",
                "alice>bob 200 OK NOTIFY", "carol>bob 180 Ringing INVITE", "bob>alice NOTIFY (180 Ringing)",
                "alice>bob 200 OK NOTIFY", "alice>bob BYE", "bob>alice 200 OK BYE",
                "carol>bob 200 OK INVITE", "bob>carol ACK", "bob>alice NOTIFY (200 OK)", "alice>bob 200 OK NOTIFY",
            ])
        #expect(company["alice"].transferEnds == [.succeeded(200)])
        #expect(company["carol"].invitations.first?.values(named: "Referred-By").isEmpty == false)
        company.expectAgreement(("bob", company["bob"].calls[1]), ("carol", company["carol"].calls[0]))
        company.hangUp("carol", company["carol"].calls[0])
        try company.world.end()
    }

    @Test("Attended transfer: hold, consultation, hold, REFER with Replaces (RFC 5359 §2.5)")
    func attendedTransfer() throws {
        let company = try Company("alice", "bob", "carol")
        try company.call("alice", "bob")
        let first = company["bob"].calls[0]
        company.begin()
        company.hold("bob", first)
        let second = try company.call("bob", "carol")
        company.hold("bob", second)
        _ = try company.does("bob") { $0.transfer(first, to: second, transactions: &$1, at: $2, into: &$3) }
        company.world.run(for: .seconds(1))
        #expect(
            company.flow == [
                "bob>alice INVITE (hold)", "alice>bob 200 OK INVITE", "bob>alice ACK",
                "bob>carol INVITE", "carol>bob 200 OK INVITE", "bob>carol ACK",
                "bob>carol INVITE (hold)", "carol>bob 200 OK INVITE", "bob>carol ACK",
                "bob>alice REFER", "alice>bob 200 OK REFER", "alice>bob NOTIFY (100 Trying)",
                "alice>carol INVITE (Replaces)", "bob>alice 200 OK NOTIFY", "carol>alice 200 OK INVITE",
                "alice>carol ACK", "alice>bob NOTIFY (200 OK)", "carol>bob BYE", "bob>alice 200 OK NOTIFY",
                "bob>alice BYE", "bob>carol 200 OK BYE", "alice>bob 200 OK BYE",
            ])
        #expect(company["bob"].transferEnds == [.succeeded(200)])
        company.expectAgreement(("alice", company["alice"].calls[1]), ("carol", company["carol"].calls[1]))
        company.hangUp("carol", company["carol"].calls[1])
        try company.world.end()
    }

    @Test("Incoming screening: 305, 407, 403, and the announcement that Error-Info names (RFC 5359 §2.13)")
    func incomingScreening() throws {
        let company = try Company("alice", "bob", "media") { _, configuration in
            configuration.credentials = { _ in [("Proxy-Authorization", "Digest username=\"alice\"")] }
        }
        let proxy = company.world.peer("proxy", at: "192.0.2.150")
        company["bob"].behaviour.rejects = 305
        company["bob"].behaviour.contacts = [Contact(try URI("sip:192.0.2.150"))]
        company["media"].behaviour.hangsUpAfter = .seconds(2)
        let target = try company.uri("bob")
        let plan = CallPlan(to: target, from: NameAddress(try URI("sip:alice@example.com")))
        // The agent itself makes the call: what the user sees of it are its events.
        _ = try company.does("alice") { $0.call(plan, transactions: &$1, at: $2, into: &$3) }
        let first = try proxy.expects(.invite)
        // The proxy is a route; the request is still for Bob (RFC 3261 §21.3.4).
        #expect(first.requestURI == target)
        #expect(first.values(named: "Route") == ["<sip:192.0.2.150;lr>"])
        try proxy.sends(407) { $0.add(named: "Proxy-Authenticate", "Digest realm=\"x\", nonce=\"1\"") }
        try proxy.expects(.ack)
        let second = try proxy.expects(.invite)
        #expect(second.has(.proxyAuthorization) && second.values(named: "Route") == ["<sip:192.0.2.150;lr>"])
        let announcement = try company.uri("media")
        try proxy.sends(403) { $0.add(named: "Error-Info", "<\(announcement.description)>") }
        try proxy.expects(.ack)
        let reason = try #require(
            company["alice"].events.compactMap { event -> URI? in
                guard case .refused(.call, let response) = event, response.status == 403 else { return nil }
                return try? URI(String((response.values(named: "Error-Info").first ?? "").dropFirst().dropLast()))
            }.first)
        #expect(reason == announcement)
        try company.call("alice", "media") { $0.target = reason }
        try company.world.end()
        #expect(
            company.flow == [
                "alice>bob INVITE", "bob>alice 305 Use Proxy INVITE", "alice>bob ACK",
                "alice>proxy INVITE", "proxy>alice 407 Proxy Authentication Required INVITE", "alice>proxy ACK",
                "alice>proxy INVITE", "proxy>alice 403 Forbidden INVITE", "alice>proxy ACK",
                "alice>media INVITE", "media>alice 200 OK INVITE", "alice>media ACK", "media>alice BYE",
                "alice>media 200 OK BYE",
            ])
    }

    @Test("A proxy that names itself by another 305 is asked no more (RFC 3261 §21.3.4)")
    func useProxyTwice() throws {
        let company = try Company("alice", "bob")
        let proxy = company.world.peer("proxy", at: "192.0.2.150")
        company["bob"].behaviour.rejects = 305
        company["bob"].behaviour.contacts = [Contact(try URI("sip:192.0.2.150"))]
        let plan = CallPlan(to: try company.uri("bob"), from: NameAddress(try URI("sip:alice@example.com")))
        _ = try company.does("alice") { $0.call(plan, transactions: &$1, at: $2, into: &$3) }
        try proxy.expects(.invite)
        try proxy.sends(305) { $0.add(named: "Contact", "<sip:192.0.2.150>") }
        try proxy.expects(.ack)
        try company.world.end()
        #expect(company["alice"].ends == [.rejected(305, "Use Proxy")])
    }

    /// What tells of a dialog, as a notifier of its package writes it (RFC 4235 §4.1).
    private static func information(_ state: String, _ dialog: String = "id=\"1\"") -> [UInt8] {
        let text =
            "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" "
            + "state=\"full\" entity=\"sip:bob@192.0.2.150\"><dialog \(dialog)><state>\(state)</state></dialog>"
            + "</dialog-info>"
        return Array(text.utf8)
    }

    /// What such a text says of its dialog.
    private static func attribute(_ name: String, of text: String) -> String {
        let after = text.split(separator: " \(name)=\"", maxSplits: 1).dropFirst().first ?? ""
        return String(after.prefix { $0 != "\"" })
    }

    /// Adds to a NOTIFY what it tells.
    private static func describe(
        _ body: [UInt8], _ state: SubscriptionState, in builder: inout MessageBuilder
    ) {
        builder.add(.event, EventType("dialog"))
        builder.add(.subscriptionState, state)
        builder.setBody(body, type: MediaType("application", "dialog-info+xml"))
    }

    private static func subscription(of name: String, to target: String, for expires: UInt32) throws -> SubscriptionPlan
    {
        var plan = SubscriptionPlan(
            to: try URI(target), event: EventType("dialog"), from: NameAddress(try URI("sip:\(name)@example.com")))
        plan.accept = [MediaType("application", "dialog-info+xml")]
        plan.expires = expires
        return plan
    }

    /// The bodies of the NOTIFYs that an agent was told of.
    private static func told(_ agent: SimulatedAgent) -> [String] {
        agent.events.compactMap { event in
            guard case .notified(_, let message) = event else { return nil }
            return String(decoding: message.body, as: UTF8.self)
        }
    }

    @Test("Call pick-up: a subscription tells of the dialog that rings, which is replaced (RFC 5359 §2.16)")
    func pickUp() throws {
        let company = try Company("alice", "bill")
        let bob = company.world.peer("bob", at: "192.0.2.150")
        let target = try URI("sip:bob@192.0.2.150")
        let plan = CallPlan(to: target, from: NameAddress(try URI("sip:alice@example.com")))
        company.world.perform(as: "alice") { _, outbox in
            company["alice"].call(plan, at: company.world.now, into: &outbox)
        }
        let invite = try bob.expects(.invite)
        var tag = ""
        try bob.sends(180) { tag = (try? $0.message())?.first(.to)?.tag ?? "" }
        let subscription = try Self.subscription(of: "bill", to: "sip:bob@192.0.2.150", for: 0)
        _ = try company.does("bill") { $0.subscribe(subscription, transactions: &$1, at: $2, into: &$3) }
        try bob.expects(.subscribe)
        try bob.sends(200) { $0.set(.expires, 0) }
        let callID = invite.first(.callID)?.value ?? ""
        let body = Self.information(
            "early",
            "id=\"1\" call-id=\"\(callID)\" local-tag=\"\(tag)\" remote-tag=\"\(invite.first(.from)?.tag ?? "")\"")
        try bob.sends(.notify) { Self.describe(body, SubscriptionState("terminated", reason: "timeout"), in: &$0) }
        try bob.expects(200, for: .notify)
        let text = try #require(Self.told(company["bill"]).first)
        var pickUp = CallPlan(to: try company.uri("alice"), from: NameAddress(try URI("sip:bill@example.com")))
        // Bob's point of view is the other way round.
        pickUp.replaces = Replaces(
            CallID(Self.attribute("call-id", of: text)), toTag: Self.attribute("remote-tag", of: text),
            fromTag: Self.attribute("local-tag", of: text), isEarlyOnly: true)
        company.world.perform(as: "bill") { _, outbox in
            company["bill"].call(pickUp, at: company.world.now, into: &outbox)
        }
        try bob.expects(.cancel)
        try bob.sends(200, to: .cancel)
        try bob.sends(487, to: .invite)
        try bob.expects(.ack)
        #expect(
            company.flow == [
                "alice>bob INVITE", "bob>alice 180 Ringing INVITE", "bill>bob SUBSCRIBE", "bob>bill 200 OK SUBSCRIBE",
                "bob>bill NOTIFY", "bill>bob 200 OK NOTIFY",
                "bill>alice INVITE (Replaces)", "alice>bill 200 OK INVITE", "alice>bob CANCEL", "bill>alice ACK",
                "bob>alice 200 OK CANCEL", "bob>alice 487 Request Terminated INVITE", "alice>bob ACK",
            ])
        #expect(company["alice"].ends == [.replaced(by: company["alice"].calls[1])])
        company.expectAgreement(("alice", company["alice"].calls[1]), ("bill", company["bill"].calls[0]))
        company.hangUp("bill", company["bill"].calls[0])
        try company.world.end()
    }

    @Test("Call park: a server takes the call, tells of its dialog, and gives it away (RFC 5359 §2.15)")
    func park() throws {
        let company = try Company("alice", "bob", "carol")
        let server = company.world.peer("park", at: "192.0.2.150")
        try company.call("alice", "bob")
        let parked = company["bob"].calls[0]
        company.begin()
        let (target, sender) = (try URI("sip:park@192.0.2.150"), NameAddress(try URI("sip:bob@example.com")))
        try company.does("bob") { agent, layer, now, outbox in
            guard let plan = agent.takingOver(parked) else { return }
            _ = agent.refer(target, to: plan, from: sender, transactions: &layer, at: now, into: &outbox)
        }
        let refer = try server.expects(.refer)
        let replaces = try #require(refer.first(.referTo)?.uri.sip?.headers["Replaces"])
        try server.sends(202)
        var notify = MessageBuilder(.notify, target)
        func report(_ line: String, _ state: SubscriptionState, in builder: inout MessageBuilder) {
            notify = builder
            builder.add(.event, EventType("refer"))
            builder.add(.subscriptionState, state)
            builder.setBody(Array("SIP/2.0 \(line)\r\n".utf8), type: MediaType("message", "sipfrag"))
        }
        try server.sends(.notify) { report("100 Trying", SubscriptionState("active", expires: 60), in: &$0) }
        try server.expects(200, for: .notify)
        var localTag = ""
        try server.sends(.invite, to: try company.uri("alice")) { builder in
            builder.add(named: "Replaces", replaces)
            builder.setBody(Array("park 1".utf8), type: MediaType("application", "sdp"))
            localTag = (try? builder.message())?.first(.from)?.tag ?? ""
        }
        let success = try server.expects(200, for: .invite)
        try server.sends(.ack)
        // The script speaks of the call with Alice now; this one is for Bob.
        var final = notify
        final.set(.cseq, CSeq(2, .notify))
        final.add(named: "Via", "SIP/2.0/UDP 192.0.2.150:5060;branch=z9hG4bKfinal")
        report("200 OK", SubscriptionState("terminated", reason: "noresource"), in: &final)
        try server.sendsOctets(final.octets, to: SocketAddress(try #require(IPAddress("192.0.2.102")), 5060))
        company.world.run(for: .milliseconds(100))
        #expect(company["bob"].transferEnds == [.succeeded(200)])
        // Carol asks the server what is parked.
        let subscription = try Self.subscription(of: "carol", to: "sip:park@192.0.2.150", for: 0)
        _ = try company.does("carol") { $0.subscribe(subscription, transactions: &$1, at: $2, into: &$3) }
        try server.expects(.subscribe)
        try server.sends(200) { $0.set(.expires, 0) }
        let callID = success.first(.callID)?.value ?? ""
        let body = Self.information(
            "confirmed",
            "id=\"1\" call-id=\"\(callID)\" local-tag=\"\(localTag)\" "
                + "remote-tag=\"\(success.first(.to)?.tag ?? "")\"")
        try server.sends(.notify) {
            Self.describe(body, SubscriptionState("terminated", reason: "timeout"), in: &$0)
        }
        try server.expects(200, for: .notify)
        let told = try #require(Self.told(company["carol"]).first)
        var retrieval = CallPlan(to: try company.uri("alice"), from: NameAddress(try URI("sip:carol@example.com")))
        // The server's point of view is the other way round.
        retrieval.replaces = Replaces(
            CallID(Self.attribute("call-id", of: told)), toTag: Self.attribute("remote-tag", of: told),
            fromTag: Self.attribute("local-tag", of: told))
        company.world.perform(as: "carol") { _, outbox in
            company["carol"].call(retrieval, at: company.world.now, into: &outbox)
        }
        try server.expects(.bye)
        try server.sends(200)
        company.world.run(for: .seconds(1))
        #expect(
            company.flow == [
                "bob>park REFER", "park>bob 202 Accepted REFER", "park>bob NOTIFY (100 Trying)",
                "bob>park 200 OK NOTIFY", "park>alice INVITE (Replaces)", "alice>park 200 OK INVITE",
                "park>alice ACK", "park>bob NOTIFY (200 OK)", "alice>bob BYE", "bob>park 200 OK NOTIFY",
                "bob>alice 200 OK BYE",
                "carol>park SUBSCRIBE", "park>carol 200 OK SUBSCRIBE", "park>carol NOTIFY", "carol>park 200 OK NOTIFY",
                "carol>alice INVITE (Replaces)", "alice>carol 200 OK INVITE", "carol>alice ACK", "alice>park BYE",
                "park>alice 200 OK BYE",
            ])
        company.expectAgreement(("alice", company["alice"].calls[2]), ("carol", company["carol"].calls[0]))
        company.hangUp("carol", company["carol"].calls[0])
        try company.world.end()
    }

    @Test("Automatic redial: a subscription tells when who was busy is free, then he is called (RFC 5359 §2.17)")
    func automaticRedial() throws {
        let company = try Company("alice")
        let bob = company.world.peer("bob", at: "192.0.2.150")
        let target = try URI("sip:bob@192.0.2.150")
        func call() {
            let from = NameAddress(.sip(SIPURI(user: "alice", host: Host("example.com"))))
            let plan = CallPlan(to: target, from: from)
            company.world.perform(as: "alice") { _, outbox in
                company["alice"].call(plan, at: company.world.now, into: &outbox)
            }
        }
        call()
        try bob.expects(.invite)
        try bob.sends(486)
        try bob.expects(.ack)
        let plan = try Self.subscription(of: "alice", to: "sip:bob@192.0.2.150", for: 60)
        let subscription = try #require(
            try company.does("alice") { $0.subscribe(plan, transactions: &$1, at: $2, into: &$3) })
        #expect(try bob.expects(.subscribe).first(.event)?.package == "dialog")
        try bob.sends(200) { $0.set(.expires, 60) }
        try bob.sends(.notify) {
            Self.describe(Self.information("confirmed"), SubscriptionState("active", expires: 59), in: &$0)
        }
        try bob.expects(200, for: .notify)
        company.world.run(for: .seconds(10))
        var notify = MessageBuilder(.notify, target)
        try bob.sends(.notify) {
            Self.describe(Self.information("terminated"), SubscriptionState("active", expires: 48), in: &$0)
            notify = $0
        }
        try bob.expects(200, for: .notify)
        // Bob is free.
        #expect(Self.told(company["alice"]).last?.contains("<state>terminated</state>") == true)
        call()
        try bob.expects(.invite)
        try bob.sends(180)
        try bob.sends(200) { $0.setBody(Array("bob 1".utf8), type: MediaType("application", "sdp")) }
        try bob.expects(.ack)
        // The script speaks of the call now; this one is of the subscription.
        try bob.sends(.notify) {
            $0 = notify
            $0.set(.cseq, CSeq(3, .notify))
        }
        try bob.expects(200, for: .notify)
        _ = try company.does("alice") { $0.unsubscribe(subscription, transactions: &$1, at: $2, into: &$3) }
        #expect(try bob.expects(.subscribe).first(.expires) == 0)
        try bob.sends(200) { $0.set(.expires, 0) }
        try bob.sends(.notify) {
            $0.set(.cseq, CSeq(4, .notify))
            Self.describe(
                Self.information("confirmed"), SubscriptionState("terminated", reason: "timeout"), in: &$0)
        }
        try bob.expects(200, for: .notify)
        #expect(
            company.flow == [
                "alice>bob INVITE", "bob>alice 486 Busy Here INVITE", "alice>bob ACK",
                "alice>bob SUBSCRIBE", "bob>alice 200 OK SUBSCRIBE", "bob>alice NOTIFY", "alice>bob 200 OK NOTIFY",
                "bob>alice NOTIFY", "alice>bob 200 OK NOTIFY",
                "alice>bob INVITE", "bob>alice 180 Ringing INVITE", "bob>alice 200 OK INVITE", "alice>bob ACK",
                "bob>alice NOTIFY", "alice>bob 200 OK NOTIFY",
                "alice>bob SUBSCRIBE", "bob>alice 200 OK SUBSCRIBE", "bob>alice NOTIFY", "alice>bob 200 OK NOTIFY",
            ])
        company.hangUp("alice", company["alice"].calls[1])
        try bob.expects(.bye)
        try bob.sends(200)
        try company.world.end()
    }
}
