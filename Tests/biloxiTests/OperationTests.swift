import Foundation
import GRDB
import OperationsHTTP
import Persistence
import SIPMessages
import Testing

@testable import biloxi

@Suite("Operating the server")
struct OperationTests {
    @Test("A call between two phones is counted, recorded and shown")
    func recordsCalls() throws {
        let office = try Office()
        for (client, user) in [(office.alice, "alice"), (office.bob, "bob")] {
            #expect(office.register(client, user).0?.status == 200)
        }
        #expect(office.register(office.alice, "alice", password: "wrong").0?.status == 401)
        try office.call("a-call")

        let health = try #require(httpGet("/health", port: office.http))
        #expect(health.status == 200)
        #expect(health.body.contains("\"ready\":true"))
        let metrics = try #require(httpGet("/metrics", port: office.http))
        #expect(metrics.status == 200)
        #expect(metrics.header.contains("content-type: text/plain; version=0.0.4"))
        for line in [
            "biloxi_requests_received_total{method=\"REGISTER\"} 6",
            "biloxi_requests_received_total{method=\"INVITE\"} 2", "biloxi_requests_sent_total{method=\"INVITE\"} 1",
            "biloxi_requests_sent_total{method=\"BYE\"} 1", "biloxi_authentication_total{result=\"accepted\"} 3",
            "biloxi_authentication_total{result=\"rejected\"} 1", "biloxi_registered_addresses 2",
            "biloxi_dialogs 0", "biloxi_calls_open 0", "biloxi_messages_received_total{transport=\"tcp\"} 0",
            "# TYPE biloxi_store_commit_seconds histogram",
        ] { #expect(metrics.body.split(separator: "\n").contains { $0 == line }, "\(line)") }
        #expect(httpGet("/other", port: office.http)?.status == 404)

        // The record is written by the time the server has ended.
        let ended = office.server.finish(SIGTERM)
        #expect(ended.status == 0)
        // To stop is no error, also not to who has asked by HTTP.
        #expect(!ended.errors.contains("\"level\":\"error\""), "\(ended.errors)")
        let calls = try RunningCommand.run("calls", "--json", "--data", office.data)
        let record = try #require(calls.events.first)
        #expect(calls.events.count == 1)
        #expect(record["event"] as? String == "call")
        #expect(record["caller"] as? String == "sip:alice@office.test")
        #expect(record["callee"] as? String == "sip:bob@office.test")
        #expect(record["callID"] as? String == "a-call")
        #expect(record["ending"] as? String == "caller")
        #expect(record["status"] as? Int == 200)
        #expect(record["toTag"] as? String == "tobob")
        #expect(record["source"] as? String == "127.0.0.1:\(office.alice.port)")
        #expect(record["answeredBy"] as? String == "127.0.0.1:\(office.bob.port)")
        #expect(record["target"] as? String == "sip:bob@127.0.0.1:\(office.bob.port)")
        let csv = try RunningCommand.run("calls", "--csv", "--data", office.data).output
        let lines = csv.components(separatedBy: "\r\n")
        #expect(lines.count == 3 && lines[2].isEmpty)
        #expect(lines[0].hasPrefix("started,rang,answered,ended,durationMilliseconds,ending,status,reason,caller"))
        #expect(lines[1].contains(",caller,200,,sip:alice@office.test,sip:bob@office.test,a-call,fromalice,tobob,"))
        let text = try RunningCommand.run("calls", "--since", "1h", "--data", office.data).output
        #expect(text.hasSuffix("sip:alice@office.test > sip:bob@office.test  200, the caller hung up\n"))
        #expect(try RunningCommand.run("calls", "--since", "2100-01-01", "--data", office.data).output.isEmpty)
        #expect(try RunningCommand.run("calls", "--since", "soon", "--data", office.data).status == 2)
    }

    @Test("A server that is stopped finishes what is in progress, and begins nothing new (RFC 3261 §21.5.4)")
    func stopsGracefully() throws {
        let office = try Office("shutdown: 30\n")
        #expect(office.register(office.bob, "bob").0?.status == 200)
        let target = "sip:bob@\(Office.domain)"
        _ = office.ask(
            office.alice, "alice", "INVITE", target, from: Office.aliceFrom, to: "<\(target)>", call: "ringing")
        let invite = try #require(office.bob.request(.invite))
        kill(office.server.processID, SIGTERM)
        // The signal and what is sent come by different ways: ask until the server has seen the signal.
        var health = httpGet("/health", port: office.http)
        for _ in 0..<10_000 where health?.status == 200 { health = httpGet("/health", port: office.http) }
        #expect(health?.status == 503)
        #expect(health?.body.contains("\"status\":\"stopping\"") == true)
        let other = try SIPClient(server: office.port)
        other.send(
            other.text(
                "OPTIONS", "sip:bob@\(Office.domain)", from: "<sip:x@y.test>;tag=1", to: "<\(target)>", call: "new",
                cseq: 1))
        let refusal = other.final()
        #expect(refusal?.status == 503)
        #expect(refusal?.values(named: "Retry-After") == ["5"])
        office.bob.respond("486 Busy Here", to: invite, tag: "tobob")
        #expect(office.alice.final()?.status == 486)
        let result = office.server.finish()
        #expect(result.status == 0)
        let calls = try RunningCommand.run("calls", "--json", "--data", office.data)
        #expect(calls.events.map { $0["status"] as? Int } == [486])
    }

    @Test("Asked to stop twice, it gives up what is in progress: the caller is told, and the call is recorded")
    func stopsAtOnce() throws {
        let office = try Office("shutdown: 300\n")
        #expect(office.register(office.bob, "bob").0?.status == 200)
        let target = "sip:bob@\(Office.domain)"
        _ = office.ask(
            office.alice, "alice", "INVITE", target, from: Office.aliceFrom, to: "<\(target)>", call: "ringing")
        _ = try #require(office.bob.request(.invite))
        kill(office.server.processID, SIGTERM)
        var health = httpGet("/health", port: office.http)
        for _ in 0..<10_000 where health?.status == 200 { health = httpGet("/health", port: office.http) }
        kill(office.server.processID, SIGINT)
        #expect(office.alice.final()?.status == 503)
        #expect(office.server.finish().status == 0)
        let calls = try RunningCommand.run("calls", "--json", "--data", office.data)
        #expect(calls.events.map { $0["ending"] as? String } == ["failed"])
        #expect(calls.events.map { $0["status"] as? Int } == [503])
    }

    @Test("OPTIONS to the server tells what it can do (RFC 3261 §11.2)")
    func answersOptions() throws {
        let office = try Office()
        office.alice.send(
            office.alice.text(
                "OPTIONS", "sip:\(Office.domain)", from: "<sip:x@y.test>;tag=1", to: "<sip:\(Office.domain)>",
                call: "options", cseq: 1))
        let answer = try #require(office.alice.final())
        #expect(answer.status == 200)
        let allow = answer.values(named: "Allow").joined(separator: ",")
        for method in ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER"] { #expect(allow.contains(method)) }
        #expect(answer.values(named: "Accept") == ["*/*"])
        #expect(answer.values(named: "Supported").joined().contains("path"))
        #expect(office.server.finish(SIGTERM).status == 0)
    }

    @Test(
        "A port that is taken is named, with what to do: of UDP, of TCP and of HTTP", arguments: ["udp", "tcp", "http"])
    func reportsBusyPorts(kind: String) throws {
        let office = try Office()
        let directory = try TestDirectory()
        let port = kind == "http" ? office.http : Int(office.port)
        // Two threads share a UDP port by SO_REUSEPORT, which would let a second server in unseen.
        var arguments = ["serve", "--threads", "2", "--data", directory.path + "/data"]
        switch kind {
        case "http": arguments += ["--listen", "udp:127.0.0.1:0", "--http", "127.0.0.1:\(port)"]
        case "udp": arguments += ["--listen", "udp:127.0.0.1:\(port)"]
        default: arguments += ["--listen", "tcp:127.0.0.1:\(office.http)"]
        }
        let result = try RunningCommand(arguments).finish()
        #expect(result.status == 1)
        let shown =
            kind == "http"
            ? "http 127.0.0.1:\(port)"
            : kind == "udp"
                ? "udp:127.0.0.1:\(port)"
                : "tcp:127.0.0.1:\(office.http)"
        #expect(result.errors.hasPrefix("biloxi: \(shown) is in use: stop the program that has it"))
        #expect(!result.output.contains("ready"))
        // Nobody has seen the passwords of the first users, so they are made again.
        let again = try RunningCommand(["serve", "--listen", "udp:127.0.0.1:0", "--data", directory.path + "/data"])
        #expect(again.nextLine()?.hasPrefix("First start") == true)
        #expect(again.finish(SIGTERM).status == 0)
        #expect(office.server.finish(SIGTERM).status == 0)
    }

    @Test("An address that this machine does not have is named", arguments: ["udp", "tcp"])
    func reportsForeignAddress(transport: String) throws {
        let directory = try TestDirectory()
        // RFC 5737: nobody has it.
        let result = try RunningCommand(
            ["serve", "--listen", "\(transport):192.0.2.1:5060", "--data", directory.path + "/data"]
        ).finish()
        #expect(result.status == 1)
        #expect(result.errors.hasPrefix("biloxi: \(transport):192.0.2.1:5060: this machine has no such address"))
        #expect(!result.output.contains("ready"))
    }

    @Test("A database of a newer version is left alone, and said to be one")
    func reportsNewerDatabase() throws {
        let directory = try TestDirectory()
        _ = try RunningCommand.run("user", "add", "alice", "--data", directory.path)
        let queue = try DatabaseQueue(path: directory.path + "/biloxi.db")
        try queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99 future')") }
        try queue.close()
        for arguments in [["serve", "--listen", "udp:127.0.0.1:0"], ["calls"], ["user", "list"]] {
            let result = try RunningCommand(arguments + ["--data", directory.path]).finish()
            #expect(result.status == 1)
            #expect(
                result.errors
                    == "biloxi: database \(directory.path)/biloxi.db was written by a newer version of biloxi:"
                    + " run that version, or name another directory with --data\n")
        }
    }

