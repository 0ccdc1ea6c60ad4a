// Numbers in network byte order.

extension Span where Element == UInt8 {
    @inline(__always)
    func bigEndian16(at i: Int) -> UInt16 { UInt16(self[i]) &<< 8 | UInt16(self[i &+ 1]) }

    @inline(__always)
    func bigEndian32(at i: Int) -> UInt32 {
        UInt32(self[i]) &<< 24 | UInt32(self[i &+ 1]) &<< 16 | UInt32(self[i &+ 2]) &<< 8 | UInt32(self[i &+ 3])
    }

    @inline(__always)
    func bigEndian64(at i: Int) -> UInt64 {
        UInt64(self.bigEndian32(at: i)) << 32 | UInt64(self.bigEndian32(at: i &+ 4))
    }
}

extension MutableSpan where Element == UInt8 {
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func store(_ value: some FixedWidthInteger & UnsignedInteger, at i: Int) {
        var k = value.bitWidth / 8
        var rest = value
        while k > 0 {
            k &-= 1
            self[i &+ k] = UInt8(truncatingIfNeeded: rest)
            rest >>= 8
        }
    }
}

extension [UInt8] {
    /// Appends a number, most significant octet first.
    mutating func append(bigEndian value: some FixedWidthInteger & UnsignedInteger) {
        var shift = value.bitWidth
        while shift > 0 {
            shift -= 8
            self.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
