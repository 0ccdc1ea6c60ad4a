import BiloxiKit
import SIPMessages
import Testing

@Suite("Subscriptions as sequences (RFC 6665)", .timeLimit(.minutes(5)))
struct SubscriptionTests {
    private func withAlice<Value>(
        _ body: (UserAgent, ScriptedNotifier) async throws -> Value
    ) async throws -> Value {
        var settings = UserAgentSettings()
        settings.address = "sip:alice@127.0.0.1"
        let bob = try ScriptedNotifier()
        return try await withUserAgent(.udp("127.0.0.1", 0), settings: settings) { try await body($0, bob) }
    }

    @Test("What is told comes in its order, with state and time; who leaves the loop has it ended (§4.1.2.3)")
    func told() async throws {
        try await self.withAlice { alice, bob in
            let script = bob.plays { bob in
                let first = try bob.answers()
                try bob.notifies(first, 1, "pending;expires=600")
                try bob.notifies(first, 2, "active;expires=600", "<presence>open</presence>")
                let last = try bob.answers("200 OK", ["Expires: 0"])
                try bob.notifies(first, 3, "terminated;reason=timeout")
                return (first.values(named: "Event"), first.values(named: "Accept"), last.first(.expires))
            }
            var told: [String] = []
            for try await notification in try await alice.subscribe(
                bob.address, to: "presence", accept: ["application/pidf+xml"])
            {
                let length = notification.expires.map { "\($0.components.seconds)" } ?? ""
                told.append("\(notification.state.rawValue) \(length) \(notification.contentType) \(notification.text)")
                #expect(notification.response == nil && notification.reason == nil)
                if notification.state == .active { break }
            }
            #expect(
                told == [
                    "pending 600  ", "active 600 application/pidf+xml <presence>open</presence>",
                ])
            let asked = try #require(await script.first { _ in true })
            #expect(asked == (["presence"], ["application/pidf+xml"], 0))
        }
    }

    @Test("The notifier ends it: the last notification says why, and the sequence is over (§4.1.3)")
    func over() async throws {
        try await self.withAlice { alice, bob in
            let script = bob.plays { bob in
                let first = try bob.answers("202 Accepted")
                try bob.notifies(first, 1, "terminated;reason=rejected;retry-after=7")
            }
            let subscription = try await alice.subscribe(bob.address, to: "dialog")
            var reasons: [String?] = []
            for try await notification in subscription {
                reasons.append(notification.reason)
                #expect(notification.state == .terminated && notification.retryAfter == .seconds(7))
            }
            #expect(reasons == ["rejected"])
            #expect(subscription.state == .terminated && subscription.event == "dialog")
            _ = await script.first { _ in true }
        }
    }

    @Test(
        "A refusal is a typed error with status and reason; Retry-After counts",
        arguments: [
            ("489 Bad Event", 489, .rejected), ("403 Forbidden", 403, .rejected), ("404 Not Found", 404, .notFound),
            ("503 Busy", 503, .serverError),
        ] as [(String, Int, SIPError.Code)])
    func refused(line: String, status: Int, code: SIPError.Code) async throws {
        try await self.withAlice { alice, bob in
            let script = bob.plays { try $0.answers(line, ["Retry-After: 9", "Warning: 399 bob \"not today\""]) }
            let error = await #expect(throws: SIPError.self) { try await alice.subscribe(bob.address, to: "presence") }
            #expect(error?.status == status && error?.code == code && error?.retryAfter == .seconds(9))
            #expect(error?.reason == String(line.dropFirst(4)) && error?.warnings == ["not today"])
            _ = await script.first { _ in true }
        }
    }

    @Test("What is no event package, and what is no address, is told before anything is sent")
    func invalid() async throws {
        try await self.withAlice { alice, bob in
            for (address, event) in [(bob.address, "pres ence"), (bob.address, ""), ("sip:", "presence")] {
                let error = await #expect(throws: SIPError.self) { try await alice.subscribe(address, to: event) }
                #expect(error?.code == .invalid)
            }
        }
    }

    @Test("At the end of the scope it is ended; a task that is cancelled leaves the loop")
    func scope() async throws {
        let bob = try ScriptedNotifier()
        let script = bob.plays { bob in
            let first = try bob.answers()
            try bob.notifies(first, 1, "active;expires=600", "<presence/>")
            let last = try bob.answers("200 OK", ["Expires: 0"])
            try bob.notifies(first, 2, "terminated;reason=timeout")
            return last.first(.expires)
        }
        var kept: Subscription?
        try await withUserAgent(.udp("127.0.0.1", 0)) { alice in
            let subscription = try await alice.subscribe(bob.address, to: "presence")
            let (counts, counted) = AsyncStream<Int>.makeStream()
            let task = Task {
                var count = 0
                for try await _ in subscription {
                    count += 1
                    counted.yield(count)
                }
                return count
            }
            _ = await counts.first { _ in true }
            task.cancel()
            #expect(try await task.value == 1)
            kept = subscription
        }
        #expect(await script.first { _ in true } == 0)
        #expect(kept?.state == .active || kept?.state == .terminated)
    }

    // MARK: REFER

    private static func settings(_ name: String) -> UserAgentSettings {
        var settings = UserAgentSettings()
        settings.address = "sip:\(name)@127.0.0.1"
        settings.mediaPorts = 50_000...59_999
        return settings
    }

    /// Lets Alice call Bob, who follows a transfer or declines it; Carol answers, or refuses with a status.
    private func withTransfer(
        carol status: Int? = nil, bobFollows: Bool, _ body: (Call, _ carol: String) async throws -> Void
    ) async throws {
        let listener = Listener.udp("127.0.0.1", 0)
        let bob: @Sendable (Invitation) async throws -> Void = { invitation in
            let call = try await invitation.accept()
            for await case .transferRequested(let transfer) in call.events {
                if bobFollows { try? await transfer.follow() } else { transfer.refuse() }
            }
        }
        let carol: @Sendable (Invitation) async throws -> Void = { invitation in
            if let status { return invitation.reject(status) }
            invitation.ring()
            await (try await invitation.accept()).ended()
        }
        try await withUserAgent(listener, settings: Self.settings("bob"), answering: bob) { bob in
            try await withUserAgent(listener, settings: Self.settings("carol"), answering: carol) { carol in
                try await withUserAgent(listener, settings: Self.settings("alice")) { alice in
                    let (first, second) = (try #require(bob.port("udp")), try #require(carol.port("udp")))
                    let call = try await alice.call("sip:bob@127.0.0.1:\(first)")
                    try await body(call, "sip:carol@127.0.0.1:\(second)")
                }
            }
        }
    }

    @Test(
        "The subscription of a REFER tells what the call comes to, and ends with that (RFC 3515 §2.4.4)",
        arguments: [nil, 486])
    func refer(status: Int?) async throws {
        try await self.withTransfer(carol: status, bobFollows: true) { call, carol in
            let subscription = try await call.refer(to: carol)
            #expect(subscription.event == "refer" && subscription.target == carol)
            var responses: [Int] = []
            for try await notification in subscription {
                #expect(notification.contentType == "message/sipfrag")
                if let response = notification.response { responses.append(response.status) }
            }
            #expect(responses.first == 100 && responses.last == status ?? 200)
            if status == nil { #expect(await call.ended()?.code == .ended) } else { #expect(call.end == nil) }
        }
    }

    @Test("A REFER that is declined throws (RFC 3515 §2.4.2)")
    func declined() async throws {
        try await self.withTransfer(bobFollows: false) { call, carol in
            let error = await #expect(throws: SIPError.self) { try await call.refer(to: carol) }
            #expect(error?.code == .declined && error?.status == 603)
            #expect(call.end == nil)
        }
    }

    @Test("Outside of calls somebody can be asked to call, who says no here")
    func outside() async throws {
        try await withUserAgent(.udp("127.0.0.1", 0), settings: Self.settings("bob")) { bob in
            try await withUserAgent(.udp("127.0.0.1", 0), settings: Self.settings("alice")) { alice in
                let port = try #require(bob.port("udp"))
                let error = await #expect(throws: SIPError.self) {
                    try await alice.refer("sip:bob@127.0.0.1:\(port)", to: "sip:carol@127.0.0.1")
                }
                #expect(error?.status == 403)
            }
        }
    }
}
