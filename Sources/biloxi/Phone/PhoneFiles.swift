import BiloxiKit
import Foundation
import PhoneUI
import Yams

/// What a telephone keeps, where programs of its user keep such (XDG Base Directory): accounts and contacts in
/// `$XDG_CONFIG_HOME/biloxi/phone.yaml`, calls and messages in `$XDG_STATE_HOME/biloxi`. Only the user may read them.
struct PhoneFiles: Sendable {
    /// The file of accounts and contacts.
    struct Settings: Codable, Equatable {
        struct Account: Codable, Equatable {
            var address: String
            var password: String?
            var passwordFile: String?
            var username: String?
            var displayName: String?
            var registrar: String?
            var proxy: String?
        }

        struct Contact: Codable, Equatable {
            var name: String
            var address: String
        }

        var accounts: [Account]?
        var contacts: [Contact]?
    }

    /// A line of the files of calls and messages.
    private struct CallLine: Codable {
        var direction: String, peer: String, name: String, began: String
        var seconds: Int64
        var outcome: String
    }

    private struct MessageLine: Codable {
        var peer: String, text: String, time: String
        var isOurs: Bool
        var problem: String?
    }

    let settingsPath: String
    let folder: String
    /// Octets of such a file that are read; what is before them is older than anybody looks for.
    private static let readLimit = 1 << 20
    /// How many octets a file may have before the next start cuts it down.
    private static let fileLimit = 16 * Self.readLimit

    init(environment: [String: String]) throws(CommandError) {
        func base(_ name: String, _ standard: String) throws(CommandError) -> String {
            if let base = environment[name], base.hasPrefix("/") { return base + "/biloxi" }
            guard let home = environment["HOME"], home.hasPrefix("/") else {
                throw CommandError(.usage, "there is no place for what the telephone keeps: set HOME or \(name)")
            }
            return "\(home)/\(standard)/biloxi"
        }
        self.settingsPath = try base("XDG_CONFIG_HOME", ".config") + "/phone.yaml"
        self.folder = try base("XDG_STATE_HOME", ".local/state")
    }

    var recordings: String { self.folder + "/recordings" }

    /// Makes the folders.
    func prepare() throws(CommandError) {
        for path in [self.folder, self.recordings] {
            do {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw CommandError(.failed, "\(path) cannot be made: \(error.localizedDescription)")
            }
        }
    }

    // MARK: Settings

    func settings() throws(CommandError) -> Settings {
        guard let data = FileManager.default.contents(atPath: self.settingsPath) else {
            guard FileManager.default.fileExists(atPath: self.settingsPath) else { return Settings() }
            throw CommandError(.usage, "\(self.settingsPath) cannot be read: see who owns it")
        }
        let text = String(decoding: data, as: UTF8.self)
        guard text.contains(where: { !$0.isWhitespace }) else { return Settings() }
        do {
            return try YAMLDecoder().decode(Settings.self, from: text)
        } catch {
            throw CommandError(
                .usage,
                "\(self.settingsPath): \(Self.text(of: error)); it holds accounts: [{address, passwordFile}] and contacts: [{name, address}]"
            )
        }
    }

