import ArgumentParser
import BiloxiKit
import SIPMessages

/// `biloxi register`
struct RegisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register", abstract: "Register an account.",
        discussion: """
            Without --keep the binding stays for its time and nobody refreshes it. With --keep it is refreshed until \
            Ctrl-C, and removed then.
            """)

    @Flag(help: "Keep it registered until Ctrl-C.")
    var keep = false

    @Option(help: ArgumentHelp("How long it should last.", valueName: "time"))
    var expires = TimeOption(.seconds(3600))

    @Option(help: ArgumentHelp("The address to bind, where it is not our own.", valueName: "uri"))
    var contact: String?

    @OptionGroup var options: AgentOptions

    mutating func run() async throws {
        let (options, keep) = (self.options, self.keep)
        let expires = self.expires.duration
        guard var account = try options.parsedAccount() else { throw CommandError.noAccount }
        account.expires = expires
        let contact = self.contact
        try await AgentRun.run(options, as: account) { [account] agent in
            guard keep else {
                let own = try await agent.ownContact(for: account)
                let line = "<\(contact ?? own)>;expires=\(expires.components.seconds)"
                return try await Bindings.tell(agent, account, options.output, event: "registered", [("Contact", line)])
            }
            let registration = try await agent.register(account)
            for await event in registration.events {
                switch event {
                case .registered(let expires):
                    options.output.emit(
                        "registered",
                        ["aor": .string(registration.address), "expires": .number(Int(expires.components.seconds))],
                        text: "registered \(registration.address) for \(expires.components.seconds) s")
                case .failed(let error, let retryAfter):
                    let wait = retryAfter.map { ", next try in \($0.components.seconds) s" } ?? ""
                    options.output.emit(
                        "registrationFailed", ["reason": .string("\(error)")], text: "failed: \(error)\(wait)")
                    if retryAfter == nil { throw error }
                case .removed: options.output.emit("unregistered", text: "removed \(registration.address)")
                }
            }
            try Task.checkCancellation()
        }
    }
}

/// `biloxi unregister`
struct UnregisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unregister", abstract: "Remove the bindings of an account, or one of them.")

    @Option(help: ArgumentHelp("The binding to remove; without it, all.", valueName: "uri"))
    var contact: String?

    @OptionGroup var options: AgentOptions

    mutating func run() async throws {
        let (options, contact) = (self.options, self.contact)
        guard let account = try options.parsedAccount() else { throw CommandError.noAccount }
        try await AgentRun.run(options, as: account) { agent in
            let fields: [UserAgent.Field] =
                contact.map { [("Contact", "<\($0)>;expires=0")] } ?? [("Contact", "*"), ("Expires", "0")]
            try await Bindings.tell(agent, account, options.output, event: "unregistered", fields)
        }
    }
}

/// `biloxi bindings`
struct BindingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bindings", abstract: "Show where an account is registered.")

    @OptionGroup var options: AgentOptions

    mutating func run() async throws {
        let options = self.options
        guard let account = try options.parsedAccount() else { throw CommandError.noAccount }
        try await AgentRun.run(options, as: account) { agent in
            try await Bindings.tell(agent, account, options.output, event: "bindings", [])
        }
    }
}

/// The bindings that a registrar tells when a REGISTER is sent once.
struct Bindings {
    private let bindings: [(uri: String, expires: Int)]

    /// Sends a REGISTER.
    static func ask(
        _ agent: UserAgent, _ account: BiloxiKit.Account, _ fields: [UserAgent.Field]
    ) async throws -> Bindings {
        let response = try await agent.request(
            "REGISTER", try account.registrarAddress, as: account.address, to: account.address, fields: fields)
        guard response.isSuccess else { throw response.error }
        return Bindings(
            bindings: response.message.all(.contact).compactMap { contact in
                contact.uri.map { ($0.description, Int(contact.expires ?? response.message.first(.expires) ?? 0)) }
            })
    }

    /// They as they are printed.
    var value: JSONValue {
        .array(self.bindings.map { .object(["uri": .string($0.uri), "expires": .number($0.expires)]) })
    }

    /// Sends a REGISTER and prints the bindings.
    static func tell(
        _ agent: UserAgent, _ account: BiloxiKit.Account, _ output: Output, event: String, _ fields: [UserAgent.Field]
    ) async throws {
        let bindings = try await Self.ask(agent, account, fields)
        let lines = bindings.bindings.map { "\($0.uri)   \($0.expires) s" }
        output.emit(
            event, ["aor": .string(account.address), "bindings": bindings.value],
            text: "\(event) \(account.address)"
                + (lines.isEmpty ? "\n  no binding" : lines.map { "\n  \($0)" }.joined()))
    }
}

extension CommandError {
    /// A command that is about an account has been given none.
    static let noAccount = CommandError(.usage, "name the account with --account sip:alice@example.test")
}
