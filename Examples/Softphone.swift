import BiloxiKit

/// Calls someone, plays a file, presses some keys and says how it sounded.
func softphone(calling uri: String, playing file: String) async throws {
    try await withUserAgent(listener()) { agent in
        if let account = account() { try await agent.register(account) }
        do {
            let call = try await agent.call(uri, ringFor: .seconds(20))
            async let recording: Void = call.record(to: "reply.wav")
            try await call.play(.file(file))  // Returns when the last sample was sent.
            try await call.send(digits: "42#")
            await call.hangUp()
            try await recording
            say("MOS \(call.quality().mos), what was heard is in reply.wav")
        } catch let error as SIPError where error.code == .busy {
            say("busy: \(error)")
        }
    }  // Here nothing is left: BYE, un-REGISTER, sockets closed.
}
