/// A telephone number as a URI: RFC 3966.
public struct TelURI: Hashable, Sendable, CustomStringConvertible {
    /// The number as written: `+` and digits for a global one, with visual separators.
    public var number: String
    /// The parameters, with their escapes.
    public var parameters: URIParameters

    /// A telephone number with these parameters; what cannot stand in a number is left out.
    public init(number: String, parameters: URIParameters = URIParameters()) {
        let octets = Array(number.utf8)
        let isGlobal = octets.first == 0x2B
        let kept = octets.filter { Self.isVisualSeparator($0) || Self.isDigit($0, isGlobal: isGlobal) }
        self.number = (isGlobal ? "+" : "") + String(decoding: kept, as: UTF8.self)
        self.parameters = parameters
    }

    /// The number whose parts were found in `octets`.
    ///
    /// A local number without `phone-context`, which the grammar demands, is understood: phones send them.
    ///
    /// - Throws: `SIPParseError` when the number holds anything but digits and visual separators, or a parameter has no
    ///   name.
    init(_ index: URIIndex, _ octets: Span<UInt8>, field: HeaderID) throws(SIPParseError) {
        let user = index.user.range
        let isGlobal = octets[user.lowerBound] == 0x2B
        var digits = 0
        for i in (isGlobal ? user.lowerBound + 1 : user.lowerBound)..<user.upperBound {
            if Self.isDigit(octets[i], isGlobal: isGlobal) {
                digits += 1
            } else if !Self.isVisualSeparator(octets[i]) {
                throw SIPParseError(.malformedURI, in: field, at: i)
            }
        }
        guard digits > 0 else { throw SIPParseError(.malformedURI, in: field, at: user.lowerBound) }
        self.number = octets.string(user)
        let parameters = index.parameters.isEmpty ? 0..<0 : (index.parameters.lower + 1)..<index.parameters.upper
        for i in parameters {
            let octet = octets[i]
            let isEscape =
                octet == 0x25 && i + 2 < parameters.upperBound && octets[i + 1].isHexDigit && octets[i + 2].isHexDigit
            // `isub` may hold any `uric`.
            let isReserved = octet == 0x3B || octet == 0x3D || octet == 0x3F || octet == 0x40 || octet == 0x2C
            guard isEscape || isReserved || octet.belongs(to: .parameter) else {
                throw SIPParseError(.malformedURI, in: field, at: i)
            }
        }
        self.parameters = try URIParameters(octets, in: parameters, separator: 0x3B, needsValue: false, field: field)
    }

    /// `phonedigit`, and for a local number `phonedigit-hex` (RFC 3966 §3).
    private static func isDigit(_ octet: UInt8, isGlobal: Bool) -> Bool {
        octet.isDigit || (!isGlobal && (octet.isHexDigit || octet == 0x2A || octet == 0x23))
    }

    private static func isVisualSeparator(_ octet: UInt8) -> Bool {
        octet == 0x2D || octet == 0x2E || octet == 0x28 || octet == 0x29
    }

    /// Whether the number is global: `+` and digits.
    public var isGlobal: Bool { self.number.utf8.first == 0x2B }
    /// The number without visual separators, letters in upper case.
    public var digits: String { Self.digits(of: self.number) }
    /// The `phone-context` of a local number.
    public var phoneContext: String? { self.parameters["phone-context"] }

    private static func digits(of text: String) -> String {
        String(decoding: text.utf8.filter { !Self.isVisualSeparator($0) }, as: UTF8.self).uppercased()
    }

    /// RFC 3966 §4: both global or both local, the same digits without visual separators, and the same parameters in
    /// any order, each in any case; a parameter in only one of them is a difference.
    public func isEquivalent(to other: TelURI) -> Bool {
        guard self.isGlobal == other.isGlobal, self.digits == other.digits,
            self.parameters.count == other.parameters.count
        else { return false }
        // No one means more; the comparison of each with each is not for an attacker to ask for.
        guard self.parameters.count <= 64 else { return self == other }
        return self.parameters.allSatisfy { parameter in
            // A name may occur once (RFC 3966 §3); where it does more often, the first counts.
            guard let value = other.parameters[parameter.name], let own = self.parameters[parameter.name] else {
                return false
            }
            return Self.canonical(parameter.name, own) == Self.canonical(parameter.name, value)
        }
    }

    /// Numbers in parameters (`ext`, a global `phone-context`) compare without visual separators too.
    private static func canonical(_ name: String, _ value: String) -> String {
        let isNumber =
            name.equals(ignoringCase: "ext")
            || (name.equals(ignoringCase: "phone-context") && value.utf8.first == 0x2B)
        return isNumber ? Self.digits(of: value) : value.asciiLowercased
    }

    /// The text as it is sent.
    public var description: String {
        var output: [UInt8] = []
        self.write(to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// Appends the URI without angle brackets.
    public func write(to output: inout [UInt8]) {
        output.append("tel:")
        output.append(text: self.number)
        self.parameters.write(to: &output, first: 0x3B, separator: 0x3B)
    }
}
