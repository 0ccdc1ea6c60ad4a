import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("The inspections of the UAS core (RFC 3261 §8.2)")
struct InspectionTests {
    struct Scene {
        let world = SimulatedWorld(seed: 1)
        let bob = SimulatedAgent()
        let alice: ScriptedPeer
        static let uri = "sip:bob@192.0.2.201"

        init() throws {
            let ip = try #require(IPAddress("192.0.2.201"))
            self.world.addHost("bob", listening: SimulatedListener.standard(ip), running: self.bob)
            self.alice = self.world.peer("alice", at: "192.0.2.101")
        }
    }

    @Test(
        "A method that it does not take is refused with 405, one that it does not know with 501, and Allow (§8.2.1)",
        arguments: [(Method.register, StatusCode(405)), (Method("FUTURE"), StatusCode(501))])
    func method(method: Method, status: StatusCode) throws {
        let scene = try Scene()
        try scene.alice.sends(method, to: try URI(Scene.uri))
        let refusal = try scene.alice.expects(status)
        #expect(
            refusal.all(.allow) == [
                .invite, .ack, .cancel, .bye, .options, .prack, .update, .info, .notify, .refer, .subscribe, .message,
            ])
        try scene.world.end()
    }

    @Test("Unknown extensions are refused with 420, each by name (§8.2.2.3)")
    func extensions() throws {
        let scene = try Scene()
        try scene.alice.sends(.invite, to: try URI(Scene.uri)) { $0.add(named: "Require", "100rel, nothing, other") }
        #expect(try scene.alice.expects(420).all(.unsupported) == ["nothing", "other"])
        try scene.world.end()
    }

    @Test("An unknown body is refused with 415, unless it may be left aside (§8.2.3)", arguments: [true, false])
    func body(isOptional: Bool) throws {
        let scene = try Scene()
        try scene.alice.sends(.invite, to: try URI(Scene.uri)) { builder in
            builder.setBody(Array("x".utf8), type: MediaType("text", "future"))
            if isOptional { builder.add(named: "Content-Disposition", "render;handling=optional") }
        }
        if isOptional {
            try scene.alice.expects(180)
        } else {
            #expect(try scene.alice.expects(415).all(.accept) == [MediaType("application", "sdp")])
            try scene.world.end()
        }
    }

    @Test("An encoded body is refused with 415 and Accept-Encoding (§8.2.3)")
    func encoding() throws {
        let scene = try Scene()
        try scene.alice.sends(.invite, to: try URI(Scene.uri)) { builder in
            builder.setBody(Array("x".utf8), type: MediaType("application", "sdp"))
            builder.add(named: "Content-Encoding", "gzip")
        }
        #expect(try scene.alice.expects(415).values(named: "Accept-Encoding") == ["identity"])
        try scene.world.end()
    }

    @Test(
        "A request in a dialog that does not exist is refused with 481 (§12.2.2)",
        arguments: [
            Method.bye, .update, .info, .prack, .invite, .options,
        ])
    func noDialog(method: Method) throws {
        let scene = try Scene()
        let to = NameAddress(try URI(Scene.uri), parameters: ["tag": "gone"])
        try scene.alice.sends(method, to: to.uri) { $0.set(.to, to) }
        try scene.alice.expects(481)
        try scene.world.end()
    }

    @Test("A session description is found in a multipart body (RFC 5621 §4)")
    func multipart() throws {
        let scene = try Scene()
        scene.bob.behaviour.rings = false
        scene.bob.behaviour.answersAfter = .zero
        let body = """
            --b\r\nContent-Type: text/plain\r\nContent-Disposition: render;handling=optional\r\n\r\nhello\r\n\
            --b\r\nContent-Type: application/sdp\r\n\r\nalice\r\n--b--\r\n
            """
        try scene.alice.sends(.invite, to: try URI(Scene.uri)) { builder in
            builder.setBody(
                Array(body.utf8), type: MediaType("multipart", "mixed", parameters: ["boundary": "b"]))
        }
        #expect(String(decoding: try scene.alice.expects(200).body, as: UTF8.self) == "bob 1 to alice")
    }

    @Test("A caller that takes no session description is refused with 406 (§21.4.7)", arguments: ["text/plain", ""])
    func accept(types: String) throws {
        let scene = try Scene()
        try scene.alice.sends(.invite, to: try URI(Scene.uri)) { $0.add(named: "Accept", types) }
        try scene.alice.expects(406)
        try scene.world.end()
    }

    @Test("A Request-URI of another scheme is refused with 416 (§8.2.2.1)")
    func scheme() throws {
        let scene = try Scene()
        scene.alice.outboundProxy = SocketAddress(try #require(IPAddress("192.0.2.201")), 5060)
        try scene.alice.sends(.invite, to: try URI("tel:+15550100"))
        try scene.alice.expects(416)
        try scene.world.end()
    }

    @Test("An INVITE without Contact, or with a body of no type, is refused with 400", arguments: [true, false])
    func incomplete(hasContact: Bool) throws {
        let scene = try Scene()
        try scene.alice.sends(.invite, to: try URI(Scene.uri)) { builder in
            if hasContact { builder.setBody(Array("x".utf8), type: nil) } else { builder.remove(.contact) }
        }
        #expect(try scene.alice.expects(400).reasonPhrase == (hasContact ? "Missing Content-Type" : "Missing Contact"))
        try scene.world.end()
    }

    @Test("An INVITE that expires before it is answered is refused with 487 (§13.3.1)", arguments: [20, 3600])
    func expiry(seconds: UInt32) throws {
        let scene = try Scene()
        scene.bob.behaviour.answersAfter = nil
        try scene.alice.sends(.invite, to: try URI(Scene.uri)) { $0.set(.expires, seconds) }
        try scene.alice.expects(180)
        if seconds == 20 {
            try scene.alice.expectsNothing(for: .seconds(19))
            try scene.alice.expects(487, within: .seconds(2))
            #expect(scene.bob.ends == [.timedOut])
        } else {
            // Longer than anybody may ring it does not ring for it.
            for _ in 0..<2 { try scene.alice.expects(180, within: .seconds(61)) }
            try scene.alice.expects(480, within: .seconds(61))
        }
        try scene.world.end()
    }

    @Test("A request below the last CSeq is refused with 500 (§12.2.2)")
    func order() throws {
        let scene = try Scene()
        scene.bob.behaviour.rings = false
        scene.bob.behaviour.answersAfter = .zero
        try scene.alice.sends(.invite, to: try URI(Scene.uri)) {
            $0.set(.cseq, CSeq(100, .invite))
            $0.setBody(Array("x".utf8), type: MediaType("application", "sdp"))
        }
        try scene.alice.expects(200)
        try scene.alice.sends(.info) { $0.set(.cseq, CSeq(99, .info)) }
        let refusal = try scene.alice.expects(500)
        #expect(refusal.reasonPhrase == "CSeq Out Of Order")
        #expect(refusal.has(.retryAfter))
    }

    @Test("An INFO of the time before packages is taken, one of a package refused with 469 (RFC 6086 §4.2)")
    func information() throws {
        let scene = try Scene()
        scene.bob.behaviour.rings = false
        scene.bob.behaviour.answersAfter = .zero
        try scene.alice.sends(.invite, to: try URI(Scene.uri)) {
            $0.setBody(Array("x".utf8), type: MediaType("application", "sdp"))
        }
        try scene.alice.expects(200)
        try scene.alice.sends(.ack)
        try scene.alice.sends(.info) {
            $0.setBody(Array("Signal=5".utf8), type: MediaType("application", "dtmf-relay"))
        }
        try scene.alice.expects(200)
        #expect(
            scene.bob.events.contains {
                guard case .information(_, let info) = $0 else { return false }
                return String(decoding: info.body, as: UTF8.self) == "Signal=5"
            })
        try scene.alice.sends(.info) { $0.add(named: "Info-Package", "future") }
        try scene.alice.expects(469)
    }
}
