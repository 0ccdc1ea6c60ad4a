/// Why an offer or answer cannot be used, or what is wrong with one that can.
public struct OfferAnswerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rule that was broken. Open: a later version may add rules.
    public struct Rule: Hashable, Sendable, CustomStringConvertible {
        /// What is wrong, as a phrase.
        public let description: String

        /// A rule of one's own.
        public init(_ description: String) { self.description = description }

        /// Both sides have made an offer: 491 (RFC 3261 §14.2, RFC 6337 §4.2).
        public static let glare = Rule("an offer of ours is not answered yet (RFC 3264 §4)")
        /// An offer before the one before it was answered: 500 (RFC 3261 §14.2, RFC 6337 §4.1).
        public static let offerPending = Rule("an earlier offer is not answered yet (RFC 3264 §4)")
        /// An answer to nothing.
        public static let noOffer = Rule("there is no offer to answer (RFC 3264 §4)")
        /// A line of a type that SDP does not have.
        public static let unknownType = Rule("unknown line type (RFC 8866 §5)")
        /// The number of `m=` lines differs from the offer's, or has become smaller.
        public static let mediaCount = Rule("wrong number of m= lines (RFC 3264 §6, §8)")
        /// The type of a medium in the answer is not that of the offer.
        public static let mediaType = Rule("media type differs from the offer (RFC 3264 §6.1)")
        /// The transport of a medium in the answer is not that of the offer.
        public static let transport = Rule("transport differs from the offer (RFC 3264 §6)")
        /// An answer accepts what was offered with port 0.
        public static let disabledAccepted = Rule("medium offered with port 0 is answered with another (RFC 3264 §8.2)")
        /// An answer has no format of the offer.
        public static let noCommonFormat = Rule("no format of the offer is in the answer (RFC 3264 §6.1)")
        /// A medium has no connection.
        public static let connectionMissing = Rule("no c= line for the medium (RFC 8866 §5.7)")
        /// The answered direction does not fit the offered one.
        public static let direction = Rule("direction does not fit that of the offer (RFC 3264 §6.1)")
        /// A dynamic payload type means another encoding than before.
        public static let payloadTypeChanged = Rule("payload type has changed its meaning (RFC 3264 §8.3.2)")
        /// Something besides the version has changed in `o=`.
        public static let originChanged = Rule("o= names another session (RFC 3264 §8)")
        /// The description has changed, its version has not.
        public static let versionKept = Rule("description changed, version of o= did not (RFC 3264 §8)")
        /// The version has not gone up by one.
        public static let versionStep = Rule("version of o= did not go up by one (RFC 3264 §8)")
        /// `t=` of the answer is not that of the offer.
        public static let timing = Rule("t= differs from the offer (RFC 3264 §6)")
    }

    /// The rule that was broken.
    public var rule: Rule
    /// The medium, from 0; `nil` where it is about the whole description.
    public var medium: Int?

    /// An error.
    public init(_ rule: Rule, medium: Int? = nil) { (self.rule, self.medium) = (rule, medium) }

    /// One line that is safe to log and to send.
    public var description: String {
        self.medium.map { "medium \($0 + 1): \(self.rule)" } ?? self.rule.description
    }
}
