import AgentCore
import SIPMessages
import SignallingTransport

/// What the other side of a call wants: that we call someone in its place (RFC 3515, RFC 5589). Who takes note of it
/// within two seconds decides; otherwise the request lapses.
public final class IncomingTransfer: Hashable, Sendable {
    /// Whom we are to call: `sip:carol@example.test`.
    public let target: String
    /// Who asks for it, by its own word; `nil` where that is not said.
    public let referrer: String?
    private let referral: ReferralHandle
    private let call: Call

    init(_ referral: ReferralHandle, _ call: Call, _ request: TransferRequest) {
        (self.referral, self.call) = (referral, call)
        self.target = request.target.uri.description
        self.referrer = request.referrer?.uri.description
    }

    /// Calls whom we are to call; the other side is told how that goes. The first call goes on until the other side hangs
    /// up.
    ///
    /// - Parameter begun: Given the new call before it is answered, for its events.
    /// - Throws: `SIPError` when the new call comes to nothing; `CancellationError`.
    public func accept(begun: (Call) -> Void = { _ in }) async throws -> Call {
        try await self.accept(inPlaceOf: nil, begun)
    }

    /// Calls whom we are to call, and lets the call go on with it when it answers (`CallEvent.transferred`): what is played
    /// and recorded goes on. When the new call comes to nothing, the first other side stays.
    ///
    /// - Throws: `SIPError` when the new call comes to nothing; `CancellationError`.
    public func follow() async throws {
        // By the time that it is answered the new call has the old other side, who is to hang up (RFC 5589 §6.1).
        let left = try await self.accept(inPlaceOf: self.call) { _ in }
        _ = await within(.seconds(5)) { await left.ended() }
        left.hangUpNow()
    }

    private func accept(inPlaceOf predecessor: Call?, _ begun: (Call) -> Void) async throws -> Call {
        let engine = self.call.engine
        let routes = engine.routes(of: engine.account)
        let call = Call(engine, at: self.call.local, peer: try? NameAddress(self.uri()), isOutgoing: true)
        let isTaken = engine.perform { turn in
            guard
                let handle = turn.agent.acceptTransfer(
                    self.referral, transactions: &turn.transactions, at: turn.now, into: &turn.outbox,
                    edit: { plan in if !routes.isEmpty { plan.routes = routes } })
            else { return false }
            call.core.begin(handle, turn.agent.callID(of: handle)?.value)
            call.core.predecessor = predecessor
            engine.add(call, handle)
            return true
        }
        guard isTaken == true else { throw SIPError.ended("the transfer is not wanted any more") }
        begun(call)
        switch await call.core.answered.value() {
        case .success?: return call
        case .failure(let error)?: throw error
        case nil:
            call.hangUpNow()
            throw CancellationError()
        }
    }

    /// Does not do it: 603.
    public func refuse() {
        self.call.engine.perform { turn in
            turn.agent.refuseTransfer(
                self.referral, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
    }

    private func uri() throws(SIPError) -> SIPURI { try Account.uri(self.target, "the transfer") }

    /// Whether both are the same request.
    public static func == (left: IncomingTransfer, right: IncomingTransfer) -> Bool { left.referral == right.referral }

    /// Feeds what `==` compares to the hasher.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.referral) }
}

extension Call {
    /// Transfers the other side to someone else, who rings there (blind transfer, RFC 5589 §6); with an account a name alone
    /// is someone of its domain. Returns when that call is answered; this one is over then.
    ///
    /// - Throws: `SIPError` when the other side does not do it, or the call there comes to nothing: then this one goes on.
    public func transfer(to address: String) async throws { try await self.finish(self.beginRefer(to: address)) }

    /// Connects the other sides of two calls with each other (attended transfer, RFC 5589 §7). Returns when they are;
    /// both calls are over then.
    ///
    /// - Throws: `SIPError` when it comes to nothing: then both go on.
    public func transfer(to other: Call) async throws {
        guard let second = other.core.handle else { throw SIPError.ended("it has not begun") }
        let core = try self.beginRefer(other.peer, "both calls must be answered before they are joined") {
            turn, handle in
            turn.agent.transfer(handle, to: second, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
        try await self.finish(core)
        other.hangUpNow()
    }

    /// Asks the other side to call someone else, as `transfer` does, and returns when it has agreed: the subscription that
    /// the REFER makes tells what the new call comes to (RFC 3515 §2.4.4), and ends with that. This call ends when the new
    /// one is answered, and goes on otherwise.
    ///
    ///     for try await report in try await call.refer(to: "sip:carol@example.test") {
    ///         if let response = report.response { print(response.status, response.reason) }
    ///     }
    ///
    /// - Throws: `SIPError` when the other side does not do it; `CancellationError`.
    public func refer(to address: String) async throws -> Subscription {
        try await self.beginRefer(to: address).taken()
    }

    private func beginRefer(to address: String) throws -> SubscriptionCore {
        let target = try Account.uri(address, of: self.engine.account, "the transfer")
        return try self.beginRefer(
            target.description, "a call must be answered before it can be transferred"
        ) { turn, handle in
            turn.agent.transfer(
                handle, to: TransferPlan(to: NameAddress(target)), transactions: &turn.transactions, at: turn.now,
                into: &turn.outbox)
        }
    }

    private func beginRefer(
        _ target: String, _ problem: String, _ body: (inout AgentTurn, CallHandle) -> TransferHandle?
    ) throws(SIPError) -> SubscriptionCore {
        if let error = self.core.end.current { throw error }
        guard let handle = self.core.handle else { throw SIPError.ended("it has not begun") }
        let core = SubscriptionCore(self.engine, to: "refer", of: target, call: self)
        let engine = self.engine
        let isTaken = engine.perform { turn in
            guard let number = body(&turn, handle) else { return false }
            core.begin(.transfer(number))
            engine.add(core, .transfer(number))
            return true
        }
        guard isTaken == true else { throw SIPError(.rejected, problem) }
        return core
    }

    private func finish(_ core: SubscriptionCore) async throws {
        switch await core.transferred.value() {
        case .success?: self.hangUpNow()
        case .failure(let error)?: throw error
        case nil: throw CancellationError()
        }
    }
}
