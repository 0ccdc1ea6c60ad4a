import SIPMessages

/// The user parts, or the whole URIs, that a route is for. It is anchored: all of the subject must match.
///
/// | in the pattern | stands for |
/// |---|---|
/// | `?` | one character |
/// | `*` | any number of characters, as few as will do |
/// | `[2-9]`, `[!0]` | one character of these, one of all others |
/// | `{200-299}` | a number of three digits from 200 to 299; both ends have the same number of digits |
/// | `\` | the next character as it is |
///
/// A pattern that begins with `sip:`, `sips:` or `tel:` is for the whole URI, `sip:user@host` with the port where there is
/// one, without parameters; scheme and host compare in any case. Every other is for the user part, without escapes, which
/// compares octet by octet (RFC 3261 §19.1.4).
///
/// What a run of wildcards stood for can be used to rewrite the user part: in `$1`, that of the first run, and so on;
/// in `$0`, the whole. `match: "0049*", rewrite: "+49$1"` makes `004930123` into `+4930123`. Neighbours that stand for one
/// character each are one run.
public struct RoutePattern: Hashable, Sendable, CustomStringConvertible {
    private enum Part: Hashable, Sendable {
        case literal([UInt8])
        case characters([OctetSet])
        case number(ClosedRange<Int>, digits: Int)
        case any

        var isWildcard: Bool { if case .literal = self { false } else { true } }
    }
    private let parts: [Part]
    /// The pattern as it was written.
    public let description: String
    /// Whether it is for the whole URI.
    public let isForURI: Bool

    /// How many runs of wildcards a pattern may have: `$1` to `$9` name them.
    public static let maximumWildcards = 9
    /// The most digits of a range of numbers.
    private static let maximumDigits = 15

    /// The pattern in this text; `nil` when it is empty, has more than `maximumWildcards` runs of wildcards, or a class or
    /// range that is none.
    public init?(_ text: String) {
        let octets = Array(text.utf8)
        let isForURI = ["sip:", "sips:", "tel:"].contains { text.lowercased().hasPrefix($0) }
        // Scheme and host of the subject are in lower case.
        let hostStart = isForURI ? (octets.lastIndex(of: 0x40) ?? octets.firstIndex(of: 0x3A) ?? 0) : octets.count
        let schemeEnd = isForURI ? (octets.firstIndex(of: 0x3A) ?? 0) : 0
        var parts: [Part] = []
        func append(_ octet: UInt8, at position: Int) {
            let octet = position < schemeEnd || position > hostStart ? octet.lowercased : octet
            if case .literal(let octets) = parts.last {
                parts[parts.count - 1] = .literal(octets + [octet])
            } else {
                parts.append(.literal([octet]))
            }
        }
        func append(_ set: OctetSet) {
            if case .characters(let sets) = parts.last {
                parts[parts.count - 1] = .characters(sets + [set])
            } else {
                parts.append(.characters([set]))
            }
        }
        var i = 0
        while i < octets.count {
            let start = i
            i += 1
            switch octets[start] {
            case 0x3F: append(.all)
            case 0x2A: if parts.last != .any { parts.append(.any) }
            case 0x5B:
                guard let end = octets[i...].firstIndex(of: 0x5D), let set = OctetSet(octets[i..<end]) else {
                    return nil
                }
                append(set)
                i = end + 1
            case 0x7B:
                guard let end = octets[i...].firstIndex(of: 0x7D), let number = Self.number(octets[i..<end]) else {
                    return nil
                }
                parts.append(number)
                i = end + 1
            case 0x5C:
                guard i < octets.count else { return nil }
                append(octets[i], at: i)
                i += 1
            default: append(octets[start], at: start)
            }
        }
        guard !parts.isEmpty, parts.count(where: \.isWildcard) <= Self.maximumWildcards else { return nil }
        self.parts = parts
        self.description = text
        self.isForURI = isForURI
    }

    /// `200-299`
    private static func number(_ text: ArraySlice<UInt8>) -> Part? {
        let ends = text.split(separator: 0x2D, omittingEmptySubsequences: false)
        guard ends.count == 2, ends[0].count == ends[1].count, (1...Self.maximumDigits).contains(ends[0].count),
            let low = Self.value(ends[0]), let high = Self.value(ends[1]), low <= high
        else { return nil }
        return .number(low...high, digits: ends[0].count)
    }

    private static func value(_ digits: ArraySlice<UInt8>) -> Int? {
        var value = 0
        for octet in digits {
            guard let digit = octet.decimalDigitValue else { return nil }
            value = value * 10 + Int(digit)
        }
        return value
    }

    /// Whether there are no wildcards in it, so that it is for one subject only.
    public var isLiteral: Bool { !self.parts.contains(where: \.isWildcard) }

    /// What the runs of wildcards stand for in `subject`; `nil` when it does not match.
    public func match(_ subject: String) -> [String]? {
        let octets = Array(subject.utf8)
        return self.match(octets).map { $0.map { String(decoding: octets[$0], as: UTF8.self) } }
    }

    /// Where the runs of wildcards lie in `subject`; `nil` when it does not match.
    public func match(_ subject: [UInt8]) -> [Range<Int>]? {
        var captures: [Range<Int>] = []
        var isHopeless = false
        return self.match(subject, from: 0, part: 0, &captures, &isHopeless) ? captures : nil
    }

    /// Each `*` takes as little as it can. When the last one found no end, giving an earlier one more cannot help
    /// (`isHopeless`), so that the work is that of the length of user times the length of pattern.
    private func match(
        _ octets: [UInt8], from start: Int, part index: Int, _ captures: inout [Range<Int>], _ isHopeless: inout Bool
    ) -> Bool {
        guard index < self.parts.count else { return start == octets.count }
        let length: Int
        switch self.parts[index] {
        case .literal(let literal):
            return octets[start...].starts(with: literal)
                && self.match(octets, from: start + literal.count, part: index + 1, &captures, &isHopeless)
        case .characters(let sets):
            guard start + sets.count <= octets.count, zip(sets, octets[start...]).allSatisfy({ $0.contains($1) }) else {
                return false
            }
            length = sets.count
        case .number(let range, let digits):
            guard start + digits <= octets.count, let value = Self.value(octets[start..<start + digits]),
                range.contains(value)
            else { return false }
            length = digits
        case .any:
            for end in start...octets.count {
                captures.append(start..<end)
                if self.match(octets, from: end, part: index + 1, &captures, &isHopeless) { return true }
                captures.removeLast()
                if isHopeless { return false }
            }
            isHopeless = true
            return false
        }
        captures.append(start..<start + length)
        if self.match(octets, from: start + length, part: index + 1, &captures, &isHopeless) { return true }
        captures.removeLast()
        return false
    }
}
