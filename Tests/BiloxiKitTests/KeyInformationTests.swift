import SIPMessages
import Testing

@testable import BiloxiKit

@Suite("Keys in INFO")
struct KeyInformationTests {
    @Test(
        "A body tells the keys that it holds, and none where it says something else (RFC 6086 §1)",
        arguments: [
            ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5"),
            ("application/dtmf-relay", "Signal= *", "*"),
            ("application/dtmf-relay", "Signal=10", "*"), ("application/dtmf-relay", "Duration=5", ""),
            ("application/dtmf", "#", "#"), ("application/dtmf", "11", "#"), ("application/dtmf", "x", ""),
            ("text/plain", "3 1 8 1 9 6 2", "3181962"), ("text/plain", "2#\r\n", "2#"), ("text/plain", "call me", ""),
            ("text/plain", "", ""), ("text/plain", String(repeating: "1", count: 33), ""), ("text/html", "5", ""),
        ])
    func keys(type: String, body: String, keys: String) throws {
        let text =
            "INFO sip:bank@example.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
            + "From: <sip:alice@example.test>;tag=1\r\nTo: <sip:bank@example.test>;tag=2\r\nCall-ID: 1\r\nCSeq: 2 INFO\r\n"
            + "Content-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        #expect(String(KeyInformation.keys(try SIPMessage(parsing: Array(text.utf8)))) == keys)
    }
}
