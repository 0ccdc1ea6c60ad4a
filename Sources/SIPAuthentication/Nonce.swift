public import SIPMessages

/// A server nonce: when it was issued, a number that makes it unlike all others, and the proof that we issued it.
///
/// On the wire it is 48 hexadecimal digits, which need no quoting.
public struct Nonce: BitwiseCopyable, Hashable, Sendable {
    /// Milliseconds on the clock that `NonceIssuer` is given.
    let issued: UInt64
    /// What sets it apart from others of its millisecond: the place of issue, veiled (8 bits), the mark of the address that
    /// it was sent to (24), and what is hashed from the serial number (32).
    let unique: UInt64
    let proof: UInt64

    /// The number of octets on the wire.
    public static let octets = 48

    init(issued: UInt64, unique: UInt64, proof: UInt64) {
        (self.issued, self.unique, self.proof) = (issued, unique, proof)
    }

    /// The nonce whose digits lie in `range`; `nil` when they are not such as we write.
    public init?(_ octets: Span<UInt8>, _ range: OctetRange) {
        guard range.count == Self.octets else { return nil }
        var words = InlineArray<3, UInt64>(repeating: 0)
        for word in 0..<3 {
            for i in 0..<16 {
                let octet = octets[range.lower &+ word &* 16 &+ i]
                // Upper case is not ours: one nonce has one spelling, so that it counts as one.
                guard let digit = octet.hexDigitValue, octet == octet.lowercased else { return nil }
                words[word] = words[word] &<< 4 | UInt64(digit)
            }
        }
        self.init(issued: words[0], unique: words[1], proof: words[2])
    }

    /// Appends the digits.
    public func write(to output: inout [UInt8]) {
        Self.write(self.issued, to: &output)
        Self.write(self.unique, to: &output)
        Self.write(self.proof, to: &output)
    }

    private static func write(_ word: UInt64, to output: inout [UInt8]) {
        var shift: UInt64 = 64
        while shift > 0 {
            shift &-= 4
            output.append(DigestValue.digit(word &>> shift & 15))
        }
    }
}
