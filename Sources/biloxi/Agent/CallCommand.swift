import ArgumentParser
import BiloxiKit

/// `biloxi call`
struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Call someone.",
        discussion: """
            The call ends when what was to be done is done, when --for is over, when the other side hangs up, or by \
            Ctrl-C. Exit codes: 0 it was answered and met all expectations; 3 rejected, 4 authentication, 5 nobody \
            answered, 6 busy or declined, 7 unreachable, 8 an expectation was not met, 9 server error.
            """)

    @Argument(help: "Whom to call: sip:bob@example.test, or bob alone with --account.")
    var uri: String

    @Option(help: ArgumentHelp("How long it may ring.", valueName: "time"))
    var timeout = TimeOption(.seconds(60))

    @Option(help: ArgumentHelp("Whom to transfer the other side to, when all else is done.", valueName: "uri"))
    var transfer: String?

    @Flag(help: "Call the target of --transfer first, and connect both when it has answered (attended transfer).")
    var consult = false

    @Option(help: ArgumentHelp("Whom to call too, so that all three hear each other.", valueName: "uri"))
    var conference: String?

    @Option(help: ArgumentHelp("A header line of the INVITE: \"Subject: lunch\"; can be repeated.", valueName: "line"))
    var header: [String] = []

    @OptionGroup var script: CallScript
    @OptionGroup var options: AgentOptions

    mutating func run() async throws {
        let (script, options, timeout, transfer) = (self.script, self.options, self.timeout, self.transfer)
        let (consults, third) = (self.consult, self.conference)
        if consults, transfer == nil { throw CommandError(.usage, "--consult: name the target with --transfer") }
        let uri = try options.reached(self.uri, isFirstHop: options.proxy == nil && options.account == nil)
        let fields = try Self.fields(self.header)
        _ = try script.sound()
        try await AgentRun.run(options, as: try options.parsedAccount()) { agent in
            let output = options.output
            output.emit("calling", ["uri": .string(uri)], text: "calling \(uri)")
            let call = try await agent.call(uri, ringFor: timeout.duration, fields: fields)
            var mixing: Task<Void, Never>?
            if let third { mixing = try await Self.add(third, to: call, agent, timeout, output) }
            defer { mixing?.cancel() }
            try await script.run(call, output) { call in
                guard let transfer else { return }
                guard consults else { return try await call.transfer(to: transfer) }
                try await call.hold(playing: script.holdMusic.map { .file($0) })
                let target = try await agent.call(transfer, ringFor: timeout.duration)
                output.emit("consulting", ["uri": .string(transfer)], text: "\(transfer) has answered")
                try await call.transfer(to: target)
            }
        }
    }

    /// Calls someone else too, and lets all hear each other until the task is cancelled.
    private static func add(
        _ uri: String, to call: Call, _ agent: UserAgent, _ timeout: TimeOption, _ output: Output
    ) async throws -> Task<Void, Never> {
        let third = try await agent.call(uri, ringFor: timeout.duration)
        output.emit("joined", ["uri": .string(uri)], text: "\(uri) is there too")
        return Task { await BiloxiKit.conference(call, third) }
    }

    /// Header lines as someone types them.
    static func fields(_ lines: [String]) throws(CommandError) -> [UserAgent.Field] {
        try lines.map { (line) throws(CommandError) in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw CommandError(.usage, "--header \"\(line)\": write \"Name: value\"")
            }
            return (String(parts[0]), String(parts[1].drop { $0 == " " }))
        }
    }
}
