import SIPMessages

/// A text with a place for the number of a user: `sip:user%d@example.test`, or `u%06d` with six digits at least.
///
/// `%%` stands for a percent sign; what follows a percent sign otherwise stays as it is, since URIs have escapes (`%20`).
public struct NumberedText: Hashable, Sendable {
    private struct Part: Hashable, Sendable {
        var octets: [UInt8]
        /// How many digits follow at least; -1 for none.
        var digits: Int
    }
    private var parts: [Part] = []

    /// The text.
    public init(_ text: String) {
        let octets = Array(text.utf8)
        var piece: [UInt8] = []
        var i = 0
        while i < octets.count {
            guard octets[i] == 0x25 else {
                piece.append(octets[i])
                i += 1
                continue
            }
            var end = i + 1
            var digits = 0
            while end < octets.count, let digit = octets[end].decimalDigitValue, digits < 10 {
                digits = digits * 10 + Int(digit)
                end += 1
            }
            if end < octets.count, octets[end] == 0x64, digits < 20 {
                self.parts.append(Part(octets: piece, digits: digits))
                piece = []
                i = end + 1
            } else if i + 1 < octets.count, octets[i + 1] == 0x25 {
                piece.append(0x25)
                i += 2
            } else {
                piece.append(0x25)
                i += 1
            }
        }
        self.parts.append(Part(octets: piece, digits: -1))
    }

    /// Whether it has a place for a number.
    public var hasNumber: Bool { self.parts.contains { $0.digits >= 0 } }

    /// Appends the text of a user.
    public func write(_ number: Int, to output: inout [UInt8]) {
        var i = 0
        while i < self.parts.count {
            output.append(contentsOf: self.parts[i].octets)
            let digits = self.parts[i].digits
            if digits >= 0 { Self.write(number, digits, to: &output) }
            i &+= 1
        }
    }

    private static func write(_ number: Int, _ digits: Int, to output: inout [UInt8]) {
        var rest = number.magnitude
        var length = 1
        while rest >= 10 {
            rest /= 10
            length &+= 1
        }
        while length < digits {
            output.append(0x30)
            length &+= 1
        }
        output.append(decimal: number.magnitude)
    }

    /// The text of a user.
    public func text(_ number: Int) -> String {
        var octets: [UInt8] = []
        self.write(number, to: &octets)
        return String(decoding: octets, as: UTF8.self)
    }
}
