/// The few forms of the Distinguished Encoding Rules (ITU-T X.690) that a certificate needs, for writing.
enum DER {
    /// 2.5.4.3
    static let commonName: [UInt8] = [0x55, 0x04, 0x03]
    /// 1.2.840.10045.4.3.2 (RFC 5758 §3.2)
    static let ecdsaWithSHA256: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]
    /// 1.3.6.1.5.5.7.3.1 and .2 (RFC 5280 §4.2.1.12)
    static let serverAuthentication: [UInt8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01]
    static let clientAuthentication: [UInt8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02]

    static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        guard content.count >= 128 else { return [tag, UInt8(content.count)] + content }
        var length: [UInt8] = []
        var rest = content.count
        while rest > 0 {
            length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        return [tag, 0x80 | UInt8(length.count)] + length + content
    }

    static func sequence(_ parts: [[UInt8]]) -> [UInt8] { self.value(0x30, Array(parts.joined())) }
    static func set(_ parts: [[UInt8]]) -> [UInt8] { self.value(0x31, Array(parts.joined())) }
    static func identifier(_ octets: [UInt8]) -> [UInt8] { self.value(0x06, octets) }
    static func utf8(_ text: String) -> [UInt8] { self.value(0x0C, Array(text.utf8)) }
    static func boolean(_ flag: Bool) -> [UInt8] { [0x01, 0x01, flag ? 0xFF : 0] }
    /// A number, most significant octet first, the highest bit its sign.
    static func integer(_ octets: [UInt8]) -> [UInt8] { self.value(0x02, octets) }
    static func bits(_ octets: [UInt8]) -> [UInt8] { self.value(0x03, [0] + octets) }
    /// A constructed value with a context-specific tag around another.
    static func wrapped(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { self.value(0xA0 | tag, content) }
    /// A primitive value with a context-specific tag.
    static func tagged(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { self.value(0x80 | tag, content) }

    /// One extension of a certificate, 2.5.29.`number` (RFC 5280 §4.2).
    static func fieldExtension(_ number: UInt8, isCritical: Bool, _ content: [UInt8]) -> [UInt8] {
        let critical = isCritical ? [self.boolean(true)] : []
        return self.sequence([self.identifier([0x55, 0x1D, number])] + critical + [self.value(0x04, content)])
    }

    /// UTCTime until 2049, GeneralizedTime later (RFC 5280 §4.1.2.5).
    ///
    /// - Parameter seconds: Since 1970, UTC.
    static func time(_ seconds: Int64) -> [UInt8] {
        let days = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
        let time = seconds - days * 86_400
        // The Gregorian calendar in eras of 400 years that begin with March.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func digits(_ number: Int64, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: Swift.max(0, count - text.count)) + text.suffix(count)
        }
        let isLate = year >= 2050
        let text =
            digits(isLate ? year : year % 100, isLate ? 4 : 2)
            + [month, day, time / 3600, time / 60 % 60, time % 60].map { digits($0, 2) }.joined() + "Z"
        return self.value(isLate ? 0x18 : 0x17, Array(text.utf8))
    }

    /// The text form: base64 in lines of 64 letters (RFC 7468 §2).
    static func pem(_ label: String, _ octets: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: octets.count, by: 3) {
            if start > 0, start % 48 == 0 { text.append(0x0A) }
            let group = octets[start..<Swift.min(start + 3, octets.count)]
            let bits = group.enumerated().reduce(UInt32(0)) { $0 | UInt32($1.element) << UInt32(16 - 8 * $1.offset) }
            for i in 0..<4 {
                text.append(i <= group.count ? letters[Int(bits >> UInt32(18 - 6 * i) & 63)] : 0x3D)
            }
        }
        return "-----BEGIN \(label)-----\n\(String(decoding: text, as: UTF8.self))\n-----END \(label)-----\n"
    }
}
