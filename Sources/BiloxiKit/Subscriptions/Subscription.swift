import AgentCore
public import SIPMessages

/// What somebody tells of the state of something, until it ends: a subscription (RFC 6665), one's own or the one that a REFER
/// makes (RFC 3515). It is a sequence of what is told:
///
///     let presence = try await agent.subscribe("sip:bob@example.test", to: "presence")
///     for try await notification in presence {
///         print(notification.state, notification.text)
///     }
///
/// It is refreshed in time, and made anew when the notifier has forgotten it or asks for that. It ends with a notification
/// that says so, by `cancel()`, when nobody holds it any more, and with the scope of its user agent. Each notification goes
/// to one listener; of more than 64 that wait the oldest are dropped, for the newest has the whole state.
public final class Subscription: Sendable, AsyncSequence {
    /// How it stands.
    public enum State: String, Hashable, Sendable {
        /// The notifier has not decided yet whether it tells.
        case pending
        /// The notifier tells.
        case active
        /// The notifier tells no more.
        case terminated

        init(_ state: SubscriptionState) {
            self = state.isTerminated ? .terminated : state.isPending ? .pending : .active
        }
    }

    /// What was told: a NOTIFY, which has been answered.
    public struct Notification: Hashable, Sendable {
        /// How the subscription stands.
        public let state: State
        /// How long it lasts unless it is refreshed, which it is; `nil` where that is not said.
        public let expires: Duration?
        /// Why it ended, as RFC 6665 §4.1.3 names it: `noresource`, `rejected`, `deactivated`, `timeout`; `nil` where it
        /// goes on, and where that is not said. After `deactivated`, `timeout`, `probation` and `giveup` there will be
        /// another one, and the sequence goes on.
        public let reason: String?
        /// How long to wait before another subscription; `nil` where that is not said.
        public let retryAfter: Duration?
        /// What its body is: `application/pidf+xml`; empty without a body.
        public let contentType: String
        /// The body.
        public let body: [UInt8]
        /// The body as text; what is not UTF-8 is repaired.
        public var text: String { String(decoding: self.body, as: UTF8.self) }
        /// What the call that a REFER asked for has come to: the status and reason phrase of the last response to it;
        /// `nil` for other events.
        public let response: (status: Int, reason: String)?
        /// The whole request, with its typed fields.
        public let message: SIPMessage

        init(_ message: SIPMessage) {
            let state = message.first(.subscriptionState) ?? SubscriptionState("active")
            self.message = message
            self.state = State(state)
            self.expires = state.isTerminated ? nil : state.expires.map { .seconds(Int64($0)) }
            self.reason = state.isTerminated ? state.reason : nil
            self.retryAfter = state.retryAfter.map { .seconds(Int64($0)) }
            self.contentType = message.contentType.map { "\($0.type)/\($0.subtype)" } ?? ""
            self.body = message.body
            let isReport = message.first(.event)?.package == "refer"
            let fragment = isReport && !self.body.isEmpty ? try? SIPFragment(parsing: self.body) : nil
            self.response = fragment.flatMap { fragment in
                fragment.status.map { (Int($0.number), fragment.reasonPhrase) }
            }
        }

        /// Whether both are the same message.
        public static func == (left: Notification, right: Notification) -> Bool { left.message == right.message }

        /// Feeds what `==` compares to the hasher.
        public func hash(into hasher: inout Hasher) { hasher.combine(self.message) }
    }

    /// What is told.
    public typealias Element = Notification
    /// Why nothing more is told.
    public typealias Failure = SIPError

    /// Takes what is told.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let subscription: Subscription

        /// The next notification; `nil` after the last one, and when the task is cancelled.
        ///
        /// - Throws: `SIPError` when the subscription was lost and could not be made anew.
        public mutating func next() async throws(SIPError) -> Notification? { try await self.subscription.core.next() }

        /// The next notification; `nil` after the last one, and when the task is cancelled.
        ///
        /// - Throws: `SIPError` when the subscription was lost and could not be made anew.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(SIPError) -> Notification? {
            try await self.subscription.core.next()
        }
    }

    let core: SubscriptionCore

    init(_ core: SubscriptionCore) { self.core = core }

    deinit { self.core.cancel() }

    /// Whose state it is about: `sip:bob@example.test`.
    public var target: String { self.core.target }
    /// The event package: `presence`, `dialog`, `message-summary`, `refer`.
    public var event: String { self.core.event }
    /// How it stands, by the last notification; `nil` before the first.
    public var state: State? { self.core.last?.state }
    /// How long it lasts unless it is refreshed, by the last notification.
    public var expires: Duration? { self.core.last?.expires }

    /// Begins to listen.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(subscription: self) }

    /// Ends it, and returns when the notifier knows, or after the time that the settings give for farewells. The one of a
    /// REFER ends by itself with the call that was asked for; nobody listens to it any more from now on.
    public func cancel() async {
        self.core.cancel()
        let core = self.core
        _ = await within(core.farewell) { await core.end.value() }
    }
}
