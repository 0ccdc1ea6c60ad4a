public import SIPMessages
public import SIPTransactions

/// Responses where the proxy keeps no transactions: RFC 3261 §16.11, §18.2.2.
extension Proxy {
    /// The parameter of our Via that says where the request came from.
    private static var wayBack: StaticString { "from" }

    /// Appends the way that a request came as a parameter of our Via: the end point, which the answer must leave by, and
    /// the connection, which its other end cannot be reached without. Nobody else can make one.
    func writeWayBack(over source: Flow, branch: UInt64, into output: inout [UInt8]) {
        let way = UInt64(source.endpoint) << 32 | UInt64(source.connection)
        output.append(";")
        output.append(Self.wayBack)
        output.append("=")
        output.append(hexadecimal: way)
        output.append(hexadecimal: self.proof(of: way, branch: branch))
    }

    private func proof(of way: UInt64, branch: UInt64) -> UInt64 {
        var hasher = SipHash24(key: self.wayBackKey)
        hasher.combine(way)
        hasher.combine(branch)
        hasher.combine(UInt64(self.configuration.generation))
        return hasher.finish()
    }

    /// What `writeWayBack` has written into a Via of ours; `nil` where that says nothing that can be believed.
    private func readWayBack(_ octets: Span<UInt8>, _ via: ViaIndex) -> (endpoint: UInt16, connection: UInt32)? {
        guard via.branch.count == 23, let branch = octets.hexadecimal(via.branch.lower + 7..<via.branch.upper),
            let value = octets.parameter(Self.wayBack, in: via.parameters)?.value, value.count == 32,
            let way = octets.hexadecimal(value.lower..<value.lower + 16),
            let proof = octets.hexadecimal(value.lower + 16..<value.upper), proof == self.proof(of: way, branch: branch)
        else { return nil }
        return (UInt16(truncatingIfNeeded: way >> 32), UInt32(truncatingIfNeeded: way))
    }

    /// Passes on a response to a request that was forwarded without a transaction: without our Via, to where the next one
    /// says (§18.2.2, RFC 3581 §4).
    ///
    /// - Parameters:
    ///   - via: Its topmost Via, which is ours.
    ///   - isTrusted: Whether who has sent it may assert who he is (RFC 3325 §5).
    public func passStateless(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, isTrusted: Bool,
        into outbox: inout Outbox
    ) {
        guard let next = index.via(below: via, of: octets) else { return }
        let source = IPAddress(octets, next.received.range) ?? IPAddress(octets, next.host.range)
        guard let remote = next.transport.isReliable ? source : next.maddr ?? source else { return }
        // A stream is answered over its own connection; the port of sent-by is where to connect when that is gone.
        let isMapped = next.rport != 0 && !next.transport.isReliable
        let port = isMapped ? next.rport : next.port != 0 ? next.port : next.transport.defaultPort
        let way = self.readWayBack(octets, via)
        let isEndpointKnown = way.map { Int($0.endpoint) < self.configuration.endpoints.count } ?? false
        guard
            let endpoint = isEndpointKnown
                ? way?.endpoint : self.configuration.endpoint(for: next.transport, to: remote, preferred: 0)
        else { return }
        let flow = Flow(
            endpoint: endpoint, transport: next.transport, connection: way?.connection ?? 0,
            remote: SocketAddress(remote, port))
        let hidesIdentity =
            !isTrusted || (index.wantsPrivateIdentity(octets) && !self.configuration.trusts(remote))
        let start = outbox.octets.count
        index.writeRelayed(octets, via: via, hidingIdentity: hidesIdentity, restored: [], into: &outbox.octets)
        outbox.send(from: start, over: flow)
    }
}

extension MessageIndex {
    /// The Via below the topmost one; `nil` where there is none, or one that cannot be read.
    fileprivate func via(below top: ViaIndex, of octets: Span<UInt8>) -> ViaIndex? {
        guard let first = self.first(.via) else { return nil }
        var start = top.whole.upper
        var end = self.fields[first].value.upper
        while start < end, octets[start].isLinearWhitespace || octets[start] == 0x2C { start += 1 }
        if start == end {
            guard let second = self.next(.via, from: first + 1) else { return nil }
            (start, end) = (self.fields[second].value.lower, self.fields[second].value.upper)
        }
        var via = ViaIndex()
        do {
            _ = try ViaIndex.parse(octets, in: start..<end, into: &via)
            return via
        } catch {
            return nil
        }
    }
}

extension Span where Element == UInt8 {
    /// The number that hexadecimal digits give, 16 at most; `nil` where something else is among them.
    fileprivate func hexadecimal(_ range: Range<Int>) -> UInt64? {
        guard range.count <= 16 else { return nil }
        var number: UInt64 = 0
        for i in range {
            guard let digit = self[i].hexDigitValue else { return nil }
            number = number << 4 | UInt64(digit)
        }
        return number
    }
}
