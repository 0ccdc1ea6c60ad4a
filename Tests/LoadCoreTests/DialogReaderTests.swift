import SIPMessages
import Testing

@testable import LoadCore

@Suite("The dialog of a caller (RFC 3261 §12.1.2, §12.2.1.1)")
struct DialogReaderTests {
    private static func response(_ fields: String) -> [UInt8] {
        Array(
            ("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK1\r\nFrom: <sip:a@x.test>;tag=1\r\n"
                + "To: <sip:b@y.test>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\(fields)Content-Length: 0\r\n\r\n").utf8
        )
    }

    /// The text of the dialog, and where its requests go.
    private static func read(_ fields: String) -> (text: String, hop: SocketAddress?)? {
        let octets = Self.response(fields)
        var index = MessageIndex()
        guard (try? index.parse(octets.span)) != nil else { return nil }
        var reader = DialogReader()
        guard reader.read(octets.span, index) else { return nil }
        return (String(decoding: reader.octets, as: UTF8.self), reader.hop)
    }

    private static let identity = "From: <sip:a@x.test>;tag=1\r\nTo: <sip:b@y.test>;tag=2\r\nCall-ID: c\r\n"

    @Test("Without Record-Route requests go to the Contact")
    func direct() {
        let dialog = Self.read("Contact: \"B\" <sip:b@192.0.2.4:5070>;x=1\r\n")
        #expect(dialog?.text == "sip:b@192.0.2.4:5070" + Self.identity)
        #expect(dialog?.hop == IPAddress("192.0.2.4").map { SocketAddress($0, 5070) })
    }

    @Test("The route is Record-Route in reverse, of one line or of many, and requests go to its first")
    func loose() {
        let dialog = Self.read(
            "Record-Route: <sip:192.0.2.3;lr>, <sip:192.0.2.2;lr>\r\nRecord-Route: <sip:192.0.2.1:5090;lr>\r\n"
                + "Contact: <sip:b@192.0.2.4>\r\n")
        #expect(
            dialog?.text == "sip:b@192.0.2.4Route: <sip:192.0.2.1:5090;lr>\r\nRoute: <sip:192.0.2.2;lr>\r\n"
                + "Route: <sip:192.0.2.3;lr>\r\n" + Self.identity)
        #expect(dialog?.hop == IPAddress("192.0.2.1").map { SocketAddress($0, 5090) })
    }

    @Test("To a strict router the request is addressed itself, and the Contact comes last")
    func strict() {
        let dialog = Self.read(
            "Record-Route: <sip:192.0.2.3;lr>\r\nRecord-Route: <sip:192.0.2.1>\r\nContact: <sip:b@192.0.2.4>\r\n")
        #expect(
            dialog?.text == "sip:192.0.2.1Route: <sip:192.0.2.3;lr>\r\nRoute: <sip:b@192.0.2.4>\r\n" + Self.identity)
        #expect(dialog?.hop == IPAddress("192.0.2.1").map { SocketAddress($0, 5060) })
    }

    @Test("A name leaves the way to whoever knows the server, and no Contact makes no dialog")
    func others() {
        #expect(Self.read("Contact: <sip:b@phone.y.test>\r\n")?.hop == nil)
        #expect(Self.read("") == nil)
    }
}
