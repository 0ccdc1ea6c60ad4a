import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("The caller's own ringing tone, for each early dialog (RFC 3960 §3.2, handbook 4.4)")
struct RingbackTests {
    /// What the caller hears of its own side, in order.
    private static func tones(_ agent: SimulatedAgent) -> [String] {
        agent.events.compactMap { event in
            guard case .ringback(_, let leg, let isPlaying) = event else { return nil }
            return "\(leg) \(isPlaying ? "on" : "off")"
        }
    }

    private static func media(_ scene: ForkTests.Scene, leg: Int, _ isArriving: Bool) throws {
        let call = try #require(scene.call)
        scene.world.perform(as: "alice") { _, outbox in
            scene.alice.does(at: scene.world.now, into: &outbox) {
                $0.mediaArrives(call, leg: leg, isArriving, transactions: &$1, at: $2, into: &$3)
            }
        }
    }

    @Test("Without 180 there is no tone, whatever else comes (rule 1)")
    func noRinging() throws {
        let scene = try ForkTests.Scene()
        for status in [181, 182, 183, 199] as [StatusCode] { try scene.respond(status, from: "bob", at: "192.0.2.202") }
        #expect(Self.tones(scene.alice) == [])
    }

    @Test("After 180 there is a tone until the answer (rule 2)")
    func ringing() throws {
        let scene = try ForkTests.Scene()
        try scene.respond(180, from: "bob", at: "192.0.2.202")
        try scene.respond(180, from: "bob", at: "192.0.2.202")
        #expect(Self.tones(scene.alice) == ["0 on"])
        try scene.respond(200, from: "bob", at: "192.0.2.202")
        #expect(Self.tones(scene.alice) == ["0 on", "0 off"])
    }

    @Test("A description in the 180 does not stop the tone: only media does (RFC 3960 §3.2)")
    func description() throws {
        let stage = try Stage(bob: SimulatedAgent(configure: { $0.reliability = .whenSupported }))
        stage.bob.behaviour.hasEarlyMedia = true
        stage.bob.behaviour.answersAfter = .seconds(5)
        try stage.call()
        stage.world.run(for: .seconds(1))
        #expect(Self.tones(stage.alice) == ["0 on"])
    }

    @Test("Media that arrives takes the place of the tone, whichever comes first (rule 3)", arguments: [true, false])
    func media(isFirst: Bool) throws {
        let scene = try ForkTests.Scene()
        try scene.respond(183, from: "bob", at: "192.0.2.202")
        if isFirst { try Self.media(scene, leg: 0, true) }
        try scene.respond(180, from: "bob", at: "192.0.2.202")
        if !isFirst { try Self.media(scene, leg: 0, true) }
        #expect(Self.tones(scene.alice) == (isFirst ? [] : ["0 on", "0 off"]))
        // An announcement that is over leaves a phone that rings.
        try Self.media(scene, leg: 0, false)
        #expect(Self.tones(scene.alice).last == "0 on")
    }

    @Test("Each fork has its own: media of one does not silence another")
    func forks() throws {
        let scene = try ForkTests.Scene()
        try scene.respond(180, from: "bob", at: "192.0.2.202")
        try scene.respond(180, from: "carol", at: "192.0.2.203")
        try Self.media(scene, leg: 1, true)
        #expect(Self.tones(scene.alice) == ["0 on", "1 on", "1 off"])
        try scene.respond(486, from: "proxy", at: "192.0.2.201")
        #expect(Self.tones(scene.alice) == ["0 on", "1 on", "1 off", "0 off"])
    }

    @Test("The tone ends when the caller gives up")
    func hangUp() throws {
        let stage = try Stage()
        stage.bob.behaviour.answersAfter = nil
        let call = try stage.call()
        stage.world.run(for: .seconds(1))
        stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) }
        #expect(Self.tones(stage.alice) == ["0 on", "0 off"])
        try stage.world.end()
    }
}

@Suite("Sessions for early media alone (RFC 3959, handbook 4.5)")
struct EarlySessionTests {
    private static func agent() -> SimulatedAgent {
        SimulatedAgent(configure: { $0.features.insert(.earlySessions) })
    }

