/// Character classes of RFC 3261 §25.1, one bit each, for every octet.
@usableFromInline
enum OctetClass {
    @usableFromInline static let token: UInt8 = 1 << 0
    @usableFromInline static let digit: UInt8 = 1 << 1
    @usableFromInline static let hex: UInt8 = 1 << 2
    @usableFromInline static let alpha: UInt8 = 1 << 3
    @usableFromInline static let unreserved: UInt8 = 1 << 4
    @usableFromInline static let user: UInt8 = 1 << 5
    @usableFromInline static let parameter: UInt8 = 1 << 6
    @usableFromInline static let word: UInt8 = 1 << 7

    /// The classes of each octet.
    @usableFromInline static let of: InlineArray<256, UInt8> = {
        var table = InlineArray<256, UInt8>(repeating: 0)
        func mark(_ text: StaticString, _ classes: UInt8) {
            text.withUTF8Buffer { octets in for octet in octets { table[Int(octet)] |= classes } }
        }
        mark("0123456789", token | digit | hex | unreserved | user | parameter | word)
        mark("abcdefABCDEF", token | hex | alpha | unreserved | user | parameter | word)
        mark("ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ", token | alpha | unreserved | user | parameter | word)
        mark("-.!%*_+`'~", token | word)
        mark("()<>:\\\"/[]?{}", word)
        mark("-_.!~*'()", unreserved | user | parameter)
        mark("&=+$,;?/", user)
        mark("[]/:&+$", parameter)
        return table
    }()
}

extension UInt8 {
    @inlinable
    func belongs(to classes: UInt8) -> Bool { OctetClass.of[Int(self)] & classes != 0 }

    /// `token` of RFC 3261 §25.1.
    @inlinable public var isToken: Bool { self.belongs(to: OctetClass.token) }
    /// `DIGIT`.
    @inlinable public var isDigit: Bool { self &- 0x30 < 10 }
    /// `ALPHA`.
    @inlinable public var isAlpha: Bool { (self | 0x20) &- 0x61 < 26 }
    /// A character of `word`, of which a Call-ID is made.
    @inlinable public var isWord: Bool { self.belongs(to: OctetClass.word) }
    /// `HEXDIG`, either case.
    @inlinable public var isHexDigit: Bool { self.belongs(to: OctetClass.hex) }
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
    public func equals(_ range: Range<Int>, ignoringCase text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        let wanted = text.utf8Start
        var i = 0
        while i < range.count {
            if self[range.lowerBound &+ i].lowercased != wanted[i].lowercased { return false }
            i &+= 1
        }
        return true
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
