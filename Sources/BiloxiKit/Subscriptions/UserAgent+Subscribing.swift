import AgentCore
import SIPMessages
import SignallingTransport

/// Being told of the state of others.
extension UserAgent {
    /// Subscribes to the state of somebody or something (RFC 6665); returns when the notifier has taken it.
    ///
    /// It is ended by `Subscription.cancel`, when nobody holds it any more, and at the end of the user agent's scope.
    ///
    /// - Parameters:
    ///   - address: Whose state: `sip:bob@example.test`; with an account `bob` alone means someone of its domain.
    ///   - event: The event package: `presence`, `dialog`, `message-summary`, `reg`, `conference`.
    ///   - subscriber: Which of the accounts asks: its address; the first one unless given.
    ///   - expires: How long it is to last; it is refreshed in time. With zero the state is told once.
    ///   - accept: The types of state that are understood: `application/pidf+xml`; the package's own unless given.
    ///   - fields: More header lines of the SUBSCRIBE.
    /// - Throws: `SIPError` when it is refused, with 489 where the event is not known, or nobody answers; `CancellationError`.
    public func subscribe(
        _ address: String, to event: String, as subscriber: String? = nil, expires: Duration = .seconds(3600),
        accept: [String] = [], fields: [Field] = []
    ) async throws -> Subscription {
        let account = try self.engine.account(subscriber)
        let target = try self.uri(address, account)
        let routes = self.engine.routes(of: account)
        let local = try await self.localAddress(towards: routes.first?.uri.sip ?? target)
        guard !event.isEmpty, event.utf8.allSatisfy(Self.isEventOctet) else {
            throw SIPError(.invalid, "\"\(event)\" is no event package: write presence, dialog, message-summary")
        }
        var plan = SubscriptionPlan(
            to: .sip(target), event: EventType(event), from: try self.identity(account, local))
        plan.expires = UInt32(clamping: expires.components.seconds)
        plan.accept = try accept.map { (text) throws(SIPError) in try MediaType(typed: text) }
        plan.routes = routes
        plan.fields = fields.map { .init($0.name, $0.value) }
        let core = SubscriptionCore(self.engine, to: event, of: target.description)
        let engine = self.engine
        let isTaken = engine.perform { turn in
            guard
                let handle = turn.agent.subscribe(
                    plan, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
            else { return false }
            core.begin(.subscription(handle))
            engine.add(core, .subscription(handle))
            return true
        }
        guard isTaken == true else { throw SIPError(.unavailable, "there are too many subscriptions") }
        return try await core.taken()
    }

    /// Asks someone to call someone else, outside of calls (RFC 3515): a telephone of one's own, for a click to dial.
    /// Returns when it is taken; the subscription tells what the call comes to, and ends with that.
    ///
    /// - Parameters:
    ///   - address: Who is asked; with an account a name alone means someone of its domain.
    ///   - target: Whom to call.
    ///   - asker: Which of the accounts asks: its address; the first one unless given.
    /// - Throws: `SIPError` when it is refused, or nobody answers; `CancellationError`.
    public func refer(_ address: String, to target: String, as asker: String? = nil) async throws -> Subscription {
        let account = try self.engine.account(asker)
        let recipient = try self.uri(address, account)
        let plan = TransferPlan(to: NameAddress(try self.uri(target, account)))
        let routes = self.engine.routes(of: account)
        let local = try await self.localAddress(towards: routes.first?.uri.sip ?? recipient)
        let sender = try self.identity(account, local)
        let core = SubscriptionCore(self.engine, to: "refer", of: recipient.description)
        let engine = self.engine
        let isTaken = engine.perform { turn in
            guard
                let handle = turn.agent.refer(
                    .sip(recipient), to: plan, from: sender, routes: routes, transactions: &turn.transactions,
                    at: turn.now, into: &turn.outbox)
            else { return false }
            core.begin(.transfer(handle))
            engine.add(core, .transfer(handle))
            return true
        }
        guard isTaken == true else { throw SIPError(.unavailable, "there are too many calls and transfers") }
        return try await core.taken()
    }

    /// Whether an octet may stand in the name of an event package: a token (RFC 6665 §8.4).
    private static func isEventOctet(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-.!%*_+`'~".utf8.contains(octet)
        }
    }
}
