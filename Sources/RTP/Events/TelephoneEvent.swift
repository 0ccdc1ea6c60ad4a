import SIPMessages

/// One report of an event: four octets of payload (RFC 4733 §2.3).
public struct TelephoneEvent: BitwiseCopyable, Hashable, Sendable {
    /// Octets of a report.
    public static let octets = 4

    /// The code of the event: 0-9, 10 for *, 11 for #, 12-15 for A-D, 16 for a flash hook (RFC 4733 §3.2).
    public var code: UInt8
    /// Whether the event has ended.
    public var isEnd: Bool
    /// The level as dBm0 below 0, 0-63.
    public var volume: UInt8
    /// How long the event has lasted, in ticks.
    public var duration: UInt16

    /// A report.
    public init(code: UInt8, isEnd: Bool, volume: UInt8, duration: UInt16) {
        (self.code, self.isEnd, self.volume, self.duration) = (code, isEnd, volume & 0x3F, duration)
    }

    /// Reads a report of a payload, which may hold several (RFC 4733 §2.5.1.5).
    public init?(_ i: Int, of header: RTPHeader, in packet: Span<UInt8>) {
        let start = header.payload.lower + i * Self.octets
        guard i >= 0, start + Self.octets <= header.payload.upper, header.payload.upper <= packet.count else {
            return nil
        }
        self.init(
            code: packet[start], isEnd: packet[start + 1] & 0x80 != 0, volume: packet[start + 1],
            duration: packet.bigEndian16(at: start + 2))
    }

    /// Appends the report.
    public func append(to output: inout [UInt8]) {
        output.append(self.code)
        output.append((self.isEnd ? 0x80 : 0) | self.volume & 0x3F)
        output.append(bigEndian: self.duration)
    }

    /// The character of a key; `nil` for other events.
    public static func key(of code: UInt8) -> Character? {
        switch code {
        case 0...9: Character(Unicode.Scalar(0x30 + code))
        case 10: "*"
        case 11: "#"
        case 12...15: Character(Unicode.Scalar(0x41 + code - 12))
        default: nil
        }
    }

    /// The code of a key; `nil` for a character that no key has.
    public static func code(of key: Character) -> UInt8? {
        switch key {
        case "0"..."9": key.asciiValue.map { $0 - 0x30 }
        case "*": 10
        case "#": 11
        case "A"..."D", "a"..."d": key.asciiValue.map { ($0 | 0x20) - 0x61 + 12 }
        default: nil
        }
    }
}
