import AgentCore
import SIPMessages
import SignallingTransport
import Synchronization

/// What stands behind a subscription: told by the agent, asked by the tasks of the application.
final class SubscriptionCore: Sendable {
    /// What the agent knows it by.
    enum Handle: Hashable, Sendable {
        case subscription(SubscriptionHandle)
        /// The REFER of a transfer, which has made it.
        case transfer(TransferHandle)
    }

    private struct State: Sendable {
        var handle: Handle?
        var last: Subscription.Notification?
        var isCancelled = false
    }

    let target: String
    let event: String
    private let engine: Engine
    /// The call whose events tell of the progress of the transfer.
    private let call: Call?
    private let state = Mutex(State())
    private let notifications = Channel<Subscription.Notification>(limit: 64)
    /// Whether it was taken, or why not.
    let begun = Promise<Result<Void, SIPError>>()
    /// How it ended: `nil` when nothing went wrong.
    let end = Promise<SIPError?>()
    /// What the call came to that a transfer has asked for.
    let transferred = Promise<Result<Void, SIPError>>()

    init(_ engine: Engine, to event: String, of target: String, call: Call? = nil) {
        (self.engine, self.event, self.target, self.call) = (engine, event, target, call)
    }

    var farewell: Duration { self.engine.settings.farewell }
    var last: Subscription.Notification? { self.state.withLock { $0.last } }

    func begin(_ handle: Handle) { self.state.withLock { $0.handle = handle } }

    /// Waits until it is taken.
    ///
    /// - Throws: `SIPError` when it is not; `CancellationError`.
    func taken() async throws -> Subscription {
        let subscription = Subscription(self)
        switch await self.begun.value() {
        case .success?: return subscription
        case .failure(let error)?: throw error
        case nil: throw CancellationError()
        }
    }

    func next() async throws(SIPError) -> Subscription.Notification? {
        if let notification = await self.notifications.next() { return notification }
        if case .some(.some(let error)) = self.end.current { throw error }
        return nil
    }

    /// Ends it, once.
    func cancel() {
        let handle = self.state.withLock { state in
            defer { state.isCancelled = true }
            return state.isCancelled ? nil : state.handle
        }
        self.notifications.close()
        guard case .subscription(let handle)? = handle else { return }
        self.engine.perform { turn in
            turn.agent.unsubscribe(handle, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
    }

    // MARK: From the agent

    func accepted() { self.begun.keep(.success(())) }

    func notified(_ message: SIPMessage) {
        let notification = Subscription.Notification(message)
        self.state.withLock { $0.last = notification }
        self.begun.keep(.success(()))
        self.notifications.send(notification)
    }

    /// The user agent has ended.
    func closed() {
        let error = SIPError.ended("the user agent has ended")
        self.begun.keep(.failure(error))
        self.transferred.keep(.failure(error))
        self.ended(nil)
    }

    private func ended(_ error: SIPError?) {
        self.begun.keep(error.map { .failure($0) } ?? .success(()))
        self.end.keep(error)
        self.transferred.keep(error.map { .failure($0) } ?? .success(()))
        self.notifications.close()
    }

    func ended(_ end: SubscriptionEnd) {
        switch end {
        case .unsubscribed, .terminated: self.ended(nil)
        case .rejected(let response): self.ended(SIPError(response))
        case .failed(.timedOut): self.ended(SIPError(.timeout, "no answer or no NOTIFY came in time"))
        case .failed(let end): self.ended(SIPError(end))
        }
    }

    // MARK: Transfers

    func progressed(_ status: Int, _ reason: String) {
        self.call?.core.events.send(.transferProgress(status: status, reason: reason))
    }

    func done(_ end: TransferEnd) {
        switch end {
        case .succeeded, .unreported: self.ended(nil)
        case .failed(let status, let reason):
            // The last notification has told it.
            let error = SIPError(SIPError.code(of: status), status: Int(status.number), reason)
            self.transferred.keep(.failure(error))
            self.ended(nil)
        case .refused(let status, let reason):
            self.ended(SIPError(SIPError.code(of: status), status: Int(status.number), reason))
        }
    }
}
