/// Octets as text (RFC 4648 §4).
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ octets: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: octets.count, by: 3) {
            let part = octets[start..<Swift.min(octets.count, start + 3)]
            let bits = part.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - part.count))
            for i in 0..<4 {
                text.append(i <= part.count ? Self.alphabet[Int(bits >> UInt32(18 - 6 * i) & 63)] : 0x3D)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The octets; `nil` where the text is no Base64. The padding may be left out.
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var (octets, bits, count, padding): ([UInt8], UInt32, Int, Int) = ([], 0, 0, 0)
        for character in text.utf8 {
            if character == 0x3D {
                padding += 1
                continue
            }
            guard padding == 0, let value = Self.alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 1
            if count & 3 != 1 {
                let left = UInt32((4 - count & 3) & 3 * 2)
                octets.append(UInt8(truncatingIfNeeded: bits >> left))
            }
        }
        return padding <= 2 && count & 3 != 1 ? octets : nil
    }
}
