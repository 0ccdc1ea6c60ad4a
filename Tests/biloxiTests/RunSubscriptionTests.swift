import Foundation
import LoopbackSockets
import SIPMessages
import Testing

@testable import biloxi

@Suite("biloxi run and watch: the state of others", .timeLimit(.minutes(5)))
struct RunSubscriptionTests {
    /// Answers a SUBSCRIBE and tells the state that it begins or ends with.
    private func tells(
        _ peer: LoopbackPeer, _ number: Int, _ state: String, _ body: String = "", expires: Int = 600
    ) throws -> SIPMessage {
        let request = try #require(peer.receive { $0.method == .subscribe })
        let port = try #require(request.first(.via)?.port)
        let contact = "Contact: <sip:bob@127.0.0.1:\(peer.port)>"
        peer.respond("200 OK", to: request, [contact, "Expires: \(expires)"], by: port)
        let (from, to) = (request.values(named: "To")[0], request.values(named: "From")[0])
        let tag = from.contains("tag=") ? "" : ";tag=callee"
        peer.request(
            "NOTIFY \(try #require(request.first(.contact)?.uri))", branch: "\(number)n\(peer.port)",
            [
                "From: \(from)\(tag)", "To: \(to)", "Call-ID: \(request.values(named: "Call-ID")[0])",
                "CSeq: \(number) NOTIFY", contact, "Event: presence", "Subscription-State: \(state)",
            ] + (body.isEmpty ? [] : ["Content-Type: application/pidf+xml"]), body: body, to: port)
        return request
    }

    @Test("A harness subscribes, is told, and unsubscribes (RFC 6665)")
    func run() throws {
        let (bob, alice) = (try LoopbackPeer(), try RunTelephone())
        let subscribing = try alice.start("subscribe", ["uri": "sip:bob@127.0.0.1:\(bob.port)", "event": "presence"])
        _ = try self.tells(bob, 1, "active;expires=600", "<presence/>")
        let name = try #require(try alice.wait("done", id: subscribing)["subscription"] as? String)
        let told = try alice.wait("notified", ["subscription": name])
        #expect(told["text"] as? String == "<presence/>" && told["state"] as? String == "active")
        #expect(told["expires"] as? Int == 600 && told["package"] as? String == "presence")
        let ending = try alice.start("unsubscribe", ["subscription": name])
        #expect(try self.tells(bob, 2, "terminated;reason=timeout", expires: 0).first(.expires) == 0)
        _ = try alice.wait("done", id: ending)
        _ = try alice.wait("subscriptionEnded", ["subscription": name])
        #expect(alice.end() == 0)
    }

    @Test("A refusal is told with its status; names that mean nothing are told, too")
    func refused() throws {
        let (bob, alice) = (try RunTelephone(), try RunTelephone())
        let address = try bob.address()
        let failed = try alice.wait(
            "failed", id: try alice.start("subscribe", ["uri": address, "event": "presence"]))
        #expect(failed["status"] as? Int == 489 && failed["code"] as? String == "rejected")
        let outside = try alice.wait(
            "failed", id: try alice.start("refer", ["uri": address, "to": "sip:carol@127.0.0.1"]))
        #expect(outside["status"] as? Int == 403)
        let unknown = try alice.wait("error", id: try alice.start("unsubscribe", ["subscription": "x"]))
        #expect(unknown["reason"] as? String == "there is no subscription \"x\"")
        #expect([alice.end(), bob.end()] == [2, 0])
    }

    @Test("biloxi watch --once prints the state and ends; a refusal is the exit code 3")
    func watch() throws {
        let bob = try LoopbackPeer()
        let command = try RunningCommand(
            [
                "watch", "sip:bob@127.0.0.1:\(bob.port)", "presence", "--once", "--json", "--local", "udp:127.0.0.1:0",
            ])
        let request = try self.tells(bob, 1, "terminated;reason=timeout", "<presence/>", expires: 0)
        #expect(request.first(.expires) == 0)
        let result = command.finish()
        #expect(result.status == 0)
        #expect(result.events.map { $0["event"] as? String } == ["subscribed", "notified"])
        #expect(result.events.last?["text"] as? String == "<presence/>")
        let refusing = try RunTelephone()
        let refused = try RunningCommand(
            ["watch", try refusing.address(), "--local", "udp:127.0.0.1:0"]
        ).finish()
        #expect(refused.status == 3 && refused.errors.contains("489 Bad Event"))
        #expect(refusing.end() == 0)
    }
}
