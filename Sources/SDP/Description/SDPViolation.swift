import SIPMessages

/// A rule that a description breaks although it can be understood.
public struct SDPViolation: Hashable, Sendable, CustomStringConvertible {
    /// The rule, with its source. Open: a later version may add rules.
    public struct Rule: Hashable, Sendable, CustomStringConvertible {
        /// What is wrong, as a phrase.
        public let description: String

        /// A rule of one's own.
        public init(_ description: String) { self.description = description }

        /// A letter that SDP does not have; an endpoint must refuse the description.
        public static let unknownType = Rule("unknown line type (RFC 8866 §5)")
        /// A line stands behind one that belongs after it.
        public static let order = Rule("line out of order (RFC 8866 §5)")
        /// A line that may occur once occurs again.
        public static let repeated = Rule("line may occur only once (RFC 8866 §9)")
        /// There is no `s=`.
        public static let nameMissing = Rule("no s= line (RFC 8866 §5.3)")
        /// `s=` is empty.
        public static let nameEmpty = Rule("empty s= line: write \"s=-\" (RFC 8866 §5.3)")
        /// There is no `t=`.
        public static let timeMissing = Rule("no t= line (RFC 8866 §5.9)")
        /// A medium that is wanted has no `c=`, and the session has none.
        public static let connectionMissing = Rule("no c= line for the medium (RFC 8866 §5.7)")
        /// `k=` must not be used.
        public static let keyLine = Rule("obsolete k= line (RFC 8866 §5.12)")
        /// An attribute's name is written in another case.
        public static let attributeCase = Rule("attribute name in the wrong case (RFC 8866 §5.13)")
        /// A name of an encoding that is not registered, but close to one that is.
        public static let encodingName = Rule("encoding name telephone-events: write telephone-event (RFC 4733 §7.1)")
        /// A payload type of an `m=` line is dynamic and has no `a=rtpmap`.
        public static let mapMissing = Rule("dynamic payload type without a=rtpmap (RFC 3264 §6.1)")
        /// An `a=rtpmap` that breaks its grammar.
        public static let mapMalformed = Rule("malformed a=rtpmap (RFC 8866 §6.6)")
    }

    /// The rule.
    public var rule: Rule
    /// The letter of the line; that of the `m=` line where one is missing.
    public var type: UInt8
    /// The medium, from 0; `nil` in the session's part.
    public var medium: Int?

    /// One line that is safe to log.
    public var description: String {
        let place = self.medium.map { "medium \($0 + 1)" } ?? "session"
        return "\(Character(Unicode.Scalar(self.type)))= of the \(place): \(self.rule)"
    }
}

extension SessionDescription {
    /// The rules that the description breaks although it can be understood.
    public var violations: [SDPViolation] {
        var found: [SDPViolation] = []
        if self.line("s") == nil { found.append(SDPViolation(rule: .nameMissing, type: .line("s"))) }
        if self.line("t") == nil { found.append(SDPViolation(rule: .timeMissing, type: .line("t"))) }
        Self.check(self.lines, Self.order, once: "siuc", medium: nil, into: &found)
        for (i, medium) in self.media.enumerated() {
            if medium.line.port != 0, self.connection(of: medium) == nil {
                found.append(SDPViolation(rule: .connectionMissing, type: .line("m"), medium: i))
            }
            Self.check(medium.lines, MediaDescription.order, once: "i", medium: i, into: &found)
            Self.checkFormats(medium, i, into: &found)
        }
        return found
    }

    private static func check(
        _ lines: [SDPLine], _ order: StaticString, once: String, medium: Int?, into found: inout [SDPViolation]
    ) {
        var last = 0
        var seen: Set<UInt8> = []
        for line in lines {
            func add(_ rule: SDPViolation.Rule) {
                found.append(SDPViolation(rule: rule, type: line.type, medium: medium))
            }
            let rank = order.withUTF8Buffer { $0.firstIndex(of: line.type) }
            guard let rank else {
                add(.unknownType)
                continue
            }
            // r= and z= belong to the t= before them, so that a second t= may follow (RFC 8866 §9).
            let isTime = [UInt8.line("t"), .line("r"), .line("z")].contains(line.type)
            if rank < last, !isTime { add(.order) }
            last = isTime ? order.withUTF8Buffer { $0.firstIndex(of: .line("t")) ?? rank } : Swift.max(last, rank)
            if !seen.insert(line.type).inserted, once.utf8.contains(line.type) { add(.repeated) }
            if line.type == .line("k") { add(.keyLine) }
            if line.type == .line("s"), line.value.isEmpty { add(.nameEmpty) }
            if let attribute = SDPAttribute(line), Self.knownAttributes.contains(attribute.name.lowercased()),
                attribute.name != attribute.name.lowercased()
            {
                add(.attributeCase)
            }
        }
    }

    private static let knownAttributes: Set<String> = [
        "rtpmap", "fmtp", "ptime", "maxptime", "sendrecv", "sendonly", "recvonly", "inactive", "rtcp", "rtcp-mux",
        "group", "mid", "crypto", "fingerprint", "setup", "candidate",
    ]

    private static func checkFormats(_ medium: MediaDescription, _ i: Int, into found: inout [SDPViolation]) {
        guard medium.line.isRTP else { return }
        let values = medium.attributeValues("rtpmap")
        let maps = values.compactMap { RTPMap($0) }
        if maps.count < values.count {
            found.append(SDPViolation(rule: .mapMalformed, type: .line("a"), medium: i))
        }
        if maps.contains(where: { $0.encoding.equals(ignoringCase: "telephone-events") }) {
            found.append(SDPViolation(rule: .encodingName, type: .line("a"), medium: i))
        }
        let types = medium.line.formats.compactMap { UInt8($0) }
        if medium.line.port != 0,
            types.contains(where: { type in
                RTPMap.static(type) == nil && !maps.contains { $0.payloadType == type }
            })
        {
            found.append(SDPViolation(rule: .mapMissing, type: .line("m"), medium: i))
        }
    }
}
