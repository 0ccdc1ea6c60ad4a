import Foundation
import SIPMessages
import Testing

@testable import biloxi

@Suite("biloxi bans")
struct BansCommandTests {
    private func bans(_ office: Office, _ arguments: String...) throws -> RunningCommand.Result {
        try RunningCommand(["bans", "--data", office.data] + arguments).finish()
    }

    @Test("Who guesses passwords and answers our challenges is banned over UDP too, shown, and let in again")
    func showsAndLifts() throws {
        let office = try Office("bans: { wrongCredentials: 2, duration: 500 }\n")
        #expect(try self.bans(office).lines == ["nobody is kept out"])
        let guesser = try SIPClient(server: office.port)
        for _ in 0..<3 {
            let (refusal, _) = office.register(guesser, "alice", password: "guess")
            #expect(refusal?.status == 401)
        }
        let shown = try self.bans(office)
        let line = try #require(shown.lines.first)
        #expect(line.hasPrefix("127.0.0.1 banned for ") && line.hasSuffix(" s more: wrong credentials"))
        #expect(shown.status == 0)
        let json = try self.bans(office, "--json").lines.first ?? ""
        let object = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(object["source"] as? String == "127.0.0.1" && object["sanction"] as? String == "banned")

        #expect(try self.bans(office, "--lift", "127.0.0.1").status == 0)
        #expect(try self.bans(office).lines == ["nobody is kept out"])
        let twice = try self.bans(office, "--lift", "127.0.0.1")
        #expect(twice.status == 1 && twice.errors.contains("127.0.0.1 is not kept out"))
        #expect(try self.bans(office, "--lift", "nonsense").status == 2)
        #expect(office.server.finish(SIGTERM).status == 0)
    }

    @Test("Without a server it ends with 7")
    func needsServer() throws {
        let directory = try TestDirectory()
        #expect(try RunningCommand(["bans", "--data", directory.path]).finish().status == 7)
    }
}
