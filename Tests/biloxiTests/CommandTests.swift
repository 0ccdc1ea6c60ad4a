import Foundation
import Persistence
import ServerConfiguration
import Testing

@testable import biloxi

@Suite("The command as a process")
struct CommandTests {
    private let directory: TestDirectory
    private var data: String { self.directory.path + "/data" }

    init() throws { self.directory = try TestDirectory() }

    /// A server that has said it is ready. Port 0, so that tests do not meet.
    private func server(_ arguments: String..., environment: [String: String] = [:]) throws -> RunningCommand {
        try RunningCommand(
            ["serve", "--data", self.data, "--listen", "udp:127.0.0.1:0"] + arguments, environment: environment)
    }

    @Test(
        "--version and --help are no errors",
        arguments: [
            ["--version"], ["--help"], ["serve", "--help"], ["user", "add", "--help"], ["config", "check", "--help"],
        ])
    func helps(arguments: [String]) throws {
        let result = try RunningCommand(arguments).finish()
        #expect(result.status == 0)
        #expect(result.errors.isEmpty)
        #expect(!result.output.isEmpty)
    }

    @Test(
        "What the command line does not allow ends with 2, without output",
        arguments: [
            ["dance"], ["serve", "--dance"], ["serve", "--auth", "maybe"], ["user", "add"], ["config", "check"],
            ["user", "add", "alice", "--password", "secret"],
        ])
    func reportsUsage(arguments: [String]) throws {
        let result = try RunningCommand(arguments).finish()
        #expect(result.status == 2)
        #expect(result.output.isEmpty)
        #expect(!result.errors.isEmpty)
    }

