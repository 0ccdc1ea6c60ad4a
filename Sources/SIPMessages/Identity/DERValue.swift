/// One value of a DER encoding: its tag and where its content lies (X.690 §8.1, §10.1).
struct DERValue: BitwiseCopyable {
    /// The identifier octet: class, form and number; numbers above 30 are not read.
    let tag: UInt8
    /// Where the content lies.
    let content: OctetRange

    static let boolean: UInt8 = 0x01
    static let octetString: UInt8 = 0x04
    static let objectIdentifier: UInt8 = 0x06
    static let sequence: UInt8 = 0x30
    static let set: UInt8 = 0x31

    /// The value that begins at `range.lower` and ends within `range`; `nil` where none does.
    ///
    /// Lengths are definite and as short as can be (§10.1), and below 2^24.
    init?(_ octets: Span<UInt8>, in range: OctetRange) {
        guard range.count >= 2, range.upper <= octets.count else { return nil }
        let tag = octets[range.lower]
        guard tag & 0x1F != 0x1F else { return nil }
        var position = range.lower + 1
        var length = Int(octets[position])
        position += 1
        if length >= 0x80 {
            let count = length - 0x80
            guard (1...3).contains(count), position + count <= range.upper, octets[position] != 0 else { return nil }
            length = 0
            for i in position..<position + count { length = length << 8 | Int(octets[i]) }
            guard length >= 0x80 else { return nil }
            position += count
        }
        guard length <= range.upper - position else { return nil }
        self.tag = tag
        self.content = OctetRange(position, position + length)
    }

    /// The values that a constructed value holds; `nil` where one of them is broken, or there are more than `limit`.
    func parts(_ octets: Span<UInt8>, limit: Int = 256) -> [DERValue]? {
        var parts: [DERValue] = []
        var rest = self.content
        while !rest.isEmpty {
            guard parts.count < limit, let part = DERValue(octets, in: rest) else { return nil }
            parts.append(part)
            rest = OctetRange(part.content.upper, rest.upper)
        }
        return parts
    }

    /// Whether it is an object identifier with these content octets.
    func isIdentifier(_ identifier: [UInt8], _ octets: Span<UInt8>) -> Bool {
        self.tag == Self.objectIdentifier && self.content.count == identifier.count
            && octets.equals(self.content.range, identifier.span, 0..<identifier.count)
    }
}
