/// What a receiver knows of the numbers of one source: how often they have wrapped around, and which have come
/// (RFC 3711 §3.3.1, §3.3.2, appendix A).
///
/// A packet is looked at first and noted only when it has proved to be genuine, so that a forged one changes nothing.
public struct SRTPSequence: BitwiseCopyable, Hashable, Sendable {
    /// Packets behind the newest that are still taken, if they have not come.
    public static let window = 128

    private var highest: UInt64
    private var seen: UInt128 = 0
    private var hasBegun = false

    /// The numbers of a source that begins: its roll-over counter is 0 (RFC 4568 §6.4).
    public init() { self.highest = 0 }

    /// The index of a packet of RTP: 48 bits, the roll-over counter above the sequence number.
    public func index(of sequenceNumber: UInt16) -> UInt64 {
        guard self.hasBegun else { return UInt64(sequenceNumber) }
        let (roc, newest) = (self.highest >> 16, Int(self.highest & 0xFFFF))
        let number = Int(sequenceNumber)
        if newest < 0x8000 {
            return number - newest > 0x8000 && roc > 0 ? (roc - 1) << 16 | UInt64(number) : roc << 16 | UInt64(number)
        }
        return newest - 0x8000 > number ? (roc + 1) << 16 | UInt64(number) : roc << 16 | UInt64(number)
    }

    /// Whether a packet with this index has come before, or is too old to tell.
    public func isReplayed(_ index: UInt64) -> Bool {
        guard self.hasBegun, index <= self.highest else { return false }
        let age = self.highest - index
        return age >= UInt64(Self.window) || self.seen >> UInt128(age) & 1 == 1
    }

    /// Notes a packet that is genuine.
    public mutating func note(_ index: UInt64) {
        if !self.hasBegun || index > self.highest {
            let distance = self.hasBegun ? index - self.highest : UInt64(Self.window)
            self.seen = distance >= UInt64(Self.window) ? 1 : self.seen << UInt128(distance) | 1
            (self.highest, self.hasBegun) = (index, true)
        } else if self.highest - index < UInt64(Self.window) {
            self.seen |= 1 << UInt128(self.highest - index)
        }
    }
}
