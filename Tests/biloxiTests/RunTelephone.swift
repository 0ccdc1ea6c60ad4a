import Foundation
import Testing

/// `biloxi run -`, as a harness sees it.
final class RunTelephone {
    let command: RunningCommand
    private var events: [[String: Any]] = []
    private var lastID = 0

    init(_ arguments: [String] = [], environment: [String: String] = [:]) throws {
        self.command = try RunningCommand(
            ["run", "-", "--local", "udp:127.0.0.1:0", "--media-ports", "40000-49999"] + arguments,
            environment: environment, isFed: true)
    }

    /// A user of an office.
    convenience init(_ user: String, of office: Office) throws {
        try self.init(
            ["--account", "sip:\(user)@\(Office.domain)", "--proxy", "127.0.0.1:\(office.port)"],
            environment: ["BILOXI_PASSWORD": Office.passwords[user] ?? ""])
    }

    /// Begins a command; returns its id.
    @discardableResult
    func start(_ verb: String, _ members: [String: Any] = [:]) throws -> Int {
        self.lastID += 1
        let object = members.merging(["do": verb, "id": self.lastID]) { $1 }
        let line = try JSONSerialization.data(withJSONObject: object)
        self.command.write(String(decoding: line, as: UTF8.self))
        return self.lastID
    }

    /// Waits for an event with these members; others wait for their turn.
    func wait(_ name: String, _ members: [String: String] = [:], id: Int? = nil) throws -> [String: Any] {
        func fits(_ event: [String: Any]) -> Bool {
            event["event"] as? String == name && (id == nil || event["id"] as? Int == id)
                && members.allSatisfy { "\(event[$0.key] ?? "")" == $0.value }
        }
        if let i = self.events.firstIndex(where: fits) { return self.events.remove(at: i) }
        while let line = self.command.nextLine() {
            let event = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            if fits(event) { return event }
            let isRefusal = ["failed", "error"].contains(event["event"] as? String)
            if name == "done", isRefusal, let id, event["id"] as? Int == id {
                throw Missing(description: "\(event) came in place of done")
            }
            self.events.append(event)
        }
        throw Missing(description: "no \(name) \(members) came, but \(self.events); \(self.command.errors)")
    }

    /// Does a command to its end.
    @discardableResult
    func does(_ verb: String, _ members: [String: Any] = [:]) throws -> [String: Any] {
        try self.wait("done", id: try self.start(verb, members))
    }

    /// Where it listens.
    func address() throws -> String {
        let listeners = try #require(try self.wait("ready")["listen"] as? [String])
        return "sip:bob@\(try #require(listeners.first).dropFirst("udp:".count))"
    }

    func end() -> Int32 {
        self.command.endInput()
        return self.command.finish().status
    }

    struct Missing: Error, CustomStringConvertible { let description: String }
}