    @Test("A password comes through a pipe, as of <(…) in a shell")
    func readsPasswordFromPipe() throws {
        let directory = try TestDirectory()
        let pipe = directory.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        let command = try RunningCommand(
            ["user", "add", "alice@a.test", "--password-file", pipe, "--data", directory.path + "/data"])
        // Opening waits for the reader.
        let writer = try #require(FileHandle(forWritingAtPath: pipe))
        try writer.write(contentsOf: Data("piped".utf8))
        try writer.write(contentsOf: Data(" secret\nmore\n".utf8))
        try writer.close()
        let result = command.finish()
        #expect(result.output == "added alice@a.test\n")
        let stored = try ServerDatabase(path: directory.path + "/data/biloxi.db").subscriber("alice", domain: "a.test")
        #expect(stored?.secrets == (try Account("alice@a.test", defaultDomain: "").secrets(password: "piped secret")))
    }

    @Test(
        "A password file that is a directory, empty, missing or too long is refused", arguments: ["d", "e", "m", "l"])
    func refusesPasswordFiles(kind: String) throws {
        let directory = try TestDirectory()
        let path =
            switch kind {
            case "d": directory.path
            case "e": try directory.write("", to: "e")
            case "m": directory.path + "/missing"
            default: try directory.write(String(repeating: "x", count: 5000), to: "l")
            }
        let result = try RunningCommand.run(
            "user", "add", "alice", "--password-file", path, "--data", directory.path + "/data")
        #expect(result.status == 2)
        #expect(result.errors.hasPrefix("biloxi: password file \(path) "))
    }

