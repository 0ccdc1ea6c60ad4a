import ArgumentParser
import BiloxiKit
import Foundation

/// `biloxi run`
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Be a telephone that a program drives: NDJSON in, NDJSON out.",
        discussion: """
            Each line of the file is an object such as {"do":"call","id":"1","uri":"sip:bob@example.test"}; each line of \
            the output tells what happened: {"event":"progress","call":"call-1","status":180,…}. {"do":"help"} prints all \
            verbs. At the end of the input calls are hung up and registrations removed. Exit codes: 0 done; 2 a line was \
            not understood; 8 an expect was not met; 130 interrupted. docs/RUN.md describes all of it.
            """)

    @Argument(help: "The file with the commands; - is standard input.")
    var file: String

    @OptionGroup var options: AgentOptions

    mutating func run() async throws {
        let options = self.options
        let input: InputFile
        if self.file == "-" {
            input = InputFile(STDIN_FILENO)
        } else {
            guard let opened = InputFile(path: self.file) else {
                throw CommandError(.usage, "\(self.file) cannot be read: name a file with commands, or -")
            }
            input = opened
        }
        let account = try options.parsedAccount()
        let session = RunSession(account: account)
        let handler: @Sendable (Invitation) async throws -> Void = { await session.receive($0) }
        let watcher: @Sendable (TracedMessage) -> Void = { session.show($0) }
        do {
            try await AgentRun.run(
                options, as: account, answering: handler, showing: watcher
            ) { agent in
                await session.run(agent, input)
                try Task.checkCancellation()
            }
        } catch {
            session.emit("end", ["code": .number(Int(error.status.rawValue))])
            throw error
        }
        let status = session.status
        session.emit("end", ["code": .number(Int(status.rawValue))])
        if status != .done { throw CommandError(status) }
    }
}
