// The rules that a peer's description keeps.

extension OfferAnswer {
    /// Checks an answer against its offer.
    ///
    /// - Returns: What is wrong with it although it can be used.
    /// - Throws: `OfferAnswerError` when it cannot be used.
    static func check(
        answer: SessionDescription, to offer: SessionDescription
    ) throws(OfferAnswerError) -> [OfferAnswerError] {
        if answer.violations.contains(where: { $0.rule == .unknownType }) { throw OfferAnswerError(.unknownType) }
        guard answer.media.count == offer.media.count else { throw OfferAnswerError(.mediaCount) }
        var problems: [OfferAnswerError] = []
        if let offered = offer.timing, let answered = answer.timing, offered != answered {
            problems.append(OfferAnswerError(.timing))
        }
        for i in offer.media.indices {
            let (asked, given) = (offer.media[i], answer.media[i])
            guard given.line.type == asked.line.type else { throw OfferAnswerError(.mediaType, medium: i) }
            guard given.line.port != 0 else { continue }
            guard asked.line.port != 0 else { throw OfferAnswerError(.disabledAccepted, medium: i) }
            guard given.line.transport == asked.line.transport else {
                throw OfferAnswerError(.transport, medium: i)
            }
            guard answer.connection(of: given) != nil else { throw OfferAnswerError(.connectionMissing, medium: i) }
            guard self.hasCommonFormat(given, asked) else { throw OfferAnswerError(.noCommonFormat, medium: i) }
            let allowed = offer.direction(of: asked).reversed
            let direction = answer.direction(of: given)
            if direction.limited(to: allowed) != direction { problems.append(OfferAnswerError(.direction, medium: i)) }
        }
        return problems
    }

    private static func hasCommonFormat(_ given: MediaDescription, _ asked: MediaDescription) -> Bool {
        guard asked.line.isRTP else {
            return given.line.formats.contains { asked.line.formats.contains($0) }
        }
        let offered = asked.formats
        return given.formats.contains { format in
            offered.contains { FormatAgreement.isAnswer(format, to: $0) }
        }
    }

    /// What is wrong with the `o=` line of a later description. It can be used all the same: how to act on it is not
    /// defined (RFC 6337 §5.2.5), and B2BUAs that join one leg to another send such descriptions daily.
    func checkOrigin(_ description: SessionDescription) -> [OfferAnswerError] {
        guard let before = self.remote else { return [] }
        guard description.origin.isSameSession(as: before.origin) else { return [OfferAnswerError(.originChanged)] }
        let (old, new) = (before.origin.version, description.origin.version)
        if new == old { return description == before ? [] : [OfferAnswerError(.versionKept)] }
        return new == old &+ 1 ? [] : [OfferAnswerError(.versionStep)]
    }
}
