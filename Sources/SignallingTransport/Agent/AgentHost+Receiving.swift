import AgentCore
import SIPMessages
import SIPTransactions
import ServerCore

/// Messages on their way in.
extension AgentHost {
    /// Takes a message that came.
    func receive(_ octets: Span<UInt8>, over flow: Flow) {
        self.show(octets, .received, flow)
        self.perform { turn in self.receive(octets, over: flow, &turn) }
    }

    private func receive(_ octets: Span<UInt8>, over flow: Flow, _ turn: inout AgentTurn) {
        if !flow.transport.isReliable, STUNMessage.isLikely(octets) {
            return Self.answerKeepAlive(octets, flow, &turn.outbox)
        }
        var via = ViaIndex()
        do throws(SIPParseError) {
            try turn.index.parse(octets)
            // Nobody says where an answer is to go.
            guard let field = turn.index.value(.via) else { return }
            if let fault = turn.index.fault { throw fault }
            _ = try ViaIndex.parse(octets, in: field.range, into: &via)
            if turn.index.isRequest { try turn.index.checkMandatoryFields(octets) }
        } catch {
            return Self.refuse(octets, 400, error, flow, &turn.outbox)
        }
        turn.agent.receive(
            octets, turn.index, via: via, over: flow, transactions: &turn.transactions, at: turn.now,
            into: &turn.outbox)
    }

    /// A STUN keep-alive (RFC 5626 §8). What is none, and what wants no answer, is dropped.
    private static func answerKeepAlive(_ octets: Span<UInt8>, _ flow: Flow, _ outbox: inout Outbox) {
        guard let message = try? STUNMessage(parsing: octets) else { return }
        let start = outbox.octets.count
        if message.writeAnswer(to: flow.remote, into: &outbox.octets) { outbox.send(from: start, over: flow) }
    }

    /// Answers a request that cannot be read, if enough of it can be; a broken response is dropped.
    private static func refuse(
        _ octets: Span<UInt8>, _ status: StatusCode, _ error: SIPParseError, _ flow: Flow, _ outbox: inout Outbox
    ) {
        guard let request = try? SIPMessage(parsing: octets.octets(0..<octets.count)), request.isRequest,
            request.method != .ack, request.has(.via)
        else { return }
        var builder = MessageBuilder(status, to: request, toTag: String(UInt64.random(in: 0...(.max)), radix: 36))
        builder.add(.warning, Warning(399, agent: "biloxi", phrase: error.description))
        let start = outbox.octets.count
        builder.write(to: &outbox.octets)
        outbox.send(from: start, over: flow)
    }

    // MARK: Connections

    func receive(_ octets: Span<UInt8>, over connection: StreamConnection) {
        self.receive(octets, over: connection.flow)
    }

    func refuse(_ header: Span<UInt8>, _ error: SIPParseError, over connection: StreamConnection) {
        self.perform { turn in
            Self.refuse(header, error.code == .tooLong ? 413 : 400, error, connection.flow, &turn.outbox)
        }
    }

    func endpoint(of ip: IPAddress, at listener: UInt16, _ loop: StreamLoop) -> UInt16 {
        self.streams.endpoints.known(ip, at: listener) ?? listener
    }

    func admits(_ source: IPAddress) -> Bool { true }

    func swept(_ loop: StreamLoop) {}

    func ended(_ connection: StreamConnection, unsent: [Unreached]) {
        self.failed(unsent)
        self.perform { turn in
            turn.agent.flowLost(
                connection.flow, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
    }
}
