/// An IPv4 or IPv6 address as plain data.
public struct IPAddress: BitwiseCopyable, Hashable, Sendable, CustomStringConvertible {
    /// The upper 64 bits of an IPv6 address; 0 for IPv4.
    public let high: UInt64
    /// The lower 64 bits of an IPv6 address, or the 32 bits of an IPv4 address.
    public let low: UInt64
    /// Whether it is an IPv6 address.
    public let isIPv6: Bool

    /// An IPv4 address, most significant octet first: `0x7F00_0001` is 127.0.0.1.
    @inlinable
    public init(v4: UInt32) { (self.high, self.low, self.isIPv6) = (0, UInt64(v4), false) }

    /// An IPv6 address, most significant octets first.
    @inlinable
    public init(v6 high: UInt64, _ low: UInt64) { (self.high, self.low, self.isIPv6) = (high, low, true) }

    /// 127.0.0.1
    public static let loopback = IPAddress(v4: 0x7F00_0001)

    /// The address in this text, without brackets; `nil` when it is none.
    public init?(_ text: some StringProtocol) {
        let octets = Array(text.utf8)
        self.init(octets.span, 0..<octets.count)
    }

    /// The address in these octets, without brackets; `nil` when they are none.
    public init?(_ octets: Span<UInt8>, _ range: Range<Int>) {
        var isIPv6 = false
        for i in range where octets[i] == 0x3A {
            isIPv6 = true
            break
        }
        if isIPv6 {
            guard let (high, low) = Self.parseIPv6(octets, range) else { return nil }
            self.init(v6: high, low)
        } else {
            guard let address = Self.parseIPv4(octets, range) else { return nil }
            self.init(v4: address)
        }
    }

    @inlinable
    static func parseIPv4(_ octets: Span<UInt8>, _ range: Range<Int>) -> UInt32? {
        var address: UInt32 = 0
        var part: UInt32 = 0
        var digits = 0
        var parts = 1
        var i = range.lowerBound
        while i < range.upperBound {
            if let digit = octets[i].decimalDigitValue {
                part = part &* 10 &+ UInt32(digit)
                digits &+= 1
                if digits > 3 || part > 255 { return nil }
            } else if octets[i] == 0x2E, digits > 0, parts < 4 {
                address = address &<< 8 | part
                (part, digits, parts) = (0, 0, parts &+ 1)
            } else {
                return nil
            }
            i &+= 1
        }
        return parts == 4 && digits > 0 ? address &<< 8 | part : nil
    }

    /// RFC 4291 §2.2; three colons, which RFC 3261's ABNF allowed by mistake, count as two (RFC 5954, RFC 5118 §4.10).
    private static func parseIPv6(_ octets: Span<UInt8>, _ range: Range<Int>) -> (UInt64, UInt64)? {
        var groups = InlineArray<8, UInt16>(repeating: 0)
        var count = 0
        var gap: Int?
        var i = range.lowerBound
        while i < range.upperBound {
            if octets[i] == 0x3A {
                let start = i
                while i < range.upperBound, octets[i] == 0x3A { i += 1 }
                switch i - start {
                case 1: if start == range.lowerBound || i == range.upperBound { return nil }
                case 2, 3:
                    if gap != nil { return nil }
                    gap = count
                default: return nil
                }
                continue
            }
            let start = i
            var group: UInt32 = 0
            while i < range.upperBound, let digit = octets[i].hexDigitValue {
                group = group &<< 4 | UInt32(digit)
                i += 1
            }
            if i < range.upperBound, octets[i] == 0x2E {
                guard count <= 6, let v4 = self.parseIPv4(octets, start..<range.upperBound) else { return nil }
                groups[count] = UInt16(v4 >> 16)
                groups[count + 1] = UInt16(truncatingIfNeeded: v4)
                count += 2
                i = range.upperBound
                break
            }
            guard i > start, i - start <= 4, count < 8, i == range.upperBound || octets[i] == 0x3A else { return nil }
            groups[count] = UInt16(group)
            count += 1
        }
        if let gap {
            guard count < 8 else { return nil }
            let moved = count - gap
            for k in 0..<moved {
                groups[7 - k] = groups[count - 1 - k]
                groups[count - 1 - k] = 0
            }
        } else if count != 8 {
            return nil
        }
        var (high, low): (UInt64, UInt64) = (0, 0)
        for k in 0..<4 { high = high << 16 | UInt64(groups[k]) }
        for k in 4..<8 { low = low << 16 | UInt64(groups[k]) }
        return (high, low)
    }

