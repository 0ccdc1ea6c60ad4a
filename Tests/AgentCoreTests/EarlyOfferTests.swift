import AgentCore
import SIPDialogs
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Offers before the answer, and how they are refused (RFC 6337 §2.2, §2.3, §3.2)")
struct EarlyOfferTests {
    /// An agent Bob that sends its provisional responses reliably where that is possible, and a peer Alice who calls him.
    private struct Called {
        let world = SimulatedWorld(seed: 1)
        let bob = SimulatedAgent(configure: { $0.reliability = .whenSupported })
        let alice: ScriptedPeer

        init(offers: Bool = true, hasEarlyMedia: Bool = true) throws {
            let ip = try #require(IPAddress("192.0.2.201"))
            self.world.addHost("bob", listening: SimulatedListener.standard(ip), running: self.bob)
            self.alice = self.world.peer("alice", at: "192.0.2.101")
            (self.bob.behaviour.rings, self.bob.behaviour.hasEarlyMedia) = (!hasEarlyMedia, hasEarlyMedia)
            self.bob.behaviour.answersAfter = .seconds(5)
            try self.alice.sends(.invite, to: try URI("sip:bob@192.0.2.201")) { builder in
                builder.add(named: "Supported", "100rel")
                if offers { Self.describe("alice 1", in: &builder) }
            }
        }

        static func describe(_ text: String, in builder: inout MessageBuilder) {
            builder.setBody(Array(text.utf8), type: MediaType("application", "sdp"))
        }

        /// Acknowledges a reliable response, with a description if any.
        func acknowledge(_ response: SIPMessage, _ description: String? = nil) throws {
            let rseq = try #require(response.first(.rseq))
            let cseq = try #require(response.first(.cseq))
            try self.alice.sends(.prack) { builder in
                builder.add(.rack, RAck(rseq, cseq))
                if let description { Self.describe(description, in: &builder) }
            }
        }

        /// What the only call of Bob has agreed on.
        var session: SimulatedAgent.Session {
            get throws { try #require(self.bob.sessions.values.first) }
        }

        /// The call is answered, acknowledged and ended.
        func end() throws {
            try self.alice.expects(200, for: .invite)
            try self.alice.sends(.ack)
            try self.alice.sends(.bye)
            try self.alice.expects(200, for: .bye)
            try self.world.end()
        }
    }

    private static func text(_ message: SIPMessage) -> String { String(decoding: message.body, as: UTF8.self) }

    @Test("Pattern 5: an offer in the PRACK has its answer in the 200 to it")
    func offerInPRACK() throws {
        let called = try Called()
        let early = try called.alice.expects(183)
        #expect(Self.text(early) == "bob 1 to alice 1")
        try called.acknowledge(early, "alice 2")
        let answer = try called.alice.expects(200, for: .prack)
        #expect(Self.text(answer) == "bob 2 to alice 2")
        #expect(try called.session.local == "bob 2 to alice 2")
        #expect(try called.session.remote == "alice 2")
        try called.end()
    }

    @Test("Pattern 5, refused: 488 to the PRACK, and what was agreed on holds (§2.3)")
    func refusedOfferInPRACK() throws {
        let called = try Called()
        let early = try called.alice.expects(183)
        called.bob.behaviour.acceptsOffers = false
        try called.acknowledge(early, "alice 2")
        let refusal = try called.alice.expects(488, for: .prack)
        #expect(refusal.first(.warning)?.code == 305)
        #expect(try called.session.remote == "alice 1")
        // The response counts as acknowledged: it is not sent again.
        called.world.run(for: .seconds(2))
        #expect(called.world.ladder.lines.count { $0.label.hasPrefix("183") } == 1)
        try called.end()
    }

    @Test("Pattern 4: the PRACK must bring the answer to the offer of the reliable response")
    func missingAnswerInPRACK() throws {
        let called = try Called(offers: false)
        let early = try called.alice.expects(183)
        #expect(Self.text(early) == "bob 1")
        try called.acknowledge(early)
        try called.alice.expects(400, for: .prack)
        try called.alice.expects(400, for: .invite)
        try called.alice.sends(.ack)
        try called.world.end()
        #expect(called.bob.ends == [.failed("the PRACK brings no answer to our offer")])
    }

