import BiloxiKit
import Foundation
import Testing

@Suite("Recordings of calls", .timeLimit(.minutes(5)))
struct RecordingTests {
    @Test("A recording holds all that was heard, also what came in the last second")
    func isComplete() async throws {
        var settings = UserAgentSettings()
        settings.mediaPorts = 30_000...39_999
        let path = FileManager.default.temporaryDirectory.appending(component: "\(UUID()).wav")
        defer { try? FileManager.default.removeItem(at: path) }
        let frames = 60
        let handler: @Sendable (Invitation) async throws -> Void = { invitation in
            let call = try await invitation.accept()
            try? await call.play(.tone(440))
        }
        try await withUserAgent(.udp("127.0.0.1", 0), settings: settings, answering: handler) { [settings] bob in
            try await withUserAgent(.udp("127.0.0.1", 0), settings: settings) { alice in
                let call = try await alice.call("sip:bob@127.0.0.1:\(try #require(bob.port("udp")))")
                let recording = Task { try await call.record(to: path.path) }
                while !FileManager.default.fileExists(atPath: path.path) { await Task.yield() }
                var heard = 0
                for await _ in call.audio() {
                    heard += 1
                    if heard == frames { break }
                }
                await call.hangUp()
                try await recording.value
            }
        }
        let file = try Data(contentsOf: path)
        // The header is of 44 octets, and its last four are the octets behind it.
        let octets = (0..<4).reduce(0) { $0 | Int(file[40 + $1]) << (8 * $1) }
        #expect(file.count == 44 + octets)
        // 20 ms each; of the last we may have heard before the recording did.
        #expect(octets / 2 >= (frames - 1) * 160)
    }
}
