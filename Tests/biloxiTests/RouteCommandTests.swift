import Foundation
import SIPMessages
import Testing

@testable import biloxi

@Suite("biloxi route")
struct RouteCommandTests {
    private let directory: TestDirectory
    private let file: String
    private var data: String { self.directory.path + "/data" }

    init() throws {
        self.directory = try TestDirectory()
        self.file = try self.directory.write(
            """
            domains: [a.test]
            listen: ["udp:127.0.0.1:0"]
            trunks: { pstn: { targets: ["sip:127.0.0.1:9", "sip:gw.example"], lines: 2, probe: 0 } }
            routes:
              - { match: "9*", to: "trunk:pstn", strip: 1, prepend: "+" }
              - { match: "666", reject: { status: 603, reason: Nobody Is Evil Here } }
              - { match: "3*", redirect: { contacts: "sip:x@b.test" } }
              - { match: "88", to: "service:echo" }
            users: { carol: { redirect: { status: 301, contacts: "sip:carol@new.test" } } }
            """, to: "f.yaml")
    }

    private func route(_ arguments: String...) throws -> RunningCommand.Result {
        try RunningCommand(["route", "--config", self.file, "--data", self.data] + arguments).finish()
    }

    @Test("Without a server the configuration says where a call goes, and why")
    func configuration() throws {
        let trunk = try self.route("9123", "--from", "alice")
        #expect(
            trunk.lines == [
                "sip:9123@a.test, called by alice@a.test", "  route 1 (match: \"9*\") leads to trunk:pstn",
                "  trunk pstn dials +123", "    1. sip:+123@127.0.0.1:9", "    2. sip:+123@gw.example",
            ])
        #expect(trunk.status == 0)
        let refused = try self.route("sip:666@a.test")
        #expect(refused.lines.last == "  it is refused: 603 Nobody Is Evil Here")
        #expect(refused.status == 3)
        let elsewhere = try self.route("sip:x@b.test")
        #expect(elsewhere.lines.last == "  it goes to sip:x@b.test, found by the DNS where that is a name")
        #expect(elsewhere.status == 0)
    }

    @Test(
        "The exit code says what would become of the call",
        arguments: [
            ("9123", nil, 3), ("9123", "bob@other.test", 3), ("9123", "trunk:pstn", 3), ("9123", "alice", 0),
            ("bob", nil, 7), ("carol", nil, 0),
            ("echo", nil, 0), ("88", nil, 0), ("sip:", nil, 2), ("31", "trunk:pst", 2), ("tel:+1", "alice", 3),
        ] as [(String, String?, Int32)])
    func exits(uri: String, from: String?, status: Int32) throws {
        let arguments =
            ["route", "--config", self.file, "--data", self.data, uri] + (from.map { ["--from", $0] } ?? [])
        #expect(try RunningCommand(arguments).finish().status == status)
    }

    @Test("A running server answers with what it knows, as one JSON object")
    func server() throws {
        let server = try RunningCommand(["serve", "--config", self.file, "--data", self.data])
        #expect(server.wait(for: "ready"))
        let result = try self.route("9123", "--from", "alice", "--json")
        let event = try #require(result.events.first)
        #expect(event["event"] as? String == "route")
        #expect(event["answeredBy"] as? String == "server")
        #expect(event["outcome"] as? String == "trunk")
        #expect(event["number"] as? String == "+123")
        #expect(event["linesInUse"] as? Int == 0)
        #expect((event["targets"] as? [[String: Any]])?.first?["isUp"] as? Bool == true)
        #expect(result.status == 0)
        #expect(try self.route("bob").status == 7)
        #expect(server.finish(SIGTERM).status == 0)
    }
}
