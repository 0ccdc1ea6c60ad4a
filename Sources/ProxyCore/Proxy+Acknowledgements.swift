public import SIPMessages
import SIPRouting
public import SIPTransactions

/// An ACK whose next hop has a name.
struct WaitingACK: Sendable {
    var octets: [UInt8]
    var source: Flow
    var selection: ServerSelection
    var branch: UInt64
}

/// Passing on an ACK to a 2xx whose way must be looked up: it has no transaction (RFC 3261 §13.2.2.4, §16.11).
extension Proxy {
    /// What the payload of a timer has by which an ACK is forgotten.
    static let acknowledgementPayload: UInt64 = 1 << 49
    /// How many may wait. One that finds no room is lost, as on the network; the callee's next 2xx brings another.
    static let acknowledgementLimit = 4096

    /// Asks the DNS where an ACK goes, and sends it there.
    public mutating func sendACK(
        _ octets: Span<UInt8>, to uri: URIIndex, in uriOctets: Span<UInt8>, source: Flow,
        transactions: inout TransactionLayer,
        at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard self.acknowledgements.count < Self.acknowledgementLimit, let hop = NextHop(uri, uriOctets) else { return }
        var actions: [ServerSelection.Action] = []
        let branch = transactions.randomNumber()
        let selection = ServerSelection(
            hop, capabilities: self.capabilities, seed: branch, at: now, memory: &self.memory, into: &actions)
        self.resolutionSerial += 1
        let key = self.resolutionSerial
        self.acknowledgements[key] = WaitingACK(
            octets: octets.octets(0..<octets.count), source: source, selection: selection, branch: branch)
        self.note(actions, of: key)
        self.advanceACK(key, at: now, into: &outbox)
        guard self.acknowledgements[key] != nil else { return }
        let deadline = now.advanced(by: Self.resolutionPatience)
        if transactions.setTimer(at: deadline, payload: Self.acknowledgementPayload | key) < 0 {
            self.acknowledgements[key] = nil
        }
    }

    /// An answer of the DNS has come that may be for an ACK.
    mutating func answeredForACK(
        _ key: UInt64, id: UInt32, _ answer: DNSAnswer, _ transactions: inout TransactionLayer,
        at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard self.acknowledgements[key] != nil else { return }
        var actions: [ServerSelection.Action] = []
        self.acknowledgements[key]?.selection.handle(answer, to: id, at: now, memory: &self.memory, into: &actions)
        self.note(actions, of: key)
        self.advanceACK(key, at: now, into: &outbox)
    }

    private mutating func advanceACK(_ key: UInt64, at now: MonotonicInstant, into outbox: inout Outbox) {
        guard var waiting = self.acknowledgements[key] else { return }
        var actions: [ServerSelection.Action] = []
        while true {
            let outcome = waiting.selection.next(at: now, memory: &self.memory, into: &actions)
            self.note(actions, of: key)
            actions = []
            switch outcome {
            case .waiting:
                self.acknowledgements[key] = waiting
                return
            case .exhausted:
                self.acknowledgements[key] = nil
                return
            case .target(let server):
                guard
                    let endpoint = self.configuration.endpoint(
                        for: server.transport, to: server.address.ip, preferred: waiting.source.endpoint)
                else { continue }
                self.acknowledgements[key] = nil
                let flow = Flow(endpoint: endpoint, transport: server.transport, remote: server.address)
                return self.write(waiting, over: flow, into: &outbox)
            }
        }
    }

    private mutating func write(_ waiting: WaitingACK, over flow: Flow, into outbox: inout Outbox) {
        let octets = waiting.octets.span
        var via = ViaIndex()
        do {
            try self.index.parse(octets)
            guard let field = self.index.value(.via) else { return }
            _ = try ViaIndex.parse(octets, in: field.range, into: &via)
        } catch { return }
        let start = outbox.octets.count
        self.writeStateless(
            octets, self.index, via: via, source: waiting.source.remote, endpoint: Int(flow.endpoint),
            branch: waiting.branch, into: &outbox.octets)
        outbox.send(from: start, over: flow)
    }
}
