import Containers
public import SIPMessages

extension TransactionLayer {
    /// Answers a request with a response without body, made from the request that is kept.
    ///
    /// - Parameters:
    ///   - fields: Whole lines to add, each with its line end; empty for none.
    /// - Returns: whether it was sent.
    @discardableResult
    public mutating func reply(
        _ id: TransactionID, _ status: UInt16, _ reason: StaticString, fields: [UInt8] = [], at now: MonotonicInstant,
        into outbox: inout Outbox
    ) -> Bool {
        guard self.isLive(server: id) else { return false }
        let start = outbox.octets.count
        guard self.writeReplyStart(id, status, reason, into: &outbox.octets) else { return false }
        outbox.octets.append(contentsOf: fields)
        outbox.octets.endHeader()
        return self.respond(id, status: status, from: start, at: now, into: &outbox)
    }

    /// Sends 100 to an INVITE that is still at hand (§17.2.1).
    mutating func sendTrying(
        _ id: TransactionID, _ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex,
        source: SocketAddress, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        let start = outbox.octets.count
        index.writeResponse(100, "Trying", to: octets, via: via, source: source, toTag: nil, into: &outbox.octets)
        outbox.octets.endHeader()
        self.respond(id, status: 100, from: start, at: now, into: &outbox)
    }

    /// Appends the response that `reply` would send, without sending it.
    public mutating func writeReply(
        _ id: TransactionID, _ status: UInt16, _ reason: StaticString, into output: inout [UInt8]
    ) {
        if self.writeReplyStart(id, status, reason, into: &output) { output.endHeader() }
    }

    /// Appends the response that `reply` would send, with a reason phrase that is not known before the program runs; line
    /// ends in it become spaces.
    ///
    /// - Parameter fields: Whole lines to add, each with its line end; empty for none.
    public mutating func writeReply(
        _ id: TransactionID, _ status: UInt16, phrase: String, fields: [UInt8], into output: inout [UInt8]
    ) {
        guard self.isLive(server: id) else { return }
        var response: [UInt8] = []
        guard self.writeReplyStart(id, status, "", into: &response),
            let lineEnd = response.firstIndex(of: 0x0D)
        else { return }
        output += response[..<lineEnd]
        output += phrase.utf8.map { $0 == 0x0D || $0 == 0x0A ? 0x20 : $0 }
        output += response[lineEnd...]
        output += fields
        output.endHeader()
    }

    /// The tag that every response of ours to one request carries (§8.2.6.2): a keyed hash of the transaction's key.
    private func tag(of id: TransactionID) -> UInt64 {
        var hasher = SipHash24(key: self.hashKey)
        hasher.combine(self.servers[id.slot].keyHash)
        return hasher.finish()
    }

    /// Appends a response up to its last mandatory field, unless the request is not kept any more.
    private mutating func writeReplyStart(
        _ id: TransactionID, _ status: UInt16, _ reason: StaticString, into output: inout [UInt8]
    ) -> Bool {
        guard self.indexRequest(of: id) else { return false }
        self.requestIndex.writeResponse(
            status, reason, to: self.pool.span(self.servers[id.slot].request), via: self.requestVia,
            source: self.servers[id.slot].flow.remote, toTag: status == 100 ? nil : self.tag(of: id), into: &output)
        return true
    }

    /// Appends the Via fields of the request as its response has them.
    ///
    /// - Returns: `false` when the request is not kept any more, since it has a final response.
    public mutating func writeVias(of id: TransactionID, into output: inout [UInt8]) -> Bool {
        guard self.indexRequest(of: id) else { return false }
        self.requestIndex.writeVias(
            of: self.pool.span(self.servers[id.slot].request), via: self.requestVia,
            source: self.servers[id.slot].flow.remote, into: &output)
        return true
    }
}
