import AgentCore
import SIPMessages
import SignallingTransport
import Synchronization

/// A registration that is kept: refreshed in time, made anew when a connection is lost, tried again when the registrar
/// fails. It is removed by `unregister`, and at the end of its user agent's scope.
public final class Registration: Sendable {
    /// What happens to it.
    public enum Event: Hashable, Sendable {
        /// The registrar has taken it, for this long.
        case registered(expires: Duration)
        /// It has not, and will be asked again; or was refused for good.
        case failed(SIPError, retryAfter: Duration?)
        /// It is removed.
        case removed
    }

    private struct State: Sendable {
        var handle: RegistrationHandle?
        var refusal: SIPError?
        var grant: RegistrationGrant?
    }

    let account: Account.Parsed
    private let engine: Engine
    private let state = Mutex(State())
    let outcome = Promise<Result<Void, SIPError>>()
    let removal = Promise<Void>()
    private let channel = Channel<Event>(limit: 64)

    init(_ account: Account.Parsed, _ engine: Engine) { (self.account, self.engine) = (account, engine) }

    /// The address that is registered.
    public var address: String { self.account.aor.description }
    /// What happens to it. Each event goes to one listener.
    public var events: Events<Event> { self.channel.sequence }
    /// How long the registrar has granted last; `nil` while it has not.
    public var expires: Duration? { self.state.withLock { $0.grant }.map { .seconds(Int64($0.expires)) } }
    /// The public GRUU that the registrar gave us (RFC 5627 §4.2); `nil` for none.
    public var publicGRUU: String? { self.state.withLock { $0.grant }?.publicGRUU?.description }
    /// The proxies that the registrar wants our requests to pass (RFC 3608).
    var serviceRoute: [NameAddress] { self.state.withLock { $0.grant }?.serviceRoute ?? [] }

    /// Removes it; returns when the registrar has answered, or after the time that the settings give for farewells.
    public func unregister() async {
        self.removeNow()
        let removal = self.removal
        _ = await within(self.engine.settings.farewell) { await removal.value() }
    }

    func removeNow() {
        guard let handle = self.state.withLock({ $0.handle }) else { return }
        self.engine.perform { turn in
            turn.agent.unregister(handle, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
    }

    // MARK: From the agent

    func begin(_ handle: RegistrationHandle) { self.state.withLock { $0.handle = handle } }

    func refused(_ error: SIPError) { self.state.withLock { $0.refusal = error } }

    func registered(_ grant: RegistrationGrant) {
        self.state.withLock { $0.grant = grant }
        self.outcome.keep(.success(()))
        self.channel.send(.registered(expires: .seconds(Int64(grant.expires))))
    }

    func failed(_ status: StatusCode, retryAfter: TimeSpan?) {
        var error = self.state.withLock { state in
            defer { state.refusal = nil }
            return state.refusal
        }
        if error == nil {
            // There was no response: the status stands for what happened (RFC 3261 §8.1.3.1).
            error =
                status == 408
                ? SIPError(.timeout, "the registrar did not answer in time")
                : SIPError(.unreachable, "no way leads to the registrar, or nobody listens there")
        }
        guard let error else { return }
        self.outcome.keep(.failure(error))
        self.channel.send(.failed(error, retryAfter: retryAfter?.duration))
    }

    func unregistered() {
        self.outcome.keep(.failure(SIPError(.cancelled, "the registration was removed")))
        self.removal.keep(())
        self.channel.send(.removed)
        self.channel.close()
    }
}
