import BiloxiKit

/// A bank by telephone: a menu, then a human, or the balance for who knows the number of an account and its PIN. Keys come
/// as events, as tones, or by INFO: they are one stream here.
func ivr(prompts folder: String, human: String) async throws {
    @Sendable func prompt(_ name: String) -> Sound { .file("\(folder)/\(name).wav") }
    try await withUserAgent(listener()) { agent in
        try await register(agent)
        try await agent.serve { invitation in  // One child task for each call.
            invitation.ring()
            let call = try await invitation.accept()
            for _ in 0..<3 {
                switch try await call.collect(1, timeout: .seconds(5), playing: prompt("menu")) {
                case "1":
                    say("\(invitation.from) wants a human")
                    return try await call.transfer(to: human)
                case "2":
                    let number = try await call.collect(7, timeout: .seconds(10), playing: prompt("number"))
                    let pin = try await call.collect(4, timeout: .seconds(10), playing: prompt("pin"))
                    say("account \(number): \(pin == "0000" ? "the PIN is right" : "the PIN is wrong")")
                    try await call.play(prompt(pin == "0000" ? "ok" : "wrong"))
                default:
                    continue  // Nothing pressed, or a key that means nothing: the menu again.
                }
            }
        }  // The handler has returned: BYE is sent for us.
    }
}
