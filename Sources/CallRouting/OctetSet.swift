import SIPMessages

/// A set of ASCII characters: `[2-9]`, `[!0]`, or all octets.
struct OctetSet: Hashable, Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0
    private var isNegated = false

    /// Every octet.
    static let all: OctetSet = {
        var set = OctetSet()
        set.isNegated = true
        return set
    }()

    private init() {}

    /// The set between the brackets of a class: single characters and ranges, after `!` all others.
    ///
    /// - Returns: `nil` where it is empty, is not ASCII, or a range goes backwards.
    init?(_ text: ArraySlice<UInt8>) {
        var rest = text
        if rest.first == 0x21 {
            self.isNegated = true
            rest = rest.dropFirst()
        }
        guard !rest.isEmpty else { return nil }
        while let first = rest.popFirst() {
            var last = first
            if rest.first == 0x2D, rest.count > 1 {
                last = rest[rest.startIndex + 1]
                rest = rest.dropFirst(2)
            }
            guard first <= last, last < 0x80 else { return nil }
            for octet in first...last { self.insert(octet) }
        }
    }

    private mutating func insert(_ octet: UInt8) {
        if octet < 64 { self.low |= 1 << UInt64(octet) } else { self.high |= 1 << UInt64(octet - 64) }
    }

    /// Whether the octet is in the set. What is not ASCII is only in the sets that name what they leave out.
    func contains(_ octet: UInt8) -> Bool {
        guard octet < 0x80 else { return self.isNegated }
        let bit = octet < 64 ? self.low >> UInt64(octet) & 1 : self.high >> UInt64(octet - 64) & 1
        return (bit == 1) != self.isNegated
    }
}
