import SIPMessages

/// The `a=rtpmap` attribute: what a payload type means (RFC 8866 §6.6).
public struct RTPMap: Hashable, Sendable, CustomStringConvertible {
    /// The payload type, 0-127.
    public var payloadType: UInt8
    /// The name of the encoding, as it is written; compared in any case.
    public var encoding: String
    /// Ticks of the RTP timestamp in a second.
    public var clockRate: UInt32
    /// Channels of an audio encoding.
    public var channels: UInt8

    /// A mapping.
    public init(_ payloadType: UInt8, _ encoding: String, _ clockRate: UInt32, channels: UInt8 = 1) {
        (self.payloadType, self.encoding, self.clockRate) = (payloadType, encoding, clockRate)
        self.channels = channels
    }

    init?(_ value: String) {
        var reader = LineReader(value)
        guard let type = try? reader.number(maximum: 127), reader.skip(0x20) else { return nil }
        reader.skipSpace()
        guard let encoding = reader.token(), reader.skip(0x2F),
            let rate = try? reader.number(maximum: UInt64(UInt32.max)), rate > 0
        else { return nil }
        self.init(UInt8(truncatingIfNeeded: type), encoding, UInt32(truncatingIfNeeded: rate))
        if reader.skip(0x2F) {
            guard let channels = try? reader.number(maximum: 255), channels > 0 else { return nil }
            self.channels = UInt8(truncatingIfNeeded: channels)
        }
        guard (try? reader.expectEnd()) != nil else { return nil }
    }

    /// The value of the attribute.
    public var description: String {
        let channels = self.channels == 1 ? "" : "/\(self.channels)"
        return "\(self.payloadType) \(self.encoding)/\(self.clockRate)\(channels)"
    }

    /// What a payload type means without a mapping (RFC 3551 §6, tables 4 and 5).
    public static func `static`(_ payloadType: UInt8) -> RTPMap? { self.statics[payloadType] }

    private static let statics: [UInt8: RTPMap] = {
        let all = [
            RTPMap(0, "PCMU", 8_000), RTPMap(3, "GSM", 8_000), RTPMap(4, "G723", 8_000), RTPMap(5, "DVI4", 8_000),
            RTPMap(6, "DVI4", 16_000), RTPMap(7, "LPC", 8_000), RTPMap(8, "PCMA", 8_000), RTPMap(9, "G722", 8_000),
            RTPMap(10, "L16", 44_100, channels: 2), RTPMap(11, "L16", 44_100), RTPMap(12, "QCELP", 8_000),
            RTPMap(13, "CN", 8_000), RTPMap(14, "MPA", 90_000), RTPMap(15, "G728", 8_000), RTPMap(16, "DVI4", 11_025),
            RTPMap(17, "DVI4", 22_050), RTPMap(18, "G729", 8_000), RTPMap(25, "CelB", 90_000),
            RTPMap(26, "JPEG", 90_000), RTPMap(28, "nv", 90_000), RTPMap(31, "H261", 90_000),
            RTPMap(32, "MPV", 90_000), RTPMap(33, "MP2T", 90_000), RTPMap(34, "H263", 90_000),
        ]
        return Dictionary(uniqueKeysWithValues: all.map { ($0.payloadType, $0) })
    }()
}
