import SIPMessages

/// Reads the value of one line from left to right by the rules of RFC 8866 §9.
struct LineReader {
    let octets: [UInt8]
    private(set) var position = 0

    init(_ octets: [UInt8]) { self.octets = octets }

    init(_ text: some StringProtocol) { self.octets = Array(text.utf8) }

    var isAtEnd: Bool { self.position >= self.octets.count }

    /// Skips white space. The grammar has single spaces; peers send more, and leave some at the end.
    mutating func skipSpace() {
        while self.position < self.octets.count,
            self.octets[self.position] == 0x20 || self.octets[self.position] == 0x09
        {
            self.position += 1
        }
    }

    /// Skips `octet` when it is next.
    mutating func skip(_ octet: UInt8) -> Bool {
        guard self.position < self.octets.count, self.octets[self.position] == octet else { return false }
        self.position += 1
        return true
    }

    /// Reads octets while they satisfy the condition.
    mutating func text(while condition: (UInt8) -> Bool) -> String {
        let start = self.position
        while self.position < self.octets.count, condition(self.octets[self.position]) { self.position += 1 }
        return String(decoding: self.octets[start..<self.position], as: UTF8.self)
    }

    /// Reads what stands before the next space and skips the space.
    mutating func word() -> String? {
        self.skipSpace()
        let text = self.text { $0 != 0x20 && $0 != 0x09 }
        return text.isEmpty ? nil : text
    }

    /// Reads a `token`.
    mutating func token() -> String? {
        let text = self.text { $0.isSDPToken }
        return text.isEmpty ? nil : text
    }

    /// What is left, without white space around it.
    mutating func rest() -> String {
        self.skipSpace()
        var end = self.octets.count
        while end > self.position, self.octets[end - 1] == 0x20 || self.octets[end - 1] == 0x09 { end -= 1 }
        defer { self.position = self.octets.count }
        return String(decoding: self.octets[self.position..<end], as: UTF8.self)
    }

    /// Reads `1*DIGIT`, at most `maximum`.
    mutating func number(maximum: UInt64 = .max) throws(SDPParseError.Problem) -> UInt64 {
        let start = self.position
        var number: UInt64 = 0
        while self.position < self.octets.count, let digit = self.octets[self.position].decimalDigitValue {
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            guard !overflow, !carry, sum <= maximum else { throw .init(.numberTooLarge) }
            number = sum
            self.position += 1
        }
        guard self.position > start else { throw .init(.number) }
        return number
    }

    /// The value ends here, but for white space.
    mutating func expectEnd() throws(SDPParseError.Problem) {
        self.skipSpace()
        guard self.isAtEnd else { throw .init(.subfields) }
    }
}

extension SDPParseError {
    /// A rule that was broken in a value, before its line is known.
    struct Problem: Error {
        let rule: Rule

        init(_ rule: Rule) { self.rule = rule }
    }
}

extension UInt8 {
    /// `token-char` of RFC 8866 §9.
    var isSDPToken: Bool {
        switch self {
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x30...0x39, 0x41...0x5A, 0x5E...0x7E: true
        default: false
        }
    }
}

extension StringProtocol {
    /// Whether two texts are the same, ASCII letters of either case being equal.
    func equals(ignoringCase other: some StringProtocol) -> Bool {
        self.utf8.elementsEqual(other.utf8) { $0.lowercased == $1.lowercased }
    }

    /// The text without white space at its ends.
    var trimmed: SubSequence {
        guard let first = self.firstIndex(where: { $0 != " " && $0 != "\t" }) else { return self[self.endIndex...] }
        var end = self.endIndex
        while end > first, self[self.index(before: end)] == " " || self[self.index(before: end)] == "\t" {
            end = self.index(before: end)
        }
        return self[first..<end]
    }
}