    /// The canonical text (RFC 5952), without brackets.
    public var description: String {
        var text: [UInt8] = []
        self.write(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the canonical text (RFC 5952); as a SIP host an IPv6 address has brackets around it.
    public func write(to output: inout [UInt8], brackets: Bool = false) {
        guard self.isIPv6 else {
            let address = UInt32(truncatingIfNeeded: self.low)
            for shift: UInt32 in [24, 16, 8, 0] {
                output.append(decimal: (address >> shift) & 0xFF)
                if shift > 0 { output.append(0x2E) }
            }
            return
        }
        if brackets { output.append(0x5B) }
        self.writeIPv6(to: &output)
        if brackets { output.append(0x5D) }
    }

    private func writeIPv6(to output: inout [UInt8]) {
        if self.high == 0, self.low >> 32 == 0xFFFF {  // IPv4-mapped
            output.append("::ffff:")
            return IPAddress(v4: UInt32(truncatingIfNeeded: self.low)).write(to: &output)
        }
        func group(_ i: Int) -> UInt64 { ((i < 4 ? self.high : self.low) >> UInt64(48 - 16 * (i & 3))) & 0xFFFF }
        var (gapStart, gapLength) = (8, 1)
        var i = 0
        while i < 8 {
            var length = 0
            while i + length < 8, group(i + length) == 0 { length += 1 }
            if length > gapLength { (gapStart, gapLength) = (i, length) }
            i += Swift.max(length, 1)
        }
        i = 0
        while i < 8 {
            if i == gapStart {
                output.append("::")
                i += gapLength
                continue
            }
            if i > 0, i != gapStart + gapLength || gapStart == 8 { output.append(0x3A) }
            var digits = 3
            while digits > 0, group(i) >> UInt64(4 * digits) == 0 { digits -= 1 }
            for digit in (0...digits).reversed() {
                let value = UInt8(truncatingIfNeeded: (group(i) >> UInt64(4 * digit)) & 0xF)
                output.append(value < 10 ? 0x30 + value : 0x57 + value)
            }
            i += 1
        }
    }

    /// Whether the address can be reached from its own network only: private, link-local, loopback, carrier NAT
    /// (RFC 1918, 3927, 6598, 4193, 4291).
    public var isPrivate: Bool {
        if self.isIPv6 {
            return self.high >> 57 == 0xFC >> 1 || self.high >> 54 == 0xFE80 >> 6 || (self.high == 0 && self.low == 1)
        }
        let a = UInt32(truncatingIfNeeded: self.low)
        return a >> 24 == 10 || a >> 24 == 127 || a >> 20 == 0xAC1 || a >> 16 == 0xC0A8 || a >> 16 == 0xA9FE
            || a >> 22 == 0x6440_0000 >> 22
    }

    /// Whether packets can be sent to it: not unspecified, multicast or broadcast.
    public var isUnicast: Bool {
        if self.isIPv6 { return self.high >> 56 != 0xFF && (self.high | self.low) != 0 }
        let a = UInt32(truncatingIfNeeded: self.low)
        return a != 0 && a >> 28 < 0xE
    }

    /// Whether it is fe80::/10, which says nothing without the link that it is of.
    public var isLinkLocal: Bool { self.isIPv6 && self.high >> 54 == 0xFE80 >> 6 }

    /// Whether it is 127.0.0.0/8 or ::1.
    public var isLoopback: Bool {
        self.isIPv6 ? self.high == 0 && self.low == 1 : self.low >> 24 == 127
    }

    /// Whether it is 0.0.0.0 or ::.
    public var isUnspecified: Bool { self.high == 0 && self.low == 0 }
}

/// An IP address and a port.
public struct SocketAddress: BitwiseCopyable, Hashable, Sendable, CustomStringConvertible {
    /// The address.
    public var ip: IPAddress
    /// The port.
    public var port: UInt16

    /// The port at the address.
    @inlinable
    public init(_ ip: IPAddress, _ port: UInt16) { (self.ip, self.port) = (ip, port) }

    /// `192.0.2.1:5060` or `[2001:db8::1]:5060`.
    public var description: String {
        var text: [UInt8] = []
        self.write(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends address and port, with brackets around IPv6.
    public func write(to output: inout [UInt8]) {
        self.ip.write(to: &output, brackets: true)
        output.append(0x3A)
        output.append(decimal: self.port)
    }
}
