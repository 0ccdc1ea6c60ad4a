import ProxyCore
import SIPMessages
import SIPRouting
import SIPTransactions
import ServerCore
import Testing

@Suite("Whom gateways at TLS must prove to be (RFC 5922 §7.3)")
struct TrunkIdentityTests {
    @Test(
        "Probes and registrations want a certificate for the name in the target, or for its address",
        arguments: [
            ("gw.example.net", false, "gw.example.net"), ("gw.example.net", true, "gw.example.net"),
            ("192.0.2.70", false, ""), ("192.0.2.70", true, ""),
        ])
    func identity(host: String, isRegistration: Bool, identity: String) throws {
        let endpoint = Endpoint(.tls, local: SocketAddress(IPAddress(v4: 0xC000_0201), 5061))
        var settings = ServerSettings(
            domains: ["biloxi.test"], proxy: ProxyConfiguration(endpoints: [endpoint]), hashKey: SipHashKey(1, 2))
        settings.shardCount = 1
        var trunk = TrunkSettings("pstn", targets: ["sip:\(host):5061;transport=tls"])
        if isRegistration {
            trunk.registration = TrunkSettings.Registration(user: "4711", password: "x")
        } else {
            trunk.probeInterval = .seconds(60)
        }
        settings.trunks = [trunk]
        var calls = CallShard(number: 0, settings: settings, seed: (SipHashKey(3, 4), SipHashKey(5, 6)), at: .start)
        var workspace = Workspace()
        // It begins within a second.
        workspace.now = MonotonicInstant.start.advanced(by: .seconds(2))
        calls.wake(&workspace)
        for (_, question) in workspace.questions {
            let address = try #require(IPAddress("192.0.2.70"))
            calls.answered(question, .records(.address(address), seconds: 60), &workspace)
        }
        let message = try #require(workspace.outbox.messages.last)
        let octets = workspace.outbox.octets
        let start = String(decoding: octets[message.range.range].prefix { $0 != 0x20 }, as: UTF8.self)
        #expect(start == (isRegistration ? "REGISTER" : "OPTIONS"))
        #expect(message.flow.transport == .tls)
        let wanted = message.domain.isEmpty ? "" : String(decoding: octets[message.domain.range], as: UTF8.self)
        #expect(wanted == identity)
    }
}