    private static func text(of error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, let context):
            "\(key.stringValue) is missing in \(context.codingPath.map(\.stringValue).joined(separator: "."))"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            context.codingPath.map(\.stringValue).joined(separator: ".") + " " + context.debugDescription
        default: "\(error)"
        }
    }

    /// Changes the settings as they are in the file now, for somebody else may have changed them.
    func change(_ body: (inout Settings) -> Void) throws(CommandError) {
        var settings = try self.settings()
        body(&settings)
        do {
            let text = try YAMLEncoder().encode(settings)
            let folder = (self.settingsPath as NSString).deletingLastPathComponent
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try Self.replace(self.settingsPath, with: Array(text.utf8))
        } catch {
            throw CommandError(.failed, "\(self.settingsPath) cannot be written: \(error.localizedDescription)")
        }
    }

    /// Puts another file in the place of one, at once, readable for its user alone.
    private static func replace(_ path: String, with octets: [UInt8]) throws {
        let draft = path + ".new"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteNoPermission) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try file.write(contentsOf: Data(octets))
        try file.synchronize()
        guard rename(draft, path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    /// The accounts of the file with their passwords.
    func accounts(_ settings: Settings) throws(CommandError) -> [BiloxiKit.Account] {
        var accounts: [BiloxiKit.Account] = []
        for given in settings.accounts ?? [] {
            var account = BiloxiKit.Account(given.address, password: given.password)
            if let file = given.passwordFile {
                guard file != "-" else {
                    throw CommandError(.usage, "\(self.settingsPath): passwordFile of \(given.address) must be a file")
                }
                account.password = try Password.given(file: (file as NSString).expandingTildeInPath)
            }
            account.username = given.username
            account.displayName = given.displayName
            account.registrar = given.registrar
            account.proxy = given.proxy
            accounts.append(account)
        }
        return accounts
    }

    // MARK: Calls and messages

    private var callsPath: String { self.folder + "/calls.ndjson" }
    private var messagesPath: String { self.folder + "/messages.ndjson" }

    func history() -> [PhoneHistoryEntry] {
        Self.lines(self.callsPath, CallLine.self).compactMap { line in
            guard let direction = PhoneHistoryEntry.Direction(rawValue: line.direction) else { return nil }
            return PhoneHistoryEntry(
                direction, peer: line.peer, name: line.name, began: line.began, seconds: line.seconds,
                outcome: line.outcome)
        }
    }

    func messages() -> [PhoneMessage] {
        Self.lines(self.messagesPath, MessageLine.self).map { line in
            let state: PhoneMessage.State = line.isOurs ? line.problem.map { .failed($0) } ?? .sent : .received
            return PhoneMessage(peer: line.peer, text: line.text, time: line.time, state: state)
        }
    }

    /// - Returns: What is wrong, where it cannot be kept.
    func append(_ entry: PhoneHistoryEntry) -> String? {
        let line = CallLine(
            direction: entry.direction.rawValue, peer: entry.peer, name: entry.name, began: entry.began,
            seconds: entry.seconds, outcome: entry.outcome)
        return Self.append(line, to: self.callsPath)
    }

    /// - Returns: What is wrong, where it cannot be kept.
    func append(_ message: PhoneMessage) -> String? {
        var line = MessageLine(peer: message.peer, text: message.text, time: message.time, isOurs: message.isOurs)
        if case .failed(let reason) = message.state { line.problem = reason }
        return Self.append(line, to: self.messagesPath)
    }

    private static func append(_ value: some Encodable, to path: String) -> String? {
        guard let data = try? JSONEncoder().encode(value) else { return "\(path): it has no form in JSON" }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return "\(path) cannot be written: \(String(cString: strerror(errno)))" }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        // It is cut down when the telephone begins; until then nobody shall fill the disk with messages.
        guard lseek(descriptor, 0, SEEK_END) < off_t(Self.fileLimit) else { return "\(path) is full" }
        do {
            try file.write(contentsOf: data + [0x0A])
            return nil
        } catch {
            return "\(path) cannot be written: \(error.localizedDescription)"
        }
    }

    /// The lines of the end of a file. A file that has grown far beyond what is read is cut down to that.
    private static func lines<Line: Decodable>(_ path: String, _ type: Line.Type) -> [Line] {
        guard let file = FileHandle(forReadingAtPath: path), let size = try? file.seekToEnd() else { return [] }
        let start = size > UInt64(Self.readLimit) ? size - UInt64(Self.readLimit) : 0
        guard (try? file.seek(toOffset: start)) != nil, let data = try? file.readToEnd() else { return [] }
        let lines = data.split(separator: 0x0A).dropFirst(start > 0 ? 1 : 0)
        if size > UInt64(4 * Self.readLimit) {
            try? Self.replace(path, with: Array(lines.joined(separator: [0x0A])) + [0x0A])
        }
        let decoder = JSONDecoder()
        // One that was cut off by a power failure is passed over.
        return lines.compactMap { try? decoder.decode(Line.self, from: Data($0)) }
    }
}
