import AgentCore
import SIPDialogs
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("The service examples of RFC 5359, as far as user agents play them")
struct ServiceExampleTests {
    @Test("Call hold, and back (RFC 5359 §2.1)")
    func hold() throws {
        let company = try Company("alice", "bob")
        company["bob"].behaviour.rings = true
        company["bob"].behaviour.answersAfter = .milliseconds(100)
        let alice = try company.call("alice", "bob")
        let bob = company["bob"].calls[0]
        company.hold("bob", bob)
        #expect(company["alice"].sessions[alice]?.remote?.contains("sendonly") == true)
        company.hold("bob", bob, false)
        company.expectAgreement(("alice", alice), ("bob", bob))
        company.hangUp("alice", alice)
        try company.world.end()
        #expect(
            company.flow == [
                "alice>bob INVITE", "bob>alice 180 Ringing INVITE", "bob>alice 200 OK INVITE", "alice>bob ACK",
                "bob>alice INVITE (hold)", "alice>bob 200 OK INVITE", "bob>alice ACK",
                "bob>alice INVITE", "alice>bob 200 OK INVITE", "bob>alice ACK",
                "alice>bob BYE", "bob>alice 200 OK BYE",
            ])
    }

    @Test("Consultation hold (RFC 5359 §2.2)")
    func consultation() throws {
        let company = try Company("alice", "bob", "carol")
        let alice = try company.call("alice", "bob")
        let bob = company["bob"].calls[0]
        company.begin()
        company.hold("bob", bob)
        let carol = try company.call("bob", "carol")
        company.hangUp("bob", carol)
        company.world.run(for: .seconds(1))
        company.hold("bob", bob, false)
        company.hangUp("alice", alice)
        try company.world.end()
        #expect(
            company.flow == [
                "bob>alice INVITE (hold)", "alice>bob 200 OK INVITE", "bob>alice ACK",
                "bob>carol INVITE", "carol>bob 200 OK INVITE", "bob>carol ACK", "bob>carol BYE", "carol>bob 200 OK BYE",
                "bob>alice INVITE", "alice>bob 200 OK INVITE", "bob>alice ACK",
                "alice>bob BYE", "bob>alice 200 OK BYE",
            ])
    }

    @Test("Music on hold: a server takes the call over, and gives it back (RFC 5359 §2.3)")
    func musicOnHold() throws {
        let company = try Company("alice", "bob", "music")
        try company.call("alice", "bob")
        let bob = company["bob"].calls[0]
        company.hold("bob", bob)
        company.begin()
        let music = try company.uri("music")
        let sender = NameAddress(try URI("sip:bob@example.com"))
        try company.does("bob") { agent, layer, now, outbox in
            guard let plan = agent.takingOver(bob) else { return }
            _ = agent.refer(music, to: plan, from: sender, transactions: &layer, at: now, into: &outbox)
        }
        company.world.run(for: .seconds(1))
        #expect(
            company.flow == [
                "bob>music REFER", "music>bob 200 OK REFER", "music>bob NOTIFY (100 Trying)",
                "music>alice INVITE (Replaces)", "bob>music 200 OK NOTIFY", "alice>music 200 OK INVITE",
                "music>alice ACK", "music>bob NOTIFY (200 OK)", "alice>bob BYE", "bob>music 200 OK NOTIFY",
                "bob>alice 200 OK BYE",
            ])
        #expect(company["bob"].transferEnds == [.succeeded(200)])
        // Bob takes the call back from the server, of whose dialog he learned.
        company.begin()
        let dialog = try #require(
            try company.does("alice") { agent, _, _, _ in
                agent.takingOver(company["alice"].calls[1])?.replaces
            })
        try company.call("bob", "alice") {
            // Alice's own point of view is the other way round.
            $0.replaces = Replaces(dialog.callID, toTag: dialog.fromTag, fromTag: dialog.toTag)
        }
        #expect(
            company.flow == [
                "bob>alice INVITE (Replaces)", "alice>bob 200 OK INVITE", "bob>alice ACK", "alice>music BYE",
                "music>alice 200 OK BYE",
            ])
        company.hangUp("bob", company["bob"].calls[1])
        try company.world.end()
    }

    @Test("Three-way conference: a third party is added by one who mixes (RFC 5359 §2.10, handbook 11.3)")
    func thirdPartyAdded() throws {
        let company = try Company("alice", "bob", "carol")
        let alice = try company.call("alice", "bob")
        let bob = company["bob"].calls[0]
        company.begin()
        try company.does("bob") { $0.mix(bob, transactions: &$1, at: $2, into: &$3) }
        company.world.run(for: .seconds(1))
        try company.call("bob", "carol") { $0.isFocus = true }
        #expect(
            company.flow == [
                "bob>alice INVITE", "alice>bob 200 OK INVITE", "bob>alice ACK",
                "bob>carol INVITE", "carol>bob 200 OK INVITE", "bob>carol ACK",
            ])
        let invite = try #require(company["carol"].invitations.first)
        #expect(invite.first(.contact)?.parameters.has("isfocus") == true)
        // When one leaves, the two others stay.
        company.hangUp("alice", alice)
        company.world.run(for: .seconds(1))
        #expect(company["carol"].ends.isEmpty)
        company.hangUp("bob", company["bob"].calls[1])
        try company.world.end()
    }

    @Test("Three-way conference: a third party joins (RFC 5359 §2.11)")
    func thirdPartyJoins() throws {
        let company = try Company("alice", "bob", "carol") { _, configuration in
            configuration.features.insert(.joining)
        }
        try company.call("alice", "bob")
        let bob = company["bob"].calls[0]
        let dialog = try #require(try company.does("bob") { agent, _, _, _ in agent.dialog(of: bob) })
        company["bob"].behaviour.rings = true
        company["bob"].behaviour.answersAfter = .milliseconds(500)
        company.begin()
        company.world.at(company.world.now.advanced(by: .milliseconds(100))) {
            _ = try? company.does("bob") { $0.mix(bob, transactions: &$1, at: $2, into: &$3) }
        }
        try company.call("carol", "bob") {
            $0.joins = Join(dialog.callID, toTag: dialog.localTag, fromTag: dialog.remoteTag)
        }
        #expect(
            company.flow == [
                "carol>bob INVITE (Join)", "bob>carol 180 Ringing INVITE",
                "bob>alice INVITE", "alice>bob 200 OK INVITE", "bob>alice ACK",
                "bob>carol 200 OK INVITE", "carol>bob ACK",
            ])
        #expect(company["bob"].events.contains(.joins(company["bob"].calls[1], other: bob)))
        for call in company["bob"].calls { company.hangUp("bob", call) }
        try company.world.end()
    }

    @Test("The other way of a conference: one refers the other to the third, who is mixed in (handbook 11.3)")
    func conferenceByReferral() throws {
        let company = try Company("alice", "bob", "carol")
        try company.call("alice", "bob")
        let bob = company["bob"].calls[0]
        company.begin()
        company.hold("bob", bob)
        try company.transfer("bob", bob, to: "carol") { $0.endsCall = false }
        company.hold("bob", bob, false)
        #expect(
            company.flow == [
                "bob>alice INVITE (hold)", "alice>bob 200 OK INVITE", "bob>alice ACK",
                "bob>alice REFER", "alice>bob 200 OK REFER", "alice>bob NOTIFY (100 Trying)", "alice>carol INVITE",
                "bob>alice 200 OK NOTIFY", "carol>alice 200 OK INVITE", "alice>carol ACK",
                "alice>bob NOTIFY (200 OK)", "bob>alice 200 OK NOTIFY",
                "bob>alice INVITE", "alice>bob 200 OK INVITE", "bob>alice ACK",
            ])
        // Alice has both calls, and mixes them.
        #expect(company["alice"].ends.isEmpty && company["bob"].ends.isEmpty && company["carol"].ends.isEmpty)
        for call in company["alice"].calls { company.hangUp("alice", call) }
        try company.world.end()
    }

    @Test("Call park, and pick-up from there (RFC 5359 §2.15)")
    func park() throws {
        let company = try Company("alice", "bob", "park", "carol")
        try company.call("alice", "bob")
        let (bob, server) = (company["bob"].calls[0], try company.uri("park"))
        let sender = NameAddress(try URI("sip:bob@example.com"))
        try company.does("bob") { agent, layer, now, outbox in
            guard let plan = agent.takingOver(bob) else { return }
            _ = agent.refer(server, to: plan, from: sender, transactions: &layer, at: now, into: &outbox)
        }
        company.world.run(for: .seconds(1))
        let parked = try #require(
            try company.does("park") { agent, _, _, _ in
                agent.takingOver(company["park"].calls[0])
            })
        company.begin()
        // Carol has learned of the dialog from the server.
        try company.call("carol", "alice") { $0.replaces = parked.replaces }
        #expect(
            company.flow == [
                "carol>alice INVITE (Replaces)", "alice>carol 200 OK INVITE", "carol>alice ACK", "alice>park BYE",
                "park>alice 200 OK BYE",
            ])
        company.hangUp("carol", company["carol"].calls[0])
        try company.world.end()
    }

    @Test("Call pick-up: who rings is taken away what another picks up, unless he was faster (RFC 5359 §2.16)")
    func pickUp() throws {
        let company = try Company("alice", "bob", "bill")
        company["bob"].behaviour.rings = true
        company["bob"].behaviour.answersAfter = nil
        let alice = try company.call("alice", "bob")
        let dialog = try #require(
            try company.does("bob") { agent, _, _, _ in
                agent.dialog(of: company["bob"].calls[0])
            })
        company.begin()
        try company.call("bill", "alice") {
            // Bob's point of view is the other way round.
            $0.replaces = Replaces(
                dialog.callID, toTag: dialog.remoteTag, fromTag: dialog.localTag, isEarlyOnly: true)
        }
        #expect(
            company.flow == [
                "bill>alice INVITE (Replaces)", "alice>bill 200 OK INVITE", "alice>bob CANCEL", "bill>alice ACK",
                "bob>alice 200 OK CANCEL", "bob>alice 487 Request Terminated INVITE", "alice>bob ACK",
            ])
        #expect(company["alice"].ends == [.replaced(by: company["alice"].calls[1])])
        #expect(company["alice"].calls[0] == alice)
        company.hangUp("bill", company["bill"].calls[0])
        try company.world.end()
    }

    @Test("Find-me: one after the other is tried as the redirection says (RFC 5359 §2.12 without its proxy)")
    func findMe() throws {
        let company = try Company("alice", "home", "office", "mobile")
        company["home"].behaviour.rejects = 300
        company["home"].behaviour.contacts = [
            Contact(try company.uri("mobile"), parameters: ["q": "0.2"]),
            Contact(try company.uri("office"), parameters: ["q": "0.8"]),
        ]
        company["office"].behaviour.rejects = 486
        try company.call("alice", "home")
        #expect(
            company.flow == [
                "alice>home INVITE", "home>alice 300 Multiple Choices INVITE", "alice>home ACK",
                "alice>office INVITE", "office>alice 486 Busy Here INVITE", "alice>office ACK",
                "alice>mobile INVITE", "mobile>alice 200 OK INVITE", "alice>mobile ACK",
            ])
        company.hangUp("alice", company["alice"].calls[0])
        try company.world.end()
    }

    @Test("Click to dial: a phone is told whom to call, without reports (RFC 5359 §2.18)")
    func clickToDial() throws {
        let company = try Company("pc", "bob", "carol")
        company["carol"].behaviour.rings = true
        company["carol"].behaviour.answersAfter = .milliseconds(100)
        var plan = TransferPlan(to: try company.uri("carol"))
        plan.reports = .unwanted
        plan.namesReferrer = false
        let (phone, sender) = (try company.uri("bob"), NameAddress(try URI("sip:pc@example.com")))
        try company.does("pc") { agent, layer, now, outbox in
            _ = agent.refer(phone, to: plan, from: sender, transactions: &layer, at: now, into: &outbox)
        }
        company.world.run(for: .seconds(1))
        #expect(
            company.flow == [
                "pc>bob REFER", "bob>pc 200 OK REFER", "bob>carol INVITE", "carol>bob 180 Ringing INVITE",
                "carol>bob 200 OK INVITE", "bob>carol ACK",
            ])
        #expect(company["pc"].transferEnds == [.unreported])
        company.hangUp("carol", company["carol"].calls[0])
        try company.world.end()
    }
}
