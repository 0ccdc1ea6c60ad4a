import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Transfers by way of the target's address, its Contact, and several agents (RFC 5589 §7.5, §8, §10)")
struct TransferAddressTests {
    /// Alice talks to Bob, who called her, and has called Carol; both are on hold. Bob finds the address of Carol's domain
    /// by a name.
    private static func consulting(
        domainAt address: String
    ) throws -> (company: Company, first: CallHandle, second: CallHandle) {
        let company = try Company("alice", "bob", "carol")
        company["bob"].names["chicago.example.com"] = SocketAddress(try #require(IPAddress(address)), 5060)
        try company.call("bob", "alice")
        let first = try #require(company["alice"].calls.first)
        company.hold("alice", first)
        let second = try company.call("alice", "carol")
        company.hold("alice", second)
        company.begin()
        return (company, first, second)
    }

    /// Alice asks Bob to take her place at Carol, whom he is to reach by her address of record, or by her Contact.
    private static func transfer(_ company: Company, _ first: CallHandle, _ second: CallHandle, to uri: URI?) throws {
        let handle = try company.does("alice") { agent, layer, now, outbox -> TransferHandle? in
            guard var plan = agent.takingOver(second) else { return nil }
            if let uri { plan.target = NameAddress(uri) }
            return agent.transfer(first, to: plan, transactions: &layer, at: now, into: &outbox)
        }
        _ = try #require(handle)
    }

    @Test("The triggered INVITE goes to the address of the target, whose Contact nobody else may reach (RFC 5589 §7.5)")
    func addressOfRecord() throws {
        let (company, first, second) = try Self.consulting(domainAt: "192.0.2.103")
        let carol = try URI("sip:carol@chicago.example.com")
        try Self.transfer(company, first, second, to: carol)
        company.world.run(for: .seconds(1))
        #expect(
            company.flow == [
                "alice>bob REFER", "bob>alice 200 OK REFER", "bob>alice NOTIFY (100 Trying)",
                "bob>carol INVITE (Replaces)", "alice>bob 200 OK NOTIFY", "carol>bob 200 OK INVITE",
                "bob>carol ACK", "bob>alice NOTIFY (200 OK)", "carol>alice BYE", "alice>bob 200 OK NOTIFY",
                "alice>bob BYE", "alice>carol 200 OK BYE", "bob>alice 200 OK BYE",
            ])
        let invite = try #require(company["carol"].invitations.last)
        #expect(invite.requestURI == carol)
        #expect(invite.all(.require).contains("replaces"))
        #expect(company["alice"].transferEnds == [.succeeded(200)])
        company.hangUp("carol", company["carol"].calls[1])
        try company.world.end()
    }

