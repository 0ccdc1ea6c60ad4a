import AgentCore
import SIPDialogs
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("REFER and its reports on the wire (RFC 3515, RFC 6665, RFC 7647)")
struct ReferTests {
    /// An agent Bob whom a peer Alice has called; Carol is another peer.
    struct Scene {
        let world = SimulatedWorld(seed: 1)
        let bob: SimulatedAgent
        let alice: ScriptedPeer
        let carol: ScriptedPeer
        static let bobURI = "sip:bob@192.0.2.201"

        init(calls: Bool = true, _ configure: @escaping (inout AgentConfiguration) -> Void = { _ in }) throws {
            self.bob = SimulatedAgent(configure: configure)
            let ip = try #require(IPAddress("192.0.2.201"))
            self.world.addHost("bob", listening: SimulatedListener.standard(ip), running: self.bob)
            self.alice = self.world.peer("alice", at: "192.0.2.101")
            self.carol = self.world.peer("carol", at: "192.0.2.102")
            self.bob.behaviour.rings = false
            self.bob.behaviour.answersAfter = .zero
            guard calls else { return }
            try self.alice.sends(.invite, to: try URI(Self.bobURI)) { Self.offer(in: &$0) }
            try self.alice.expects(200)
            try self.alice.sends(.ack)
            self.world.run(for: .milliseconds(10))
        }

        static func offer(in builder: inout MessageBuilder) {
            builder.setBody(Array("alice 1".utf8), type: MediaType("application", "sdp"))
        }

        func bobDoes<Result>(
            _ body: (inout Agent, inout TransactionLayer, MonotonicInstant, inout Outbox) -> Result
        ) throws -> Result {
            var result: Result?
            self.world.perform(as: "bob") { _, outbox in
                result = self.bob.does(at: self.world.now, into: &outbox, body)
            }
            return try #require(result)
        }

        func transfer(_ edit: (inout TransferPlan) -> Void = { _ in }) throws -> TransferHandle {
            var plan = TransferPlan(to: try URI("sip:carol@192.0.2.102"))
            edit(&plan)
            let call = try #require(self.bob.calls.first)
            return try #require(
                try self.bobDoes { $0.transfer(call, to: plan, transactions: &$1, at: $2, into: &$3) })
        }

