/// A format of an RTP medium: an encoding, the payload type that stands for it in one direction, and its parameters.
public struct MediaFormat: Hashable, Sendable, CustomStringConvertible {
    /// The payload type, the encoding, its clock rate and channels.
    public var map: RTPMap
    /// The value of `a=fmtp` without the payload type; `nil` when there is none.
    public var parameters: String?

    /// A format.
    public init(_ map: RTPMap, parameters: String? = nil) { (self.map, self.parameters) = (map, parameters) }

    /// A format.
    public init(
        _ payloadType: UInt8, _ encoding: String, _ clockRate: UInt32 = 8_000, channels: UInt8 = 1,
        parameters: String? = nil
    ) {
        self.init(RTPMap(payloadType, encoding, clockRate, channels: channels), parameters: parameters)
    }

    /// The payload type, 0-127.
    public var payloadType: UInt8 { self.map.payloadType }

    /// Whether it is of an encoding, in any case.
    public func `is`(_ encoding: String) -> Bool { self.map.encoding.equals(ignoringCase: encoding) }

    /// Whether it carries events of a telephone (RFC 4733). RFC 3264 §10.1 writes `telephone-events`, and some peers do.
    public var isTelephoneEvent: Bool { self.is("telephone-event") || self.is("telephone-events") }

    /// Whether it carries speech or pictures by itself: not events, comfort noise, redundancy or retransmissions.
    public var isPrimary: Bool {
        !self.isTelephoneEvent && !["CN", "red", "tone", "ulpfec", "rtx", "flexfec"].contains { self.is($0) }
    }

    /// Whether both are the same encoding at the same rate, whatever their parameters and payload types.
    public func isSameEncoding(as other: MediaFormat) -> Bool {
        guard self.map.clockRate == other.map.clockRate, self.map.channels == other.map.channels else { return false }
        return self.is(other.map.encoding) || (self.isTelephoneEvent && other.isTelephoneEvent)
    }

    /// The value of a parameter in `name=value; name=value`, in any case of the name; "" for a name alone.
    public func parameter(_ name: String) -> String? {
        guard let parameters else { return nil }
        for part in parameters.split(separator: ";") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair[0].trimmed.equals(ignoringCase: name) { return pair.count > 1 ? String(pair[1].trimmed) : "" }
        }
        return nil
    }

    /// The parameters with one of them set, the others as they were.
    public func parameters(setting name: String, to value: String) -> String {
        var parts = (self.parameters ?? "").split(separator: ";").map { String($0.trimmed) }
        let index = parts.firstIndex { part in
            (part.split(separator: "=").first.map { $0.trimmed.equals(ignoringCase: name) }) ?? false
        }
        if let index { parts[index] = "\(name)=\(value)" } else { parts.append("\(name)=\(value)") }
        return parts.joined(separator: ";")
    }

    /// What stands in `a=rtpmap` and `a=fmtp`.
    public var description: String {
        self.parameters.map { "\(self.map); \($0)" } ?? self.map.description
    }
}