    @Test("183 brings the answer and an early offer, PRACK the early answer; the 200 ends the early session (§7)")
    func exchange() throws {
        let stage = try Stage(alice: Self.agent(), bob: Self.agent())
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.announces = true
        stage.bob.behaviour.answersAfter = .seconds(3)
        let call = try stage.call()
        stage.world.run(for: .seconds(1))
        try stage.expectAgreement()
        #expect(try stage.session(stage.alice).early == "bob 2 early")
        #expect(try stage.session(stage.bob).early == "alice 2 early to bob 2 early")
        stage.world.run(for: .seconds(4))
        try stage.expectAgreement()
        #expect(try stage.session(stage.alice).early == nil)
        #expect(try stage.session(stage.bob).early == nil)
        #expect(stage.alice.events.contains(.earlyMediaStop(call, leg: 0)))
        stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) }
        try stage.world.end()
        #expect(
            stage.flow == [
                "alice>bob INVITE 1", "bob>alice 183 Session Progress INVITE 1", "alice>bob PRACK 2",
                "bob>alice 200 OK PRACK 2", "bob>alice 200 OK INVITE 1", "alice>bob ACK 1", "alice>bob BYE 3",
                "bob>alice 200 OK BYE 3",
            ])
    }

    /// The descriptions of RFC 3959 §7, which handbook 4.5 prints.
    private enum Printed {
        static func description(_ origin: String, _ address: String, port: Int) -> [UInt8] {
            Array(
                "v=0\r\no=\(origin)\r\ns=-\r\nc=IN IP4 \(address)\r\nt=0 0\r\nm=audio \(port) RTP/AVP 0\r\n".utf8)
        }
        static let offer = Self.description(
            "alice 2890844730 2890844731 IN IP4 host.sip.com", "192.0.2.1", port: 20000)
        static let answer = Self.description("Bob 2890844725 2890844725 IN IP4 host.sip.org", "192.0.2.2", port: 30000)
        static let earlyOffer = Self.description(
            "Bob 2890844714 2890844714 IN IP4 host.sip.org", "192.0.2.2", port: 30002)
        static let earlyAnswer = Self.description(
            "alice 2890844717 2890844717 IN IP4 host.sip.com", "192.0.2.1", port: 20002)
        static let progress = """
            --boundary1\r\nContent-Type: application/sdp\r\nContent-Disposition: session\r\n\r\n\
            \(String(decoding: answer, as: UTF8.self))\r\n\
            --boundary1\r\nContent-Type: application/sdp\r\nContent-Disposition: early-session\r\n\r\n\
            \(String(decoding: earlyOffer, as: UTF8.self))\r\n--boundary1--\r\n
            """
    }

    @Test("The caller of handbook 4.5: what it sends and agrees on, with the messages that are printed there")
    func printedCaller() throws {
        let world = SimulatedWorld(seed: 1)
        let alice = Self.agent()
        alice.behaviour.describesAfter = nil
        let ip = try #require(IPAddress("192.0.2.101"))
        world.addHost("alice", listening: SimulatedListener.standard(ip), running: alice)
        let bob = world.peer("bob", at: "192.0.2.201")
        let plan = try Stage.plan()
        var handle: CallHandle?
        world.perform(as: "alice") { _, outbox in handle = alice.call(plan, at: world.now, into: &outbox) }
        let call = try #require(handle)
        func describe(_ octets: [UInt8]) throws {
            let asked = alice.events.compactMap { event -> MediaQuestion? in
                guard case .describeMedia(_, let question) = event else { return nil }
                return question
            }
            let question = try #require(asked.last)
            world.perform(as: "alice") { _, outbox in
                alice.does(at: world.now, into: &outbox) {
                    $0.described(
                        call, question.number, .description(octets), transactions: &$1, at: $2, into: &$3)
                }
            }
        }
        try describe(Printed.offer)
        let invite = try bob.expects(.invite)
        #expect(invite.all(.supported).contains("early-session") && invite.body == Printed.offer)
        try bob.sends(183) { builder in
            builder.add(named: "Require", "100rel")
            builder.add(named: "RSeq", "1")
            builder.setBody(
                Array(Printed.progress.utf8),
                type: MediaType("multipart", "mixed", parameters: ["boundary": "boundary1"]))
        }
        world.run(for: .milliseconds(1))
        #expect(alice.events.contains(.mediaStart(call, leg: 0, remote: Printed.answer)))
        guard case .describeMedia(_, let question)? = alice.events.last else { return }
        #expect(question.session == .early && question.offer == Printed.earlyOffer)
        try describe(Printed.earlyAnswer)
        let prack = try bob.expects(.prack)
        #expect(prack.first(.contentDisposition)?.type == "early-session" && prack.body == Printed.earlyAnswer)
        #expect(alice.events.contains(.earlyMediaStart(call, leg: 0, remote: Printed.earlyOffer)))
        try bob.sends(200)
        try bob.sends(200, to: .invite)
        try bob.expects(.ack)
        #expect(alice.events.contains(.earlyMediaStop(call, leg: 0)))
        #expect(alice.establishedCount == 1)
        try bob.sends(.bye)
        try bob.expects(200)
        try world.end()
    }

    @Test("A caller that does not know of such sessions gets early media in the regular one")
    func unknown() throws {
        let stage = try Stage(bob: Self.agent())
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.announces = true
        stage.bob.behaviour.hangsUpAfter = .seconds(5)
        try stage.call()
        stage.world.run(for: .seconds(1))
        try stage.expectAgreement()
        #expect(try stage.session(stage.bob).early == nil)
        try stage.world.end()
        #expect(stage.flow.prefix(2) == ["alice>bob INVITE 1", "bob>alice 183 Session Progress INVITE 1"])
    }

    @Test(
        "The early session ends with its dialog, when the call is refused or given up (§4)", arguments: [true, false])
    func ends(isRefused: Bool) throws {
        let stage = try Stage(alice: Self.agent(), bob: Self.agent())
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.announces = true
        stage.bob.behaviour.answersAfter = nil
        let call = try stage.call()
        stage.world.run(for: .seconds(1))
        #expect(try stage.session(stage.alice).early != nil)
        if isRefused {
            let incoming = stage.bob.calls[0]
            stage.perform("bob") { $0.hangUp(incoming, at: $1, into: &$2) }
        } else {
            stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) }
        }
        try stage.world.end()
        #expect(try stage.session(stage.alice).early == nil)
        #expect(try stage.session(stage.bob).early == nil)
    }

    @Test("An early offer in the INVITE has its answer in the 183; one in an UPDATE is refused (§4)")
    func offerOfCaller() throws {
        let world = SimulatedWorld(seed: 1)
        let bob = Self.agent()
        bob.behaviour.rings = false
        bob.behaviour.announces = true
        bob.behaviour.answersAfter = nil
        let ip = try #require(IPAddress("192.0.2.201"))
        world.addHost("bob", listening: SimulatedListener.standard(ip), running: bob)
        let alice = world.peer("alice", at: "192.0.2.101")
        let progress = Printed.progress
        try alice.sends(.invite, to: try URI("sip:bob@192.0.2.201")) { builder in
            builder.add(named: "Supported", "100rel, early-session")
            builder.setBody(
                Array(progress.utf8), type: MediaType("multipart", "mixed", parameters: ["boundary": "boundary1"]))
        }
        let answer = try alice.expects(183)
        let parts = try #require(try answer.multipart()).parts
        #expect(parts.map { $0.disposition?.type } == ["session", "early-session"])
        let early = "bob 2 early to \(String(decoding: Printed.earlyOffer, as: UTF8.self))"
        #expect(String(decoding: parts[1].body, as: UTF8.self) == early)
        #expect(bob.events.contains(.earlyMediaStart(bob.calls[0], leg: 0, remote: Printed.earlyOffer)))
        try alice.sends(.prack) { $0.add(.rack, RAck(answer.first(.rseq) ?? 0, CSeq(1, .invite))) }
        try alice.expects(200)
        try alice.sends(.update) {
            $0.setBody(Printed.earlyOffer, type: .sdp)
            $0.set(.contentDisposition, .earlySession)
        }
        try alice.expects(488)
    }

    @Test("Without offer in the INVITE, PRACK answers both offers of the 183 (§4, RFC 3262 §5)")
    func bothOffers() throws {
        let stage = try Stage(alice: Self.agent(), bob: Self.agent())
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.announces = true
        stage.bob.behaviour.answersAfter = .seconds(3)
        stage.bob.behaviour.hangsUpAfter = .seconds(5)
        try stage.call { $0.offers = false }
        stage.world.run(for: .seconds(1))
        #expect(try stage.session(stage.alice).early != nil)
        stage.world.run(for: .seconds(4))
        try stage.expectAgreement()
        try stage.world.end()
    }
}
