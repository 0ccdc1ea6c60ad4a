/// Writing what a server makes from a message it received: responses, ACK and CANCEL, without any other copy.
extension MessageIndex {
    /// Appends one field as it came, its name and folds included.
    public func writeField(_ position: Int, of octets: Span<UInt8>, into output: inout [UInt8]) {
        let field = self.fields[position]
        if self.fault == nil {
            // Nothing lies between the lines.
            return output.append(octets, field.name.lower..<self.startOfLine(position + 1))
        }
        output.append(octets, field.name.lower..<field.value.upper)
        output.append("\r\n")
    }

    /// Appends every field with this id as it came.
    public func writeFields(_ id: HeaderID, of octets: Span<UInt8>, into output: inout [UInt8]) {
        var position = self.first(id)
        while let found = position {
            self.writeField(found, of: octets, into: &output)
            position = self.next(id, from: found + 1)
        }
    }

    /// Appends a response to this request up to its last mandatory field: status line, Via, From, To, Call-ID, CSeq
    /// (RFC 3261 §8.2.6.2). The caller appends other fields and ends it with `endHeader`.
    ///
    /// - Parameters:
    ///   - status: The status code.
    ///   - reason: The reason phrase.
    ///   - octets: The request.
    ///   - via: Its topmost Via.
    ///   - source: Where it came from, for `received` and `rport` (§18.2.1, RFC 3581 §4); `nil` leaves the Via as it is.
    ///   - toTag: The tag to add to a To that has none; `nil` for 100.
    ///   - output: What it is appended to.
    public func writeResponse(
        _ status: UInt16, _ reason: StaticString, to octets: Span<UInt8>, via: ViaIndex, source: SocketAddress?,
        toTag: UInt64?, into output: inout [UInt8]
    ) {
        output.append("SIP/2.0 ")
        output.append(decimal: status)
        output.append(0x20)
        output.append(reason)
        output.append("\r\n")
        self.writeVias(of: octets, via: via, source: source, into: &output)
        if let from = self.first(.from) { self.writeField(from, of: octets, into: &output) }
        if let to = self.first(.to) {
            let field = self.fields[to]
            output.append(octets, field.name.lower..<field.value.upper)
            if let toTag, let address = try? AddressIndex(parsing: octets, in: field.value.range, field: .to),
                address.tag.isEmpty
            {
                output.append(";tag=")
                output.append(hexadecimal: toTag)
            }
            output.append("\r\n")
        }
        if let callID = self.first(.callID) { self.writeField(callID, of: octets, into: &output) }
        if let cseq = self.first(.cseq) { self.writeField(cseq, of: octets, into: &output) }
        if status == 100 { self.writeFields(.timestamp, of: octets, into: &output) }  // §8.2.6.1
    }

    /// Appends all Via fields of this request, the topmost with where the request came from (§18.2.1, RFC 3581 §4).
    public func writeVias(
        of octets: Span<UInt8>, via: ViaIndex, source: SocketAddress?, into output: inout [UInt8]
    ) {
        var isFirst = true
        var position = self.first(.via)
        while let found = position {
            if isFirst, let source {
                let field = self.fields[found]
                output.append("Via: ")
                via.write(octets, source: source, into: &output)
                output.append(octets, via.whole.upper..<field.value.upper)
                output.append("\r\n")
            } else {
                self.writeField(found, of: octets, into: &output)
            }
            isFirst = false
            position = self.next(.via, from: found + 1)
        }
    }

    /// Appends an ACK to a response other than 2xx (§17.1.1.3), or the CANCEL (§9.1), of this request.
    ///
    /// - Parameters:
    ///   - octets: The request, as it was sent.
    ///   - method: `ACK` or `CANCEL`.
    ///   - to: The message with the To field: the response for ACK, the request for CANCEL.
    ///   - toRange: Where the field's value is in it.
    ///   - output: What it is appended to.
    public func writeFollowUp(
        _ method: StaticString, of octets: Span<UInt8>, to: Span<UInt8>, _ toRange: OctetRange,
        into output: inout [UInt8]
    ) {
        output.append(method)
        output.append(0x20)
        output.append(octets, self.requestURI.range)
        output.append(" SIP/2.0\r\nVia: ")
        if let field = self.value(.via) {
            var via = ViaIndex()
            let top = (try? ViaIndex.parse(octets, in: field.range, into: &via)) == nil ? field : via.whole
            output.append(octets, top.range)
        }
        output.append("\r\n")
        self.writeFields(.route, of: octets, into: &output)
        output.append("Max-Forwards: 70\r\n")
        if let from = self.first(.from) { self.writeField(from, of: octets, into: &output) }
        output.append("To: ")
        output.append(to, toRange.range)
        output.append("\r\n")
        if let callID = self.first(.callID) { self.writeField(callID, of: octets, into: &output) }
        output.append("CSeq: ")
        if let value = self.value(.cseq) {
            var end = value.lower
            while end < value.upper, octets[end].isDigit { end += 1 }
            output.append(octets, value.lower..<end)
        }
        output.append(0x20)
        output.append(method)
        output.append("\r\n")
    }
}

extension ViaIndex {
    /// Appends the value with `received` and `rport` set to where the request came from (RFC 3261 §18.2.1, RFC 3581 §4).
    /// What the sender claimed there is dropped.
    public func write(_ octets: Span<UInt8>, source: SocketAddress, into output: inout [UInt8]) {
        var position = self.whole.lower
        var (first, second) = (self.receivedParameter, self.rportParameter)
        if second.start < first.start { swap(&first, &second) }
        if !first.isEmpty {
            output.append(octets, position..<first.lower)
            position = first.upper
        }
        if !second.isEmpty {
            output.append(octets, position..<second.lower)
            position = second.upper
        }
        output.append(octets, position..<self.whole.upper)
        guard self.hasRport || IPAddress(octets, self.host.range) != source.ip else { return }
        output.append(";received=")
        source.ip.write(to: &output)
        if self.hasRport {
            output.append(";rport=")
            output.append(decimal: source.port)
        }
    }

    /// Where a response to the request with this topmost Via goes (RFC 3261 §18.2.2, RFC 3581 §4): to the source address
    /// and the port of sent-by; over UDP to the address in `maddr` and that port, or, with `rport`, to the source port. Over
    /// a stream that is where to connect when the connection that the request came over is gone.
    public func replyAddress(source: SocketAddress, isReliable: Bool) -> SocketAddress {
        let port = self.port == 0 ? self.transport.defaultPort : self.port
        guard !isReliable else { return SocketAddress(source.ip, port) }
        // The socket that the request came to can send to addresses of its family only.
        if let maddr, maddr.isIPv6 == source.ip.isIPv6, !maddr.isUnspecified { return SocketAddress(maddr, port) }
        return self.hasRport ? source : SocketAddress(source.ip, port)
    }
}

extension Array where Element == UInt8 {
    /// Ends a header without body.
    @inlinable
    public mutating func endHeader() { self.append("Content-Length: 0\r\n\r\n") }

    /// Appends 16 hexadecimal digits.
    public mutating func append(hexadecimal number: UInt64) {
        var digits = InlineArray<16, UInt8>(repeating: 0)
        for i in 0..<16 {
            let digit = UInt8(truncatingIfNeeded: number &>> UInt64(60 &- 4 &* i) & 15)
            digits[i] = digit < 10 ? 0x30 &+ digit : 0x57 &+ digit
        }
        digits.span.withUnsafeBufferPointer { self.append(contentsOf: $0) }
    }
}