    @Test("Where somebody at the address refuses, the transfer is tried again with the Contact (RFC 5589 §7.5)")
    func contactAfterAddress() throws {
        let (company, first, second) = try Self.consulting(domainAt: "192.0.2.150")
        let screen = company.world.peer("screen", at: "192.0.2.150")
        try Self.transfer(company, first, second, to: try URI("sip:carol@chicago.example.com"))
        _ = try screen.expects(.invite)
        try screen.sends(403)
        company.world.run(for: .seconds(1))
        #expect(
            company.flow == [
                "alice>bob REFER", "bob>alice 200 OK REFER", "bob>alice NOTIFY (100 Trying)",
                "bob>screen INVITE (Replaces)", "alice>bob 200 OK NOTIFY", "screen>bob 403 Forbidden INVITE",
                "bob>screen ACK", "bob>alice NOTIFY (403 Forbidden)", "alice>bob 200 OK NOTIFY",
            ])
        #expect(company["alice"].transferEnds == [.failed(403, "Forbidden")])
        // Both of Alice's calls live.
        #expect(company["alice"].ends.isEmpty && company["carol"].ends.isEmpty)
        company.begin()
        try Self.transfer(company, first, second, to: nil)
        company.world.run(for: .seconds(1))
        #expect(
            company.flow == [
                "alice>bob REFER", "bob>alice 200 OK REFER", "bob>alice NOTIFY (100 Trying)",
                "bob>carol INVITE (Replaces)", "alice>bob 200 OK NOTIFY", "carol>bob 200 OK INVITE",
                "bob>carol ACK", "bob>alice NOTIFY (200 OK)", "carol>alice BYE", "alice>bob 200 OK NOTIFY",
                "alice>bob BYE", "alice>carol 200 OK BYE", "bob>alice 200 OK BYE",
            ])
        // The reports of the second are told from those of the first.
        #expect(company["alice"].transferEnds == [.failed(403, "Forbidden"), .succeeded(200)])
        company.hangUp("carol", company["carol"].calls[1])
        try company.world.end()
    }

    @Test("The target learns who asked for the call, in a REFER outside of the call's dialog (RFC 5589 §8)")
    func referredBy() throws {
        let company = try Company("alice", "bob", "carol")
        _ = try company.register("alice")
        let account = try company.register("bob")
        try company.call("bob", "alice") { $0.account = account }
        let first = try #require(company["alice"].calls.first)
        company.begin()
        company.hold("alice", first)
        let second = try company.call("alice", "carol")
        company.hold("alice", second)
        try Self.transfer(company, first, second, to: nil)
        company.world.run(for: .seconds(1))
        #expect(
            company.flow == [
                "alice>bob INVITE (hold)", "bob>alice 200 OK INVITE", "alice>bob ACK",
                "alice>carol INVITE", "carol>alice 200 OK INVITE", "alice>carol ACK",
                "alice>carol INVITE (hold)", "carol>alice 200 OK INVITE", "alice>carol ACK",
                "alice>bob REFER (Target-Dialog)", "bob>alice 200 OK REFER", "bob>alice NOTIFY (100 Trying)",
                "bob>carol INVITE (Replaces)", "alice>bob 200 OK NOTIFY", "carol>bob 200 OK INVITE",
                "bob>carol ACK", "bob>alice NOTIFY (200 OK)", "carol>alice BYE", "alice>bob 200 OK NOTIFY",
                "alice>bob BYE", "alice>carol 200 OK BYE", "bob>alice 200 OK BYE",
            ])
        let asked = try #require(company["bob"].requests.first?.message.values(named: "Referred-By").first)
        #expect(asked.contains("alice"))
        #expect(company["carol"].invitations.last?.values(named: "Referred-By") == [asked])
        company.hangUp("carol", company["carol"].calls[1])
        company.world.run(for: .seconds(40))
        // When the last transactions are over, what is left are the accounts.
        #expect(try company.does("alice") { agent, _, _, _ in agent.dialogCount } == 0)
        #expect(try company.does("bob") { agent, _, _, _ in agent.callCount } == 0)
    }

    @Test("Four parties: each hands the one before on to the next (RFC 5589 §10)")
    func severalParties() throws {
        let company = try Company("mary", "facilitator", "screener", "fred")
        try company.call("mary", "facilitator")
        let toMary = company["facilitator"].calls[0]
        company.hold("facilitator", toMary)
        try company.call("facilitator", "screener")
        let screened = company["screener"].calls[0]
        company.hold("screener", screened)
        let toFred = try company.call("screener", "fred")
        company.hold("screener", toFred)
        company.begin()
        try company.transfer("screener", screened, to: "fred")
        company.hangUp("screener", toFred)
        company.world.run(for: .seconds(1))
        let found = company["facilitator"].calls[2]
        company.hold("facilitator", found)
        try company.transfer("facilitator", toMary, to: "fred")
        company.hangUp("facilitator", found)
        company.world.run(for: .seconds(1))
        company.hangUp("fred", company["fred"].calls[2])
        try company.world.end()
        #expect(
            company.flow == [
                "screener>facilitator REFER", "facilitator>screener 200 OK REFER",
                "facilitator>screener NOTIFY (100 Trying)", "facilitator>fred INVITE",
                "screener>facilitator 200 OK NOTIFY", "fred>facilitator 200 OK INVITE", "facilitator>fred ACK",
                "facilitator>screener NOTIFY (200 OK)", "screener>facilitator 200 OK NOTIFY",
                "screener>facilitator BYE", "facilitator>screener 200 OK BYE",
                "screener>fred BYE", "fred>screener 200 OK BYE",
                "facilitator>fred INVITE (hold)", "fred>facilitator 200 OK INVITE", "facilitator>fred ACK",
                "facilitator>mary REFER", "mary>facilitator 200 OK REFER",
                "mary>facilitator NOTIFY (100 Trying)", "mary>fred INVITE", "facilitator>mary 200 OK NOTIFY",
                "fred>mary 200 OK INVITE", "mary>fred ACK", "mary>facilitator NOTIFY (200 OK)",
                "facilitator>mary 200 OK NOTIFY", "facilitator>mary BYE", "mary>facilitator 200 OK BYE",
                "facilitator>fred BYE", "fred>facilitator 200 OK BYE",
                "fred>mary BYE", "mary>fred 200 OK BYE",
            ])
        #expect(company["screener"].transferEnds == [.succeeded(200)])
        #expect(company["facilitator"].transferEnds == [.succeeded(200)])
    }

    @Test("Transfer by an instant message: whoever follows its URI takes the call over (RFC 5359 §2.6)")
    func instantMessage() throws {
        let company = try Company("alice", "bob", "carol")
        try company.call("alice", "bob")
        let call = company["bob"].calls[0]
        company.begin()
        let carol = try company.uri("carol")
        let sender = NameAddress(try URI("sip:bob@example.com"))
        try company.does("bob") { agent, layer, now, outbox in
            guard let plan = agent.takingOver(call), let replaces = plan.replaces,
                var uri = plan.target.uri.sip
            else { return }
            uri.headers.append(URIParameter("Replaces", replaces.text))
            let message = RequestPlan.message("<\(uri.description)>", to: carol, from: sender)
            _ = agent.send(message, transactions: &layer, at: now, into: &outbox)
        }
        company.world.run(for: .seconds(1))
        let text = try #require(
            company["carol"].events.compactMap { event -> String? in
                guard case .message(_, let message) = event else { return nil }
                return String(decoding: message.body, as: UTF8.self)
            }.first)
        guard var uri = try URI(String(text.dropFirst().dropLast())).sip else {
            Issue.record("\(text) is no SIP URI")
            return
        }
        let replaces = try Replaces(parsing: try #require(uri.headers["Replaces"]), field: .replaces)
        uri.headers = URIParameters()
        let target = URI.sip(uri)
        try company.call("carol", "alice") {
            $0.target = target
            $0.replaces = replaces
        }
        #expect(
            company.flow == [
                "bob>carol MESSAGE", "carol>bob 200 OK MESSAGE",
                "carol>alice INVITE (Replaces)", "alice>carol 200 OK INVITE", "carol>alice ACK",
                "alice>bob BYE", "bob>alice 200 OK BYE",
            ])
        #expect(company["bob"].ends == [.remoteHungUp])
        company.expectAgreement(("alice", company["alice"].calls[1]), ("carol", company["carol"].calls[0]))
        company.hangUp("carol", company["carol"].calls[0])
        try company.world.end()
    }
}
