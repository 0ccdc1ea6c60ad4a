import Foundation
import SIPMessages
import Testing

@testable import biloxi

@Suite("What the log does not tell")
struct LogTests {
    @Test(
        "No log has a password, a nonce or a digest; identities show from debug downwards only",
        arguments: ["trace", "debug", "info", "notice", "warning", "error"])
    func keepsSecrets(level: String) throws {
        let office = try Office(arguments: ["--log-level", level])
        var nonces: [String] = []
        for (client, user) in [(office.alice, "alice"), (office.bob, "bob")] {
            let (response, nonce) = office.register(client, user)
            #expect(response?.status == 200)
            nonces.append(nonce)
        }
        let (refusal, nonce) = office.register(office.alice, "alice", password: "swordfish-9912")
        #expect(refusal?.status == 401)
        try office.call("call-of-\(level)")
        _ = try office.directory.write("domains: [office.test]\nlogLevle: info\n", to: "f.yaml")
        #expect(try RunningCommand.run("reload", "--data", office.data).status == 1)
        _ = try RunningCommand.run(
            "user", "passwd", "bob@\(Office.domain)", "--data", office.data,
            environment: ["BILOXI_PASSWORD": "changed-5566"])
        let result = office.server.finish(SIGTERM)
        #expect(result.status == 0)
        let secrets =
            Array(Office.passwords.values) + ["swordfish-9912", "changed-5566", nonce, "response=", "Digest "]
            + nonces
        #expect(nonces.allSatisfy { !$0.isEmpty } && !nonce.isEmpty)
        for secret in secrets { #expect(!result.errors.contains(secret), "\(secret)") }
        if level == "trace" || level == "debug" {
            #expect(result.errors.contains("\"callID\":\"call-of-\(level)\""))
        } else {
            for identity in ["alice", "bob@", "call-of-", "fromalice", "tobob"] {
                #expect(!result.errors.contains(identity), "\(identity)")
            }
        }
        // One JSON object a line, with the same members, and the wrong file is told of.
        let lines = result.errors.split(separator: "\n")
        for line in lines {
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8))
            let record = try #require(object as? [String: Any], "\(line)")
            for name in ["time", "level", "from", "message"] { #expect(record[name] is String, "\(line)") }
        }
        #expect(lines.contains { $0.contains("configuration kept") })
    }
}
