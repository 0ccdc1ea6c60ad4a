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

    @Option(help: ArgumentHelp("A header line of the INVITE: \"Subject: lunch\"; can be repeated.", valueName: "line"))
    var header: [String] = []

    @OptionGroup var script: CallScript
    @OptionGroup var options: AgentOptions

    mutating func run() async throws {
        let (script, options, timeout, transfer) = (self.script, self.options, self.timeout, self.transfer)
        let uri = try options.reached(self.uri, isFirstHop: options.proxy == nil && options.account == nil)
        let fields = try Self.fields(self.header)
        try script.check()
        try await AgentRun.run(options, as: try options.parsedAccount()) { agent in
            let output = script.output(options)
            output.emit("calling", ["uri": .string(uri)], text: "calling \(uri)")
            let call = try await agent.call(uri, ringFor: timeout.duration, fields: fields)
            try await script.run(call, output, transfer: transfer)
        }
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
