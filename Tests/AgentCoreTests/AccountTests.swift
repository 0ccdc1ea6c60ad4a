import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Calls of several accounts (RFC 3608, RFC 5626, RFC 5627)")
struct AccountTests {
    /// Alice with accounts at two registrars, each a peer.
    struct Scene {
        let world = SimulatedWorld(seed: 1)
        let alice: SimulatedAgent
        let home: ScriptedPeer
        let office: ScriptedPeer
        let accounts: [RegistrationHandle]

        init(transport: String = "", _ edit: (inout RegistrationPlan) -> Void = { _ in }) throws {
            self.alice = SimulatedAgent(configure: { configuration in
                configuration.credentials = { challenged in
                    [("Proxy-Authorization", "Digest username=\"\(String(describing: challenged.account))\"")]
                }
            })
            let ip = try #require(IPAddress("192.0.2.101"))
            self.world.addHost("alice", listening: SimulatedListener.standard(ip), running: self.alice)
            self.home = self.world.peer("home", at: "192.0.2.201")
            self.office = self.world.peer("office", at: "192.0.2.202")
            var accounts: [RegistrationHandle] = []
            for (number, (registrar, user)) in [(self.home, "alice"), (self.office, "boss")].enumerated() {
                var plan = RegistrationPlan(
                    NameAddress(try URI("sip:\(user)@example.com")),
                    registrar: try URI("sip:192.0.2.\(201 + number)\(transport)"))
                edit(&plan)
                var handle: RegistrationHandle?
                let (alice, now) = (self.alice, self.world.now)
                self.world.perform(as: "alice") { _, outbox in handle = alice.register(plan, at: now, into: &outbox) }
                accounts.append(try #require(handle))
                let request = try registrar.expects(.register)
                try registrar.sends(200) { builder in
                    builder.remove(.contact)
                    guard var contact = request.first(.contact) else { return }
                    contact.parameters["expires"] = "3600"
                    if user == "boss" {
                        contact.parameters.append(
                            Parameter("pub-gruu", "sip:boss@example.com;gr=urn:uuid:f81d", isQuoted: true))
                    }
                    builder.add(.contact, contact)
                    if request.first(.contact)?.regID != nil {
                        builder.add(named: "Require", "outbound")
                        builder.add(named: "Flow-Timer", "120")
                    }
                    builder.add(named: "Service-Route", "<sip:192.0.2.\(201 + number)\(transport);lr>")
                }
                self.world.run(for: .milliseconds(10))
            }
            self.accounts = accounts
        }

        func call(of account: Int) throws -> CallHandle {
            var plan = CallPlan(
                to: try URI("sip:bob@biloxi.example.com"), from: NameAddress(try URI("sip:alice@example.com")))
            plan.account = self.accounts[account]
            var handle: CallHandle?
            self.world.perform(as: "alice") { _, outbox in
                handle = self.alice.call(plan, at: self.world.now, into: &outbox)
            }
            return try #require(handle)
        }
    }

    @Test("A call of an account takes its Service-Route and its GRUU (RFC 3608 §6, RFC 5627 §4.3)")
    func outgoing() throws {
        let scene = try Scene()
        _ = try scene.call(of: 0)
        let first = try scene.home.expects(.invite)
        #expect(first.all(.route).map(\.uri.description) == ["sip:192.0.2.201;lr"])
        #expect(first.first(.contact)?.uri?.description == "sip:alice@192.0.2.101:5060")
        try scene.home.sends(486)
        try scene.home.expects(.ack)
        _ = try scene.call(of: 1)
        let second = try scene.office.expects(.invite)
        #expect(second.all(.route).map(\.uri.description) == ["sip:192.0.2.202;lr"])
        #expect(second.first(.contact)?.uri?.description == "sip:boss@example.com;gr=urn:uuid:f81d")
        try scene.office.sends(486)
        try scene.office.expects(.ack)
    }

    @Test("The one who answers a challenge learns of which account it is (RFC 3261 §22.3)")
    func credentials() throws {
        let scene = try Scene()
        _ = try scene.call(of: 1)
        try scene.office.expects(.invite)
        try scene.office.sends(407) { $0.add(named: "Proxy-Authenticate", "Digest realm=\"x\", nonce=\"1\"") }
        try scene.office.expects(.ack)
        let second = try scene.office.expects(.invite)
        let name = String(describing: Optional(scene.accounts[1]))
        #expect(second.values(named: "Proxy-Authorization") == ["Digest username=\"\(name)\""])
        try scene.office.sends(486)
        try scene.office.expects(.ack)
    }

    @Test("A call that comes is of the account whose Contact it was for, and answered with its GRUU")
    func incoming() throws {
        let scene = try Scene()
        scene.alice.behaviour.rings = false
        scene.alice.behaviour.answersAfter = .zero
        try scene.office.sends(.invite, to: try URI("sip:boss@192.0.2.101")) {
            $0.setBody(Array("x".utf8), type: MediaType("application", "sdp"))
        }
        let answer = try scene.office.expects(200)
        #expect(answer.first(.contact)?.uri?.description == "sip:boss@example.com;gr=urn:uuid:f81d")
        let call = scene.alice.calls[0]
        var account: RegistrationHandle?
        scene.world.perform(as: "alice") { _, outbox in
            account = scene.alice.does(at: scene.world.now, into: &outbox) { agent, _, _, _ in agent.account(of: call) }
        }
        #expect(account == scene.accounts[1])
    }

    @Test("With Outbound, requests of an account go over its flow (RFC 5626 §4.3)")
    func flow() throws {
        let scene = try Scene(transport: ";transport=tcp") {
            $0.instanceID = "urn:uuid:00000000-0000-1000-8000-000A95A0E128"
            $0.regID = 1
        }
        let count = scene.world.ladder.lines.count
        _ = try scene.call(of: 0)
        let invite = try scene.home.expects(.invite)
        #expect(invite.first(.via)?.transport == .tcp)
        #expect(scene.world.ladder.lines.count == count + 1)
        #expect(invite.first(.contact)?.uri?.sip?.parameters.has("ob") == true)
        let grants = scene.alice.events.compactMap { event -> RegistrationGrant? in
            guard case .registered(_, let grant) = event else { return nil }
            return grant
        }
        #expect(grants.first?.isOutbound == true && grants.first?.flowTimer == 120)
        try scene.home.sends(486)
        try scene.home.expects(.ack)
    }
}
