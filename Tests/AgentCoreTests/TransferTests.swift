import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Transfers between agents (RFC 5589, RFC 3515 as updated by RFC 7647)")
struct TransferTests {
    /// Alice, the transferor, and Bob, the transferee, talk; Carol is the target.
    private static func talking(
        configure: @escaping @Sendable (String, inout AgentConfiguration) -> Void = { _, _ in }
    ) throws -> (company: Company, alice: CallHandle, bob: CallHandle) {
        let company = try Company("alice", "bob", "carol", configure: configure)
        try company.call("bob", "alice")
        return (company, try #require(company["alice"].calls.first), try #require(company["bob"].calls.first))
    }

    @Test("Basic transfer with dialog reuse: the call lives until the target has answered (RFC 5589 §6.2)")
    func basic() throws {
        let (company, call, _) = try Self.talking()
        company.begin()
        company.hold("alice", call)
        try company.transfer("alice", call, to: "carol")
        #expect(
            company.flow == [
                "alice>bob INVITE (hold)", "bob>alice 200 OK INVITE", "alice>bob ACK",
                "alice>bob REFER", "bob>alice 200 OK REFER", "bob>alice NOTIFY (100 Trying)",
                "bob>carol INVITE", "alice>bob 200 OK NOTIFY", "carol>bob 200 OK INVITE", "bob>carol ACK",
                "bob>alice NOTIFY (200 OK)", "alice>bob 200 OK NOTIFY", "alice>bob BYE", "bob>alice 200 OK BYE",
            ])
        #expect(company["alice"].transferEnds == [.succeeded(200)])
        #expect(company["alice"].ends == [.hungUp])
        #expect(company["bob"].ends == [.remoteHungUp])
        company.expectAgreement(("bob", company["bob"].calls[1]), ("carol", company["carol"].calls[0]))
        company.hangUp("carol", company["carol"].calls[0])
        try company.world.end()
    }

