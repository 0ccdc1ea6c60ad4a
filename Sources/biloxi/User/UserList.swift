import ArgumentParser
import Foundation
import Persistence

/// `biloxi user list`
struct UserList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the users.")

    @OptionGroup var common: CommonOptions

    mutating func run() throws {
        let directory = try UserDirectory(self.common)
        for subscriber in try withExitStatus({ try directory.database.subscribers() }) {
            let created = Date(timeIntervalSince1970: Double(subscriber.createdAt) / 1000).ISO8601Format()
            var algorithms: [JSONValue] = []
            if subscriber.secrets.sha512_256 != nil { algorithms.append("SHA-512-256") }
            if subscriber.secrets.sha256 != nil { algorithms.append("SHA-256") }
            if subscriber.secrets.md5 != nil { algorithms.append("MD5") }
            var members: [String: JSONValue] = [
                "aor": .string(subscriber.aor), "created": .string(created), "algorithms": .array(algorithms),
            ]
            if let name = subscriber.displayName { members["displayName"] = .string(name) }
            self.common.output.emit(
                "user", members,
                text: subscriber.aor + (subscriber.displayName.map { "  \"\($0)\"" } ?? ""))
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self = .string(value) }
}
