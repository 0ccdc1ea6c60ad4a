/// The user parts that a route is for: `?` stands for one character, `*` for any number of them, all else for itself.
///
/// What a run of wildcards stood for can be used to rewrite the user part: in `$1`, that of the first run, and so on;
/// in `$0`, the whole. `match: "0049*", rewrite: "+49$1"` makes `004930123` into `+4930123`.
public struct RoutePattern: Hashable, Sendable, CustomStringConvertible {
    private enum Part: Hashable, Sendable {
        case literal([UInt8])
        case characters(Int)
        case any
    }
    private let parts: [Part]
    /// The pattern as it was written.
    public let description: String

    /// How many runs of wildcards a pattern may have: `$1` to `$9` name them.
    public static let maximumWildcards = 9

    /// The pattern in this text; `nil` when it is empty or has more than `maximumWildcards` runs of wildcards.
    public init?(_ text: String) {
        var parts: [Part] = []
        for octet in text.utf8 {
            switch (octet, parts.last) {
            case (0x3F, .characters(let count)): parts[parts.count - 1] = .characters(count + 1)
            case (0x3F, _): parts.append(.characters(1))
            case (0x2A, .any): break
            case (0x2A, _): parts.append(.any)
            case (_, .literal(let octets)): parts[parts.count - 1] = .literal(octets + [octet])
            case (_, _): parts.append(.literal([octet]))
            }
        }
        let wildcards = parts.filter { if case .literal = $0 { false } else { true } }
        guard !parts.isEmpty, wildcards.count <= Self.maximumWildcards else { return nil }
        self.parts = parts
        self.description = text
    }

    /// What the runs of wildcards stand for in `user`; `nil` when it does not match.
    ///
    /// Compares octet by octet, as user parts are compared (RFC 3261 §19.1.4).
    public func match(_ user: String) -> [String]? {
        var captures: [Range<Int>] = []
        var isHopeless = false
        let octets = Array(user.utf8)
        guard self.match(octets, from: 0, part: 0, &captures, &isHopeless) else { return nil }
        return captures.map { String(decoding: octets[$0], as: UTF8.self) }
    }

    /// Each `*` takes as little as it can. When the last one found no end, giving an earlier one more cannot help
    /// (`isHopeless`), so that the work is that of the length of user times the length of pattern.
    private func match(
        _ octets: [UInt8], from start: Int, part index: Int, _ captures: inout [Range<Int>], _ isHopeless: inout Bool
    ) -> Bool {
        guard index < self.parts.count else { return start == octets.count }
        switch self.parts[index] {
        case .literal(let literal):
            return octets[start...].starts(with: literal)
                && self.match(octets, from: start + literal.count, part: index + 1, &captures, &isHopeless)
        case .characters(let count):
            guard start + count <= octets.count else { return false }
            captures.append(start..<start + count)
            if self.match(octets, from: start + count, part: index + 1, &captures, &isHopeless) { return true }
            captures.removeLast()
            return false
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
    }

    /// `template` with `$0` replaced by `user`, and `$1` to `$9` by what the wildcards stood for.
    public static func rewrite(_ user: String, captures: [String], by template: String) -> String {
        var result = ""
        var rest = template[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            let next = rest.index(after: dollar)
            guard next < rest.endIndex, let digit = rest[next].wholeNumberValue, rest[next].isASCII else {
                result += "$"
                rest = rest[next...]
                continue
            }
            if digit == 0 { result += user } else if digit <= captures.count { result += captures[digit - 1] }
            rest = rest[rest.index(after: next)...]
        }
        return result + rest
    }
}
