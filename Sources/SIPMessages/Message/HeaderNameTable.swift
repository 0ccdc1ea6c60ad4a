/// Finds a header field's id from its name in any case, eight octets at a time.
///
/// Open addressing over the names of `HeaderID.names`, long and compact; built once.
@usableFromInline
struct HeaderNameTable: Sendable {
    /// The longest known name; longer ones are unknown without a look.
    static let maximumOctets = 32

    private struct Slot: Sendable {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var count: UInt8 = 0
        var id = HeaderID.other
    }

    static let shared = HeaderNameTable()

    /// One bit for each field that a message may hold only once, as in `MessageIndex.seen`.
    private(set) var single: (UInt64, UInt64) = (0, 0)
    private var slots: [Slot]
    private static let size = 512

    private init() {
        self.slots = [Slot](repeating: Slot(), count: Self.size)
        for id in HeaderID.allKnown {
            let bit = UInt64(1) << UInt64(id.rawValue & 63)
            if id.isSingle, id.rawValue < 64 { self.single.0 |= bit }
            if id.isSingle, id.rawValue >= 64 { self.single.1 |= bit }
            self.insert(HeaderID.names[Int(id.rawValue)].long, id)
            self.insert(HeaderID.names[Int(id.rawValue)].compact, id)
        }
    }

    private mutating func insert(_ name: StaticString, _ id: HeaderID) {
        let count = name.utf8CodeUnitCount
        guard count > 0 else { return }
        var octets = name.withUTF8Buffer { Array($0) }
        octets += [UInt8](repeating: 0, count: Self.maximumOctets)
        let words = Self.words(octets.span.bytes, at: 0, count: count)
        var position = Self.hash(words, count)
        while self.slots[position].count != 0 { position = (position &+ 1) & (Self.size &- 1) }
        self.slots[position] = Slot(words: words, count: UInt8(count), id: id)
    }

    /// The id of the name of `count` octets at `start`; `.other` when unknown.
    @inline(__always)
    func find(_ octets: RawSpan, at start: Int, count: Int) -> HeaderID {
        guard count > 0, count <= Self.maximumOctets else { return .other }
        guard start &+ 8 <= octets.byteCount else { return self.findNearEnd(octets, at: start, count: count) }
        let words = Self.words(octets, at: start, count: count)
        var position = Self.hash(words, count)
        let slots = self.slots.span
        while slots[position].count != 0 {
            if slots[position].words == words, slots[position].count == UInt8(truncatingIfNeeded: count) {
                return slots[position].id
            }
            position = (position &+ 1) & (Self.size &- 1)
        }
        return .other
    }

    /// The same where fewer than eight octets are left to read.
    @inline(never)
    private func findNearEnd(_ octets: RawSpan, at start: Int, count: Int) -> HeaderID {
        var copy = InlineArray<32, UInt8>(repeating: 0)
        for i in 0..<count { copy[i] = octets.unsafeLoad(fromByteOffset: start + i, as: UInt8.self) }
        return self.find(copy.span.bytes, at: 0, count: count)
    }

    /// The name in lower case: its first eight octets, its last eight, and of a long name those between. Together with
    /// the length they are the name. Of one with fewer than eight octets the first word is padded with zeros. Setting
    /// bit 5 makes letters lower case and keeps the dash.
    @inline(__always)
    private static func words(_ octets: RawSpan, at start: Int, count: Int) -> (UInt64, UInt64, UInt64, UInt64) {
        @inline(__always)
        func word(at offset: Int) -> UInt64 {
            octets.unsafeLoadUnaligned(fromUncheckedByteOffset: start &+ offset, as: UInt64.self)
                | 0x2020_2020_2020_2020
        }
        if count < 8 { return (word(at: 0) & ((1 &<< UInt64(count &* 8)) &- 1), 0, 0, 0) }
        let (first, last) = (word(at: 0), word(at: count &- 8))
        if count <= 16 { return (first, last, 0, 0) }
        return (first, last, word(at: 8), count <= 24 ? 0 : word(at: 16))
    }

    @inline(__always)
    private static func hash(_ words: (UInt64, UInt64, UInt64, UInt64), _ count: Int) -> Int {
        let mixed =
            (words.0 ^ (words.1 &* 31) ^ (words.2 &* 131) ^ (words.3 &* 1031) ^ UInt64(count)) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed &>> 55)
    }
}
