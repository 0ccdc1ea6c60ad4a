public import SIPMessages

/// A rule that was broken on the wire, or a thing that was left over.
public struct Violation: Hashable, Sendable, CustomStringConvertible {
    /// Which rule.
    public enum Rule: Hashable, Sendable {
        /// A server transaction sent two final responses that are not both 2xx to an INVITE (RFC 3261 §17.2).
        case secondFinalResponse
        /// A server transaction sent a provisional response after its final one.
        case provisionalAfterFinal
        /// A transaction sent something after its end, or again where nothing may be sent again.
        case sentAfterTermination
        /// A request was sent again over a reliable transport, or after the response that ends retransmission (§17.1).
        case needlessRetransmission
        /// A response to a request that never came.
        case responseWithoutRequest
        /// Two different requests in one client transaction.
        case branchUsedTwice
        /// 408 to a request other than INVITE (RFC 4320 §4.2).
        case timeoutResponseToNonInvite
        /// A provisional response other than 100 to a request other than INVITE, or 100 too early (RFC 4320 §4.1).
        case provisionalToNonInvite
        /// A final response other than 2xx to an INVITE was not acknowledged at once (§17.1.1.3).
        case missingACK
        /// Something is alive when all is over.
        case leftOver
        /// A rule of the test's own does not hold.
        case ownRule
        /// A node wants to be woken again and again without time going on.
        case restless
    }

    /// Which rule.
    public let rule: Rule
    /// The name of the host.
    public let host: String
    /// When it was noticed.
    public let time: MonotonicInstant
    /// The message, or what was left.
    public let detail: String

    /// `bob broke secondFinalResponse at 520 ms: 487 …`
    public var description: String {
        "\(self.host) broke \(self.rule) at \(Ladder.milliseconds(self.time)) ms: \(self.detail)"
    }
}
