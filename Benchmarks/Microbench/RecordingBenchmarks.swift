import CallRecords
import SIPMessages

extension Benchmark {
    /// What recording a call costs: the INVITE that is accepted, and 100, 180, 200, BYE and its 200 that leave.
    static var recording: [Benchmark] {
        [
            Benchmark("recorded-call", operations: 500) { try Self.recordedCalls(live: 1, isOn: true) },
            Benchmark("recorded-call", live: 1000, operations: 500) { try Self.recordedCalls(live: 1000, isOn: true) },
            Benchmark("unrecorded-call", operations: 500) { try Self.recordedCalls(live: 1, isOn: false) },
        ]
    }

    private static func recordedCalls(live: Int, isOn: Bool) throws -> (Int) -> Void {
        let box = Box(RecordingState(isOn: isOn))
        for number in 1..<live { box.value.begin(callID: "live \(number)") }
        box.value.call()
        try check(box.value.records.count == (isOn ? 1 : 0), "not every call is recorded")
        try check(box.value.recorder.openCount == (isOn ? live - 1 : 0), "the number of open calls is wrong")
        return { times in
            for _ in 0..<times {
                box.value.records.removeAll(keepingCapacity: true)
                box.value.call()
            }
        }
    }
}

private struct RecordingState: ~Copyable {
    var recorder: CallRecorder
    var records: [CallRecord] = []
    private var index = MessageIndex()
    private let invite: [UInt8]
    private let sent: [[UInt8]]
    private let flow = Flow(endpoint: 0, transport: .udp, remote: SocketAddress(IPAddress(v4: 0xC000_0201), 5060))

    init(isOn: Bool) {
        self.recorder = CallRecorder(
            policy: CallRecordPolicy(isOn: isOn), hashKey: SipHashKey(1, 2), at: .start)
        self.invite = Self.message("INVITE sip:bob@biloxi.example.com SIP/2.0", "1 INVITE", toTag: "")
        let contact = "Contact: <sip:bob@192.0.2.4>\r\n"
        self.sent = [
            Self.message("SIP/2.0 100 Trying", "1 INVITE", toTag: ""),
            Self.message("SIP/2.0 180 Ringing", "1 INVITE"), Self.message("SIP/2.0 200 OK", "1 INVITE", contact),
            Self.message("BYE sip:bob@192.0.2.4 SIP/2.0", "2 BYE"), Self.message("SIP/2.0 200 OK", "2 BYE"),
        ]
        self.records.reserveCapacity(1)
    }

    private static func message(
        _ start: String, _ cseq: String, _ more: String = "", toTag: String = ";tag=a6c85cf",
        callID: String = "a84b4c76"
    ) -> [UInt8] {
        Array(
            """
            \(start)\r
            Via: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bK776asdhds\r
            From: Alice <sip:alice@atlanta.example.com>;tag=1928301774\r
            To: Bob <sip:bob@biloxi.example.com>\(toTag)\r
            Call-ID: \(callID)\r
            CSeq: \(cseq)\r
            \(more)Record-Route: <sip:192.0.2.1;lr;d=0123456789abcdef>\r
            Content-Length: 0\r
            \r

            """.utf8)
    }

    mutating func begin(callID: String) {
        let octets = Self.message("INVITE sip:bob@biloxi.example.com SIP/2.0", "1 INVITE", toTag: "", callID: callID)
        self.begin(octets)
    }

    private mutating func begin(_ octets: [UInt8]) {
        do { try self.index.parse(octets.span) } catch { return }
        self.recorder.invited(octets.span, self.index, over: self.flow, at: .start, wall: 0)
    }

    mutating func call() {
        self.begin(self.invite)
        guard self.recorder.isWatching else { return }
        for octets in self.sent { self.recorder.sent(octets.span, at: .start, into: &self.records) }
    }
}
