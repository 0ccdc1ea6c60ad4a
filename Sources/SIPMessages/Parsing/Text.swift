// Text of the ASCII alphabet, compared and escaped without Foundation.

extension StringProtocol {
    /// Whether two texts are the same, ASCII letters of either case being equal.
    @usableFromInline
    func equals(ignoringCase other: some StringProtocol) -> Bool {
        self.utf8.elementsEqual(other.utf8) { $0.lowercased == $1.lowercased }
    }

    /// Whether the text is a `token` of RFC 3261 §25.1.
    @usableFromInline
    var isToken: Bool { !self.isEmpty && self.utf8.allSatisfy { $0.isToken } }
}

extension String {
    /// The text with ASCII letters in lower case and every other octet as it is.
    var asciiLowercased: String { String(decoding: self.utf8.map { $0.lowercased }, as: UTF8.self) }

    /// The text with each `%` HEX HEX replaced by its octet (RFC 3261 §19.1.2); NUL stays, what is not UTF-8 is
    /// repaired.
    var percentDecoded: String {
        guard self.utf8.contains(0x25) else { return self }
        let octets = Array(self.utf8)
        var decoded: [UInt8] = []
        decoded.reserveCapacity(octets.count)
        var i = 0
        while i < octets.count {
            if octets[i] == 0x25, i + 2 < octets.count, let high = octets[i + 1].hexDigitValue,
                let low = octets[i + 2].hexDigitValue
            {
                decoded.append(high << 4 | low)
                i += 3
            } else {
                decoded.append(octets[i])
                i += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    /// The text with each octet that is not allowed written as `%` HEX HEX.
    func percentEncoded(allowing isAllowed: (UInt8) -> Bool) -> String {
        if self.utf8.allSatisfy(isAllowed) { return self }
        var encoded: [UInt8] = []
        for octet in self.utf8 {
            if isAllowed(octet) {
                encoded.append(octet)
            } else {
                encoded.append(0x25)
                encoded.append(hexDigit: octet >> 4)
                encoded.append(hexDigit: octet & 0xF)
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}

extension [UInt8] {
    /// Appends one hexadecimal digit in upper case.
    mutating func append(hexDigit value: UInt8) { self.append(value < 10 ? 0x30 &+ value : 0x37 &+ value) }
}
