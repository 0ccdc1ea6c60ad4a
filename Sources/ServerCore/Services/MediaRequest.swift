public import AgentCore
public import SIPMessages

/// What a call that the server answers itself wants of the media.
public struct MediaRequest: Hashable, Sendable {
    /// What is wanted.
    public enum Kind: Hashable, Sendable {
        /// A description; `CallShard.described` takes it.
        ///
        /// - local: The address of ours that the call came to.
        case describe(MediaQuestion, local: IPAddress)
        /// The answer to the offer that was described last.
        case accept(answer: [UInt8])
        /// The offer that was described last was refused.
        case offerRefused
        /// The call is over.
        case stop
    }
    /// The call, good within its shard.
    public let call: CallHandle
    /// The shard of the call.
    public let shard: Int
    /// What is wanted.
    public let kind: Kind
}
