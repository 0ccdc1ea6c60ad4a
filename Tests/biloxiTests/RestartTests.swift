import Foundation
import GRDB
import SIPMessages
import Testing

@testable import biloxi

@Suite("A server that is killed and started again")
struct RestartTests {
    /// Starts the server of an office again, at the port that it had.
    private func restart(_ office: Office, _ arguments: [String] = []) throws -> RunningCommand {
        _ = office.server.finish(SIGKILL)
        let server = try RunningCommand(
            [
                "serve", "--json", "--config", office.file, "--data", office.data, "--listen",
                "udp:127.0.0.1:\(office.port)",
            ] + arguments)
        _ = try #require(server.nextLine())
        return server
    }

    @Test(
        "A registration that was answered with 200 is there afterwards, unless storage is memory",
        arguments: ["sqlite", "memory"])
    func registrations(storage: String) throws {
        let office = try Office(arguments: ["--storage", storage])
        #expect(office.register(office.bob, "bob").0?.status == 200)
        let server = try self.restart(office, ["--storage", storage])
        let target = "sip:bob@\(Office.domain)"
        _ = office.ask(
            office.alice, "alice", "INVITE", target, from: Office.aliceFrom, to: "<\(target)>", call: "after")
        if storage == "sqlite" {
            let invite = try #require(office.bob.request(.invite))
            office.bob.respond("486 Busy Here", to: invite, tag: "tobob")
            #expect(office.alice.final()?.status == 486)
        } else {
            #expect(office.alice.final()?.status == 480)
        }
        // The users are kept in both cases.
        #expect(office.register(try SIPClient(server: office.port), "alice").0?.status == 200)
        #expect(server.finish(SIGTERM).status == 0)
        let calls = try RunningCommand.run("calls", "--json", "--data", office.data)
        #expect(calls.events.count == (storage == "sqlite" ? 1 : 0))
    }

    @Test("A call that goes on when the server is killed is recorded all the same, once it runs again")
    func recordsInterruptedCalls() throws {
        let office = try Office()
        #expect(office.register(office.bob, "bob").0?.status == 200)
        try office.call("ended")
        _ = try office.connect("interrupted")
        let database = try DatabaseQueue(path: office.data + "/biloxi.db")
        func openCalls() throws -> Int {
            try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM open_calls") ?? 0 }
        }
        // Nobody who calls waits for the record: ask until it is there, and nothing else.
        func isWritten() throws -> Bool {
            let ended = try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM calls") ?? 0 }
            return try openCalls() == 1 && ended == 1
        }
        for _ in 0..<10_000 where try !isWritten() {}
        #expect(try isWritten())
        let again = try self.restart(office)
        let calls = try RunningCommand.run("calls", "--json", "--data", office.data)
        #expect(calls.events.map { $0["callID"] as? String } == ["ended", "interrupted"])
        let record = try #require(calls.events.last)
        #expect(record["ending"] as? String == "serverRestarted")
        #expect(record["status"] as? Int == 200)
        #expect(record["toTag"] as? String == "tobob")
        #expect(record["answeredBy"] as? String == "127.0.0.1:\(office.bob.port)")
        #expect(try openCalls() == 0)
        #expect(again.finish(SIGTERM).status == 0)
    }
}
