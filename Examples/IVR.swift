import BiloxiKit

/// A bank by telephone: a menu, a PIN, and a transfer to a human.
func ivr(prompts folder: String) async throws {
    @Sendable func prompt(_ name: String) -> Sound { .file("\(folder)/\(name).wav") }
    try await withUserAgent(.udp("0.0.0.0", 5070)) { agent in
        try await register(agent)
        try await agent.serve { invitation in  // One child task for each call.
            invitation.ring()
            let call = try await invitation.accept()
            for _ in 0..<3 {
                switch try await call.collect(1, timeout: .seconds(5), playing: prompt("menu")) {
                case "1":
                    return try await call.transfer(to: "sip:sales@example.test")
                case "2":
                    let pin = try await call.collect(4, timeout: .seconds(10), playing: prompt("pin"))
                    try await call.play(prompt(pin == "0000" ? "ok" : "wrong"))
                default:
                    continue  // Nothing pressed, or a key that means nothing: the menu again.
                }
            }
        }  // The handler has returned: BYE is sent for us.
    }
}
