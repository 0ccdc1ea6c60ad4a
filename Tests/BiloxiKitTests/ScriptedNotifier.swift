import Foundation
import LoopbackSockets
import SIPMessages

/// Bob, who is asked for his state, by a script of plain messages.
final class ScriptedNotifier: Sendable {
    private let peer: LoopbackPeer

    /// What he waits for comes from tasks, which many other tests may keep waiting.
    init() throws { self.peer = try LoopbackPeer(patience: 120) }

    /// His address.
    var address: String { "sip:bob@127.0.0.1:\(self.peer.port)" }

    /// Runs his part beside the test.
    ///
    /// - Returns: What the part returns, once.
    func plays<Value: Sendable>(_ part: @escaping @Sendable (ScriptedNotifier) throws -> Value) -> AsyncStream<Value> {
        let (values, value) = AsyncStream<Value>.makeStream()
        Thread.detachNewThread {
            if let result = try? part(self) { value.yield(result) }
            value.finish()
        }
        return values
    }

    struct Missing: Error {}

    /// Waits for a SUBSCRIBE, and answers it.
    @discardableResult
    func answers(_ status: String = "200 OK", _ fields: [String] = ["Expires: 600"]) throws -> SIPMessage {
        guard let request = self.peer.receive(where: { $0.method == .subscribe }) else { throw Missing() }
        let contact = "Contact: <\(self.address)>"
        self.peer.respond(status, to: request, [contact] + fields, by: Self.port(of: request))
        return request
    }

    /// Tells the state, and waits for the answer.
    ///
    /// - Parameter request: The SUBSCRIBE that began it.
    func notifies(_ request: SIPMessage, _ number: Int, _ state: String, _ body: String = "") throws {
        let (from, to) = (request.values(named: "To")[0], request.values(named: "From")[0])
        let tag = from.contains("tag=") ? "" : ";tag=callee"
        var fields = [
            "From: \(from)\(tag)", "To: \(to)", "Call-ID: \(request.values(named: "Call-ID")[0])",
            "CSeq: \(number) NOTIFY", "Contact: <\(self.address)>", "Event: \(request.values(named: "Event")[0])",
            "Subscription-State: \(state)",
        ]
        if !body.isEmpty { fields.append("Content-Type: application/pidf+xml") }
        let target = request.first(.contact)?.uri.map { "\($0)" } ?? ""
        self.peer.request(
            "NOTIFY \(target)", branch: "notify\(number)\(self.peer.port)", fields, body: body,
            to: Self.port(of: request))
        guard self.peer.receive(where: { $0.status == 200 && $0.first(.cseq)?.method == .notify }) != nil else {
            throw Missing()
        }
    }

    private static func port(of request: SIPMessage) -> UInt16 { request.first(.via)?.port ?? 5060 }
}
