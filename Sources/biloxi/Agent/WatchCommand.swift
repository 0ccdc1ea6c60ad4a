import ArgumentParser
import BiloxiKit

/// `biloxi watch`
struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Be told of the state of somebody or something (SUBSCRIBE), until Ctrl-C.",
        discussion: """
            Each notification is printed with its state and body. The subscription is refreshed in time, made anew when the \
            notifier wants that, and ended by Ctrl-C or after --for. Exit codes: 0 ended; 3 refused, with 489 where the \
            event is not known; 5 nobody answered.
            """)

    @Argument(help: "Whose state: sip:bob@example.test; with --account bob alone will do.")
    var uri: String

    @Argument(help: "The event package: presence, dialog, message-summary, reg, conference.")
    var event = "presence"

    @Option(help: ArgumentHelp("A type of state that is understood; may be repeated.", valueName: "type"))
    var accept: [String] = []

    @Option(help: ArgumentHelp("How long the subscription lasts; it is refreshed in time.", valueName: "time"))
    var expires = TimeOption(.seconds(3600))

    @Flag(help: "Ask once: print the present state and end.")
    var once = false

    @Option(name: .customLong("for"), help: ArgumentHelp("End it after this time.", valueName: "time"))
    var length: TimeOption?

    @OptionGroup var options: AgentOptions

    mutating func run() async throws {
        let (options, event, accept) = (self.options, self.event, self.accept)
        let expires = self.once ? Duration.zero : self.expires.duration
        let (length, account) = (self.length, try options.parsedAccount())
        let uri = try options.reached(self.uri, isFirstHop: options.proxy == nil && options.account == nil)
        try await AgentRun.run(options, as: account) { agent in
            let subscription = try await agent.subscribe(uri, to: event, expires: expires, accept: accept)
            options.output.emit(
                "subscribed", ["uri": .string(subscription.target), "package": .string(event)],
                text: "subscribed to \(event) of \(subscription.target)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await notification in subscription {
                        options.output.emit("notified", notification.members, text: Self.text(of: notification))
                    }
                }
                if let length { group.addTask { try await Task.sleep(for: length.duration) } }
                defer { group.cancelAll() }
                try await group.next()
            }
            await subscription.cancel()
            try Task.checkCancellation()
        }
    }

    private static func text(of notification: Subscription.Notification) -> String {
        var text = notification.state.rawValue
        if let reason = notification.reason { text += ", \(reason)" }
        if let expires = notification.expires { text += ", for \(expires.components.seconds) s" }
        return notification.body.isEmpty ? text : "\(text)\n\(notification.text)"
    }
}