    @Test("Pattern 6: an UPDATE before the answer, by the caller, is answered; the next one too")
    func updates() throws {
        let called = try Called()
        try called.acknowledge(try called.alice.expects(183))
        try called.alice.expects(200, for: .prack)
        for number in 2...3 {
            try called.alice.sends(.update) { Called.describe("alice \(number)", in: &$0) }
            let answer = try called.alice.expects(200, for: .update)
            #expect(Self.text(answer) == "bob \(number) to alice \(number)")
        }
        #expect(try called.session.remote == "alice 3")
        try called.end()
    }

    @Test("Pattern 6, refused: 488 with a Warning, and what was agreed on holds (§2.3)")
    func refusedUpdate() throws {
        let called = try Called()
        try called.acknowledge(try called.alice.expects(183))
        try called.alice.expects(200, for: .prack)
        called.bob.behaviour.acceptsOffers = false
        try called.alice.sends(.update) { Called.describe("alice 2", in: &$0) }
        let refusal = try called.alice.expects(488, for: .update)
        #expect(refusal.first(.warning)?.code == 305)
        #expect(try called.session.remote == "alice 1")
        try called.end()
    }

    @Test("An UPDATE with an offer before that of the INVITE is answered: 500, to be tried again (RFC 3311 §5.2)")
    func updateTooEarly() throws {
        let called = try Called(hasEarlyMedia: false)
        // The 180 is reliable, and leaves the answer to the 200.
        try called.acknowledge(try called.alice.expects(180))
        try called.alice.expects(200, for: .prack)
        try called.alice.sends(.update) { Called.describe("alice 2", in: &$0) }
        let refusal = try called.alice.expects(500, for: .update)
        let seconds = try #require(refusal.first(.retryAfter)?.seconds)
        #expect((0...10).contains(seconds))
        let success = try called.alice.expects(200, for: .invite)
        #expect(Self.text(success) == "bob 1 to alice 1")
        try called.alice.sends(.ack)
        try called.alice.sends(.bye)
        try called.alice.expects(200, for: .bye)
        try called.world.end()
    }

    @Test("An UPDATE with an offer while ours waits for its answer: 491 (RFC 3311 §5.2)")
    func updateAgainstOurs() throws {
        let called = try Called(offers: false)
        let early = try called.alice.expects(183)
        try called.alice.sends(.update) { Called.describe("alice 1", in: &$0) }
        try called.alice.expects(491, for: .update)
        try called.acknowledge(early, "alice 1")
        try called.alice.expects(200, for: .prack)
        #expect(try called.session.local == "bob 1")
        #expect(try called.session.remote == "alice 1")
        try called.end()
    }

    @Test("The caller refuses an UPDATE with an offer while its own has no answer: 491")
    func callerRefuses() throws {
        let (world, alice, bob) = try Stage.calling()
        try bob.expects(.invite)
        try bob.sends(180) { builder in
            builder.add(named: "Require", "100rel")
            builder.add(named: "RSeq", "1")
        }
        try bob.expects(.prack)
        try bob.sends(200, to: .prack)
        try bob.sends(.update) { Called.describe("bob 1", in: &$0) }
        try bob.expects(491, for: .update)
        // When it has one, it is answered.
        try bob.sends(183, to: .invite) { builder in
            builder.add(named: "Require", "100rel")
            builder.add(named: "RSeq", "2")
            Called.describe("bob 2", in: &builder)
        }
        try bob.expects(.prack)
        try bob.sends(200, to: .prack)
        try bob.sends(.update) { Called.describe("bob 3", in: &$0) }
        let answer = try bob.expects(200, for: .update)
        #expect(Self.text(answer) == "alice 2 to bob 3")
        try bob.sends(200, to: .invite)
        try bob.expects(.ack)
        #expect(alice.sessions.values.first?.remote == "bob 3")
        try bob.sends(.bye)
        try bob.expects(200)
        try world.end()
    }
}
