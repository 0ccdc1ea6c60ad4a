import ProxyCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import ServerCore
import ServerSimulation
import Testing

@Suite("No answer tells a key: what the sender chooses is hashed with another key than those are made of")
struct KeySecrecyTests {
    /// The tag that the server answers a request with to which it keeps nothing.
    private func tag(callID: [UInt8]) throws -> UInt64 {
        let stage = Stage(seed: 1)
        var workspace = Workspace()
        let reception = Reception(settings: stage.server().settings)
        let start = "OPTIONS sip:nobody@biloxi.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.66;branch=z9hG4bKx\r\n"
        let end = "\r\nCSeq: 1 OPTIONS\r\nTo: <sip:x@y.example>\r\nContent-Length: 0\r\n\r\n"
        let request = Array(start.utf8) + Array("Call-ID: ".utf8) + callID + Array(end.utf8)
        let source = SocketAddress(IPAddress(v4: 0xC000_0242), 5060)
        reception.receive(
            request.span, over: Flow(endpoint: 0, transport: .udp, remote: source), into: &workspace)
        let answer = String(decoding: workspace.outbox.octets, as: UTF8.self)
        #expect(answer.hasPrefix("SIP/2.0 400"))
        let mark = try #require(answer.firstRange(of: ";tag="))
        return try #require(UInt64(answer[mark.upperBound...].prefix(16), radix: 16))
    }

    // The key of the tokens was the SipHash of their purpose, with the key that tags were made with too: two requests
    // without From, and with that purpose as their Call-ID, were answered with its halves.
    @Test("A Call-ID that spells the purpose of a key does not get it as the tag of its answer", arguments: [1, 2])
    func purposeAsCallID(half: UInt8) throws {
        let tokenKey = Proxy.tokenKey(of: Stage(seed: 1).server().settings.hashKey)
        let halves = Mirror(reflecting: tokenKey).children.compactMap { $0.value as? UInt64 }
        #expect(halves.count == 2)
        let tag = try self.tag(callID: [half] + Array("flow token".utf8))
        #expect(!halves.contains(tag) && !halves.contains(tag.byteSwapped))
        // It is made of that Call-ID, and of nothing from From.
        let octets = [half] + Array("flow token".utf8) + [0]
        let key = Stage(seed: 1).server().settings.hashKey.derived(for: "stateless tag")
        #expect(tag == SipHash24.hash(octets.span, 0..<octets.count, key: key))
    }
}
