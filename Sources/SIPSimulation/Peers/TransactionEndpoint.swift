public import SIPMessages
public import SIPTransactions

/// A host with a real transaction layer and no opinion: a subclass is the transaction user.
///
/// Requests, responses and events come to the methods marked as to be overridden, whose outbox is the one to send with.
/// What the transaction layer absorbs does not come.
open class TransactionEndpoint: SimulatedNode {
    /// Where the host is, once it was added to a world.
    public private(set) var place = SimulatedPlace(name: "", listeners: [], seed: 0)
    /// Its own randomness.
    public private(set) var random = SimulationRandom(seed: 0)
    /// The values of its timers.
    public let timers: TransactionTimers
    /// What its transaction layer holds at most.
    public let limits: TransactionLayer.Limits
    /// Whether it answers each INVITE within 200 ms; if not, its transaction layer sends 100 at once (RFC 3261 §17.2.1).
    public let promisesAnswer: Bool

    /// The name that it gives itself in Via, and a scripted peer in Contact, where that is not its address.
    public var hostName: Host?
    /// Whether its Via asks for answers at the port that its request came from (RFC 3581); a client from before does not.
    public var asksForPort = true

    var layer: TransactionLayer
    private var index = MessageIndex()

    /// A host with these timer values and limits.
    public init(
        timers: TransactionTimers = TransactionTimers(), limits: TransactionLayer.Limits = TransactionLayer.Limits(),
        promisesAnswer: Bool = false
    ) {
        (self.timers, self.limits, self.promisesAnswer) = (timers, limits, promisesAnswer)
        self.layer = TransactionLayer(
            timers: timers, limits: limits, seed: (SipHashKey(0, 0), SipHashKey(0, 0)), at: .start)
    }

    // MARK: To be overridden

