/// Sequence numbers and timestamps that wrap around, and their order (RFC 1982, RFC 3550 appendix A.1).
public enum SequenceOrder {
    /// How far `newer` is ahead of `older`, the shorter way round; negative when it is behind.
    @inlinable
    public static func distance(from older: UInt16, to newer: UInt16) -> Int {
        Int(Int16(bitPattern: newer &- older))
    }

    /// How far `newer` is ahead of `older`, the shorter way round; negative when it is behind.
    @inlinable
    public static func distance(from older: UInt32, to newer: UInt32) -> Int {
        Int(Int32(bitPattern: newer &- older))
    }
}
