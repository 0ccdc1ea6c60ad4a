import BiloxiKit
import Foundation

/// Sends each line of standard input as a message, and prints those that come (RFC 3428).
func chat(with uri: String) async throws {
    let lines = AsyncStream<String> { lines in
        Thread.detachNewThread {
            while let line = readLine() { lines.yield(line) }
            lines.finish()
        }
    }
    try await withUserAgent(listener()) { agent in
        try await register(agent)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await message in agent.messages { say("\(message.from): \(message.text)") }
            }
            for await line in lines {
                do {
                    try await agent.message(uri, line)
                } catch let error as SIPError {
                    say("not sent: \(error)")
                }
            }
            group.cancelAll()
        }
    }
}
