/// A weight between 0 and 1 with up to three decimals (`qvalue` of RFC 3261 §25.1).
public struct QValue: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The weight in thousandths, 0-1000.
    public let thousandths: UInt16

    /// A weight in thousandths; more than 1000 counts as 1000.
    public init(thousandths: UInt16) { self.thousandths = Swift.min(thousandths, 1000) }

    /// The weight 1, which holds where none is given.
    public static let one = QValue(thousandths: 1000)

    /// The weight in this text; `nil` when it is none.
    public init?(_ text: String) {
        let octets = Array(text.utf8)
        guard let whole = octets.first, whole == 0x30 || whole == 0x31, octets.count <= 5 else { return nil }
        var value: UInt16 = whole == 0x31 ? 1000 : 0
        if octets.count > 1 {
            guard octets[1] == 0x2E else { return nil }
            var place: UInt16 = 100
            for octet in octets[2...] {
                guard let digit = octet.decimalDigitValue else { return nil }
                value += UInt16(digit) * place
                place /= 10
            }
        }
        guard value <= 1000 else { return nil }
        self.thousandths = value
    }

    /// Whether the left one is preferred less.
    public static func < (left: QValue, right: QValue) -> Bool { left.thousandths < right.thousandths }

    /// `1`, `0.5`, `0.333`.
    public var description: String {
        guard self.thousandths % 1000 != 0 else { return self.thousandths == 0 ? "0" : "1" }
        var digits = String(self.thousandths)
        digits = String(repeating: "0", count: 3 - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return "0." + digits
    }
}
