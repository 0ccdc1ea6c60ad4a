import SIPMessages
import Testing

@testable import SignallingTransport

@Suite("Keep-alives on the wire (RFC 5626 §3.5)")
struct KeepAliveTests {
    @Test("A Binding request to the SIP port is answered with where it came from, beside SIP messages (§8)")
    func answersBindings() throws {
        let server = try TestServer([.udp])
        let peer = try Peer(udpTo: server.address(.udp))
        let id: [UInt8] = Array(1...12)
        let request: [UInt8] = [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42] + id
        try peer.send(octets: request)
        let octets = try peer.inbox.datagram()
        let answer = try STUNMessage(parsing: octets.span)
        #expect(answer.kind == .success)
        #expect(octets[8..<20] == id[...])
        #expect(answer.mappedAddress == peer.local)
        try peer.send(
            Text.request("OPTIONS", to: "", uri: "sip:sip.test", from: peer.local, over: .udp, call: "o"))
        #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
    }
}
