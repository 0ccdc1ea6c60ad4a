import Containers
public import SIPMessages

/// Where responses go when the client is not where its request came from: RFC 3261 §18.2.2, RFC 3263 §5.
extension TransactionLayer {
    /// The client's Via, alone in its octets; `nil` when neither the request nor a response is kept any more: after a 2xx to
    /// an INVITE until it has failed and comes again.
    public func clientVia(of id: TransactionID) -> (octets: [UInt8], via: ViaIndex)? {
        guard self.isLive(server: id) else { return nil }
        let request = self.servers[id.slot].request
        let message = self.pool.span(request.isNone ? self.servers[id.slot].response : request)
        var index = MessageIndex()
        var via = ViaIndex()
        do {
            try index.parse(message)
            guard let field = index.value(.via) else { return nil }
            _ = try ViaIndex.parse(message, in: field.range, into: &via)
            let octets = message.octets(via.whole.range)
            _ = try ViaIndex.parse(octets.span, in: 0..<octets.count, into: &via)
            return (octets, via)
        } catch { return nil }
    }

    /// Sends the response that is kept once more, over another flow, which all later ones take too.
    public mutating func turn(_ id: TransactionID, to flow: Flow, into outbox: inout Outbox) {
        guard self.isLive(server: id) else { return }
        self.servers[id.slot].flow = flow
        let response = self.pool.span(self.servers[id.slot].response)
        guard response.count > 0 else { return }
        let start = outbox.octets.count
        outbox.octets.append(response, 0..<response.count)
        outbox.send(from: start, over: flow, by: .server(id))
    }
}
