import BiloxiKit

/// Answers calls, listens until someone has spoken and paused, and says it back: where speech recognition and a voice
/// would stand. Sound comes and goes as samples at 16 kHz, whatever the telephone sends.
func voiceBot() async throws {
    try await withUserAgent(listener()) { agent in
        try await register(agent)
        try await agent.serve { invitation in
            let call = try await invitation.accept()
            try await call.play(.tone(880, for: .milliseconds(200)))
            let voice = call.audioOutput(sampleRate: 16_000)
            var spoken: [Int16] = []
            var quiet = 0
            for await frame in call.audio(sampleRate: 16_000) {
                let isLoud = frame.samples.contains { abs(Int($0)) > 1_500 }
                quiet = isLoud ? 0 : quiet + frame.samples.count
                if isLoud || !spoken.isEmpty { spoken += frame.samples }
                guard !spoken.isEmpty, quiet > 16_000 / 2 else { continue }
                try await voice.write(spoken)
                spoken = []
            }
        }
    }
}
