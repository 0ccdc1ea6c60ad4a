import Foundation
import LoopbackSockets
import SIPAuthentication
import SIPMessages

/// A UDP socket on loopback that speaks to one server as a phone would, without knowing much of SIP.
final class SIPClient {
    private let peer: LoopbackPeer
    /// The port of the client.
    var port: UInt16 { self.peer.port }
    private let server: UInt16
    private var branches = 0

    /// A client of the server at this port.
    init(server: UInt16) throws {
        self.server = server
        self.peer = try LoopbackPeer(patience: 10)
    }

    func send(_ text: String) { self.peer.send(text, to: self.server) }

    /// The next message; `nil` when none comes within ten seconds.
    func receive() -> SIPMessage? { self.peer.receive { _ in true } }

    /// The next final response; others are passed over.
    func final() -> SIPMessage? {
        self.peer.receive { $0.status?.isFinal == true }
    }

    /// The next request of a method.
    func request(_ method: SIPMessages.Method) -> SIPMessage? {
        self.peer.receive { $0.method == method }
    }

    /// A request with a fresh branch.
    func text(
        _ method: String, _ uri: String, from: String, to: String, call: String, cseq: Int, _ fields: [String] = []
    ) -> String {
        self.branches += 1
        let lines =
            [
                "\(method) \(uri) SIP/2.0",
                "Via: SIP/2.0/UDP 127.0.0.1:\(self.port);branch=z9hG4bK\(self.port)x\(self.branches)",
                "Max-Forwards: 70", "From: \(from)", "To: \(to)", "Call-ID: \(call)", "CSeq: \(cseq) \(method)",
            ] + fields + ["Content-Length: 0", "", ""]
        return lines.joined(separator: "\r\n")
    }

    /// Answers a request.
    func respond(_ status: String, to request: SIPMessage, tag: String, _ fields: [String] = []) {
        var lines = ["SIP/2.0 \(status)"]
        for name in ["Via", "Record-Route", "From", "Call-ID", "CSeq"] {
            for value in request.values(named: name) { lines.append("\(name): \(value)") }
        }
        let to = request.values(named: "To").first ?? ""
        lines.append("To: " + (to.contains("tag=") ? to : "\(to);tag=\(tag)"))
        self.send((lines + fields + ["Content-Length: 0", "", ""]).joined(separator: "\r\n"))
    }
}

/// The digest answer to a challenge (RFC 7616).
func credentials(
    for response: SIPMessage, user: String, domain: String, password: String, _ method: String, _ uri: String
) -> String? {
    let fields = response.values(named: "WWW-Authenticate") + response.values(named: "Proxy-Authenticate")
    let challenges = fields.compactMap { field -> DigestChallenge? in
        let octets = Array(field.utf8)
        return (try? DigestChallenge(parsing: octets.span, in: 0..<octets.count)) ?? nil
    }
    guard let challenge = DigestChallenge.topmostSupported(of: challenges, realm: domain),
        let algorithm = challenge.algorithm,
        var session = DigestSession(
            challenge, username: user,
            secret: DigestSecret(username: user, realm: domain, password: password, algorithm: algorithm),
            cnonce: "0a4f113b")
    else { return nil }
    var value: [UInt8] = []
    let body: [UInt8] = []
    session.writeCredentials(method: SIPMessages.Method(method), uri: uri, body: body.span, to: &value)
    return String(decoding: value, as: UTF8.self)
}

/// The answer to an HTTP/1.1 GET at a port of loopback: status, header and body; `nil` when none comes.
func httpGet(_ path: String, port: Int) -> (status: Int, header: String, body: String)? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = LoopbackPeer.address(UInt16(port))
    let isConnected = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
    guard isConnected else { return nil }
    let request = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
    _ = send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count <= 0 { break }
        answer += buffer[..<count]
    }
    let text = String(decoding: answer, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n"), let status = text.split(separator: " ").dropFirst().first else {
        return nil
    }
    return (Int(status) ?? 0, String(text[..<end.lowerBound]).lowercased(), String(text[end.upperBound...]))
}
