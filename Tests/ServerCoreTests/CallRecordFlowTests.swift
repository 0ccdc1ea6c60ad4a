import CallRecords
import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("Call records of a server in the path of dialogs (RFC 3261 §16.6 step 4)")
struct CallRecordFlowTests {
    /// A server that records, Alice who calls, and two devices of Bob.
    struct Office {
        let stage: Stage
        let server: SimulatedServer
        let alice: ScriptedPeer
        let first: ScriptedPeer
        let second: ScriptedPeer

        init(shards: Int = 1, edit: (inout ServerSettings) -> Void = { _ in }) throws {
            self.stage = Stage(shards: shards)
            self.server = self.stage.server("proxy", at: Place.proxy, [Place.domain]) {
                $0.callRecords.isOn = true
                edit(&$0)
            }
            self.alice = try self.stage.alice()
            self.first = try self.stage.bob("first", at: "192.0.2.201")
            self.second = try self.stage.bob("second", at: "192.0.2.202")
        }

        /// Bob's first device is registered, rings and answers.
        func call(_ edit: (inout MessageBuilder) -> Void = { _ in }) throws -> SIPMessage {
            try self.first.isRegistered(["<sip:bob@192.0.2.201>"])
            try self.alice.invites()
            let invite = try self.first.expects(.invite)
            self.stage.world.run(for: .milliseconds(500))
            try self.first.sends(180)
            try self.alice.expects(180)
            self.stage.world.run(for: .seconds(2))
            try self.first.sends(200, edit: edit)
            try self.alice.expects(200)
            try self.alice.sends(.ack)
            try self.first.expects(.ack)
            return invite
        }

        var text: [String] {
            self.server.callRecords.map { record in
                let caller = String(decoding: record.caller, as: UTF8.self)
                return "\(caller) \(record.status) \(record.ending)"
            }
        }
    }

    @Test("A call is one record, whatever the number of shards", arguments: [1, 64])
    func whole(shards: Int) throws {
        let office = try Office(shards: shards)
        let invite = try office.call()
        // Whoever ends the server now finds the call.
        #expect(office.server.answeredCallRecords.map(\.ending) == [.serverRestarted])
        #expect(office.server.answeredCallRecords.first?.toTag.isEmpty == false)
        office.stage.world.run(for: .seconds(60))
        try office.first.sends(.bye) { $0.add(named: "Reason", "Q.850;cause=16") }
        try office.alice.expects(.bye)
        try office.alice.sends(200)
        try office.first.expects(200)
        #expect(office.server.callRecords.count == 1)
        let record = try #require(office.server.callRecords.first)
        #expect(record.ending == .calleeHungUp)
        #expect(record.status == 200)
        #expect(String(decoding: record.caller, as: UTF8.self) == "sip:alice@atlanta.example.com")
        #expect(String(decoding: record.callee, as: UTF8.self) == Place.bob)
        #expect(String(decoding: record.reason, as: UTF8.self) == "Q.850;cause=16")
        #expect(String(decoding: record.callID, as: UTF8.self) == invite.first(.callID)?.value)
        #expect(String(decoding: record.fromTag, as: UTF8.self) == invite.first(.from)?.tag)
        #expect(String(decoding: record.branch, as: UTF8.self) == invite.all(.via).first?.branch)
        #expect(String(decoding: record.target, as: UTF8.self).contains("192.0.2.201"))
        #expect(record.source.ip.description == "192.0.2.101")
        #expect(record.answeredBy?.ip.description == "192.0.2.201")
        // 10 ms each way: the 180 came 500 ms after the INVITE had come, the 200 two seconds later.
        #expect(record.rang == record.started + 10 + 500 + 10)
        let rang = try #require(record.rang)
        #expect(record.answered == rang + 10 + 2000 + 10)
        #expect(record.duration == 30 + 60_000 + 10)
        try office.stage.world.end()
    }

