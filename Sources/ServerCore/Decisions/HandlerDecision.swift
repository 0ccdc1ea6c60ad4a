public import SIPMessages

/// A request outside of dialogs that waits for somebody to decide what becomes of it, or waits no more.
public struct HandlerQuestion: Hashable, Sendable {
    /// What is asked.
    public enum Kind: Hashable, Sendable {
        /// What is to become of the request; `SignallingServer.decide` answers.
        ///
        /// - request: As it goes on: without our Route and the credentials for us.
        /// - source: Where it came from.
        /// - user: `user@domain` of the user of ours who has proved to have sent it; empty for nobody.
        case decide(request: [UInt8], source: Flow, user: [UInt8])
        /// The caller has given up, or it took too long: an answer is none any more.
        case withdrawn
    }

    /// The shard of the call.
    public let shard: Int
    /// Counts the questions of the shard.
    public let number: UInt64
    /// What is asked.
    public let kind: Kind
}

/// What becomes of a request by the word of whoever was asked.
public enum HandlerDecision: Hashable, Sendable {
    /// One of the places where it may go.
    public enum Target: Hashable, Sendable {
        /// This URI.
        case uri([UInt8])
        /// The devices of a user of ours; as `Registrar.appendTargets` has written their bindings.
        case bindings([UInt8])
    }

    /// It is answered: status, reason phrase, and whole lines to add, each with its line end.
    case reply(UInt16, String, fields: [UInt8])
    /// It goes where its Request-URI says.
    case relay
    /// It goes to all targets of the first group; where none of those accepts, to those of the next one.
    ///
    /// - each: How long a group may ring that is not the last one; `nil` for as long as it likes.
    case targets([[Target]], each: TimeSpan?)
}
