import BiloxiKit

/// Connects two telephones: calls the first, and when that is answered lets it call the second (REFER, RFC 5589 §6).
func clickToCall(_ first: String, and second: String) async throws {
    try await withUserAgent { agent in
        if let account = account() { try await agent.register(account) }
        print("calling \(first)")
        let call = try await agent.call(first, ringFor: .seconds(30))
        print("\(first) has answered and calls \(second)")
        async let told: Void = {
            for await case .transferProgress(let status, let reason) in call.events { print("  \(status) \(reason)") }
        }()
        do {
            try await call.transfer(to: second)
            print("connected")
        } catch let error as SIPError {
            print("not connected: \(error)")
            await call.hangUp()
        }
        await told
    }
}