    @Test("A forked call is one record, with the device that answered (§16.7 step 10)")
    func forked() throws {
        let office = try Office()
        try office.first.isRegistered(["<sip:bob@192.0.2.201>"])
        try office.second.isRegistered(["<sip:bob@192.0.2.202>"])
        try office.alice.invites()
        try office.first.expects(.invite)
        try office.second.expects(.invite)
        try office.first.sends(180)
        try office.alice.expects(180)
        try office.second.sends(200)
        try office.alice.expects(200)
        try office.first.expects(.cancel)
        try office.first.sends(200, to: .cancel)
        try office.first.sends(487, to: .invite)
        try office.alice.sends(.ack)
        try office.second.expects(.ack)
        try office.alice.sends(.bye)
        try office.second.expects(.bye)
        try office.second.sends(200)
        try office.alice.expects(200)
        try office.stage.world.end()
        #expect(office.text == ["sip:alice@atlanta.example.com 200 caller"])
        #expect(office.server.callRecords.first?.answeredBy?.ip.description == "192.0.2.202")
    }

    @Test("Refusals of all devices are one record, with what the caller was told", arguments: [(486, 603), (404, 486)])
    func refused(first: UInt16, second: UInt16) throws {
        let office = try Office()
        try office.first.isRegistered(["<sip:bob@192.0.2.201>"])
        try office.second.isRegistered(["<sip:bob@192.0.2.202>"])
        try office.alice.invites()
        try office.first.expects(.invite)
        try office.second.expects(.invite)
        try office.first.sends(StatusCode(first))
        try office.second.sends(StatusCode(second))
        let told: UInt16 = second == 603 ? 603 : 404
        try office.alice.expects(StatusCode(told))
        try office.stage.world.end()
        #expect(office.text == ["sip:alice@atlanta.example.com \(told) failed"])
    }

