/// A class of ASCII characters, one bit each: asking whether an octet is in it is a shift, and there is no table that the
/// first use would have to build.
@usableFromInline
struct OctetClass: BitwiseCopyable, Sendable {
    @usableFromInline let low: UInt64
    @usableFromInline let high: UInt64

    /// The class with the characters 0 to 63 whose bits are set in `low`, and 64 to 127 in `high`.
    @inlinable
    init(low: UInt64, high: UInt64) { (self.low, self.high) = (low, high) }

    /// `token` of RFC 3261 §25.1: letters, digits and ``-.!%*_+`'~``.
    @inlinable static var token: OctetClass {
        OctetClass(low: 0x03FF_6CA2_0000_0000, high: 0x47FF_FFFF_87FF_FFFE)
    }
    /// The characters of `word`: those of `token` and `()<>:\"/[]?{}`.
    @inlinable static var word: OctetClass { OctetClass(low: 0xD7FF_EFA6_0000_0000, high: 0x6FFF_FFFF_BFFF_FFFE) }
    /// `unreserved`: letters, digits and `-_.!~*'()`.
    @inlinable static var unreserved: OctetClass {
        OctetClass(low: 0x03FF_6782_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    }
    /// What `user` holds unescaped: `unreserved` and `&=+$,;?/`.
    @inlinable static var user: OctetClass { OctetClass(low: 0xABFF_FFD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }
    /// What a host name holds; an underscore is no character of one, but names with one are seen, and understood.
    @inlinable static var hostName: OctetClass { OctetClass(low: 0x03FF_6000_0000_0000, high: 0x07FF_FFFE_87FF_FFFE) }
    /// What the value of a parameter holds outside quotes: `token`, the characters of a host, and what peers send besides.
    @inlinable static var parameterValue: OctetClass {
        OctetClass(low: 0x07FF_EFF2_0000_0000, high: 0x47FF_FFFF_AFFF_FFFF)
    }
    /// What ends the search for the `@` after a user part: `@`, and what can stand in no URI before it.
    @inlinable static var endOfUser: OctetClass { OctetClass(low: 0x5000_0005_FFFF_FFFF, high: 0x0800_0001) }
    /// What a URI parameter holds unescaped, `paramchar`: `unreserved` and `[]/:&+$`.
    @inlinable static var parameter: OctetClass {
        OctetClass(low: 0x07FF_EFD2_0000_0000, high: 0x47FF_FFFE_AFFF_FFFE)
    }
}

extension UInt8 {
    @inlinable
    func belongs(to set: OctetClass) -> Bool {
        let half = self < 64 ? set.low : set.high
        return self < 128 && half &>> UInt64(self & 63) & 1 != 0
    }

    /// `token` of RFC 3261 §25.1.
    @inlinable public var isToken: Bool { self.belongs(to: .token) }
    /// `DIGIT`.
    @inlinable public var isDigit: Bool { self &- 0x30 < 10 }
    /// `ALPHA`.
    @inlinable public var isAlpha: Bool { (self | 0x20) &- 0x61 < 26 }
    /// A character of `word`, of which a Call-ID is made.
    @inlinable public var isWord: Bool { self.belongs(to: .word) }
    /// `HEXDIG`, either case.
    @inlinable public var isHexDigit: Bool { self.isDigit || (self | 0x20) &- 0x61 < 6 }
    /// Space and tab, and the CR and LF of a line fold, which a field value keeps (RFC 3261 §7.3.1).
    @inlinable public var isLinearWhitespace: Bool { self == 0x20 || self == 0x09 || self == 0x0D || self == 0x0A }
    /// The ASCII letter in lower case; any other octet unchanged.
    @inlinable public var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

    /// The value of a decimal digit.
    @inlinable public var decimalDigitValue: UInt8? { self.isDigit ? self &- 0x30 : nil }
    /// The value of a hexadecimal digit of either case.
    @inlinable public var hexDigitValue: UInt8? {
        if self.isDigit { return self &- 0x30 }
        let letter = (self | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }
}

/// Where something lies in the octets of a message: a half-open range of offsets, in 8 octets of memory.
public struct OctetRange: BitwiseCopyable, Hashable, Sendable {
    /// The offset of the first octet.
    public var start: UInt32
    /// The offset after the last octet.
    public var end: UInt32

    /// The range from `start` up to, not including, `end`.
    @inlinable
    public init(_ start: Int, _ end: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
    }

    /// An empty range at offset 0, which stands for "not there".
    @inlinable public static var absent: OctetRange { OctetRange(0, 0) }
    /// Whether there is nothing in it; so it is, too, where it is absent.
    @inlinable public var isEmpty: Bool { self.start >= self.end }
    /// The number of octets.
    @inlinable public var count: Int { Int(self.end) &- Int(self.start) }
    /// The offset of the first octet.
    @inlinable public var lower: Int { Int(self.start) }
    /// The offset after the last octet.
    @inlinable public var upper: Int { Int(self.end) }
    /// The same as a range of `Int`.
    @inlinable public var range: Range<Int> { Int(self.start)..<Int(Swift.max(self.start, self.end)) }
}

extension Span where Element == UInt8 {
    /// Whether the octets in `range` are those of `text`, ASCII letters of either case being equal.
    @inlinable
    @inline(__always)
    public func equals(_ range: Range<Int>, ignoringCase text: StaticString) -> Bool {
        // Most names differ in length already, which costs no call.
        range.count == text.utf8CodeUnitCount && self.begins(with: text, at: range.lowerBound)
    }

    @usableFromInline
    @inline(never)
    func begins(with text: StaticString, at start: Int) -> Bool {
        let wanted = text.utf8Start
        var i = 0
        while i < text.utf8CodeUnitCount {
            let difference = self[start &+ i] ^ wanted[i]
            if difference != 0, difference != 0x20 || !wanted[i].isAlpha { return false }
            i &+= 1
        }
        return true
    }

    /// The number in the 16 hexadecimal digits at `start`; `nil` where there are others.
    public func hexadecimal(at start: Int) -> UInt64? {
        var number: UInt64 = 0
        for i in start..<start + 16 {
            guard let digit = self[i].hexDigitValue else { return nil }
            number = number &<< 4 | UInt64(digit)
        }
        return number
    }

    /// Whether the octets of two ranges are the same.
    @inlinable
    public func equals(_ range: Range<Int>, _ other: Span<UInt8>, _ otherRange: Range<Int>) -> Bool {
        guard range.count == otherRange.count else { return false }
        var i = 0
        while i < range.count {
            if self[range.lowerBound &+ i] != other[otherRange.lowerBound &+ i] { return false }
            i &+= 1
        }
        return true
    }

    /// The octets in `range` as text; what is not UTF-8 is repaired.
    public func string(_ range: Range<Int>) -> String {
        self.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    /// The octets in `range` as text; what is not UTF-8 is repaired.
    public func string(_ range: OctetRange) -> String { self.string(range.range) }

    /// A copy of the octets in `range`.
    public func octets(_ range: Range<Int>) -> [UInt8] {
        self.extracting(range).withUnsafeBufferPointer { Array($0) }
    }
}
