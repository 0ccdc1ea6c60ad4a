import BiloxiKit

/// Connects two telephones: calls the first, and when that is answered lets it call the second (REFER, RFC 5589 §6).
func clickToCall(_ first: String, and second: String) async throws {
    try await withUserAgent(listener()) { agent in
        if let account = account() { try await agent.register(account) }
        say("calling \(first)")
        let call = try await agent.call(first, ringFor: .seconds(30))
        say("\(first) has answered and calls \(second)")
        var outcome: (status: Int, reason: String)?
        for try await report in try await call.refer(to: second) {
            outcome = report.response ?? outcome
            say("  \(outcome?.status ?? 0) \(outcome?.reason ?? "")")
        }
        say(outcome?.status == 200 ? "connected" : "not connected")
    }
}
