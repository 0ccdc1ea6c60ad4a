import BiloxiKit
import Foundation
import Synchronization

/// Runs what a command does with a user agent: Ctrl-C ends it in an orderly way, errors get their exit code and say what to
/// do.
enum AgentRun {
    /// - Parameters:
    ///   - account: Who one is; `nil` for nobody.
    ///   - handler: Has the calls that come.
    ///   - watcher: Shown each message.
    ///   - body: What to do.
    /// - Throws: `CommandError`.
    static func run(
        _ options: AgentOptions, as account: BiloxiKit.Account?,
        answering handler: (@Sendable (Invitation) async throws -> Void)? = nil,
        showing watcher: (@Sendable (TracedMessage) -> Void)? = nil,
        _ body: @escaping @Sendable (UserAgent) async throws -> Void
    ) async throws(CommandError) {
        let listeners = try options.listeners()
        var settings = try options.settings()
        let log = MessageLog(isCapturing: options.pcap != nil)
        let (logs, prints) = (options.ladder != nil || options.pcap != nil, options.verbose)
        if logs || prints || watcher != nil {
            settings.trace = { message in
                watcher?(message)
                if logs { log.add(message) }
                if prints { Output.complain(TextLadder.text(of: message), prefix: "") }
            }
        }
        if options.pcap != nil { settings.traceMedia = { log.add($0) } }
        let work = Task { [settings] in
            try await withUserAgent(listeners, settings: settings, answering: handler) { agent in
                if let account { try agent.add(account) }
                try await body(agent)
            }
        }
        let isInterrupted = Mutex(false)
        let signals = SignalSources { _ in
            isInterrupted.withLock { $0 = true }
            work.cancel()
        }
        defer { signals.cancel() }
        let result = await work.result
        if let path = options.ladder { try log.draw(to: path) }
        if let path = options.pcap { try log.capture(to: path) }
        let wasInterrupted = isInterrupted.withLock { $0 }
        switch result {
        case .success: if wasInterrupted { throw CommandError(.interrupted) }
        case .failure(let error):
            if wasInterrupted { throw CommandError(.interrupted) }
            if let error = error as? CommandError { throw error }
            throw CommandError(error, account, settings)
        }
    }
}

extension CommandError {
    /// What an error of the user agent means for a script, and what to do about it for people.
    init(_ error: any Error, _ account: BiloxiKit.Account?, _ settings: UserAgentSettings) {
        guard let error = error as? SIPError else {
            self.init(.failed, "\(error)")
            return
        }
        self.init(Self.status(of: error), "\(error)" + Self.advice(error, account, settings))
    }

    private static func status(of error: SIPError) -> ExitStatus {
        switch error.code {
        case .busy, .declined: .busy
        case .authentication: .authentication
        case .timeout: .timeout
        case .unreachable: .unreachable
        case .serverError: .serverError
        case .rejected, .notFound, .notAcceptable, .unavailable, .cancelled: .rejected
        case .invalid: .usage
        default: .failed
        }
    }

    private static func advice(
        _ error: SIPError, _ account: BiloxiKit.Account?, _ settings: UserAgentSettings
    ) -> String {
        switch error.code {
        case .authentication where account == nil: "; name who you are with --account and --password-file"
        case .authentication where account?.password == nil: "; give the password with --password-file"
        case .authentication: "; the password or the user name is wrong"
        case .notAcceptable where error.warnings.contains { $0.contains("SRTP is required") }:
            "; encrypt the audio with --srtp sdes or --srtp dtls"
        case .notAcceptable where settings.encryption != .none:
            "; perhaps it knows no SRTP, or only by the other way: --srtp sdes or dtls"
        case .notAcceptable where !error.codecs.isEmpty: Self.codecAdvice(error, settings)
        case .notFound: "; look at the address, or whether its user exists there"
        case .unavailable: "; nobody is registered there, or nobody answers"
        case .unreachable: "; look at the address, and whether something listens there with that transport"
        case .timeout where error.status == nil: "; with --timeout it may take longer"
        default: ""
        }
    }

    /// What both sides can talk in, and how to come together.
    private static func codecAdvice(_ error: SIPError, _ settings: UserAgentSettings) -> String {
        let theirs = error.codecs.joined(separator: " ")
        var text = "; we offer \(settings.codecs.joined(separator: " ")), it takes \(theirs)"
        var all = UserAgentSettings()
        let known = error.codecs.filter { name in
            all.codecs = [name]
            return all.areCodecsKnown
        }
        text += known.isEmpty ? ", none of which we have" : "; try --codec \(known.joined(separator: ","))"
        return text
    }
}
