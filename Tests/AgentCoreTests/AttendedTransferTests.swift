import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Attended transfers (RFC 5589 §7, RFC 3891)")
struct AttendedTransferTests {
    /// Alice talks to Bob, who called her, and has called Carol to ask her; both are on hold.
    private static func consulting() throws -> (company: Company, bob: CallHandle, carol: CallHandle) {
        let company = try Company("alice", "bob", "carol")
        try company.call("bob", "alice")
        let first = try #require(company["alice"].calls.first)
        company.hold("alice", first)
        let second = try company.call("alice", "carol")
        company.hold("alice", second)
        return (company, first, second)
    }

    private static func transfer(_ company: Company, _ call: CallHandle, to other: CallHandle) throws {
        let handle = try company.does("alice") {
            $0.transfer(call, to: other, transactions: &$1, at: $2, into: &$3)
        }
        _ = try #require(handle)
        company.world.run(for: .seconds(1))
    }

    @Test("The target replaces its call with the transferor by that of the transferee (RFC 5589 §7.3)")
    func attended() throws {
        let (company, first, second) = try Self.consulting()
        company.begin()
        try Self.transfer(company, first, to: second)
        #expect(
            company.flow == [
                "alice>bob REFER", "bob>alice 200 OK REFER", "bob>alice NOTIFY (100 Trying)",
                "bob>carol INVITE (Replaces)", "alice>bob 200 OK NOTIFY", "carol>bob 200 OK INVITE",
                "bob>carol ACK", "bob>alice NOTIFY (200 OK)", "carol>alice BYE", "alice>bob 200 OK NOTIFY",
                "alice>bob BYE", "alice>carol 200 OK BYE", "bob>alice 200 OK BYE",
            ])
        #expect(company["alice"].transferEnds == [.succeeded(200)])
        #expect(company["alice"].ends.count == 2)
        #expect(company["carol"].ends == [.replaced(by: company["carol"].calls[1])])
        company.expectAgreement(("bob", company["bob"].calls[1]), ("carol", company["carol"].calls[1]))
        company.hangUp("carol", company["carol"].calls[1])
        try company.world.end()
    }

    @Test("The call at the target lives on when the new one cannot be made (RFC 3891 §3)")
    func incompatible() throws {
        let (company, first, second) = try Self.consulting()
        company["carol"].behaviour.acceptsOffers = false
        company["carol"].behaviour.describesAfter = nil
        try Self.transfer(company, first, to: second)
        company.world.run(for: .seconds(15))
        #expect(company["alice"].transferEnds == [.failed(500, "Media Did Not Answer")])
        #expect(company["carol"].ends == [.rejected(500, "Media Did Not Answer")])
        #expect(company["alice"].ends.isEmpty)
        company.hangUp("alice", first)
        company.hangUp("alice", second)
        try company.world.end()
    }

    @Test("A target that has not answered yet is given up, and called by the transferee (RFC 5589 §7.6)")
    func semiAttended() throws {
        let company = try Company("alice", "bob", "carol")
        try company.call("bob", "alice")
        let first = try #require(company["alice"].calls.first)
        company["carol"].behaviour.rings = true
        company["carol"].behaviour.answersAfter = .milliseconds(1500)
        let second = try company.call("alice", "carol")
        company.begin()
        try Self.transfer(company, first, to: second)
        company.world.run(for: .seconds(2))
        #expect(company.flow.prefix(2) == ["alice>carol CANCEL", "alice>bob REFER"])
        #expect(company.flow.contains("bob>carol INVITE"))
        #expect(company["carol"].ends == [.cancelled])
        #expect(company["alice"].transferEnds == [.succeeded(200)])
        company.hangUp("bob", company["bob"].calls[1])
        try company.world.end()
    }

    @Test("The target is protected: it is sent to the transferee, whose call it takes over (RFC 5589 §7.2)")
    func protectedTarget() throws {
        let (company, first, second) = try Self.consulting()
        company.begin()
        try Self.transfer(company, second, to: first)
        #expect(
            company.flow == [
                "alice>carol REFER", "carol>alice 200 OK REFER", "carol>alice NOTIFY (100 Trying)",
                "carol>bob INVITE (Replaces)", "alice>carol 200 OK NOTIFY", "bob>carol 200 OK INVITE",
                "carol>bob ACK", "carol>alice NOTIFY (200 OK)", "bob>alice BYE", "alice>carol 200 OK NOTIFY",
                "alice>carol BYE", "alice>bob 200 OK BYE", "carol>alice 200 OK BYE",
            ])
        #expect(company["bob"].ends == [.replaced(by: company["bob"].calls[1])])
        company.hangUp("bob", company["bob"].calls[1])
        try company.world.end()
    }

    @Test("When one party does not know REFER the other one is asked (RFC 5589 §7.4)")
    func recovery() throws {
        let company = try Company("alice", "bob", "carol") { name, configuration in
            if name == "bob" { configuration.features = [.replacement] }
        }
        try company.call("bob", "alice")
        let first = try #require(company["alice"].calls.first)
        let second = try company.call("alice", "carol")
        company.begin()
        try Self.transfer(company, first, to: second)
        #expect(company.flow == ["alice>bob REFER", "bob>alice 405 Method Not Allowed REFER"])
        #expect(company["alice"].transferEnds == [.refused(405, "Method Not Allowed")])
        try Self.transfer(company, second, to: first)
        #expect(company["alice"].transferEnds.last == .succeeded(200))
        company.expectAgreement(("bob", company["bob"].calls[1]), ("carol", company["carol"].calls[1]))
        company.hangUp("bob", company["bob"].calls[1])
        try company.world.end()
    }

    @Test("A target that does not know Replaces is transferred to as to any other (RFC 5589 §7.7)")
    func fallback() throws {
        let company = try Company("alice", "bob", "carol") { name, configuration in
            if name == "carol" { configuration.features = [] }
        }
        try company.call("bob", "alice")
        let first = try #require(company["alice"].calls.first)
        company.begin()
        company.hold("alice", first)
        try company.call("alice", "carol") { $0.fields = [.init("Require", "replaces")] }
        try company.transfer("alice", first, to: "carol")
        #expect(
            company.flow == [
                "alice>bob INVITE (hold)", "bob>alice 200 OK INVITE", "alice>bob ACK",
                "alice>carol INVITE", "carol>alice 420 Bad Extension INVITE", "alice>carol ACK",
                "alice>bob REFER", "bob>alice 200 OK REFER", "bob>alice NOTIFY (100 Trying)",
                "bob>carol INVITE", "alice>bob 200 OK NOTIFY", "carol>bob 200 OK INVITE", "bob>carol ACK",
                "bob>alice NOTIFY (200 OK)", "alice>bob 200 OK NOTIFY", "alice>bob BYE", "bob>alice 200 OK BYE",
            ])
        company.hangUp("bob", company["bob"].calls[1])
        try company.world.end()
    }

    @Test("The triggered INVITE is not repeated without Replaces: the call at the target goes on (RFC 5589 §7.3)")
    func requiredReplaces() throws {
        let company = try Company("alice", "bob", "carol") { name, configuration in
            if name == "carol" { configuration.features = [] }
        }
        try company.call("bob", "alice")
        let first = try #require(company["alice"].calls.first)
        let second = try company.call("alice", "carol")
        company.begin()
        try Self.transfer(company, first, to: second)
        #expect(company.flow.count { $0.hasPrefix("bob>carol INVITE") } == 1)
        #expect(company["alice"].transferEnds == [.failed(420, "Bad Extension")])
        #expect(company["alice"].ends.isEmpty && company["carol"].ends.isEmpty)
        company.hangUp("alice", first)
        company.hangUp("alice", second)
        try company.world.end()
    }
}