    @Test("Basic transfer between agents with GRUUs: REFER and reports in a dialog of their own (RFC 5589 §6.1)")
    func targetDialog() throws {
        let company = try Company("alice", "bob", "carol")
        _ = try company.register("alice")
        let account = try company.register("bob")
        try company.call("bob", "alice") { $0.account = account }
        let call = try #require(company["alice"].calls.first)
        company.begin()
        company.hold("alice", call)
        try company.transfer("alice", call, to: "carol")
        #expect(
            company.flow == [
                "alice>bob INVITE (hold)", "bob>alice 200 OK INVITE", "alice>bob ACK",
                "alice>bob REFER (Target-Dialog)", "bob>alice 200 OK REFER", "bob>alice NOTIFY (100 Trying)",
                "bob>carol INVITE", "alice>bob 200 OK NOTIFY", "carol>bob 200 OK INVITE", "bob>carol ACK",
                "bob>alice NOTIFY (200 OK)", "alice>bob 200 OK NOTIFY", "alice>bob BYE", "bob>alice 200 OK BYE",
            ])
        #expect(company["alice"].transferEnds == [.succeeded(200)])
        #expect(company["bob"].requests.first?.message.first(.to)?.tag == nil)
        company.hangUp("carol", company["carol"].calls[0])
        company.world.run(for: .seconds(40))
        #expect(company["bob"].ends == [.remoteHungUp, .remoteHungUp])
        // When the last transactions are over, what is left is the account.
        #expect(try company.does("bob") { agent, _, _, _ in agent.callCount } == 0)
        #expect(try company.does("alice") { agent, _, _, _ in agent.dialogCount } == 0)
    }

    @Test("The referred INVITE says who asked for it, and whom we are in the call (RFC 3892 §2.2)")
    func referredBy() throws {
        let (company, call, _) = try Self.talking()
        try company.transfer("alice", call, to: "carol")
        let invite = try #require(company["carol"].invitations.first)
        #expect(invite.first(.referredBy)?.uri.description == "sip:alice@192.0.2.101")
        #expect(invite.first(.from)?.uri.description == "sip:bob@example.com")
        company.hangUp("bob", company["bob"].calls[1])
        try company.world.end()
    }

    @Test("Ringing and redirection of the target are reported in their order (RFC 3515 §2.4.5)")
    func progress() throws {
        let (company, call, _) = try Self.talking()
        company["carol"].behaviour.rings = true
        company["carol"].behaviour.answersAfter = .milliseconds(300)
        company.begin()
        try company.transfer("alice", call, to: "carol")
        let reports = company.flow.filter { $0.contains("NOTIFY (") }
        #expect(
            reports == ["bob>alice NOTIFY (100 Trying)", "bob>alice NOTIFY (180 Ringing)", "bob>alice NOTIFY (200 OK)"])
        #expect(company["alice"].transferProgress == [100, 180])
        company.hangUp("carol", company["carol"].calls[0])
        try company.world.end()
    }

    @Test("The target is busy: the call is taken back from hold (RFC 5589 §6.3.1)")
    func busy() throws {
        let (company, call, bob) = try Self.talking()
        company["carol"].behaviour.rejects = 486
        company.hold("alice", call)
        company.begin()
        try company.transfer("alice", call, to: "carol")
        company.hold("alice", call, false)
        #expect(
            company.flow == [
                "alice>bob REFER", "bob>alice 200 OK REFER", "bob>alice NOTIFY (100 Trying)", "bob>carol INVITE",
                "alice>bob 200 OK NOTIFY", "carol>bob 486 Busy Here INVITE", "bob>carol ACK",
                "bob>alice NOTIFY (486 Busy Here)", "alice>bob 200 OK NOTIFY",
                "alice>bob INVITE", "bob>alice 200 OK INVITE", "alice>bob ACK",
            ])
        #expect(company["alice"].transferEnds == [.failed(486, "Busy Here")])
        company.expectAgreement(("alice", call), ("bob", bob))
        company.hangUp("alice", call)
        try company.world.end()
    }

    @Test("The target does not answer: the transferee gives up, and reports 487 (RFC 5589 §6.3.2)")
    func noAnswer() throws {
        let (company, call, _) = try Self.talking()
        company["carol"].behaviour.answersAfter = nil
        company["carol"].behaviour.rings = true
        try company.transfer("alice", call, to: "carol")
        company.begin()
        company.hangUp("bob", company["bob"].calls[1])
        company.world.run(for: .seconds(1))
        #expect(
            company.flow == [
                "bob>carol CANCEL", "bob>alice NOTIFY (487 Request Terminated)", "carol>bob 200 OK CANCEL",
                "carol>bob 487 Request Terminated INVITE", "alice>bob 200 OK NOTIFY", "bob>carol ACK",
            ])
        #expect(company["alice"].transferEnds == [.failed(487, "Request Terminated")])
        #expect(company["alice"].ends.isEmpty)
        company.hangUp("alice", call)
        try company.world.end()
    }

    @Test("The user of the transferee declines: 603 to the REFER (RFC 3515 §2.4.2)")
    func refused() throws {
        let (company, call, _) = try Self.talking()
        company["bob"].behaviour.transfers = .refuse(603)
        company.begin()
        try company.transfer("alice", call, to: "carol")
        #expect(company.flow == ["alice>bob REFER", "bob>alice 603 Decline REFER"])
        #expect(company["alice"].transferEnds == [.refused(603, "Decline")])
        company.hangUp("alice", call)
        try company.world.end()
    }

    @Test(
        "A user who thinks about it: 200 and a pending report in time, then what was decided (RFC 3515 §2.4.2, §2.4.5)")
    func pending() throws {
        let (company, call, _) = try Self.talking()
        company["bob"].behaviour.transfers = .wait
        company.begin()
        try company.transfer("alice", call, to: "carol")
        #expect(Set(company.flow) == ["alice>bob REFER"])
        company.world.run(for: .seconds(5))
        #expect(
            company.flow.drop { $0 == "alice>bob REFER" } == [
                "bob>alice 200 OK REFER", "bob>alice NOTIFY (100 Trying)", "alice>bob 200 OK NOTIFY",
            ])
        let referral = try #require(company["bob"].referrals.first)
        try company.does("bob") { $0.refuseTransfer(referral, transactions: &$1, at: $2, into: &$3) }
        company.world.run(for: .seconds(1))
        #expect(company.flow.suffix(2) == ["bob>alice NOTIFY (603 Decline)", "alice>bob 200 OK NOTIFY"])
        #expect(company["alice"].transferEnds == [.failed(603, "Decline")])
        company.hangUp("alice", call)
        try company.world.end()
    }

    @Test("A user who never decides: the request is given up in the end")
    func undecided() throws {
        let (company, call, _) = try Self.talking()
        company["bob"].behaviour.transfers = .wait
        try company.transfer("alice", call, to: "carol")
        company.hangUp("alice", call)
        try company.world.end()
        #expect(company["alice"].transferEnds == [.failed(480, "Nobody Decided")])
        #expect(company.world.now <= MonotonicInstant.start.advanced(by: .seconds(400)))
    }

    @Test("The transferor hangs up at once, and the reports go on in the dialog (RFC 5057 §4.1, RFC 5589 §6)")
    func earlyBYE() throws {
        let (company, call, _) = try Self.talking()
        company["carol"].behaviour.answersAfter = .seconds(3)
        try company.transfer("alice", call, to: "carol")
        company.begin()
        company.hangUp("alice", call)
        company.world.run(for: .seconds(5))
        #expect(
            company.flow == [
                "alice>bob BYE", "bob>alice 200 OK BYE", "carol>bob 200 OK INVITE", "bob>carol ACK",
                "bob>alice NOTIFY (200 OK)", "alice>bob 200 OK NOTIFY",
            ])
        #expect(company["alice"].ends == [.hungUp])
        #expect(company["alice"].transferEnds == [.succeeded(200)])
        // Nothing else is taken in a dialog whose session is over.
        company.hangUp("carol", company["carol"].calls[0])
        try company.world.end()
    }

    @Test("A REFER that crosses a BYE gets 481 (RFC 5407 §3.3.3)")
    func crossesBYE() throws {
        let (company, call, bob) = try Self.talking()
        company.begin()
        company.hangUp("bob", bob)
        try company.transfer("alice", call, to: "carol")
        #expect(
            company.flow == [
                "bob>alice BYE", "alice>bob REFER", "alice>bob 200 OK BYE",
                "bob>alice 481 Call/Transaction Does Not Exist REFER",
            ])
        #expect(company["alice"].transferEnds == [.refused(481, "Call/Transaction Does Not Exist")])
        #expect(company["bob"].requests.isEmpty)
        try company.world.end()
    }

    @Test("A second transfer in a dialog is told from the first by its id (RFC 3515 §2.4.6)")
    func second() throws {
        let (company, call, _) = try Self.talking()
        company["carol"].behaviour.rejects = 486
        try company.transfer("alice", call, to: "carol")
        company["carol"].behaviour.rejects = 603
        try company.transfer("alice", call, to: "carol")
        #expect(company["alice"].transferEnds == [.failed(486, "Busy Here"), .failed(603, "Decline")])
        company.hangUp("alice", call)
        try company.world.end()
    }

    @Test("Two transfers at a time, and beyond the limit none (RFC 3515 §2.4.6)")
    func several() throws {
        let (company, call, _) = try Self.talking()
        company["carol"].behaviour.answersAfter = nil
        for _ in 0..<4 { try company.transfer("alice", call, to: "carol") { $0.endsCall = false } }
        let plan = TransferPlan(to: try company.uri("carol"))
        let beyond = try company.does("alice") { agent, layer, now, outbox in
            agent.transfer(call, to: plan, transactions: &layer, at: now, into: &outbox) == nil
        }
        #expect(beyond)
        company.hangUp("bob", company["bob"].calls[2])
        company.world.run(for: .seconds(1))
        let ended = company["alice"].events.compactMap { event -> TransferHandle? in
            guard case .transferDone(let handle, _) = event else { return nil }
            return handle
        }
        #expect(ended.count == 1)
        for call in company["bob"].calls.dropFirst() { company.hangUp("bob", call) }
        company.hangUp("alice", call)
        try company.world.end()
        #expect(company["alice"].transferEnds.count == 4)
    }

    @Test("Without reports there is no subscription (RFC 4488 §4, RFC 7614 §5)", arguments: [true, false])
    func silent(knowsNoSub: Bool) throws {
        let company = try Company("alice", "bob", "carol")
        try company.call("bob", "alice") { plan in
            // What a peer of RFC 4488 supports.
            if !knowsNoSub { plan.fields = [.init("Supported", "norefersub")] }
        }
        let call = try #require(company["alice"].calls.first)
        company.begin()
        try company.transfer("alice", call, to: "carol") { $0.reports = .unwanted }
        #expect(company.flow.prefix(2) == ["alice>bob REFER", "bob>alice 200 OK REFER"])
        #expect(company.flow.allSatisfy { !$0.contains("NOTIFY") })
        let refer = try #require(company["bob"].requests.first?.message)
        #expect(refer.all(.require).contains("nosub") || refer.first(.referSub)?.isToken("false") == true)
        #expect(company["alice"].transferEnds == [.unreported])
        #expect(company["carol"].establishedCount == 1)
        company.hangUp("carol", company["carol"].calls[0])
        company.hangUp("alice", call)
        try company.world.end()
    }

    @Test("Feature tags of the target reach the transferee (RFC 4508 §3)")
    func featureTags() throws {
        let (company, call, _) = try Self.talking()
        company["bob"].behaviour.transfers = .refuse(603)
        try company.transfer("alice", call, to: "carol") {
            $0.target.parameters.append(Parameter("isfocus"))
        }
        #expect(company["bob"].requests.last?.target.parameters.has("isfocus") == true)
        company.hangUp("alice", call)
        try company.world.end()
    }

    @Test("When the transferee vanishes, the transfer ends without report, and the call by its own timers")
    func vanished() throws {
        let (company, call, _) = try Self.talking()
        company["carol"].behaviour.answersAfter = nil
        try company.transfer("alice", call, to: "carol")
        company.world.partition(["bob"], from: company.world.now)
        company.world.run(for: .seconds(400))
        #expect(company["alice"].transferEnds == [.unreported])
        #expect(company["alice"].ends.isEmpty)
    }
}
