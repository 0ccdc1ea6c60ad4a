import AgentCore
public import SIPMessages
import SignallingTransport

/// A call that came and is not answered yet.
public final class Invitation: Sendable {
    let call: Call
    /// Who calls, by its own word: `sip:alice@example.test`.
    public let from: String
    /// The name that the caller gives itself; `nil` without one.
    public let fromName: String?
    /// Whom the call is for: the user part of the address that was called.
    public let user: String
    /// The address that was called: `sip:ivr@example.test`.
    public let to: String
    /// The INVITE, with its typed fields.
    public let message: SIPMessage

    init(_ call: Call, _ message: SIPMessage) {
        self.call = call
        self.message = message
        self.from = message.first(.from)?.uri.description ?? ""
        self.fromName = message.first(.from)?.displayName
        self.user = message.requestURI?.sip?.user ?? ""
        self.to = message.requestURI?.description ?? ""
    }

    /// What happens to it, and then in the call: among others that the caller has given up. Each event goes to one listener.
    public var events: Events<CallEvent> { self.call.events }

    /// The values of a header field of the INVITE, one for each line, by its name in any case.
    public func values(of name: String) -> [String] { self.message.values(of: name) }

    /// Says that it rings: 180, or another provisional status without sound.
    public func ring(_ status: Int = 180) {
        let status = StatusCode(UInt16(clamping: status))
        self.perform { turn, handle in
            turn.agent.ring(handle, status, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
    }

    /// Lets the caller hear something before the call is answered: 183 with a description. What is played on the call that
    /// is returned goes out, although it is not accepted yet.
    public func earlyMedia() -> Call {
        self.perform { turn, handle in
            turn.agent.progress(handle, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
        return self.call
    }

    /// Accepts the call.
    ///
    /// - Parameter begun: Given the call before it stands.
    /// - Throws: `SIPError`: `cancelled` when the caller has given up, `media` when there is no port for the audio;
    ///   `CancellationError`.
    public func accept(begun: (Call) -> Void = { _ in }) async throws -> Call {
        begun(self.call)
        self.perform { turn, handle in
            turn.agent.accept(handle, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
        switch await self.call.core.answered.value() {
        case .success?: return self.call
        case .failure(let error)?: throw error
        case nil:
            self.call.hangUpNow()
            throw CancellationError()
        }
    }

    /// Refuses the call.
    ///
    /// - Parameters:
    ///   - status: 300 to 699.
    ///   - reason: The reason phrase; that of the status unless given.
    public func reject(_ status: Int, _ reason: String? = nil) {
        let status = StatusCode(UInt16(clamping: status))
        self.perform { turn, handle in
            turn.agent.reject(
                handle, status, reason: reason, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
    }

    /// Sends the caller elsewhere: 302.
    ///
    /// - Throws: `SIPError`: `invalid` when an address is none.
    public func redirect(to addresses: String...) throws { try self.redirect(to: addresses) }

    /// Sends the caller to the addresses of a list: 302.
    ///
    /// - Throws: `SIPError`: `invalid` when an address is none.
    public func redirect(to addresses: [String]) throws {
        let contacts = try addresses.map { Contact(.sip(try Account.uri($0, "the redirection"))) }
        self.perform { turn, handle in
            turn.agent.reject(
                handle, 302, contacts: contacts, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
    }

    /// The handler has returned: what is not answered is refused, what is goes on no more.
    func finish() {
        if self.call.core.answered.current == nil { return self.reject(480) }
        self.call.hangUpNow()
    }

    private func perform(_ body: (inout AgentTurn, CallHandle) -> Void) {
        guard let handle = self.call.core.handle else { return }
        self.call.engine.perform { body(&$0, handle) }
    }
}