    @Test("The first start makes two users with random passwords, prints what to type, and is ready")
    func startsFirst() throws {
        let server = try self.server("--json")
        var events: [[String: Any]] = []
        while let line = server.nextLine() {
            let event = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            events.append(event)
            if event["event"] as? String == "ready" { break }
        }
        #expect(events.compactMap { $0["aor"] as? String } == ["alice@biloxi.localhost", "bob@biloxi.localhost"])
        let passwords = events.compactMap { $0["password"] as? String }
        #expect(Set(passwords.map(\.count)) == [17])
        #expect(Set(passwords).count == 2)
        #expect(events.allSatisfy { $0["schema"] as? Int == 1 })
        let stored = try ServerDatabase(path: self.data + "/biloxi.db").subscriber("alice", domain: "biloxi.localhost")
        #expect(
            stored?.secrets
                == (try Account("alice", defaultDomain: "biloxi.localhost").secrets(password: passwords.first ?? "")))
        let result = server.finish(SIGTERM)
        #expect(result.status == 0)
        // No password is stored, and none is logged.
        for name in try FileManager.default.contentsOfDirectory(atPath: self.data) {
            let content = FileManager.default.contents(atPath: self.data + "/" + name) ?? Data()
            for password in passwords { #expect(content.range(of: Data(password.utf8)) == nil, "\(name)") }
        }
        for password in passwords { #expect(!result.errors.contains(password)) }

        let again = try self.server()
        #expect(again.nextLine() == "ready")
        #expect(again.finish(SIGTERM).status == 0)
    }

    @Test("For people, the first start says what to type into a phone")
    func tellsPeople() throws {
        let server = try self.server()
        var lines: [String] = []
        while let line = server.nextLine(), line != "ready" { lines.append(line) }
        _ = server.finish(SIGTERM)
        #expect(lines.first == "First start: two users were added. Their passwords are shown only now.")
        #expect(lines.contains("    user name   alice"))
        #expect(lines.contains("    domain      biloxi.localhost"))
        #expect(lines.contains("    address     sip:bob@biloxi.localhost"))
        let proxies = lines.filter { $0.hasPrefix("    proxy       127.0.0.1:") && $0.hasSuffix(", transport UDP") }
        #expect(proxies.count == 2)
        #expect(!proxies.contains { $0.contains(":0,") })
        #expect(lines.filter { $0.hasPrefix("    password    ") }.count == 2)
    }

    @Test("With a file no one is added unasked")
    func addsNoOneUnasked() throws {
        let file = try self.directory.write("domains: [a.test]\n", to: "f.yaml")
        let server = try self.server("--config", file)
        #expect(server.nextLine() == "ready")
        #expect(try RunningCommand.run("user", "list", "--data", self.data).output.isEmpty)
        #expect(server.finish(SIGTERM).status == 0)
    }

    @Test("An interrupted server ends with 130")
    func endsInterrupted() throws {
        let server = try self.server()
        #expect(server.wait(for: "ready"))
        #expect(server.finish(SIGINT).status == 130)
    }

    @Test("Users are added, listed, given passwords and removed without a server")
    func managesUsers() throws {
        let password = try self.directory.write("first secret\n", to: "password")
        let added = try RunningCommand.run(
            "user", "add", "alice@a.test", "--display-name", "Alice", "--password-file", password, "--data", self.data,
            "--json")
        #expect(added.status == 0)
        #expect(
            added.output
                == "{\"aor\":\"alice@a.test\",\"appliedTo\":\"database\",\"event\":\"userAdded\",\"schema\":1}\n")
        #expect(
            try RunningCommand.run("user", "add", "bob", "--data", self.data).lines.map { $0.prefix(9) }
                == ["added bob", "password "])
        let account = try Account("alice@a.test", defaultDomain: "")
        let database = try ServerDatabase(path: self.data + "/biloxi.db")
        #expect(
            try database.subscriber("alice", domain: "a.test")?.secrets == account.secrets(password: "first secret"))

        let twice = try RunningCommand.run("user", "add", "alice@a.test", "--data", self.data)
        #expect(twice.status == 1)
        #expect(twice.errors == "biloxi: user alice@a.test exists: change the password with biloxi user passwd\n")

        let changed = try RunningCommand.run(
            "user", "passwd", "alice@a.test", "--password-file", "-", "--data", self.data, input: "second secret\n")
        #expect(changed.output == "changed the password of alice@a.test\n")
        #expect(
            try database.subscriber("alice", domain: "a.test")?.secrets == account.secrets(password: "second secret"))
        _ = try RunningCommand.run(
            "user", "passwd", "alice@a.test", "--data", self.data, environment: ["BILOXI_PASSWORD": "third"])
        #expect(try database.subscriber("alice", domain: "a.test")?.secrets == account.secrets(password: "third"))

        #expect(
            try RunningCommand.run("user", "list", "--data", self.data).lines
                == ["alice@a.test  \"Alice\"", "bob@biloxi.localhost"])
        #expect(try RunningCommand.run("user", "remove", "alice@a.test", "--data", self.data).status == 0)
        let gone = try RunningCommand.run("user", "remove", "alice@a.test", "--data", self.data)
        #expect(gone.status == 1)
        #expect(gone.errors == "biloxi: there is no user alice@a.test: biloxi user list shows those there are\n")
    }

    @Test("A user that is added while the server runs is known to it at once")
    func addsToRunningServer() throws {
        let server = try self.server()
        #expect(server.wait(for: "ready"))
        let control = ControlClient(path: self.data + "/control.sock")
        #expect(try control.send(.status)?.status?["users"] == .number(2))
        let added = try RunningCommand.run("user", "add", "carol", "--data", self.data, "--json")
        #expect(added.events.first?["appliedTo"] as? String == "server")
        #expect(try control.send(.status)?.status?["users"] == .number(3))
        let result = server.finish(SIGTERM)
        #expect(result.errors.contains(" info serve: users changed users=3\n"))
        #expect(!result.errors.contains("carol"), "identities are logged at debug level only")
    }

    @Test("A second server on the same data is refused")
    func refusesSecondServer() throws {
        let server = try self.server()
        #expect(server.wait(for: "ready"))
        let second = try self.server().finish()
        #expect(second.status == 1)
        #expect(
            second.errors == "biloxi: a server runs on \(self.data) (process \(server.processID)): stop it, or name"
                + " another directory with --data\n")
        #expect(server.finish(SIGTERM).status == 0)
    }

    @Test("A reload takes a valid file and refuses a broken one, by command and by SIGHUP")
    func reloads() throws {
        let file = try self.directory.write("domains: [a.test]\n", to: "f.yaml")
        let server = try self.server("--config", file)
        #expect(server.wait(for: "ready"))
        let control = ControlClient(path: self.data + "/control.sock")

        _ = try self.directory.write("domains: [b.test]\nthreads: 2\nsegmentation: false\n", to: "f.yaml")
        let reloaded = try RunningCommand.run("reload", "--data", self.data)
        #expect(reloaded.lines == ["reloaded", "these hold when the server is started again: threads, segmentation"])
        #expect(try control.send(.status)?.status?["domains"] == .array(["b.test"]))

        _ = try self.directory.write("domains: [c.test]\nthread: 2\n", to: "f.yaml")
        let refused = try RunningCommand.run("reload", "--data", self.data)
        #expect(refused.status == 1)
        #expect(
            refused.errors == "biloxi: the server keeps its configuration:\n\(file):2:1: unknown key \"thread\":"
                + " did you mean \"threads\"?\n")
        #expect(try control.send(.status)?.status?["domains"] == .array(["b.test"]))

        _ = try self.directory.write("domains: [d.test]\n", to: "f.yaml")
        kill(server.processID, SIGHUP)
        // The signal and this request come by different ways: ask until the signal has been seen.
        var domains: JSONValue?
        for _ in 0..<10_000 where domains != .array(["d.test"]) {
            domains = try control.send(.status)?.status?["domains"]
        }
        #expect(domains == .array(["d.test"]))
        #expect(server.finish(SIGTERM).status == 0)
    }

    @Test("Without a server a reload ends with 7")
    func reportsNoServer() throws {
        let result = try RunningCommand.run("reload", "--data", self.data)
        #expect(result.status == 7)
        #expect(
            result.errors == "biloxi: no server runs on \(self.data): start one with biloxi serve, or name its --data\n"
        )
    }

    @Test("config check says what is wrong, on both channels, and ends with 2")
    func checksConfiguration() throws {
        let good = try self.directory.write("registrar: {minExpires: 60}\n", to: "good.yaml")
        #expect(try RunningCommand.run("config", "check", good).output == "\(good) is valid\n")
        let bad = try self.directory.write("registrar:\n  minExpire: 60\n", to: "bad.yaml")
        let result = try RunningCommand.run("config", "check", bad, "--json")
        #expect(result.status == 2)
        #expect(result.errors == "\(bad):2:3: unknown key \"minExpire\" in registrar: did you mean \"minExpires\"?\n")
        let problem = try #require((result.events.first?["problems"] as? [[String: Any]])?.first)
        #expect(problem["line"] as? Int == 2)
        #expect(problem["column"] as? Int == 3)
        #expect(try RunningCommand.run("config", "check", bad + "x").status == 2)
    }

    @Test("A certificate that cannot be read is named, with its place in the file")
    func reportsUnreadableCertificate() throws {
        let file = try self.directory.write("tls: {certificate: cert.pem, key: key.pem}\n", to: "f.yaml")
        _ = try self.directory.write("x", to: "key.pem")
        for arguments in [["config", "check", file], ["serve", "--config", file, "--data", self.data]] {
            let result = try RunningCommand(arguments).finish()
            #expect(result.status == (arguments[0] == "serve" ? 1 : 2))
            #expect(
                result.errors.hasSuffix(
                    "\(file):1:20: tls.certificate names \(self.directory.path)/cert.pem, which cannot be read (No such file"
                        + " or directory): name a file that exists and is readable for this user\n"))
        }
    }

    @Test(
        "serve names a wrong option, variable or key, and ends with 2",
        arguments: [
            (["--listen", "udp"], [:], "--listen: listen must be"),
            (["--threads", "many"], [:], "--threads: threads must be"),
            ([], ["BILOXI_PROXY_TIMERC": "9"], "BILOXI_PROXY_TIMERC: proxy.timerC must be"),
            (["--storage", "postgres"], [:], "--storage: storage must be sqlite or memory"),
            (["--config", "/nonexistent.yaml"], [:], "configuration /nonexistent.yaml cannot be read"),
        ] as [([String], [String: String], String)])
    func reportsWrongSettings(arguments: [String], environment: [String: String], message: String) throws {
        let result = try RunningCommand(["serve", "--data", self.data] + arguments, environment: environment).finish()
        #expect(result.status == 2)
        #expect(result.errors.hasPrefix("biloxi: \(message)"))
        #expect(result.output.isEmpty)
    }

    @Test("A data directory that cannot be used is explained")
    func reportsBadDirectory() throws {
        let file = try self.directory.write("", to: "file")
        let result = try RunningCommand.run("serve", "--data", file)
        #expect(result.status == 1)
        #expect(result.errors == "biloxi: data directory \(file) is a file: name a directory with --data\n")
    }

    @Test("config schema prints every key, as text and as a JSON Schema")
    func printsSchema() throws {
        #expect(try RunningCommand.run("config", "schema").output == ConfigurationSchema.text)
        #expect(try RunningCommand.run("config", "schema", "--json").output == ConfigurationSchema.json)
    }

    @Test(
        "Without --data the directory is that of the user's programs",
        arguments: [
            (["XDG_DATA_HOME": "/x"], "/x/biloxi"), (["HOME": "/home/u"], "/home/u/.local/share/biloxi"),
            (["XDG_DATA_HOME": "relative", "HOME": "/home/u"], "/home/u/.local/share/biloxi"), ([:], "biloxi-data"),
            (["BILOXI_DATA": "/srv", "HOME": "/home/u"], "/srv"),
        ])
    func choosesDirectory(environment: [String: String], path: String) throws {
        let settings = ServerSettings(configPath: nil, overrides: [], environment: environment)
        #expect(settings.dataPath(of: try settings.load().configuration) == path)
    }

    @Test(
        "The echo number is the one that a route leads to the echo service",
        arguments: [
            ("routes: [{match: echo, to: \"service:echo\"}]", "echo"), ("routes: []", nil),
            ("routes: [{match: [\"6*\", \"600\"], to: \"service:echo\"}]", "600"),
        ] as [(String, String?)])
    func findsEchoNumber(yaml: String, number: String?) throws {
        let loaded = try Configuration.load(yaml: yaml, path: "f", environment: [:], overrides: [])
        #expect(FirstRun.echoNumber(loaded.configuration) == number)
    }
}
