import Persistence
import Testing

@testable import biloxi

@Suite("Accounts and passwords as they are typed")
struct AccountTests {
    @Test(
        "A user is named with or without domain and scheme",
        arguments: [
            ("alice", "alice@biloxi.localhost"), ("alice@Example.TEST", "alice@example.test"),
            ("sip:alice@example.test", "alice@example.test"), ("sips:Alice@example.test", "Alice@example.test"),
            ("+4930123", "+4930123@biloxi.localhost"), ("a%6Cice@example.test", "alice@example.test"),
            ("alice@[2001:db8::1]", "alice@2001:db8::1"),
        ])
    func parses(text: String, aor: String) throws {
        #expect(try Account(text, defaultDomain: "biloxi.localhost").aor == aor)
    }

    @Test(
        "What no phone could use is refused as usage",
        arguments: [
            "", "@example.test", "alice@", "al ice", "a:b@example.test", "a%3Ab@example.test",
            "alice@example.test:5060",
            "alice@example.test;x=1", "alice@example.test?x=1", "<sip:alice@example.test>", "a%22b", "a%0Ab",
        ])
    func refuses(text: String) {
        let error = #expect(throws: CommandError.self) { try Account(text, defaultDomain: "biloxi.localhost") }
        #expect(error?.status == .usage)
    }

    @Test("The secrets are H(user:realm:password) with the domain as the realm (RFC 7616 §3.4.2)")
    func makesSecrets() throws {
        // printf 'bob:biloxi.com:zanzibar' | md5sum, sha256sum, and openssl dgst -sha512-256
        let secrets = try Account("bob@biloxi.com", defaultDomain: "").secrets(password: "zanzibar")
        func hex(_ octets: [UInt8]?) -> String {
            (octets ?? []).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        #expect(hex(secrets.md5) == "12af60467a33e8518da5c68bbff12b11")
        #expect(hex(secrets.sha256) == "e65db393e748c5228939a6b4b2879e9ea5625cd79fd5267868cb568d69f6b97e")
        #expect(hex(secrets.sha512_256) == "a969680ab364e333ec5c93ff823d570a79841c8d40270655dd42f37b755dfc38")
    }

    @Test("A new password has 15 letters out of 31 that cannot be confused: 74 bits")
    func generatesPasswords() {
        let passwords = (0..<200).map { _ in Password.generate() }
        #expect(Set(passwords).count == 200)
        for password in passwords {
            let groups = password.split(separator: "-")
            #expect(groups.map(\.count) == [5, 5, 5])
            #expect(password.allSatisfy { $0 == "-" || Password.alphabet.contains($0) })
        }
        #expect(Set(passwords.joined()) == Set(Password.alphabet + ["-"]))
        #expect(!Password.alphabet.contains { "il1o0".contains($0) })
    }

    @Test(
        "A password is the first line of its file",
        arguments: [
            ("secret", "secret"), ("secret\n", "secret"), ("secret\r\nmore\n", "secret"), (" a b \n", " a b "),
            ("pä\n", "pä"),
        ])
    func readsFile(content: String, password: String) throws {
        let directory = try TestDirectory()
        let file = try directory.write(content, to: "password")
        #expect(try Password.given(file: file, environment: ["BILOXI_PASSWORD": "other"]) == password)
    }

    @Test("An empty or missing password file is an error, not an empty password", arguments: ["", "\n", "\r\n"])
    func refusesEmptyFile(content: String) throws {
        let directory = try TestDirectory()
        let file = try directory.write(content, to: "password")
        #expect(throws: CommandError.self) { try Password.given(file: file, environment: [:]) }
        #expect(throws: CommandError.self) { try Password.given(file: file + "x", environment: [:]) }
    }

    @Test("Without a file the environment gives the password, or no one does")
    func readsEnvironment() throws {
        #expect(try Password.given(file: nil, environment: ["BILOXI_PASSWORD": "x"]) == "x")
        #expect(try Password.given(file: nil, environment: [:]) == nil)
        #expect(throws: CommandError.self) { try Password.given(file: nil, environment: ["BILOXI_PASSWORD": ""]) }
    }
}
