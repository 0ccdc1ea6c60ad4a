public import SIPMessages

/// The result of a hash function: 16 or 32 octets, in place.
///
/// Values are compared in constant time, and never printed.
public struct DigestValue: Sendable {
    /// The octets, the first in the highest place of the first word; zero beyond `count`.
    var words: InlineArray<4, UInt64>
    /// 16 or 32.
    public let count: Int

    init(words: InlineArray<4, UInt64>, count: Int) {
        self.words = words
        self.count = count
    }

    /// The value in the octets of `buffer`, of which there are 16 or 32.
    init(_ buffer: UnsafeRawBufferPointer) {
        self.words = InlineArray(repeating: 0)
        self.count = buffer.count
        for i in 0..<Swift.min(buffer.count / 8, 4) {
            self.words[i] = UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: i * 8, as: UInt64.self))
        }
    }

    /// The value that these octets are; `nil` unless there are 16 or 32.
    public init?(_ octets: [UInt8]) {
        guard octets.count == 16 || octets.count == 32 else { return nil }
        self = octets.withUnsafeBytes { DigestValue($0) }
    }

    /// The value whose hexadecimal digits, of either case, lie in `range`; `nil` when they are not 32 or 64 such
    /// digits.
    public init?(hexadecimal octets: Span<UInt8>, _ range: OctetRange) {
        guard range.count == 32 || range.count == 64 else { return nil }
        var words = InlineArray<4, UInt64>(repeating: 0)
        var i = 0
        while i < range.count {
            guard let digit = octets[range.lower &+ i].hexDigitValue else { return nil }
            words[i &>> 4] = words[i &>> 4] &<< 4 | UInt64(digit)
            i &+= 1
        }
        self.init(words: words, count: range.count / 2)
    }

    /// The octets.
    public var octets: [UInt8] {
        (0..<self.count).map { UInt8(truncatingIfNeeded: self.words[$0 / 8] &>> UInt64(56 - $0 % 8 * 8)) }
    }

    /// Whether both are the same, found out in a time that does not depend on where they differ.
    public func isEqual(to other: DigestValue) -> Bool {
        guard self.count == other.count else { return false }
        var difference: UInt64 = 0
        for i in 0..<4 { difference |= self.words[i] ^ other.words[i] }
        return difference == 0
    }

    /// The hexadecimal digits, in lower case (RFC 7616 §3.2); those beyond `2 * count` mean nothing.
    var digits: InlineArray<64, UInt8> {
        var digits = InlineArray<64, UInt8>(repeating: 0)
        var i = 0
        while i < 2 &* self.count {
            digits[i] = Self.digit(self.words[i &>> 4] &>> UInt64(60 &- (i & 15) &* 4) & 15)
            i &+= 1
        }
        return digits
    }

    /// Appends the hexadecimal digits in lower case (RFC 7616 §3.2).
    public func write(to output: inout [UInt8]) {
        let digits = self.digits
        for i in 0..<(2 * self.count) { output.append(digits[i]) }
    }

    static func digit(_ value: UInt64) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: value)
        return value < 10 ? 0x30 &+ value : 0x57 &+ value
    }
}
