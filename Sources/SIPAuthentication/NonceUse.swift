/// The use of a nonce by credentials that have proved right, to be judged where the nonce was issued.
public struct NonceUse: BitwiseCopyable, Hashable, Sendable {
    /// The nonce.
    public let nonce: Nonce
    /// Its count; `nil` without qop.
    public let count: UInt32?
    /// The place of its issue.
    public let place: UInt8
}
