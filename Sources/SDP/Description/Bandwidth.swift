/// A `b=` line: a bandwidth that is proposed (RFC 8866 §5.8).
public struct Bandwidth: Hashable, Sendable, CustomStringConvertible {
    /// `CT`, `AS` (kilobits per second), `TIAS`, `RS`, `RR` (bits per second), or another modifier.
    public var modifier: String
    /// The number, in the modifier's unit.
    public var value: UInt64

    /// A bandwidth.
    public init(_ modifier: String, _ value: UInt64) { (self.modifier, self.value) = (modifier, value) }

    init?(parsing value: [UInt8]) {
        var reader = LineReader(value)
        guard let modifier = reader.token(), reader.skip(0x3A), let number = try? reader.number() else { return nil }
        reader.skipSpace()
        guard reader.isAtEnd else { return nil }
        (self.modifier, self.value) = (modifier, number)
    }

    /// The value of the line.
    public var description: String { "\(self.modifier):\(self.value)" }
}

/// A `t=` line: when the session is active (RFC 8866 §5.9).
public struct Timing: Hashable, Sendable, CustomStringConvertible {
    /// Seconds since 1900, UTC; 0 when the session has no start.
    public var start: UInt64
    /// Seconds since 1900, UTC; 0 when the session has no end.
    public var stop: UInt64

    /// From a start until a stop.
    public init(start: UInt64 = 0, stop: UInt64 = 0) { (self.start, self.stop) = (start, stop) }

    init?(parsing value: [UInt8]) {
        var reader = LineReader(value)
        reader.skipSpace()
        guard let start = try? reader.number() else { return nil }
        reader.skipSpace()
        guard let stop = try? reader.number() else { return nil }
        reader.skipSpace()
        guard reader.isAtEnd else { return nil }
        (self.start, self.stop) = (start, stop)
    }

    /// The value of the line.
    public var description: String { "\(self.start) \(self.stop)" }
}
