import ArgumentParser
import CallRouting
import Foundation
import LocationService
import Persistence
import SIPMessages
import ServerConfiguration
import ServerCore
import SignallingTransport

/// `biloxi route`
struct RouteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route", abstract: "Say where a call would go, and why.",
        discussion: """
            Asks the running server, and where there is none the configuration and the stored registrations. Exit codes: \
            0 it would reach somebody, or be redirected; 3 it would be refused; 6 all lines are in use; 7 nobody is there.
            """)

    @Argument(help: "What is called: a URI, or a number or name in the first domain.")
    var uri: String

    @Option(help: ArgumentHelp("Who calls: a user, or trunk:NAME. Without it, a stranger.", valueName: "aor"))
    var from: String?

    @OptionGroup var common: CommonOptions

    mutating func run() throws {
        let settings = self.common.settings()
        let configuration = try settings.loadOrFail().configuration
        let question = RouteQuestion(uri: self.uri, from: self.from)
        let path = settings.dataPath(of: configuration)
        let client = ControlClient(path: path + "/control.sock")
        if let reply = try client.send(ControlRequest(request: .route, route: question)) {
            return try self.end(reply)
        }
        try self.end(
            RunningServer.explain(question, configuration, directory: path))
    }

    private func end(_ reply: ControlReply) throws(CommandError) {
        guard reply.ok, var members = reply.status, case .number(let exit)? = members.removeValue(forKey: "exit") else {
            throw CommandError(.usage, reply.messages.joined(separator: "\n"))
        }
        self.common.output.emit("route", members, text: reply.messages.joined(separator: "\n"))
        if let status = ExitStatus(rawValue: Int32(truncatingIfNeeded: exit)), status != .done {
            throw CommandError(status)
        }
    }
}

extension ControlReply {
    /// The answer to a question where a call goes.
    init(_ report: RouteReport) {
        var members = report.members
        members["exit"] = .number(Int(report.status.rawValue))
        self.init(ok: true, messages: report.lines, status: members)
    }
}

extension RunningServer {
    /// Where a call would go by what this server knows.
    func explain(_ question: RouteQuestion, _ configuration: Configuration) -> ControlReply {
        do {
            let caller = try question.caller(configuration)
            let uri = question.fullURI(configuration)
            let decision = try self.signalling.decide(uri, from: caller)
            return ControlReply(
                RouteReport(
                    uri, from: caller, decision, settings: try self.currentSettings(configuration),
                    bindings: { self.signalling.bindings(of: $0) }, trunks: self.signalling.trunkStatus(),
                    isRunning: true))
        } catch {
            return Self.failure(error, question)
        }
    }

    /// Where a call would go by configuration and store, without a server.
    static func explain(_ question: RouteQuestion, _ configuration: Configuration, directory: String) -> ControlReply {
        do {
            let caller = try question.caller(configuration)
            let uri = question.fullURI(configuration)
            let octets = Array(uri.utf8)
            let index = try URIIndex(parsing: octets.span, in: 0..<octets.count)
            // Only the routing of these settings counts; nobody is asked for a password here.
            let settings = try Self.routingSettings(configuration)
            let decision = settings.decide(index, octets.span, from: caller)
            return ControlReply(
                try RouteReport(
                    uri, from: caller, decision, settings: settings,
                    bindings: { try Self.storedBindings(of: $0, in: directory) }, trunks: [], isRunning: false))
        } catch {
            return Self.failure(error, question)
        }
    }

    private static func storedBindings(of aor: [UInt8], in directory: String) throws -> [KnownBinding] {
        let path = directory + "/biloxi.db"
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        let wall = Int64(Date().timeIntervalSince1970 * 1000)
        var bindings: [KnownBinding] = []
        try ServerDatabase(path: path).forEachBinding(at: wall) { record in
            if record.aor == aor { bindings.append(KnownBinding(record, wall: wall)) }
        }
        return bindings.sorted { $0.q > $1.q }
    }

    private static func failure(_ error: any Error, _ question: RouteQuestion) -> ControlReply {
        let message =
            switch error {
            case let error as CommandError: error.message
            case let error as SIPParseError: "\"\(question.uri)\" is no URI: \(error)"
            default: "\(error)"
            }
        return ControlReply(ok: false, messages: [message])
    }
}
