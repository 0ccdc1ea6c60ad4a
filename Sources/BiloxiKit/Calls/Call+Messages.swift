import AgentCore
import SIPMessages
import SignallingTransport

/// What is said within a call beside the sound.
extension Call {
    /// Sends an INFO in the call (RFC 6086); returns when the other side has taken it.
    ///
    /// - Parameters:
    ///   - text: The body.
    ///   - contentType: What it is: `application/dtmf-relay`, `text/plain`.
    ///   - package: The package that it is of; `nil` for the usage of the time before packages (RFC 6086 §1).
    /// - Throws: `SIPError` when it is refused, or the call is over; `CancellationError`.
    public func inform(_ text: String, contentType: String, package: String? = nil) async throws {
        let (body, type) = (Array(text.utf8), try MediaType(typed: contentType))
        try await self.say("the other side takes no INFO of that package") { turn, handle in
            turn.agent.inform(
                handle, body, type: type, package: package, transactions: &turn.transactions, at: turn.now,
                into: &turn.outbox)
        }
    }

    /// Sends a message within the call (RFC 3428 §3); returns when the other side has taken it.
    ///
    /// - Throws: `SIPError` when it is refused, or the call is over; `CancellationError`.
    public func message(_ text: String, contentType: String = "text/plain") async throws {
        let (body, type) = (Array(text.utf8), try MediaType(typed: contentType))
        try await self.say("the call is not answered yet") { turn, handle in
            turn.agent.message(
                handle, body, type: type, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
    }

    private func say(
        _ problem: String, _ body: (inout AgentTurn, CallHandle) -> Bool
    ) async throws {
        if let error = self.core.end.current { throw error }
        guard let handle = self.core.handle else { throw SIPError.ended("it has not begun") }
        let core = self.core
        // Within the turn, so that they wait in the order in which they are sent.
        let answer: Promise<Result<Void, SIPError>>?? = self.engine.perform { turn in
            let answer = core.beginInforming()
            if body(&turn, handle) { return answer }
            core.giveUpInforming(answer)
            return nil
        }
        guard case .some(.some(let answer)) = answer else { throw SIPError(.rejected, problem) }
        switch await answer.value() {
        case .success?: return
        case .failure(let error)?: throw error
        case nil: throw CancellationError()
        }
    }
}