    /// A request began a transaction. Its topmost Via says where it came from (RFC 3261 §18.2.1).
    open func requestArrived(
        _ request: SIPMessage, in transaction: TransactionID, over flow: Flow, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {}

    /// An ACK came that the transaction layer does not want: one to a 2xx.
    open func ackArrived(
        _ ack: SIPMessage, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {}

    /// A response came for a transaction.
    ///
    /// - Parameters:
    ///   - response: What came.
    ///   - transaction: Of the request that it answers.
    ///   - owner: What `send` was given with the request.
    ///   - now: When it came.
    ///   - outbox: What is to be sent.
    open func responseArrived(
        _ response: SIPMessage, in transaction: TransactionID, owner: UInt64, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {}

    /// A message came that the transaction layer has dealt with.
    open func absorbed(_ message: SIPMessage, at now: MonotonicInstant) {}

    /// A response came for no transaction: the 2xx of a fork that came late, say.
    open func strayArrived(_ response: SIPMessage, at now: MonotonicInstant, into outbox: inout Outbox) {}

    /// A transaction ended without answer, or a timer fired.
    open func happened(_ event: TransactionEvent, at now: MonotonicInstant, into outbox: inout Outbox) {}

    /// Questions for DNS, storage or those who decide, asked since the last call.
    open func takeQuestions() -> [ServiceQuestion] { [] }

    /// A question is answered.
    open func answered(_ answer: ServiceAnswer, at now: MonotonicInstant, into outbox: inout Outbox) {}

    /// A stream connection has ended.
    open func connectionClosed(_ flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox) {}

    /// The limit of transactions is reached: the request was not taken.
    open func refused(_ request: SIPMessage, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox) {}

    // MARK: Sending

    /// Sends a request in a new transaction, with a Via of its own on top.
    ///
    /// - Parameters:
    ///   - request: Without the Via.
    ///   - method: Its method.
    ///   - flow: The way that it takes.
    ///   - owner: What `responseArrived` and events will name.
    ///   - now: The time.
    ///   - outbox: What it is appended to.
    /// - Returns: `nil` when there are too many transactions.
    @discardableResult
    public func send(
        _ request: MessageBuilder, _ method: Method, over flow: Flow, owner: UInt64, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) -> TransactionID? {
        guard let id = self.layer.openClient(method: method.code, owner: owner) else { return nil }
        var branch: [UInt8] = []
        self.layer.writeBranch(id, loopHash: 0, into: &branch)
        let start = outbox.octets.count
        var request = request
        request.prepend(.via, self.via(over: flow, branch: String(decoding: branch, as: UTF8.self)))
        request.write(to: &outbox.octets)
        return self.layer.sendRequest(id, over: flow, from: start, at: now, into: &outbox) ? id : nil
    }

    /// Sends a request outside of any transaction, with a Via of its own on top: the ACK to a 2xx (RFC 3261 §13.2.2.4).
    ///
    /// - Returns: Its octets, to be sent again.
    @discardableResult
    public func sendStatelessly(_ request: MessageBuilder, over flow: Flow, into outbox: inout Outbox) -> [UInt8] {
        var branch: [UInt8] = Array("z9hG4bK".utf8)
        branch.append(hexadecimal: self.layer.randomNumber())
        var request = request
        request.prepend(.via, self.via(over: flow, branch: String(decoding: branch, as: UTF8.self)))
        let octets = request.octets
        self.send(octets: octets, over: flow, into: &outbox)
        return octets
    }

    /// Sends octets as they are.
    public func send(octets: [UInt8], over flow: Flow, into outbox: inout Outbox) {
        let start = outbox.octets.count
        outbox.octets.append(contentsOf: octets)
        outbox.send(from: start, over: flow)
    }

    /// Sends a response in a server transaction.
    ///
    /// - Returns: Whether the state of the transaction allowed it.
    @discardableResult
    public func respond(
        _ response: MessageBuilder, _ status: StatusCode, in transaction: TransactionID, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) -> Bool {
        let start = outbox.octets.count
        response.write(to: &outbox.octets)
        return self.layer.respond(transaction, status: status.number, from: start, at: now, into: &outbox)
    }

    /// Cancels an INVITE that has had a provisional response (RFC 3261 §9.1).
    public func cancel(_ transaction: TransactionID, at now: MonotonicInstant, into outbox: inout Outbox) {
        let none: [UInt8] = []
        self.layer.cancel(transaction, reason: none.span, at: now, into: &outbox)
    }

    /// Ends a client transaction whose answer nobody wants.
    public func abandon(client transaction: TransactionID) { self.layer.abandon(client: transaction) }

    /// Ends a server transaction without answer.
    public func abandon(_ transaction: TransactionID) { self.layer.abandon(server: transaction) }

    /// Sets a timer, which comes back as `TransactionEvent.timer`.
    ///
    /// - Parameters:
    ///   - moment: When it is due.
    ///   - payload: What the event brings back: below 2^56.
    public func setTimer(at moment: MonotonicInstant, payload: UInt64) {
        _ = self.layer.setTimer(at: moment, payload: payload)
    }

    /// A text nobody can predict without the seed, for a tag or a Call-ID.
    public func unpredictableText() -> String { String(self.random.next(), radix: 36) }

    /// The Via of a request over a flow.
    public func via(over flow: Flow, branch: String) -> Via {
        let local =
            self.place.listeners.indices.contains(Int(flow.endpoint))
            ? self.place.listeners[Int(flow.endpoint)].address : SocketAddress(.loopback, 0)
        let parameters: Parameters = self.asksForPort ? ["rport": nil, "branch": branch] : ["branch": branch]
        return Via(flow.transport, host: self.hostName ?? Host(local.ip), port: local.port, parameters: parameters)
    }

    // MARK: Simulated node

    /// Learns which host it is and which addresses it has.
    public func placed(at place: SimulatedPlace) {
        self.place = place
        self.random = SimulationRandom(seed: place.seed, purpose: "host \(place.name)")
        let keys = (self.random.next(), self.random.next(), self.random.next(), self.random.next())
        let seed = (SipHashKey(keys.0, keys.1), SipHashKey(keys.2, keys.3))
        self.layer = TransactionLayer(timers: self.timers, limits: self.limits, seed: seed, at: .start)
    }

    /// Learns which addresses it has now.
    public func moved(to place: SimulatedPlace) { self.place = place }

    /// Takes a message that came over a flow.
    public func receive(
        _ octets: Span<UInt8>, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        do { try self.index.parse(octets) } catch { return }
        guard self.index.fault == nil, let field = self.index.value(.via) else { return }
        var via = ViaIndex()
        do { _ = try ViaIndex.parse(octets, in: field.range, into: &via) } catch { return }
        guard let message = try? SIPMessage(parsing: octets.octets(0..<octets.count)) else { return }
        if !self.index.isRequest {
            switch self.layer.match(response: octets, self.index, via: via, at: now, into: &outbox) {
            case .deliver(let id, let owner):
                self.responseArrived(message, in: id, owner: owner, at: now, into: &outbox)
            case .absorbed: self.absorbed(message, at: now)
            case .stray: self.strayArrived(message, at: now, into: &outbox)
            }
            return
        }
        switch self.layer.match(octets, self.index, via: via, at: now, into: &outbox) {
        case .absorbed: self.absorbed(message, at: now)
        case .unmatchedACK:
            self.ackArrived(Self.stamping(message, source: flow.remote), over: flow, at: now, into: &outbox)
        case .new:
            let id = self.layer.createServer(
                octets, self.index, via: via, flow: flow, owner: 0, promisesAnswer: self.promisesAnswer, at: now,
                into: &outbox)
            let stamped = Self.stamping(message, source: flow.remote)
            if let id {
                self.requestArrived(stamped, in: id, over: flow, at: now, into: &outbox)
            } else {
                self.refused(stamped, over: flow, at: now, into: &outbox)
            }
        }
    }

    /// Does what is due.
    public func wake(at now: MonotonicInstant, into outbox: inout Outbox) {
        while let event = self.layer.wake(at: now, into: &outbox) { self.happened(event, at: now, into: &outbox) }
    }

    /// When it must be woken; `nil` when nothing is due.
    public var nextWakeUp: MonotonicInstant? { self.layer.nextWakeUp }

    /// What is alive: the transaction layer's, to which a subclass adds its own.
    open func audit() -> SimulationAudit { self.layer.audit() }

    /// Learns that a message did not reach its destination.
    public func transportFailed(
        _ sender: Outbox.Sender, shard: UInt16, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard let event = self.layer.transportFailed(sender, at: now) else { return }
        self.happened(event, at: now, into: &outbox)
    }

    /// The message with `received` and `rport` in its topmost Via (RFC 3261 §18.2.1, RFC 3581 §4).
    private static func stamping(_ message: SIPMessage, source: SocketAddress) -> SIPMessage {
        var vias = message.all(.via)
        guard let top = vias.first, top.hasRport || top.host.address != source.ip else { return message }
        vias[0].received = source.ip
        if top.hasRport { vias[0].rport = source.port }
        var builder = MessageBuilder(message)
        builder.remove(.via)
        for via in vias.reversed() { builder.prepend(.via, via) }
        return (try? builder.message()) ?? message
    }
}
