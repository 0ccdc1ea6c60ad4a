import Foundation
import PhoneUI
import Testing

@testable import biloxi

@Suite("What a telephone keeps")
struct PhoneFilesTests {
    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("Accounts and contacts are kept in a file that only their user may read, and changed one by one")
    func settings() throws {
        let directory = try TestDirectory()
        let files = try PhoneFiles(environment: ["XDG_CONFIG_HOME": directory.path, "XDG_STATE_HOME": directory.path])
        #expect(try files.settings() == PhoneFiles.Settings())
        try files.change { $0.contacts = [.init(name: "Bob: \"B\"", address: "sip:bob@example.test")] }
        try files.change { $0.accounts = [.init(address: "sip:alice@example.test", password: "pa: ss")] }
        let settings = try files.settings()
        #expect(settings.contacts == [.init(name: "Bob: \"B\"", address: "sip:bob@example.test")])
        #expect(settings.accounts == [.init(address: "sip:alice@example.test", password: "pa: ss")])
        #expect(try files.accounts(settings).count == 1)
        #expect(try self.mode(files.settingsPath) == 0o600)
    }

    @Test("A file that makes no sense is a complaint that says what it holds")
    func broken() throws {
        let directory = try TestDirectory()
        let files = try PhoneFiles(environment: ["XDG_CONFIG_HOME": directory.path, "XDG_STATE_HOME": directory.path])
        try FileManager.default.createDirectory(atPath: directory.path + "/biloxi", withIntermediateDirectories: true)
        for text in ["contacts: [{name: Bob}]", "accounts: 7", "a: ["] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: files.settingsPath))
            let error = #expect(throws: CommandError.self) { try files.settings() }
            #expect(error?.message.contains("contacts: [{name, address}]") == true)
        }
        #expect(throws: CommandError.self) { try PhoneFiles(environment: [:]) }
    }

    @Test("Calls and messages are there again, a line that was cut off is passed over, and nobody else may read them")
    func records() throws {
        let directory = try TestDirectory()
        let files = try PhoneFiles(environment: ["XDG_CONFIG_HOME": directory.path, "XDG_STATE_HOME": directory.path])
        try files.prepare()
        let entry = PhoneHistoryEntry(
            .missed, peer: "sip:bob@example.test", name: "Bob", began: "2026-11-23T06:30:05Z", seconds: 0,
            outcome: "missed")
        let message = PhoneMessage(
            peer: "sip:bob@example.test", text: "one\ntwo", time: "2026-11-23T06:30:05Z", state: .failed("404"))
        #expect(files.append(entry) == nil && files.append(message) == nil)
        let path = files.folder + "/calls.ndjson"
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("{\"direction\":\"mis".utf8))
        #expect(files.history() == [entry])
        #expect(files.messages() == [message])
        #expect(try self.mode(path) == 0o600 && self.mode(files.recordings) == 0o700)
    }

    @Test("Without a terminal the telephone says what to use instead, and ends with 2")
    func noTerminal() throws {
        let result = try RunningCommand(["phone"], input: "").finish()
        #expect(result.status == 2)
        #expect(result.errors.contains("needs a terminal") && result.errors.contains("biloxi run"))
    }
}
