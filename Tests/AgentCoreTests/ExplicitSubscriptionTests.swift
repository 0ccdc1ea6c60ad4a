import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Transfers whose outcome is subscribed to (RFC 7614 §4)")
struct ExplicitSubscriptionTests {
    private static func talking() throws -> (company: Company, alice: CallHandle) {
        let company = try Company("alice", "bob", "carol")
        try company.call("bob", "alice")
        return (company, try #require(company["alice"].calls.first))
    }

    @Test("The REFER makes no subscription, a SUBSCRIBE in a dialog of its own does (§4.3 to §4.6)")
    func subscribed() throws {
        let (company, call) = try Self.talking()
        company["carol"].behaviour.rings = true
        company["carol"].behaviour.answersAfter = .milliseconds(500)
        company.begin()
        try company.transfer("alice", call, to: "carol") { $0.reports = .subscribed }
        #expect(
            company.flow == [
                "alice>bob REFER", "bob>alice 200 OK REFER", "bob>carol INVITE",
                "alice>bob SUBSCRIBE", "carol>bob 180 Ringing INVITE",
                "bob>alice 200 OK SUBSCRIBE", "bob>alice NOTIFY (100 Trying)", "alice>bob 200 OK NOTIFY",
                "bob>alice NOTIFY (180 Ringing)", "alice>bob 200 OK NOTIFY",
                "carol>bob 200 OK INVITE", "bob>carol ACK", "bob>alice NOTIFY (200 OK)", "alice>bob 200 OK NOTIFY",
                "alice>bob BYE", "bob>alice 200 OK BYE",
            ])
        #expect(company["alice"].transferEnds == [.succeeded(200)])
        company.hangUp("carol", company["carol"].calls[0])
        try company.world.end()
    }

    @Test("An outcome that is faster than the SUBSCRIBE is kept for it (§4.7)")
    func late() throws {
        let (company, call) = try Self.talking()
        company["carol"].behaviour.rejects = 486
        company.world.setConditions(.delaying(.milliseconds(500)), between: "alice", and: "bob")
        try company.transfer("alice", call, to: "carol") { $0.reports = .subscribed }
        company.world.run(for: .seconds(3))
        let reports = company.flow.filter { $0.contains("NOTIFY (") }
        #expect(Set(reports) == ["bob>alice NOTIFY (486 Busy Here)"])
        #expect(company["alice"].transferEnds == [.failed(486, "Busy Here")])
        company.hangUp("alice", call)
        try company.world.end()
    }

    @Test("Nobody subscribes: the outcome is forgotten after 64 s (§4.7)")
    func unused() throws {
        let company = try Company("bob", "carol")
        company["carol"].behaviour.rejects = 486
        let peer = company.world.peer("peer", at: "192.0.2.150")
        func refer() throws -> URI {
            try peer.sends(.refer, to: try company.uri("bob")) {
                $0.add(named: "Refer-To", "<\((try? company.uri("carol").description) ?? "")>")
                $0.add(named: "Require", "explicitsub")
            }
            let accepted = try peer.expects(200)
            let value = try #require(accepted.values(named: "Refer-Events-At").first)
            return try URI(String(value.dropFirst().dropLast()))
        }
        let uri = try refer()
        #expect((uri.sip?.user?.count ?? 0) >= 20)
        company.world.run(for: .seconds(60))
        try peer.sends(.subscribe, to: uri) { $0.add(named: "Event", "refer") }
        try peer.expects(200)
        let notify = try peer.expects(.notify)
        #expect(notify.first(.subscriptionState)?.reason == "noresource")
        #expect(String(decoding: notify.body, as: UTF8.self) == "SIP/2.0 486 Busy Here\r\n")
        try peer.sends(200)
        company.world.run(for: .seconds(5))
        try peer.sends(.subscribe, to: uri) { $0.add(named: "Event", "refer") }
        try peer.expects(403)
        try company.world.end()
    }

    @Test("However often someone asks for the outcome, one answer at a time, and nothing piles up (RFC 6665 §4.4.3)")
    func polled() throws {
        let company = try Company("bob", "carol")
        company["carol"].behaviour.answersAfter = nil
        let peer = company.world.peer("peer", at: "192.0.2.150")
        try peer.sends(.refer, to: try company.uri("bob")) {
            $0.add(named: "Refer-To", "<\((try? company.uri("carol").description) ?? "")>")
            $0.add(named: "Require", "explicitsub")
        }
        let value = try #require(try peer.expects(200).values(named: "Refer-Events-At").first)
        let uri = try URI(String(value.dropFirst().dropLast()))
        for _ in 0..<50 {
            try peer.sends(.subscribe, to: uri) {
                $0.add(named: "Event", "refer")
                $0.set(.expires, 0)
            }
            try peer.expects(200)
            #expect(try peer.expects(.notify).first(.subscriptionState)?.reason == "timeout")
            try peer.sends(200)
            company.world.run(for: .milliseconds(100))
        }
        #expect(try company.does("bob") { agent, _, _, _ in agent.dialogCount } <= 2)
        company.hangUp("bob", company["bob"].calls[0])
        try company.world.end()
    }

    @Test("Without support on the other side the REFER makes the subscription")
    func unsupported() throws {
        let company = try Company("alice", "bob", "carol") { name, configuration in
            if name == "bob" { configuration.features = [.messages] }
        }
        try company.call("bob", "alice")
        let call = company["alice"].calls[0]
        try company.transfer("alice", call, to: "carol") { $0.reports = .subscribed }
        #expect(company["alice"].transferEnds == [.refused(405, "Method Not Allowed")])
        company.hangUp("alice", call)
        try company.world.end()
    }
}
