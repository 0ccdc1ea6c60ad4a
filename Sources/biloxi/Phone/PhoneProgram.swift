import ArgumentParser
import BiloxiKit
import Foundation
import PhoneUI

/// `biloxi phone`
struct PhoneProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "phone", abstract: "A telephone on all of the terminal.",
        discussion: """
            ? shows the keys, q ends. Accounts and contacts are kept in $XDG_CONFIG_HOME/biloxi/phone.yaml, calls and \
            messages in $XDG_STATE_HOME/biloxi; no file is needed to begin. Without --sound-card others hear --play or \
            silence, and r records what they say. docs/PHONE.md describes all of it.
            """)

    @Option(help: ArgumentHelp("A WAV file that others hear, over and over.", valueName: "file"))
    var play: String?

    @Flag(help: "Talk by the microphone and the loudspeaker of this machine (needs libportaudio2).")
    var soundCard = false

    @Flag(help: "Do not register at the start.")
    var noRegister = false

    @Flag(help: "Refuse to be transferred: do not call whom the other side of a call names.")
    var refuseTransfers = false

    @OptionGroup var options: AgentOptions

    func validate() throws {
        if self.options.json || self.options.verbose {
            throw ValidationError("the telephone draws on the terminal: --json and --verbose are for biloxi run")
        }
        if self.play != nil, self.soundCard { throw ValidationError("give --play or --sound-card, not both") }
        if let play, !FileManager.default.isReadableFile(atPath: play) {
            throw ValidationError("--play \(play) cannot be read: name a WAV file")
        }
    }

    mutating func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let terminal = try Terminal(environment: environment)
        let files = try PhoneFiles(environment: environment)
        try files.prepare()
        let settings = try files.settings()
        var accounts = try files.accounts(settings)
        if var account = try self.options.parsedAccount() {
            if account.password == nil { account.password = Password.asked(for: account.address) }
            accounts.removeAll { $0.address == account.address }
            accounts.insert(account, at: 0)
        }
        let sound = PhoneSound(file: self.play, card: self.soundCard ? try SoundCard() : nil)
        let session = PhoneSession(terminal, files, sound, accounts: accounts, registers: !self.noRegister)
        let model = PhoneModel(
            verbs: PhoneVerb.all,
            contacts: (settings.contacts ?? []).map { PhoneContact(name: $0.name, address: $0.address) },
            history: files.history(), messages: files.messages(), recordings: files.recordings,
            followsTransfers: !self.refuseTransfers)
        let handler: @Sendable (Invitation) async throws -> Void = { await session.session.receive($0) }
        let watcher: @Sendable (TracedMessage) -> Void = { session.show($0) }
        try await AgentRun.run(self.options, as: nil, answering: handler, showing: watcher) { [accounts] agent in
            for account in accounts { try agent.add(account) }
            try await session.run(agent, model)
            try Task.checkCancellation()
        }
    }
}
