import CallRouting
import ProxyCore
import SIPMessages
import SIPTransactions
import Testing

@testable import ServerCore

/// Threads of a server take turns with its shards: what another one has received may come between a question that a shard
/// has left for another and its answer.
@Suite("CANCEL between a question and its answer (RFC 3261 §9.2, §16.10)")
struct EarlyCancelTests {
    private let flow = Flow(
        endpoint: 0, transport: .udp, remote: SocketAddress(IPAddress(v4: 0xC000_0265), 5060))

    private func message(_ method: String, to user: String, fields: String = "") -> [UInt8] {
        Array(
            ("\(method) sip:\(user)\(method == "REGISTER" ? "" : "@")biloxi.test SIP/2.0\r\n"
                + "Via: SIP/2.0/UDP 192.0.2.101;branch=z9hG4bK\(method == "REGISTER" ? "r" : "i")\r\n"
                + "From: <sip:bob@biloxi.test>;tag=1\r\nTo: <sip:bob@biloxi.test>\r\nCall-ID: c\r\n"
                + "CSeq: 1 \(method)\r\nMax-Forwards: 70\r\n\(fields)Content-Length: 0\r\n\r\n").utf8)
    }

    private func settings() -> ServerSettings {
        let endpoint = Endpoint(.udp, local: SocketAddress(IPAddress(v4: 0xC000_0201), 5060))
        var settings = ServerSettings(
            domains: ["biloxi.test"], proxy: ProxyConfiguration(endpoints: [endpoint]), hashKey: SipHashKey(1, 2))
        settings.shardCount = 1
        settings.requiresAuthentication = false
        settings.isDurable = false
        return settings
    }

    /// The start lines of what is to be sent.
    private func sent(_ workspace: Workspace) -> [String] {
        workspace.outbox.messages.map { message in
            String(decoding: workspace.outbox.octets[message.range.range].prefix { $0 != 0x0D }, as: UTF8.self)
        }
    }

    /// An INVITE to a user, whose targets are asked for while another thread handles its CANCEL.
    private func cancelled(
        to user: String, _ settings: ServerSettings, _ calls: inout CallShard, _ locations: inout LocationShard
    ) -> (asking: [String], cancelling: [String]) {
        let reception = Reception(settings: settings)
        let (invite, cancel) = (self.message("INVITE", to: user), self.message("CANCEL", to: user))
        var (asking, cancelling) = (Workspace(), Workspace())
        reception.receive(invite.span, over: self.flow, into: &asking)
        calls.run(invite.span, &asking)
        reception.receive(cancel.span, over: self.flow, into: &cancelling)
        calls.run(cancel.span, &cancelling)
        while let next = asking.next {
            switch next {
            case .calls: calls.run(invite.span, &asking)
            case .locations: locations.run(invite.span, &asking)
            }
        }
        return (self.sent(asking), self.sent(cancelling))
    }

    @Test("A call whose bindings are being looked up ends with 487, and nothing rings")
    func bindings() {
        let settings = self.settings()
        var calls = CallShard(number: 0, settings: settings, seed: (SipHashKey(3, 4), SipHashKey(5, 6)), at: .start)
        var locations = LocationShard(number: 0, settings: settings, seed: SipHashKey(7, 8))
        var workspace = Workspace()
        let register = self.message("REGISTER", to: "", fields: "Contact: <sip:bob@192.0.2.101>\r\n")
        Reception(settings: settings).receive(register.span, over: self.flow, into: &workspace)
        locations.run(register.span, &workspace)
        #expect(self.sent(workspace) == ["SIP/2.0 200 OK"])

        let sent = self.cancelled(to: "bob", settings, &calls, &locations)
        #expect(sent.asking == ["SIP/2.0 100 Trying"])
        #expect(sent.cancelling == ["SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"])
        let isIdle = calls.isIdle
        #expect(isIdle)
    }

    @Test("A call that waits for a line of a trunk does so too, and the line is free again")
    func line() throws {
        var settings = self.settings()
        var trunk = TrunkSettings("pstn", targets: ["sip:192.0.2.70"])
        trunk.lines = 1
        settings.trunks = [trunk]
        settings.plan = DialPlan([Route([try #require(RoutePattern("9*"))], to: .trunk("pstn"))])
        var calls = CallShard(number: 0, settings: settings, seed: (SipHashKey(3, 4), SipHashKey(5, 6)), at: .start)
        var locations = LocationShard(number: 0, settings: settings, seed: SipHashKey(7, 8))
        let sent = self.cancelled(to: "911", settings, &calls, &locations)
        #expect(sent.asking == ["SIP/2.0 100 Trying"])
        #expect(sent.cancelling == ["SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"])
        let lines = calls.desk.status(at: .start).map(\.linesInUse)
        #expect(lines == [0])
    }
}
