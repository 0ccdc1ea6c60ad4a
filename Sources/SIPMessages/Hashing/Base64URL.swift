/// Base64 with the alphabet that needs no escapes in a URI, and without padding: RFC 4648 §5.
extension Array where Element == UInt8 {
    /// Appends the octets in `range` in this form.
    public mutating func append(base64URL octets: Span<UInt8>, _ range: Range<Int>) {
        let text = (range.count * 4 + 2) / 3
        self.append(addingCapacity: text) { output in
            var position = range.lowerBound
            var rest = text
            while rest > 0 {
                var group: UInt32 = 0
                for i in position..<position + 3 {
                    group = group &<< 8 | (i < range.upperBound ? UInt32(octets[i]) : 0)
                }
                for i in 0..<Swift.min(4, rest) { output.append(Self.base64URLDigit(group &>> UInt32(18 &- 6 &* i))) }
                position += 3
                rest -= 4
            }
        }
    }

    /// The digit for the lowest six bits.
    private static func base64URLDigit(_ value: UInt32) -> UInt8 {
        switch UInt8(truncatingIfNeeded: value & 63) {
        case let letter where letter < 26: 0x41 &+ letter
        case let letter where letter < 52: 0x61 &+ letter &- 26
        case let number where number < 62: 0x30 &+ number &- 52
        case 62: 0x2D
        default: 0x5F
        }
    }
}

extension Span where Element == UInt8 {
    /// The octets for which the text in `range` stands; `nil` when it is none of this form, or its last digit says more
    /// than the octets need, so that two texts never stand for the same octets.
    public func base64URLDecoded(_ range: Range<Int>) -> [UInt8]? {
        var octets: [UInt8] = []
        octets.reserveCapacity(range.count * 3 / 4)
        let isWhole = self.decodeBase64URL(range) { octets.append($0) }
        return isWhole ? octets : nil
    }

    /// The same, octet by octet.
    ///
    /// - Returns: `false` when the text stands for no octets; some may have been handed out by then.
    @inlinable
    public func decodeBase64URL(_ range: Range<Int>, _ body: (UInt8) -> Void) -> Bool {
        guard range.count % 4 != 1 else { return false }
        var (group, bits): (UInt32, UInt32) = (0, 0)
        for i in range {
            let octet = self[i]
            let letter = (octet | 0x20) &- 0x61
            let digit: UInt8
            if letter < 26 {
                digit = octet & 0x20 == 0 ? letter : letter &+ 26
            } else if octet.isDigit {
                digit = octet &+ 4
            } else if octet == 0x2D || octet == 0x5F {
                digit = octet == 0x2D ? 62 : 63
            } else {
                return false
            }
            group = group &<< 6 | UInt32(digit)
            bits &+= 6
            guard bits >= 8 else { continue }
            bits &-= 8
            body(UInt8(truncatingIfNeeded: group &>> bits))
        }
        return group & (1 &<< bits &- 1) == 0
    }
}
