/// The 128-bit key of a `SipHasher`: random octets that no peer knows, drawn once when a program starts.
public struct SipHashKey: Sendable {
    @usableFromInline let k0: UInt64
    @usableFromInline let k1: UInt64

    /// The key whose halves, read little-endian, are these numbers.
    @inlinable
    public init(_ k0: UInt64, _ k1: UInt64) { (self.k0, self.k1) = (k0, k1) }

    /// The key in the first 16 of `octets`; `nil` when there are fewer.
    public init?(_ octets: Span<UInt8>) {
        guard octets.count >= 16 else { return nil }
        self.init(octets.littleEndianWord(at: 0), octets.littleEndianWord(at: 8))
    }
}

/// SipHash (Aumasson and Bernstein, 2012): a 64-bit keyed hash whose results nobody without the key can predict.
///
/// A peer chooses Call-IDs, tags and branches. With a hash that it can compute it could crowd one bucket of a table, so
/// every table that such values reach is keyed by one of these, and the whole key is compared besides.
///
/// A hasher takes the pieces of a key one after the other and is plain data, so a copy of a prepared one starts anew.
/// The pieces are joined as if they were one: where two of them vary in length, put a separator between them.
///
///     var hasher = SipHash13(key: key)
///     hasher.combine(octets, branch.range)
///     hasher.combine(octet: 0)
///     hasher.combine(octets, sentBy.range)
///     let hash = hasher.finish()
///
/// `compressionRounds` and `finalRounds` are the numbers c and d of SipHash-c-d. `SipHash13` is for tables;
/// `SipHash24`, the authors' choice, also where a result is shown to a peer as a proof (a message authentication code).
public struct SipHasher<let compressionRounds: Int, let finalRounds: Int>: Sendable {
    @usableFromInline var v0: UInt64
    @usableFromInline var v1: UInt64
    @usableFromInline var v2: UInt64
    @usableFromInline var v3: UInt64
    /// Octets that do not fill a word yet, the first in the lowest place.
    @usableFromInline var tail: UInt64 = 0
    /// Octets taken so far.
    @usableFromInline var count: UInt64 = 0

    /// An empty hasher with this key.
    @inlinable
    public init(key: SipHashKey) {
        self.v0 = key.k0 ^ 0x736F_6D65_7073_6575
        self.v1 = key.k1 ^ 0x646F_7261_6E64_6F6D
        self.v2 = key.k0 ^ 0x6C79_6765_6E65_7261
        self.v3 = key.k1 ^ 0x7465_6462_7974_6573
    }

    /// Takes the octets of `octets` that lie in `range`.
    @inlinable
    public mutating func combine(_ octets: Span<UInt8>, _ range: Range<Int>) {
        var position = range.lowerBound
        let end = range.upperBound
        while position < end, self.count & 7 != 0 {
            self.combine(octet: octets[position])
            position &+= 1
        }
        while end &- position >= 8 {
            self.compress(octets.littleEndianWord(at: position))
            self.count &+= 8
            position &+= 8
        }
        while position < end {
            self.combine(octet: octets[position])
            position &+= 1
        }
    }

    /// Takes all of `octets`.
    @inlinable
    public mutating func combine(_ octets: Span<UInt8>) { self.combine(octets, 0..<octets.count) }

    /// Takes the octets of `octets` that lie in `range`, ASCII letters as lower case: for names that compare that way.
    @inlinable
    public mutating func combine(lowercasing octets: Span<UInt8>, _ range: Range<Int>) {
        var position = range.lowerBound
        while position < range.upperBound {
            self.combine(octet: octets[position].lowercased)
            position &+= 1
        }
    }

    /// Takes one octet.
    @inlinable
    public mutating func combine(octet: UInt8) {
        self.tail |= UInt64(octet) &<< ((self.count & 7) &* 8)
        self.count &+= 1
        if self.count & 7 == 0 {
            self.compress(self.tail)
            self.tail = 0
        }
    }

    /// Takes the eight octets of `word`, the lowest first.
    @inlinable
    public mutating func combine(_ word: UInt64) {
        let shift = (self.count & 7) &* 8
        self.compress(self.tail | word &<< shift)
        self.tail = shift == 0 ? 0 : word &>> (64 &- shift)
        self.count &+= 8
    }

    /// The hash of what was taken.
    @inlinable
    public consuming func finish() -> UInt64 {
        self.compress(self.tail | self.count &<< 56)
        self.v2 ^= 0xFF
        for _ in 0..<finalRounds { self.round() }
        return self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }

    /// The hash of the octets of `octets` that lie in `range`.
    @inlinable
    public static func hash(_ octets: Span<UInt8>, _ range: Range<Int>, key: SipHashKey) -> UInt64 {
        var hasher = Self(key: key)
        hasher.combine(octets, range)
        return hasher.finish()
    }

    @inlinable
    @inline(__always)
    mutating func compress(_ word: UInt64) {
        self.v3 ^= word
        for _ in 0..<compressionRounds { self.round() }
        self.v0 ^= word
    }

    @inlinable
    @inline(__always)
    mutating func round() {
        self.v0 &+= self.v1
        self.v1 = (self.v1 &<< 13 | self.v1 &>> 51) ^ self.v0
        self.v0 = self.v0 &<< 32 | self.v0 &>> 32
        self.v2 &+= self.v3
        self.v3 = (self.v3 &<< 16 | self.v3 &>> 48) ^ self.v2
        self.v0 &+= self.v3
        self.v3 = (self.v3 &<< 21 | self.v3 &>> 43) ^ self.v0
        self.v2 &+= self.v1
        self.v1 = (self.v1 &<< 17 | self.v1 &>> 47) ^ self.v2
        self.v2 = self.v2 &<< 32 | self.v2 &>> 32
    }
}

/// SipHash with one round a word and three at the end: for tables.
public typealias SipHash13 = SipHasher<1, 3>

/// SipHash with two rounds a word and four at the end: also where a result proves knowledge of the key.
public typealias SipHash24 = SipHasher<2, 4>

extension Span where Element == UInt8 {
    /// The eight octets from `position` on as a number, the first in the lowest place.
    @inlinable
    @inline(__always)
    func littleEndianWord(at position: Int) -> UInt64 {
        UInt64(littleEndian: self.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
    }
}
