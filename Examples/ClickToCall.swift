import BiloxiKit

/// Connects two telephones: calls the first, and when that is answered lets it call the second (REFER, RFC 5589 §6).
func clickToCall(_ first: String, and second: String) async throws {
    try await withUserAgent(listener()) { agent in
        if let account = account() { try await agent.register(account) }
        say("calling \(first)")
        let call = try await agent.call(first, ringFor: .seconds(30))
        say("\(first) has answered and calls \(second)")
        async let told: Void = {
            for await case .transferProgress(let status, let reason) in call.events { say("  \(status) \(reason)") }
        }()
        do {
            try await call.transfer(to: second)
            say("connected")
        } catch let error as SIPError {
            say("not connected: \(error)")
            await call.hangUp()
        }
        await told
    }
}