    @Test("A call to nobody and one that is cancelled are records too (§16.10)")
    func unanswered() throws {
        let office = try Office()
        try office.alice.invites()
        try office.alice.expects(480)
        try office.first.isRegistered(["<sip:bob@192.0.2.201>"])
        try office.alice.invites()
        try office.first.expects(.invite)
        try office.first.sends(180)
        try office.alice.expects(180)
        try office.alice.sends(.cancel)
        try office.alice.expects(200, for: .cancel)
        try office.first.expects(.cancel)
        try office.first.sends(200, to: .cancel)
        try office.first.sends(487, to: .invite)
        try office.alice.expects(487)
        try office.stage.world.end()
        #expect(
            office.text == ["sip:alice@atlanta.example.com 480 failed", "sip:alice@atlanta.example.com 487 cancelled"])
    }

    @Test("A device that nobody hears of again: the call ends with its session (RFC 4028 §10)")
    func sessionExpires() throws {
        let office = try Office()
        _ = try office.call { $0.add(named: "Session-Expires", "1800;refresher=uac") }
        office.stage.world.partition(["first"])
        office.stage.world.run(for: .seconds(1790))
        #expect(office.server.callRecords.isEmpty)
        office.stage.world.run(for: .seconds(10))
        #expect(office.text == ["sip:alice@atlanta.example.com 200 sessionExpired"])
        #expect(office.server.callRecords.first?.duration == 1_800_000)
        try office.stage.world.end()
    }

    @Test("An UPDATE that is answered keeps the session alive (RFC 3311, RFC 4028 §9)")
    func refreshed() throws {
        let office = try Office()
        _ = try office.call { $0.add(named: "Session-Expires", "90;refresher=uac") }
        for _ in 0..<3 {
            office.stage.world.run(for: .seconds(45))
            try office.alice.sends(.update)
            try office.first.expects(.update)
            try office.first.sends(200) { $0.add(named: "Session-Expires", "90;refresher=uac") }
            try office.alice.expects(200)
        }
        #expect(office.server.callRecords.isEmpty)
        try office.stage.world.end()
        #expect(office.text == ["sip:alice@atlanta.example.com 200 sessionExpired"])
        let duration = try #require(office.server.callRecords.first?.duration)
        // Three refreshes of 45 s and the time of the messages, then 90 s.
        #expect((225_000...225_200).contains(duration))
    }

    @Test("A BYE that reaches nobody ends the call when it was sent (RFC 3261 §15.1.1)")
    func lostBye() throws {
        let office = try Office()
        _ = try office.call()
        office.stage.world.partition(["first"])
        office.stage.world.run(for: .seconds(30))
        try office.alice.sends(.bye)
        try office.stage.world.end()
        #expect(office.text == ["sip:alice@atlanta.example.com 200 caller"])
        #expect(office.server.callRecords.first.map { (30_000...30_100).contains($0.duration) } == true)
    }

    @Test("A challenge is no call; what is refused to a stranger is (§22.3)")
    func challenged() throws {
        let office = try Office { $0.requires([.bob]) }
        try office.alice.invites("sip:carol@elsewhere.example.org")
        try office.alice.expects(403)
        try office.first.registers(["<sip:bob@192.0.2.201>"])
        let challenge = try office.first.expects(401)
        let answer = try #require(Account.bob.answer(challenge, .register, "sip:\(Place.domain)"))
        try office.first.registersAgain(["<sip:bob@192.0.2.201>"]) { $0.add(named: "Authorization", answer) }
        try office.first.expects(200)
        try office.first.invites(Place.bob)
        let second = try office.first.expects(407)
        #expect(office.server.callRecords.map(\.status) == [403])
        let credentials = try #require(Account.bob.answer(second, .invite, Place.bob))
        try office.first.sends(.invite) { $0.add(named: "Proxy-Authorization", credentials) }
        try office.first.expects(.invite)
        try office.first.sends(486)
        try office.first.expects(486)
        try office.stage.world.end()
        #expect(office.server.callRecords.map(\.status) == [403, 486])
        #expect(office.server.callRecords.map(\.ending) == [.failed, .failed])
    }

    @Test("A call to the server's own echo is a record, whoever ends it", arguments: [true, false])
    func echo(isEndedByCaller: Bool) throws {
        let office = try Office()
        try office.alice.invites("sip:echo@biloxi.example.com") {
            $0.setBody(Array("alice".utf8), type: MediaType("application", "sdp"))
        }
        try office.alice.expects(200)
        if isEndedByCaller {
            try office.alice.sends(.ack)
            office.stage.world.run(for: .seconds(20))
            try office.alice.sends(.bye)
            try office.alice.expects(200)
        } else {
            // No ACK comes (§13.3.1.4).
            try office.alice.expects(.bye)
            try office.alice.sends(200)
        }
        try office.stage.world.end()
        #expect(office.text == ["sip:alice@atlanta.example.com 200 \(isEndedByCaller ? "caller" : "callee")"])
    }

    @Test("Where calls are not recorded there is nothing")
    func off() throws {
        let office = try Office { $0.callRecords.isOn = false }
        _ = try office.call()
        try office.alice.sends(.bye)
        try office.first.expects(.bye)
        try office.first.sends(200)
        try office.alice.expects(200)
        try office.stage.world.end()
        #expect(office.server.callRecords.isEmpty)
    }

    @Test("With datagrams lost, doubled and out of order every call is one record", arguments: 0..<24)
    func lossy(seed: Int) throws {
        let stage = Stage(seed: UInt64(seed))
        let server = stage.server("proxy", at: Place.proxy, [Place.domain]) { $0.callRecords.isOn = true }
        let alice = try stage.alice()
        let bob = try stage.bob()
        try bob.isRegistered()
        for peer in ["alice", "bob"] { stage.world.setConditions(.poor, between: peer, and: "proxy") }
        try alice.invites()
        try bob.expects(.invite)
        try bob.sends(200)
        try alice.expects(200)
        try alice.sends(.ack)
        try bob.expects(.ack)
        try alice.sends(.bye)
        try bob.expects(.bye)
        try bob.sends(200)
        try alice.expects(200)
        try stage.world.end()
        #expect(server.callRecords.map(\.ending) == [.callerHungUp])
    }
}
