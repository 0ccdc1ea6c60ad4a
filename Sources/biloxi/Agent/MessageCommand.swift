import ArgumentParser
import BiloxiKit
import Foundation

/// `biloxi message`
struct MessageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "message", abstract: "Send a message, or wait for messages.")

    @Argument(help: "Whom it is for; leave it out with --listen.")
    var uri: String?

    @Argument(help: "The text; - takes standard input.")
    var text: String?

    @Flag(help: "Wait for messages and print them. With --account and a password it registers first.")
    var listen = false

    @Option(help: ArgumentHelp("With --listen: how many to wait for.", valueName: "n"))
    var count: Int?

    @Option(help: ArgumentHelp("What the text is.", valueName: "type"))
    var contentType = "text/plain"

    @OptionGroup var options: AgentOptions

    func validate() throws {
        guard !self.listen else { return }
        if self.uri == nil || self.text == nil {
            throw ValidationError("name whom it is for, and the text; or --listen")
        }
    }

    mutating func run() async throws {
        let options = self.options
        if self.listen { return try await self.receive() }
        guard let given = self.text, let name = self.uri else { return }
        let uri = try options.reached(name, isFirstHop: options.proxy == nil && options.account == nil)
        let type = self.contentType
        var text = given
        if given == "-" {
            text = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
        }
        try await AgentRun.run(options, as: try options.parsedAccount()) { [text] agent in
            let response = try await agent.message(uri, text, contentType: type)
            options.output.emit(
                "sent", ["uri": .string(uri), "status": .number(response.status)],
                text: "\(response.status) \(response.reason)")
        }
    }

    private func receive() async throws {
        let (options, count) = (self.options, self.count)
        let account = try options.parsedAccount()
        try await AgentRun.run(options, as: account) { agent in
            if let account, account.password != nil {
                let registration = try await agent.register(account)
                options.output.emit(
                    "registered", ["aor": .string(registration.address)], text: "registered \(registration.address)")
            }
            options.output.emit(
                "ready", ["listen": .array(agent.addresses.map { .string($0) })],
                text: "ready, listening on \(agent.addresses.joined(separator: " "))")
            var left = count
            for await message in agent.messages {
                options.output.emit("message", message.members, text: "\(message.from): \(message.text)")
                if let rest = left {
                    left = rest - 1
                    if rest <= 1 { return }
                }
            }
            try Task.checkCancellation()
        }
    }
}
