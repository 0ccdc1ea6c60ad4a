import SIPMessages
import Testing

@testable import CallRecords

/// A recorder with the messages of one call: what leaves a proxy between Alice and Bob.
private final class Desk {
    var recorder: CallRecorder
    var records: [CallRecord] = []
    var now = MonotonicInstant.start
    let wall: Int64 = 1_900_000_000_000
    var index = MessageIndex()

    init(_ policy: CallRecordPolicy = CallRecordPolicy(isOn: true)) {
        self.recorder = CallRecorder(policy: policy, hashKey: SipHashKey(1, 2), at: .start)
    }

    var openCount: Int { self.recorder.openCount }
    var answeredCount: Int { self.recorder.answeredCount }
    var missedCount: UInt64 { self.recorder.missedCount }
    var isWatching: Bool { self.recorder.isWatching }
    var nextWakeUp: MonotonicInstant? { self.recorder.nextWakeUp }

    static let caller = "<sip:alice@a.test>;tag=a1"
    static let flow = Flow(
        endpoint: 0, transport: .udp, remote: SocketAddress(IPAddress("192.0.2.1") ?? .loopback, 5060))

    func pass(_ milliseconds: Int64) {
        self.now = self.now.advanced(by: .milliseconds(milliseconds))
        self.recorder.wake(at: self.now, into: &self.records)
    }

    private static func octets(_ start: String, _ fields: [String]) -> [UInt8] {
        Array(([start] + fields + ["Content-Length: 0", "", ""]).joined(separator: "\r\n").utf8)
    }

    static func request(
        _ method: String, branch: String = "z9hG4bKa", from: String = Desk.caller, to: String = "<sip:bob@b.test>",
        callID: String = "call", with more: String...
    ) -> [UInt8] {
        Self.octets(
            "\(method) sip:bob@b.test SIP/2.0",
            [
                "Via: SIP/2.0/UDP 192.0.2.1;branch=\(branch)", "From: \(from)", "To: \(to)", "Call-ID: \(callID)",
                "CSeq: 1 \(method)",
            ] + more)
    }

    func invite(branch: String = "z9hG4bKa", callID: String = "call") {
        let octets = Self.request("INVITE", branch: branch, callID: callID)
        try? self.index.parse(octets.span)
        self.recorder.invited(octets.span, self.index, over: Self.flow, at: self.now, wall: self.wall)
    }

    func refuse(_ status: UInt16, branch: String = "z9hG4bKa") {
        let octets = Self.request("INVITE", branch: branch)
        try? self.index.parse(octets.span)
        self.recorder.refused(
            octets.span, self.index, over: Self.flow, status: status, at: self.now, wall: self.wall,
            into: &self.records)
    }

    func send(_ octets: [UInt8]) {
        self.recorder.sent(octets.span, at: self.now, into: &self.records)
    }

    /// A response leaves to the caller, or to the callee when `from` is the callee.
    func respond(
        _ status: Int, _ method: String = "INVITE", branch: String = "z9hG4bKa", from: String = Desk.caller,
        to: String = "<sip:bob@b.test>;tag=b1", callID: String = "call", with more: String...
    ) {
        self.send(
            Self.octets(
                "SIP/2.0 \(status) Text",
                [
                    "Via: SIP/2.0/UDP 192.0.2.1;branch=\(branch)", "From: \(from)", "To: \(to)", "Call-ID: \(callID)",
                    "CSeq: 1 \(method)",
                ] + more))
    }

    func bye(tag: String = "b1", byCaller: Bool = true, with more: String...) {
        let (a, b) = (Self.caller, "<sip:bob@b.test>;tag=\(tag)")
        self.send(
            Self.octets(
                "BYE sip:x@b.test SIP/2.0",
                [
                    "Via: SIP/2.0/UDP 192.0.2.222;branch=z9hG4bKbye", "From: \(byCaller ? a : b)",
                    "To: \(byCaller ? b : a)", "Call-ID: call", "CSeq: 2 BYE",
                ] + more))
    }

    func answerBye(_ status: Int, tag: String = "b1", byCaller: Bool = true) {
        let b = "<sip:bob@b.test>;tag=\(tag)"
        self.respond(
            status, "BYE", branch: "z9hG4bKbye", from: byCaller ? Self.caller : b, to: byCaller ? b : Self.caller)
    }
}