    @Test("Where no server has been there are no calls, and nothing is made")
    func callsOfNobody() throws {
        let directory = try TestDirectory()
        let path = directory.path + "/nowhere"
        let result = try RunningCommand.run("calls", "--data", path)
        #expect(result.status == 1)
        #expect(
            result.errors == "biloxi: there is no database in \(path): name the server's directory with --data\n")
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("While nothing can be stored the server is not healthy, and says so; then it is again")
    func reportsFailingStorage() throws {
        let office = try Office()
        var configuration = GRDB.Configuration()
        configuration.busyMode = .timeout(10)
        let other = try DatabaseQueue(path: office.data + "/biloxi.db", configuration: configuration)
        try other.inDatabase { database in
            try database.execute(sql: "BEGIN IMMEDIATE")
            // What cannot be stored is not acknowledged.
            #expect(office.register(office.bob, "bob").0?.status.map { $0.number >= 500 } == true)
            let health = try #require(httpGet("/health", port: office.http))
            #expect(health.status == 503)
            #expect(health.body.contains("\"status\":\"storageFailing\""))
            try database.execute(sql: "ROLLBACK")
        }
        #expect(office.register(office.alice, "alice").0?.status == 200)
        #expect(httpGet("/health", port: office.http)?.status == 200)
        let result = office.server.finish(SIGTERM)
        #expect(result.errors.contains("the database could not be written"))
    }

    @Test("Moments are read as people write them")
    func readsTimes() throws {
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        #expect(try CallTime.parse("90m", now: now) == 1_799_994_600_000)
        #expect(try CallTime.parse("7d", now: now) == 1_799_395_200_000)
        #expect(try CallTime.parse("2026-01-31", now: now) == 1_769_817_600_000)
        #expect(try CallTime.parse("2026-01-31T12:00:00Z", now: now) == 1_769_860_800_000)
        #expect(throws: CommandError.self) { try CallTime.parse("yesterday", now: now) }
        #expect(CallTime.text(1_769_860_800_250) == "2026-01-31T12:00:00.250Z")
    }
}
