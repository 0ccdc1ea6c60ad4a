/// A range of IP addresses: `192.0.2.0/24`, or one address.
public struct AddressBlock: Hashable, Sendable, CustomStringConvertible {
    /// An address of the block.
    public let address: IPAddress
    /// How many leading bits all addresses of the block share.
    public let prefixLength: Int

    /// The block in this text; `nil` when it is none.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPAddress(parts[0]) else { return nil }
        let bits = address.isIPv6 ? 128 : 32
        guard parts.count == 2 else {
            (self.address, self.prefixLength) = (address, bits)
            return
        }
        guard parts[1].utf8.allSatisfy({ $0.isDigit }), let length = Int(parts[1]), length <= bits else { return nil }
        (self.address, self.prefixLength) = (address, length)
    }

    /// Whether `other` lies in the block. An IPv4 address never lies in an IPv6 block.
    public func contains(_ other: IPAddress) -> Bool {
        guard self.address.isIPv6 == other.isIPv6 else { return false }
        let length = self.prefixLength + (self.address.isIPv6 ? 0 : 96)
        func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? .max : ~(.max >> UInt64(bits)) }
        return (self.address.high ^ other.high) & mask(length) == 0
            && (self.address.low ^ other.low) & mask(length - 64) == 0
    }

    /// `192.0.2.0/24`
    public var description: String { "\(self.address)/\(self.prefixLength)" }
}
