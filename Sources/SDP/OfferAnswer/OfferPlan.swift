import SIPMessages

/// Why a description cannot be agreed to: what a 488 says in its Warning (RFC 3261 §21.4.26, §20.43).
public struct OfferRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The code of the Warning, 300-399.
    public var warning: UInt16
    /// The text of the Warning.
    public var phrase: String

    /// A refusal.
    public init(warning: UInt16, phrase: String) { (self.warning, self.phrase) = (warning, phrase) }

    /// The code and the text.
    public var description: String { "\(self.warning) \(self.phrase)" }
}

/// What an answer will say to each medium of an offer.
public struct OfferPlan: Hashable, Sendable {
    /// The verdict on one medium.
    public enum Verdict: Hashable, Sendable {
        /// It can be accepted, with the capability of this index.
        case accept(capability: Int)
        /// It was offered with port 0, so it is answered with port 0 (RFC 3264 §8.2).
        case disabled
        /// It is answered with port 0, and this is why.
        case refuse(OfferRefusal)
    }

    /// The verdicts, in the order of the media.
    public var verdicts: [Verdict]

    /// Why the whole offer is refused: it wants media, and none of them can be accepted (RFC 3264 §6.1, RFC 6337 §5.2.3).
    ///
    /// Of several reasons the one that came closest to an agreement is given.
    public var refusal: OfferRefusal? {
        var closest: OfferRefusal?
        for verdict in self.verdicts {
            switch verdict {
            case .accept: return nil
            case .disabled: continue
            case .refuse(let refusal):
                if Self.closeness(refusal) > closest.map({ Self.closeness($0) }) ?? -1 { closest = refusal }
            }
        }
        return closest
    }

    private static func closeness(_ refusal: OfferRefusal) -> Int {
        [304: 1, 300: 2, 302: 3, 330: 4, 301: 5, 305: 6][refusal.warning] ?? 0
    }

    /// Weighs an offer against what we can do.
    ///
    /// - Parameter objection: What else stands against a medium that could be accepted, as that it has no keys.
    public init(
        _ offer: SessionDescription, _ capabilities: [StreamCapability],
        objection: (MediaDescription) -> OfferRefusal? = { _ in nil }
    ) {
        var used = [Int](repeating: 0, count: capabilities.count)
        self.verdicts = offer.media.map { medium in
            if medium.line.port == 0 { return .disabled }
            let ofType = capabilities.indices.filter { capabilities[$0].type == medium.line.type }
            guard !ofType.isEmpty else {
                return .refuse(OfferRefusal(warning: 304, phrase: "Media type not available: \(medium.line.type)"))
            }
            let usable = ofType.filter { capabilities[$0].transports.contains(medium.line.transport) }
            guard !usable.isEmpty else {
                return .refuse(
                    OfferRefusal(
                        warning: 302, phrase: "Incompatible transport protocol: \(medium.line.transport)"))
            }
            var refusal = OfferRefusal(
                warning: 305, phrase: "Incompatible media format: none of \(Self.names(medium)) is known")
            for i in usable {
                if let problem = Self.problem(offer, medium, capabilities[i]) {
                    refusal = problem
                } else if used[i] >= capabilities[i].count {
                    refusal = OfferRefusal(warning: 304, phrase: "Media type not available more than once")
                } else if Self.hasCommonFormat(medium, capabilities[i]) {
                    if let objection = objection(medium) { return .refuse(objection) }
                    used[i] += 1
                    return .accept(capability: i)
                }
            }
            return .refuse(refusal)
        }
    }

    /// Whether something that carries media by itself is common; a stream of events alone is one too.
    private static func hasCommonFormat(_ medium: MediaDescription, _ capability: StreamCapability) -> Bool {
        let offered = medium.formats
        let needsPrimary = offered.contains { $0.isPrimary }
        return offered.contains { format in
            (format.isPrimary || !needsPrimary)
                && capability.formats.contains { FormatAgreement.answer(to: format, own: $0) != nil }
        }
    }

    private static func problem(
        _ offer: SessionDescription, _ medium: MediaDescription, _ capability: StreamCapability
    ) -> OfferRefusal? {
        guard let connection = offer.connection(of: medium) else {
            return OfferRefusal(warning: 399, phrase: "SDP has no c= line for the medium")
        }
        guard connection.networkType == "IN" else {
            return OfferRefusal(warning: 300, phrase: "Incompatible network protocol: \(connection.networkType)")
        }
        if connection.isMulticast { return OfferRefusal(warning: 330, phrase: "Multicast not available") }
        let isKnown =
            (connection.addressType == "IP4" && capability.hasIPv4)
            || (connection.addressType == "IP6" && capability.hasIPv6)
        guard isKnown else {
            return OfferRefusal(
                warning: 301, phrase: "Incompatible network address formats: \(connection.addressType)")
        }
        return nil
    }

    /// The names of the formats of a medium, for people; at most eight.
    private static func names(_ medium: MediaDescription) -> String {
        let names = medium.formats.map { "\($0.map.encoding)/\($0.map.clockRate)" }
        return (names.isEmpty ? medium.line.formats : names).prefix(8).joined(separator: ", ")
    }
}
