extension STUNMessage {
    /// Appends what a STUN server of this usage answers (RFC 5626 §8, RFC 5389 §7.3, §10): to a Binding request a success
    /// with the address that it came from, or error 420 where it has attributes that must be understood and are not.
    ///
    /// The answer has a fingerprint where the request has one.
    ///
    /// - Parameters:
    ///   - source: Where the message came from.
    ///   - output: What the answer is appended to.
    /// - Returns: whether there is an answer: there is none to an indication, to a response, and to other methods.
    public func writeAnswer(to source: SocketAddress, into output: inout [UInt8]) -> Bool {
        guard self.kind == .request, self.method == Self.binding else { return false }
        let start = output.count
        let isUnderstood = self.unknownAttributes.isEmpty
        output.append(number16: isUnderstood ? 0x0101 : 0x0111)
        output.append(number16: 0)
        output.append(number32: Self.magicCookie)
        output.append(number32: self.transactionID.high)
        output.append(number32: UInt32(self.transactionID.low >> 32))
        output.append(number32: UInt32(truncatingIfNeeded: self.transactionID.low))
        if isUnderstood { self.writeMappedAddress(source, into: &output) } else { self.writeUnknown(into: &output) }
        Self.setLength(of: &output, from: start, with: self.hasFingerprint ? 8 : 0)
        if self.hasFingerprint {
            let sum = Self.fingerprint(output.span, start..<output.count)
            output.append(number16: Self.fingerprint)
            output.append(number16: 4)
            output.append(number32: sum)
        }
        return true
    }

    private func writeMappedAddress(_ address: SocketAddress, into output: inout [UInt8]) {
        output.append(number16: Self.xorMappedAddress)
        output.append(number16: address.ip.isIPv6 ? 20 : 8)
        output.append(number16: address.ip.isIPv6 ? 2 : 1)
        output.append(number16: address.port ^ UInt16(truncatingIfNeeded: Self.magicCookie >> 16))
        guard address.ip.isIPv6 else {
            return output.append(number32: UInt32(truncatingIfNeeded: address.ip.low) ^ Self.magicCookie)
        }
        output.append(number32: UInt32(address.ip.high >> 32) ^ Self.magicCookie)
        output.append(number32: UInt32(truncatingIfNeeded: address.ip.high) ^ self.transactionID.high)
        let low = address.ip.low ^ self.transactionID.low
        output.append(number32: UInt32(low >> 32))
        output.append(number32: UInt32(truncatingIfNeeded: low))
    }

    /// ERROR-CODE 420 and UNKNOWN-ATTRIBUTES (RFC 5389 §15.6, §15.9).
    private func writeUnknown(into output: inout [UInt8]) {
        let reason = Array("Unknown Attribute".utf8)
        output.append(number16: 0x0009)
        output.append(number16: UInt16(4 + reason.count))
        output.append(number32: 4 << 8 | 20)
        output.append(contentsOf: reason)
        Self.pad(&output, to: 4 + reason.count)
        output.append(number16: Self.unknownAttributesType)
        output.append(number16: UInt16(2 * self.unknownAttributes.count))
        for type in self.unknownAttributes { output.append(number16: type) }
        Self.pad(&output, to: 2 * self.unknownAttributes.count)
    }

    private static func pad(_ output: inout [UInt8], to length: Int) {
        for _ in 0..<(4 - length % 4) % 4 { output.append(0) }
    }

    private static func setLength(of output: inout [UInt8], from start: Int, with more: Int) {
        let length = UInt16(truncatingIfNeeded: output.count - start - Self.headerOctets + more)
        output[start + 2] = UInt8(length >> 8)
        output[start + 3] = UInt8(truncatingIfNeeded: length)
    }
}

extension [UInt8] {
    fileprivate mutating func append(number16 number: UInt16) {
        self.append(UInt8(number >> 8))
        self.append(UInt8(truncatingIfNeeded: number))
    }

    fileprivate mutating func append(number32 number: UInt32) {
        self.append(number16: UInt16(number >> 16))
        self.append(number16: UInt16(truncatingIfNeeded: number))
    }
}
