public import SIPMessages
public import SIPTransactions

/// A user agent whose actions are written down one after the other, as in the message flows of the RFCs:
///
///     try alice.sends(.invite, to: bob)
///     try bob.expects(.invite)
///     try bob.sends(180)
///     try alice.expects(180)
///
/// Under it works a real transaction layer. So retransmissions, the ACK to a failure and the retransmission of a 2xx
/// happen by themselves and are not written; `expects` sees a message once, and lets time pass until it is there.
/// What comes must be what is expected next, but for 100, for what the transaction layer has dealt with and for late
/// copies of it. What the RFCs do not allow is sent with `sendsOctets` or by editing a message.
public final class ScriptedPeer: TransactionEndpoint {
    /// Something that came and has not been expected yet.
    struct Arrival {
        var message: SIPMessage
        var flow: Flow?
        var transaction: TransactionID
        /// Dealt with by the transaction layer: may be expected, need not be.
        var isOptional: Bool
    }
    /// A server transaction that may still be answered.
    struct Pending {
        var request: SIPMessage
        var transaction: TransactionID
        var flow: Flow
        var toTag: String
    }
    /// A 2xx to an INVITE that waits for its ACK (RFC 3261 §13.3.1.4).
    struct Unacknowledged {
        var octets: [UInt8]
        var flow: Flow
        var interval: TimeSpan
        var until: MonotonicInstant
    }

    /// The peer's address of record.
    public let uri: URI
    /// The transport of the requests that it sends.
    public var transport: TransportProtocol
    /// Where all its requests go that have no route; `nil`: where their URI leads.
    public var outboundProxy: SocketAddress?
    /// How often a transaction ended without answer, or without ACK.
    public private(set) var timeouts = 0
    /// How often a message could not be delivered.
    public private(set) var transportFailures = 0

    unowned let world: SimulatedWorld
    let name: String
    var inbox: [Arrival] = []
    var pending: [Pending] = []
    var dialogs: [PeerDialog] = []
    /// The position of the call that is spoken of.
    var current = -1
    var inviteTransaction = TransactionID.none
    /// ACKs to 2xx, to be sent again when the 2xx comes again; by Call-ID, number and tag.
    var acknowledgements: [String: (octets: [UInt8], flow: Flow)] = [:]
    var successesSeen: Set<String> = []
    var unacknowledged: [String: Unacknowledged] = [:]
    var timerKeys: [String] = []

    init(_ name: String, uri: URI, transport: TransportProtocol, in world: SimulatedWorld, timers: TransactionTimers) {
        (self.name, self.uri, self.transport, self.world) = (name, uri, transport, world)
        var timers = timers
        timers.promise = TimeSpan(nanoseconds: .max)  // The script sends 100, or does not.
        super.init(timers: timers, promisesAnswer: true)
    }

    // MARK: Transaction user

    public override func requestArrived(
        _ request: SIPMessage, in transaction: TransactionID, over flow: Flow, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        self.inbox.append(Arrival(message: request, flow: flow, transaction: transaction, isOptional: false))
    }

    public override func ackArrived(
        _ ack: SIPMessage, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        // The first ACK ends the retransmission of the 2xx; the next ones are copies of it.
        let isFirst = self.unacknowledged.removeValue(forKey: Self.inviteKey(ack)) != nil
        self.inbox.append(Arrival(message: ack, flow: flow, transaction: .none, isOptional: !isFirst))
    }

    public override func responseArrived(
        _ response: SIPMessage, in transaction: TransactionID, owner: UInt64, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        if response.status?.isSuccess == true, response.first(.cseq)?.method == .invite {
            let key = Self.inviteKey(response) + (response.first(.to)?.tag ?? "")
            if let ack = self.acknowledgements[key] { self.send(octets: ack.octets, over: ack.flow, into: &outbox) }
            guard self.successesSeen.insert(key).inserted else { return }
        }
        if let callID = response.first(.callID)?.value,
            let position = self.dialogs.firstIndex(where: { $0.callID == callID })
        {
            self.dialogs[position].learn(from: response)
        }
        let isTrying = response.status == 100
        self.inbox.append(Arrival(message: response, flow: nil, transaction: transaction, isOptional: isTrying))
    }

    public override func absorbed(_ message: SIPMessage, at now: MonotonicInstant) {
        // An ACK to a failure or the answer to a CANCEL may be part of the flow that is written; other copies are not.
        guard message.method == .ack || (!message.index.isRequest && message.first(.cseq)?.method == .cancel) else {
            return
        }
        self.inbox.append(Arrival(message: message, flow: nil, transaction: .none, isOptional: true))
    }

    public override func happened(_ event: TransactionEvent, at now: MonotonicInstant, into outbox: inout Outbox) {
        switch event {
        case .clientTimedOut, .serverTimedOut: self.timeouts += 1
        case .clientTransportFailed, .serverTransportFailed: self.transportFailures += 1
        case .tryingDue: break  // The script sends 100, or does not.
        case .clientEnded: break  // No further 2xx of a fork can come; the script expects what it expects.
        case .timer(let number): self.repeatSuccess(Int(number), at: now, into: &outbox)
        }
    }

    /// RFC 3261 §13.3.1.4: T1, doubling up to T2, until an ACK comes or 64*T1 are over.
    private func repeatSuccess(_ number: Int, at now: MonotonicInstant, into outbox: inout Outbox) {
        let key = self.timerKeys[number]
        guard var waiting = self.unacknowledged[key] else { return }
        guard now < waiting.until else {
            self.unacknowledged[key] = nil
            self.timeouts += 1
            return
        }
        self.send(octets: waiting.octets, over: waiting.flow, into: &outbox)
        waiting.interval = Swift.min(waiting.interval * 2, self.timers.t2)
        self.unacknowledged[key] = waiting
        self.setTimer(at: Swift.min(now.advanced(by: waiting.interval), waiting.until), payload: UInt64(number))
    }

    /// What an INVITE, its responses and its ACK have in common.
    static func inviteKey(_ message: SIPMessage) -> String {
        "\(message.first(.callID)?.value ?? "") \(message.first(.cseq)?.number ?? 0) "
    }

    /// Transactions, timers and messages kept; a peer that was sent something which no line of the script expects is
    /// not clean either.
    public override func audit() -> SimulationAudit {
        var audit = super.audit()
        audit.add(SimulationAudit([("unexpected messages", self.inbox.filter { !$0.isOptional }.count)]))
        return audit
    }
}