        /// Alice reports.
        func report(_ line: String, _ state: String, id: UInt32? = nil) throws {
            try self.alice.sends(.notify) { builder in
                builder.add(.event, EventType("refer", id: id.map { String($0) }))
                builder.add(named: "Subscription-State", state)
                builder.setBody(Array("SIP/2.0 \(line)\r\n".utf8), type: .sipfrag)
            }
        }
    }

    // MARK: We are asked

    @Test(
        "What cannot be done is refused for a reason that is named",
        arguments: [
            ([], 400, "Missing Refer-To"),
            (["http://www.ietf.org"], 416, "Unsupported Scheme In Refer-To"),
            (["<sip:a@x;method=BYE>"], 403, "Only INVITE Can Be Referred"),
            (["<sip:a@x?Replaces=1%3Bto-tag%3D2>"], 400, "Malformed Replaces In Refer-To"),
        ] as [([String], StatusCode, String)])
    func refusals(references: [String], status: StatusCode, reason: String) throws {
        let scene = try Scene()
        scene.world.permitsViolations(by: "alice")
        try scene.alice.sends(.refer) { for reference in references { $0.add(named: "Refer-To", reference) } }
        #expect(try scene.alice.expects(status).reasonPhrase == reason)
        #expect(scene.bob.requests.isEmpty)
        try scene.alice.sends(.bye)
        try scene.alice.expects(200)
        try scene.world.end()
    }

    @Test("The first report comes with the dialog, Event and state of RFC 3515 §2.4.4, and the last one ends it")
    func reports() throws {
        let scene = try Scene()
        try scene.alice.sends(.refer) { $0.add(named: "Refer-To", "<sip:carol@192.0.2.102>") }
        let accepted = try scene.alice.expects(200)
        #expect(accepted.reasonPhrase == "OK")
        let first = try scene.alice.expects(.notify)
        #expect(first.first(.event) == EventType("refer"))
        #expect(first.first(.subscriptionState)?.isActive == true)
        #expect(first.first(.subscriptionState)?.expires == 300)
        #expect(first.contentType?.isType("message", "sipfrag") == true)
        #expect(String(decoding: first.body, as: UTF8.self) == "SIP/2.0 100 Trying\r\n")
        #expect(first.has(.contact))
        // While it is unanswered no other is sent.
        let invite = try scene.carol.expects(.invite)
        #expect(invite.first(.referredBy) == nil)
        try scene.carol.sends(603)
        try scene.carol.expects(.ack)
        try scene.alice.expectsNothing(for: .milliseconds(100))
        try scene.alice.sends(200)
        let last = try scene.alice.expects(.notify)
        #expect(last.first(.subscriptionState)?.isTerminated == true)
        #expect(last.first(.subscriptionState)?.reason == "noresource")
        #expect(String(decoding: last.body, as: UTF8.self) == "SIP/2.0 603 Decline\r\n")
        #expect(last.first(.cseq)?.number == (first.first(.cseq)?.number ?? 0) + 1)
        try scene.alice.sends(200)
        try scene.alice.sends(.bye)
        try scene.alice.expects(200)
        try scene.world.end()
    }

    @Test("Of the header fields in Refer-To only harmless ones go into the INVITE (RFC 3261 §19.1.5)")
    func embeddedFields() throws {
        let scene = try Scene()
        try scene.alice.sends(.refer) {
            $0.add(named: "Refer-To", "<sip:carol@192.0.2.102?Subject=hello&From=sip:boss@x&Route=%3Csip:x%3E&Via=x>")
            $0.add(named: "Referred-By", "<sip:alice@192.0.2.101>")
        }
        try scene.alice.expects(200)
        try scene.alice.expects(.notify)
        try scene.alice.sends(200)
        let invite = try scene.carol.expects(.invite)
        #expect(invite.first(.subject)?.value == "hello")
        #expect(invite.all(.from).map(\.uri.description) == [Scene.bobURI])
        #expect(invite.all(.route).isEmpty && invite.all(.via).count == 1)
        #expect(invite.values(named: "Referred-By") == ["<sip:alice@192.0.2.101>"])
        #expect(invite.requestURI?.description == "sip:carol@192.0.2.102")
    }

    @Test("An unsubscription ends the reports, not the call that was asked for (RFC 3515 §2.4.4)")
    func unsubscription() throws {
        let scene = try Scene()
        try scene.alice.sends(.refer) { $0.add(named: "Refer-To", "<sip:carol@192.0.2.102>") }
        try scene.alice.expects(200)
        try scene.alice.expects(.notify)
        try scene.alice.sends(200)
        try scene.carol.expects(.invite)
        try scene.alice.sends(.subscribe) {
            $0.add(.event, EventType("refer"))
            $0.set(.expires, 0)
        }
        #expect(try scene.alice.expects(200).first(.expires) == 0)
        #expect(try scene.alice.expects(.notify).first(.subscriptionState)?.reason == "timeout")
        try scene.alice.sends(200)
        try scene.carol.sends(200) { Scene.offer(in: &$0) }
        try scene.carol.expects(.ack)
        try scene.alice.expectsNothing(for: .seconds(1))
        // What is subscribed to no more is unknown.
        try scene.alice.sends(.subscribe) { $0.add(.event, EventType("refer")) }
        try scene.alice.expects(481)
    }

    @Test("A subscriber who knows nothing of the reports has none any more (RFC 6665 §4.2.2)")
    func unknownReports() throws {
        let scene = try Scene()
        try scene.alice.sends(.refer) { $0.add(named: "Refer-To", "<sip:carol@192.0.2.102>") }
        try scene.alice.expects(200)
        try scene.alice.expects(.notify)
        try scene.alice.sends(481)
        try scene.carol.expects(.invite)
        try scene.carol.sends(486)
        try scene.carol.expects(.ack)
        try scene.alice.expectsNothing(for: .seconds(1))
        try scene.alice.sends(.bye)
        try scene.alice.expects(200)
        try scene.world.end()
    }

    @Test("A call that takes longer than the reports may is reported no more (RFC 6665 §4.2.2)")
    func expiry() throws {
        let scene = try Scene { $0.reportingLimit = 60 }
        try scene.alice.sends(.refer) { $0.add(named: "Refer-To", "<sip:carol@192.0.2.102>") }
        try scene.alice.expects(200)
        try scene.alice.expects(.notify)
        try scene.alice.sends(200)
        try scene.carol.expects(.invite)
        try scene.carol.sends(180)
        try scene.alice.expects(.notify)
        try scene.alice.sends(200)
        let last = try scene.alice.expects(.notify, within: .seconds(61))
        #expect(last.first(.subscriptionState)?.reason == "timeout")
        #expect(String(decoding: last.body, as: UTF8.self) == "SIP/2.0 180 Ringing\r\n")
    }

    @Test("Outside of calls, a REFER with Target-Dialog is about that call (RFC 4538 §4, RFC 7647 §4)")
    func targetDialog() throws {
        let scene = try Scene()
        let id = try scene.bobDoes { agent, _, _, _ in agent.dialog(of: scene.bob.calls[0]) }
        let dialog = try #require(id)
        try scene.carol.sends(.refer, to: try URI(Scene.bobURI)) {
            $0.add(named: "Refer-To", "<sip:alice@192.0.2.101>")
            $0.add(.require, "tdialog")
            $0.add(.targetDialog, TargetDialog(dialog.callID, localTag: dialog.localTag, remoteTag: dialog.remoteTag))
        }
        try scene.carol.expects(200)
        try scene.carol.expects(.notify)
        try scene.carol.sends(200)
        guard
            case .transferRequested(_, let subject, _)? = scene.bob.events.first(where: {
                if case .transferRequested = $0 { true } else { false }
            })
        else { return }
        #expect(subject == scene.bob.calls[0])
        // Who Bob is in the call is who he is in that one.
        #expect(try scene.alice.expects(.invite).first(.from)?.uri.description == Scene.bobURI)
        try scene.alice.sends(486)
        try scene.alice.expects(.ack)
        #expect(try scene.carol.expects(.notify).first(.subscriptionState)?.isTerminated == true)
        try scene.carol.sends(200)
    }

    @Test("The dialog of a REFER is none that could be replaced: 481 (RFC 3891 §3)")
    func noSession() throws {
        let scene = try Scene(calls: false)
        try scene.carol.sends(.refer, to: try URI(Scene.bobURI)) {
            $0.add(named: "Refer-To", "<sip:alice@192.0.2.101>")
        }
        let accepted = try scene.carol.expects(200)
        try scene.carol.expects(.notify)
        try scene.carol.sends(200)
        try scene.alice.expects(.invite)
        let (callID, tags) = (accepted.first(.callID), (accepted.first(.to)?.tag, accepted.first(.from)?.tag))
        try scene.carol.sends(.invite, to: try URI(Scene.bobURI)) {
            Scene.offer(in: &$0)
            $0.add(
                .replaces, Replaces(callID ?? CallID(""), toTag: tags.0 ?? "", fromTag: tags.1 ?? ""))
        }
        try scene.carol.expects(481)
    }

    @Test("A subscription to outcomes cannot be made by SUBSCRIBE (RFC 3515 §2.4.4), nor one to anything else")
    func subscriptions() throws {
        let scene = try Scene(calls: false)
        try scene.alice.sends(.subscribe, to: try URI(Scene.bobURI)) { $0.add(.event, EventType("refer")) }
        try scene.alice.expects(403)
        try scene.alice.sends(.subscribe, to: try URI(Scene.bobURI)) { $0.add(.event, EventType("presence")) }
        #expect(try scene.alice.expects(489).all(.allowEvents).map(\.package) == ["refer"])
        try scene.world.end()
    }

    @Test("An agent that takes no transfers refuses them with 405, and does not allow them", arguments: [true, false])
    func withoutTransfers(isInDialog: Bool) throws {
        let scene = try Scene(calls: isInDialog) { $0.features = [] }
        if isInDialog {
            try scene.alice.sends(.refer) { $0.add(named: "Refer-To", "<sip:carol@192.0.2.102>") }
        } else {
            try scene.alice.sends(.refer, to: try URI(Scene.bobURI)) {
                $0.add(named: "Refer-To", "<sip:carol@192.0.2.102>")
            }
        }
        #expect(try scene.alice.expects(405).all(.allow).contains(.refer) == false)
    }

    // MARK: We ask

    @Test("202 is as good as 200, and a report may come before it (RFC 7647 §5, RFC 3515 §2.4.4)")
    func accepted() throws {
        let scene = try Scene()
        let handle = try scene.transfer()
        let refer = try scene.alice.expects(.refer)
        #expect(refer.first(.referTo)?.uri.description == "sip:carol@192.0.2.102")
        #expect(refer.first(.contact) != nil)
        try scene.report("100 Trying", "pending;expires=60")
        try scene.alice.expects(200, for: .notify)
        try scene.alice.sends(202, to: .refer)
        try scene.report("200 OK", "terminated;reason=noresource")
        try scene.alice.expects(200, for: .notify)
        try scene.alice.expects(.bye)
        try scene.alice.sends(200)
        #expect(scene.bob.events.contains(.transferDone(handle, .succeeded(200))))
        try scene.world.end()
    }

    @Test("Reports that are none are refused: other packages, unknown subscriptions, no status line")
    func otherReports() throws {
        let scene = try Scene()
        try scene.report("100 Trying", "active")
        try scene.alice.expects(481)
        try scene.alice.sends(.notify) {
            $0.add(.event, EventType("presence"))
            $0.add(named: "Subscription-State", "active")
        }
        #expect(try scene.alice.expects(489).all(.allowEvents).map(\.package) == ["refer"])
        _ = try scene.transfer()
        let refer = try scene.alice.expects(.refer)
        try scene.alice.sends(200)
        try scene.report("100 Trying", "active;expires=60", id: 99)
        try scene.alice.expects(481)
        try scene.alice.sends(.notify) {
            $0.add(.event, EventType("refer"))
            $0.add(named: "Subscription-State", "active")
        }
        #expect(try scene.alice.expects(400).reasonPhrase == "Report Without Status Line")
        try scene.report("180 Ringing", "active;expires=60", id: refer.first(.cseq)?.number)
        try scene.alice.expects(200)
        #expect(scene.bob.transferProgress == [180])
    }

    @Test("A report with outcome counts although the subscription goes on; more of them do not")
    func outcomeWithoutEnd() throws {
        let scene = try Scene()
        _ = try scene.transfer { $0.endsCall = false }
        try scene.alice.expects(.refer)
        try scene.alice.sends(202)
        try scene.report("486 Busy Here", "active;expires=60")
        try scene.alice.expects(200)
        try scene.report("486 Busy Here", "terminated;reason=timeout")
        try scene.alice.expects(200)
        #expect(scene.bob.transferEnds == [.failed(486, "Busy Here")])
        try scene.alice.sends(.bye)
        try scene.alice.expects(200)
        try scene.world.end()
    }

    @Test("Without any report the transfer is over after 64*T1 (RFC 6665 §4.1.2.4)")
    func noReport() throws {
        let scene = try Scene()
        _ = try scene.transfer()
        try scene.alice.expects(.refer)
        try scene.alice.sends(200)
        scene.world.run(for: .seconds(31))
        #expect(scene.bob.transferEnds.isEmpty)
        scene.world.run(for: .seconds(2))
        #expect(scene.bob.transferEnds == [.unreported])
        #expect(scene.bob.ends.isEmpty)
    }

    @Test("Reports that last are asked for again before they end (RFC 3515 §2.4.4)")
    func refresh() throws {
        let scene = try Scene()
        _ = try scene.transfer()
        try scene.alice.expects(.refer)
        try scene.alice.sends(200)
        try scene.report("180 Ringing", "active;expires=100")
        try scene.alice.expects(200)
        let subscribe = try scene.alice.expects(.subscribe, within: .seconds(90))
        #expect(subscribe.first(.event)?.package == "refer")
        #expect(subscribe.first(.expires) == 100)
        try scene.alice.sends(200) { $0.set(.expires, 100) }
        scene.world.run(for: .seconds(50))
        try scene.report("200 OK", "terminated;reason=noresource")
        try scene.alice.expects(200)
        #expect(scene.bob.transferEnds == [.succeeded(200)])
    }

    @Test("A peer with GRUU and Target-Dialog is asked in a dialog of its own (RFC 7647 §4, RFC 5589 §6.1)")
    func outOfDialog() throws {
        let scene = try Scene(calls: false)
        try scene.alice.sends(.invite, to: try URI(Scene.bobURI)) {
            Scene.offer(in: &$0)
            $0.remove(.contact)
            $0.add(named: "Contact", "<sip:alice@192.0.2.101;gr=3413kj2ha>")
            $0.add(named: "Supported", "replaces, tdialog")
        }
        let answer = try scene.alice.expects(200)
        try scene.alice.sends(.ack)
        scene.world.run(for: .milliseconds(10))
        let handle = try scene.transfer()
        let refer = try scene.alice.expects(.refer)
        #expect(refer.requestURI?.description == "sip:alice@192.0.2.101;gr=3413kj2ha")
        #expect(refer.first(.to)?.tag == nil)
        #expect(refer.first(.callID) != answer.first(.callID))
        #expect(refer.all(.require) == ["tdialog"])
        let target = try #require(refer.first(.targetDialog))
        // As Alice sees it: her tag is in From of her INVITE.
        #expect(target.callID == answer.first(.callID))
        #expect(target.localTag == answer.first(.from)?.tag)
        #expect(target.remoteTag == answer.first(.to)?.tag)
        try scene.alice.sends(202)
        try scene.report("100 Trying", "active;expires=60")
        try scene.alice.expects(200)
        try scene.report("200 OK", "terminated;reason=noresource")
        try scene.alice.expects(200)
        // Only then the call itself ends.
        let bye = try scene.alice.expects(.bye)
        #expect(bye.first(.callID) == answer.first(.callID))
        try scene.alice.sends(200)
        #expect(scene.bob.events.contains(.transferDone(handle, .succeeded(200))))
        try scene.world.end()
    }
}
