import ArgumentParser
import BiloxiKit
import Synchronization

/// `biloxi answer`
struct AnswerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer", abstract: "Wait for calls and answer them.",
        discussion: """
            With --account and a password it registers first. It ends after --count calls, or by Ctrl-C. The exit code is \
            that of the first call that did not meet an expectation.
            """)

    @Option(help: ArgumentHelp("Refuse with this status instead, 300 to 699.", valueName: "code"))
    var status: Int?

    @Option(help: ArgumentHelp("How long to let it ring.", valueName: "time"))
    var delay = TimeOption(.zero)

    @Flag(help: "Let the caller hear what is played while it rings.")
    var early = false

    @Flag(help: "Return what is heard.")
    var echo = false

    @Option(help: ArgumentHelp("How many calls to answer, then end.", valueName: "n"))
    var count: Int?

    @Flag(help: "Do not register, although there is an account.")
    var noRegister = false

    @OptionGroup var script: CallScript
    @OptionGroup var options: AgentOptions

    func validate() throws {
        if let status, !(300...699).contains(status) {
            throw ValidationError("--status \(status) is no refusal: use 300 to 699, such as 486")
        }
    }

    /// What has become of the calls so far.
    private final class Tally: Sendable {
        private let state: Mutex<(left: Int?, failure: CommandError?)>
        private let (done, finish) = AsyncStream<Void>.makeStream()

        init(_ count: Int?) { self.state = Mutex((count, nil)) }

        func ended(_ failure: CommandError?) {
            let isLast = self.state.withLock { state in
                state.failure = state.failure ?? failure
                guard let left = state.left else { return false }
                state.left = left - 1
                return left == 1
            }
            if isLast { self.finish.finish() }
        }

        /// Waits for the last call.
        func wait() async throws {
            for await _ in self.done {}
            try Task.checkCancellation()
            if let failure = self.state.withLock({ $0.failure }) { throw failure }
        }
    }

    mutating func run() async throws {
        let command = self
        let tally = Tally(self.count)
        try self.script.check()
        let registers = !self.noRegister
        let handler: @Sendable (Invitation) async throws -> Void = { invitation in
            do {
                try await command.answer(invitation)
                tally.ended(nil)
            } catch let error as CommandError {
                Output.complain(error.message)
                tally.ended(error)
            } catch {
                tally.ended(error is CancellationError ? nil : CommandError(error, nil, UserAgentSettings()))
            }
        }
        let account = try self.options.parsedAccount()
        try await AgentRun.run(self.options, as: account, answering: handler) {
            [output = command.script.output(command.options)] agent in
            if registers, let account, account.password != nil {
                let registration = try await agent.register(account)
                output.emit(
                    "registered", ["aor": .string(registration.address)], text: "registered \(registration.address)")
            }
            output.emit(
                "ready", ["listen": .array(agent.addresses.map { .string($0) })],
                text: "ready, listening on \(agent.addresses.joined(separator: " "))")
            try await tally.wait()
        }
    }

    private func answer(_ invitation: Invitation) async throws {
        let output = self.script.output(self.options)
        output.emit(
            "incoming", ["from": .string(invitation.from), "to": .string(invitation.to)],
            text: "call from \(invitation.from) to \(invitation.to)")
        if let status {
            try await self.ring(invitation)
            return invitation.reject(status)
        }
        try await self.ring(invitation)
        let call = try await invitation.accept()
        try await self.script.run(call, output, echoes: self.echo)
    }

    private func ring(_ invitation: Invitation) async throws {
        guard self.delay.duration > .zero || self.early else { return }
        if self.early {
            let call = invitation.earlyMedia()
            guard let sound = try self.script.sound() else { return try await Task.sleep(for: self.delay.duration) }
            let playing = Task { try await call.play(sound, loops: true) }
            defer { playing.cancel() }
            return try await Task.sleep(for: self.delay.duration)
        }
        invitation.ring()
        try await Task.sleep(for: self.delay.duration)
    }
}
