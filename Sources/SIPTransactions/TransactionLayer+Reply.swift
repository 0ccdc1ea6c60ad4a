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
        let tag = status == 100 ? nil : self.tag(of: id)
        let record = self.servers[id.slot]
        Self.writeReply(
            record, in: self.pool, &self.scratch, status, reason, toTag: tag, into: &outbox.octets)
        guard outbox.octets.count > start else { return false }
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
        guard self.isLive(server: id) else { return }
        let tag = self.tag(of: id)
        let record = self.servers[id.slot]
        Self.writeReply(record, in: self.pool, &self.scratch, status, reason, toTag: tag, into: &output)
        output.endHeader()
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
        let (tag, record) = (self.tag(of: id), self.servers[id.slot])
        Self.writeReply(record, in: self.pool, &self.scratch, status, "", toTag: tag, into: &response)
        guard let lineEnd = response.firstIndex(of: 0x0D) else { return }
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

    private static func writeReply(
        _ record: ServerRecord, in pool: borrowing OctetPool, _ index: inout MessageIndex, _ status: UInt16,
        _ reason: StaticString, toTag: UInt64?, into output: inout [UInt8]
    ) {
        let request = pool.span(record.request)
        do { try index.parse(request) } catch { return }
        var via = ViaIndex()
        guard let field = index.value(.via) else { return }
        do { _ = try ViaIndex.parse(request, in: field.range, into: &via) } catch { return }
        index.writeResponse(
            status, reason, to: request, via: via, source: record.flow.remote, toTag: toTag, into: &output)
    }

    /// Appends the Via fields of the request as its response has them.
    ///
    /// - Returns: `false` when the request is not kept any more, since it has a final response.
    public mutating func writeVias(of id: TransactionID, into output: inout [UInt8]) -> Bool {
        guard self.isLive(server: id), !self.servers[id.slot].request.isNone else { return false }
        let start = output.count
        Self.writeVias(self.servers[id.slot], in: self.pool, &self.scratch, into: &output)
        return output.count > start
    }

    private static func writeVias(
        _ record: ServerRecord, in pool: borrowing OctetPool, _ index: inout MessageIndex, into output: inout [UInt8]
    ) {
        let request = pool.span(record.request)
        var via = ViaIndex()
        do {
            try index.parse(request)
            guard let field = index.value(.via) else { return }
            _ = try ViaIndex.parse(request, in: field.range, into: &via)
        } catch { return }
        index.writeVias(of: request, via: via, source: record.flow.remote, into: &output)
    }
}
