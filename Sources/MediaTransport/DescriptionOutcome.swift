public import SDP

/// What came of a description that an end point was asked for.
public enum DescriptionOutcome: Hashable, Sendable {
    /// The description to send.
    case description([UInt8])
    /// Nothing can be agreed on: 488 with this Warning, and a description of what would be possible as its body
    /// (RFC 3261 §21.4.26).
    case refused(OfferRefusal, capabilities: [UInt8])
    /// The description is none: 400, with the text of the error as its reason phrase.
    case malformed(String)
    /// It is not the peer's turn: 491 (RFC 3261 §14.2).
    case glare
    /// No port is free: 500 or 503.
    case unavailable(MediaError)
}