@Suite("Records of calls (RFC 3261 §13, §15, §16.7; RFC 4028 §10)")
struct CallRecorderTests {
    @Test("A call is one record with the moments it began, rang, was answered and ended")
    func records() {
        let desk = Desk()
        desk.invite()
        desk.pass(100)
        desk.respond(180)
        desk.pass(2900)
        let ok = Array("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.222;branch=z9hG4bKours\r\n\r\n".utf8)
        let remote = SocketAddress(IPAddress("192.0.2.2") ?? .loopback, 5070)
        desk.recorder.received(
            ok.span, branch: OctetRange(52, 63), over: Flow(endpoint: 0, transport: .udp, remote: remote))
        desk.respond(200, with: "Contact: <sip:bob@192.0.2.2:5070>")
        desk.recorder.isPassing = false
        #expect(desk.answeredCount == 1)
        desk.pass(60_000)
        desk.bye(with: "Reason: Q.850;cause=16")
        desk.pass(20)
        #expect(desk.records.isEmpty)
        desk.answerBye(200)
        let start = desk.wall
        #expect(
            desk.records == [
                CallRecord(
                    started: start, rang: start + 100, answered: start + 3000, ended: start + 63_000,
                    ending: .callerHungUp, status: 200, reason: Array("Q.850;cause=16".utf8),
                    caller: Array("sip:alice@a.test".utf8), callee: Array("sip:bob@b.test".utf8),
                    callID: Array("call".utf8), fromTag: Array("a1".utf8), toTag: Array("b1".utf8),
                    target: Array("sip:bob@192.0.2.2:5070".utf8), branch: Array("z9hG4bKours".utf8),
                    source: Desk.flow.remote, answeredBy: remote, transport: .udp)
            ])
        #expect(desk.records.first?.duration == 60_000)
        #expect(desk.openCount == 0 && desk.answeredCount == 0)
        #expect(desk.nextWakeUp == nil)
    }

    @Test(
        "A BYE of the callee says so, and a 481 to it ends the call too (RFC 3261 §15.1.1)", arguments: [200, 481, 408])
    func calleeHangsUp(status: Int) {
        let desk = Desk()
        desk.invite()
        desk.respond(200)
        desk.pass(5000)
        desk.bye(byCaller: false)
        desk.answerBye(status, byCaller: false)
        #expect(desk.records.map(\.ending) == [.calleeHungUp])
        #expect(desk.records.first?.duration == 5000)
    }

    @Test("A BYE that is never answered ends the call at the time it was sent (RFC 4320: no 408 need come)")
    func unansweredBye() {
        let desk = Desk()
        desk.invite()
        desk.respond(200)
        desk.pass(7000)
        desk.bye()
        desk.pass(31_999)
        #expect(desk.records.isEmpty)
        desk.pass(1)
        #expect(desk.records.map(\.duration) == [7000])
        #expect(desk.records.first?.ending == .callerHungUp)
    }

    @Test("A BYE that is challenged ends nothing until it comes again (RFC 3261 §22.2)")
    func challengedBye() {
        let desk = Desk()
        desk.invite()
        desk.respond(200)
        desk.bye()
        desk.answerBye(407)
        desk.pass(60_000)
        #expect(desk.records.isEmpty)
        desk.bye()
        desk.answerBye(200)
        #expect(desk.records.map(\.duration) == [60_000])
    }

    @Test(
        "A BYE of another dialog ends nothing (RFC 3261 §12.2.2)",
        arguments: ["b2", "a1", ""])
    func strangeBye(tag: String) {
        let desk = Desk()
        desk.invite()
        desk.respond(200)
        desk.bye(tag: tag)
        desk.answerBye(200, tag: tag)
        #expect(desk.records.isEmpty)
        #expect(desk.openCount == 1)
    }

    @Test(
        "The tag is found wherever it may stand (RFC 3261 §20.10, §25.1)",
        arguments: [
            ("\"B; tag=no, \\\" <x>\" <sip:bob@b.test;tag=no>;x=\"y\" ; TAG = b1", "b1"),
            ("sip:bob@b.test;tag=b2", "b2"),
            ("<sip:bob@b.test>;taga=1;x;tag=b3;y=z", "b3"), ("<sip:bob@b.test>;ta", ""), ("<sip:bob@b.test>;tag", ""),
            ("<sip:bob@b.test", ""), ("\"unterminated", ""), ("<sip:bob@b.test>;tag=", ""),
            ("<sip:bob@b.test>;;tag=b4", "b4"), ("\"\\", ""), ("<sip:bob@b.test>;", ""),
        ])
    func findsTags(to: String, tag: String) throws {
        let octets = Desk.request("BYE", to: to)
        var index = MessageIndex()
        try index.parse(octets.span)
        let seen = SeenMessage(octets.span, index)
        let tags = seen.map { [octets.span.string($0.toTag), octets.span.string($0.fromTag)] }
        #expect(tags == [tag, "a1"])
    }

    @Test(
        "A call that fails is a record with the status that the caller was given", arguments: [302, 404, 486, 503, 603])
    func failures(status: Int) {
        let desk = Desk()
        desk.invite()
        desk.respond(180)
        desk.pass(1000)
        desk.respond(status, with: "Reason: Q.850;cause=17")
        #expect(desk.records.map(\.ending) == [.failed])
        #expect(desk.records.first?.status == UInt16(status))
        #expect(desk.records.first?.answered == nil)
        #expect(desk.records.first.map { String(decoding: $0.reason, as: UTF8.self) } == "Q.850;cause=17")
        // Sent again, since no ACK came (RFC 3261 §17.2.1).
        desk.respond(status)
        #expect(desk.records.count == 1)
    }

    @Test("A cancelled call says so, with the reason of the CANCEL (RFC 3326 §2)")
    func cancelled() {
        let desk = Desk()
        desk.invite()
        desk.respond(180)
        let cancel = Desk.request("CANCEL", with: "Reason: SIP;cause=600")
        try? desk.index.parse(cancel.span)
        desk.recorder.cancelled(cancel.span, desk.index)
        desk.respond(487)
        #expect(desk.records.map(\.ending) == [.cancelled])
        #expect(desk.records.first?.status == 487)
        #expect(desk.records.first.map { String(decoding: $0.reason, as: UTF8.self) } == "SIP;cause=600")
    }

    @Test("An INVITE that comes again with credentials goes on with the call (RFC 3261 §22.2)")
    func challenged() {
        let desk = Desk()
        desk.invite()
        desk.pass(10)
        desk.respond(407)
        desk.pass(40)
        desk.invite(branch: "z9hG4bKb")
        desk.respond(200, branch: "z9hG4bKb")
        desk.bye()
        desk.answerBye(200)
        #expect(desk.records.count == 1)
        #expect(desk.records.first?.answered == desk.wall + 50)
        #expect(desk.records.first?.started == desk.wall)
    }

    @Test("A challenge that nobody answers is a failed call after 64*T1")
    func unansweredChallenge() {
        let desk = Desk()
        desk.invite()
        desk.respond(407)
        desk.pass(31_999)
        #expect(desk.records.isEmpty)
        desk.pass(1)
        #expect(desk.records.map(\.status) == [407])
    }

    @Test("What is refused at once is recorded once, however often the INVITE comes; a challenge is not")
    func refused() {
        let desk = Desk()
        desk.refuse(407)
        #expect(desk.openCount == 0)
        desk.refuse(403)
        desk.refuse(403)
        #expect(desk.records.map(\.status) == [403])
        #expect(desk.openCount == 1)
        desk.refuse(403, branch: "z9hG4bKb")
        #expect(desk.records.count == 2)
        desk.pass(32_000)
        #expect(desk.openCount == 0)
        #expect(desk.records.count == 2)
    }

    @Test("Of two devices that answer, the one that stays is the one that counts (RFC 3261 §13.2.2.4)")
    func twoAnswers() {
        let desk = Desk()
        desk.invite()
        desk.respond(200, to: "<sip:bob@b.test>;tag=b1", with: "Contact: <sip:bob@192.0.2.201>")
        desk.respond(200, to: "<sip:bob@b.test>;tag=b2", with: "Contact: <sip:bob@192.0.2.202>")
        desk.bye(tag: "b1")
        desk.answerBye(200, tag: "b1")
        #expect(desk.records.isEmpty)
        desk.pass(9000)
        desk.bye(tag: "b2")
        desk.answerBye(200, tag: "b2")
        #expect(desk.records.map(\.duration) == [9000])
        #expect(desk.records.first.map { String(decoding: $0.target, as: UTF8.self) } == "sip:bob@192.0.2.202")
    }

    @Test("A session that is not refreshed ends when its interval is over (RFC 4028 §10)")
    func sessionExpires() {
        let desk = Desk()
        desk.invite()
        desk.respond(200, with: "Session-Expires: 90;refresher=uac")
        desk.pass(80_000)
        desk.respond(200, "UPDATE", branch: "z9hG4bKu", with: "Session-Expires: 120;refresher=uac")
        desk.pass(119_999)
        #expect(desk.records.isEmpty)
        desk.pass(1)
        #expect(desk.records.map(\.ending) == [.sessionExpired])
        #expect(desk.records.first?.duration == 200_000)
    }

    @Test("A re-INVITE of the callee refreshes too; without Session-Expires the timer is off (RFC 4028 §7.2)")
    func refreshByCallee() {
        let desk = Desk()
        desk.invite()
        desk.respond(200, with: "Session-Expires: 90")
        desk.pass(60_000)
        desk.respond(
            200, "INVITE", branch: "z9hG4bKr", from: "<sip:bob@b.test>;tag=b1", to: Desk.caller)
        desk.pass(3_600_000)
        #expect(desk.records.isEmpty)
        #expect(desk.openCount == 1)
    }

    @Test("A refresh of another dialog refreshes nothing")
    func strangeRefresh() {
        let desk = Desk()
        desk.invite()
        desk.respond(200, with: "Session-Expires: 90")
        desk.pass(60_000)
        desk.respond(
            200, "UPDATE", branch: "z9hG4bKr", to: "<sip:bob@b.test>;tag=b7", with: "Session-Expires: 900")
        desk.pass(30_000)
        #expect(desk.records.map(\.ending) == [.sessionExpired])
    }

    @Test("A call without session timer whose BYE is lost ends when it has taken longer than any may")
    func lost() {
        let desk = Desk(CallRecordPolicy(isOn: true, longestCall: .seconds(3600)))
        desk.invite()
        desk.pass(1000)
        desk.respond(200)
        desk.pass(3_598_999)
        #expect(desk.records.isEmpty)
        desk.pass(1)
        #expect(desk.records.map(\.ending) == [.lost])
    }

    @Test("A call that comes through the server twice is one record, with the outer answer (RFC 5393 §4.1.1)")
    func spiral() {
        let desk = Desk()
        desk.invite()
        desk.invite(branch: "z9hG4bKinner")
        desk.respond(486, branch: "z9hG4bKinner")
        #expect(desk.records.isEmpty)
        desk.respond(200)
        #expect(desk.openCount == 1)
        desk.bye()
        desk.bye()
        desk.answerBye(200)
        desk.answerBye(200)
        #expect(desk.records.map(\.status) == [200])
    }

    @Test("Beyond the limit calls are counted, not recorded, and nothing of them stays")
    func bounded() {
        let desk = Desk(CallRecordPolicy(isOn: true, openCalls: 2))
        for number in 0..<5 { desk.invite(callID: "call \(number)") }
        #expect(desk.openCount == 2)
        #expect(desk.missedCount == 3)
        for number in 0..<5 { desk.respond(486, callID: "call \(number)") }
        #expect(desk.records.count == 2)
        desk.invite(callID: "later")
        #expect(desk.openCount == 1)
    }

    @Test("Switched off, it takes no call, and brings those it has to their end")
    func switchedOff() {
        let desk = Desk()
        desk.invite()
        desk.respond(200)
        desk.recorder.policy.isOn = false
        desk.invite(callID: "other")
        #expect(desk.openCount == 1)
        #expect(desk.isWatching)
        desk.bye()
        desk.answerBye(200)
        #expect(desk.records.count == 1)
        #expect(!desk.isWatching)
    }

    @Test("The answer makes a record too, once: what is known of the call if nothing more is heard of it")
    func answered() {
        let desk = Desk()
        var answered: [CallRecord] = []
        desk.invite()
        desk.pass(100)
        desk.respond(180)
        desk.recorder.takeAnswered(into: &answered)
        #expect(answered.isEmpty)
        desk.pass(2900)
        desk.respond(200, with: "Contact: <sip:bob@192.0.2.2:5070>")
        desk.pass(500)
        desk.respond(200, with: "Contact: <sip:bob@192.0.2.2:5070>")
        desk.recorder.takeAnswered(into: &answered)
        desk.recorder.takeAnswered(into: &answered)
        let moment = desk.wall + 3000
        #expect(
            answered == [
                CallRecord(
                    started: desk.wall, rang: desk.wall + 100, answered: moment, ended: moment,
                    ending: .serverRestarted, status: 200, caller: Array("sip:alice@a.test".utf8),
                    callee: Array("sip:bob@b.test".utf8), callID: Array("call".utf8), fromTag: Array("a1".utf8),
                    toTag: Array("b1".utf8), target: Array("sip:bob@192.0.2.2:5070".utf8), source: Desk.flow.remote,
                    transport: .udp)
            ])
        desk.refuse(486, branch: "z9hG4bKother")
        desk.recorder.takeAnswered(into: &answered)
        #expect(answered.count == 1)
    }

    @Test("A server that stops records what goes on, and says that it stopped")
    func stopped() {
        let desk = Desk()
        desk.invite()
        desk.respond(200)
        desk.invite(callID: "ringing")
        desk.invite(callID: "left")
        desk.pass(4000)
        desk.recorder.endAll(at: desk.now, into: &desk.records)
        #expect(desk.records.map(\.ending) == [.serverStopped, .serverStopped, .serverStopped])
        #expect(desk.records.map(\.duration).sorted() == [0, 0, 4000])
        #expect(desk.openCount == 0 && desk.nextWakeUp == nil)
    }
}
