/// What a contact can do, or what a caller asks for, as feature parameters: Accept-Contact, Reject-Contact, and those
/// of a Contact (RFC 3840 §9, RFC 3841 §9).
public struct FeatureSet: FieldValue {
    /// The parameters: feature tags, and in Accept-Contact `require` and `explicit`.
    public var parameters: Parameters

    /// These feature parameters; values are quoted when they are written (RFC 3840 §9).
    public init(_ parameters: Parameters) {
        self.parameters = Parameters(parameters.map { Parameter($0.name, $0.value, isQuoted: true) })
    }

    /// Parses `*` and the parameters.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        reader.skipWhitespace()
        try reader.expect(0x2A)
        self.init(try reader.parameters())
        try reader.expectEnd()
    }

    /// The feature parameters of a Contact: names of the base set, and those that begin with `+`.
    public init(contact: Parameters) {
        self.init(Parameters(contact.filter { Self.isFeatureTag($0.name) }))
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(0x2A)
        self.parameters.write(to: &output)
    }

    /// Whether a contact must be known to match: `require` (RFC 3841 §9.2).
    public var isRequired: Bool { self.parameters.has("require") }
    /// Whether a contact that says nothing of a feature does not have it: `explicit` (RFC 3841 §9.2).
    public var isExplicit: Bool { self.parameters.has("explicit") }

    /// The feature tags with what their values allow, without `require`, `explicit` and `q`.
    public var features: [(name: String, values: [FeatureValue])] {
        self.parameters.filter { Self.isFeatureTag($0.name) }.map { parameter in
            (parameter.name.asciiLowercased, FeatureValue.parse(parameter.value))
        }
    }

    /// `base-tags` of RFC 3840 §9.
    private static let baseTags: Set<String> = [
        "audio", "automata", "class", "duplex", "data", "control", "mobility", "description", "events", "priority",
        "methods", "schemes", "application", "video", "language", "type", "isfocus", "actor", "text", "extensions",
    ]

    /// Whether a parameter name is a feature tag.
    public static func isFeatureTag(_ name: String) -> Bool {
        name.utf8.first == 0x2B || Self.baseTags.contains(name.asciiLowercased)
    }
}

/// One alternative in the value of a feature tag (`tag-value` of RFC 3840 §9).
public struct FeatureValue: Hashable, Sendable {
    /// What the feature must be, or must not be.
    public enum Kind: Hashable, Sendable {
        /// A token, a Boolean as `TRUE` or `FALSE`; compared in any case.
        case token(String)
        /// A string between angle brackets, compared octet by octet.
        case string(String)
        /// A number within bounds, in thousandths; `nil` is no bound.
        case number(from: Int64?, to: Int64?)
    }

    /// What is meant.
    public var kind: Kind
    /// Whether it is excluded: `!`.
    public var isNegated: Bool

    /// A value of these parts.
    public init(_ kind: Kind, isNegated: Bool = false) { (self.kind, self.isNegated) = (kind, isNegated) }

    /// The alternatives in a parameter's value; a tag without value is `TRUE` (RFC 3840 §9). What breaks the grammar
    /// is taken as a token.
    static func parse(_ text: String?) -> [FeatureValue] {
        guard let text else { return [FeatureValue(.token("TRUE"))] }
        if text.hasPrefix("<"), text.hasSuffix(">"), text.utf8.count >= 2 {
            return [FeatureValue(.string(String(text.dropFirst().dropLast())))]
        }
        return text.split(separator: ",").map { part in
            var part = part.drop { $0 == " " || $0 == "\t" }
            while let last = part.last, last == " " || last == "\t" { part.removeLast() }
            let isNegated = part.first == "!"
            if isNegated { part.removeFirst() }
            if part.first == "#", let number = Self.number(part.dropFirst()) {
                return FeatureValue(number, isNegated: isNegated)
            }
            return FeatureValue(.token(String(part)), isNegated: isNegated)
        }
    }

    /// `numeric-relation number`, or `number ":" number`.
    private static func number(_ text: Substring) -> Kind? {
        if text.hasPrefix("<=") { return Self.thousandths(text.dropFirst(2)).map { .number(from: nil, to: $0) } }
        if text.hasPrefix(">=") { return Self.thousandths(text.dropFirst(2)).map { .number(from: $0, to: nil) } }
        if text.hasPrefix("=") { return Self.thousandths(text.dropFirst()).map { .number(from: $0, to: $0) } }
        let bounds = text.split(separator: ":", omittingEmptySubsequences: false)
        guard bounds.count == 2, let from = Self.thousandths(bounds[0]), let to = Self.thousandths(bounds[1]) else {
            return nil
        }
        return .number(from: from, to: to)
    }

    private static func thousandths(_ text: Substring) -> Int64? {
        var octets = Array(text.utf8)[...]
        let isNegative = octets.first == 0x2D
        if isNegative || octets.first == 0x2B { octets.removeFirst() }
        var value: Int64 = 0
        var decimals: Int?
        guard !octets.isEmpty else { return nil }
        for octet in octets {
            if octet == 0x2E, decimals == nil {
                decimals = 0
                continue
            }
            guard let digit = octet.decimalDigitValue else { return nil }
            if let count = decimals {
                decimals = count + 1
                if count >= 3 { continue }
            }
            value = value * 10 + Int64(digit)
            guard value < 1 << 50 else { return nil }
        }
        for _ in 0..<Swift.max(0, 3 - (decimals ?? 0)) { value *= 10 }
        return isNegative ? -value : value
    }
}
