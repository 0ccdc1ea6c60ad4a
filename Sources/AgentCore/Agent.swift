import SIPDialogs
public import SIPMessages
public import SIPTransactions

/// The UAC and UAS cores of RFC 3261 §8 with the calls they are for: messages, verbs and time go in; messages, by the
/// outbox, and actions come out.
///
///     agent.receive(octets, index, via: via, over: flow, transactions: &transactions, at: now, into: &outbox)
///     for action in agent.takeActions() {
///         switch action {
///         case .incoming(let call, _): agent.accept(call, transactions: &transactions, at: now, into: &outbox)
///         …
///
/// The transaction layer is the host's, who may share it with a proxy: `owns` tells which of its events are for the agent.
/// What the agent cannot know (a session description, the way to a server) it asks for by an action and waits for, with a
/// limit.
public struct Agent: ~Copyable {
    var calls: SlotTable<Call>
    var requests: SlotTable<OutgoingRequest>
    var registrations: SlotTable<Registration>
    var subscriptions: SlotTable<Subscription>
    /// Which call a dialog belongs to.
    var dialogs: [DialogID: CallHandle] = [:]
    /// Which subscription a dialog belongs to; until its first NOTIFY the remote tag is empty.
    var subscriptionDialogs: [DialogID: SubscriptionHandle] = [:]
    /// Dialogs that are over, for the requests that come too late for them (RFC 3891 §3).
    var endedDialogs: RecentKeys<DialogID>
    /// Requests that came, by what merged requests have in common (RFC 3261 §8.2.2.2): those of calls that live…
    var merges: [MergeKey: CallHandle] = [:]
    /// … and those that came lately.
    var recentRequests: RecentKeys<MergeKey>
    /// Where the outcome of a transfer can be subscribed to, by the user part of the URI (RFC 7614 §4.3).
    var eventServers: [String: ReferralHandle] = [:]
    /// Whose registration has a user part in its Contact.
    var accounts: [String: RegistrationHandle] = [:]
    /// What calls have to say to each other.
    var posts: [(to: CallHandle, CallPost)] = []
    private var isDelivering = false
    var actions: [AgentAction] = []
    var work: CallWork

    /// An agent without calls.
    ///
    /// - Parameter seed: 128 bits that no peer can know; in a test, any.
    public init(configuration: AgentConfiguration, timers: TransactionTimers = TransactionTimers(), seed: SipHashKey) {
        self.calls = SlotTable(capacity: configuration.maximumCalls)
        self.requests = SlotTable(capacity: configuration.maximumCalls * 4)
        self.registrations = SlotTable(capacity: configuration.maximumRegistrations)
        self.subscriptions = SlotTable(capacity: configuration.maximumSubscriptions)
        self.endedDialogs = RecentKeys(capacity: configuration.maximumCalls)
        self.recentRequests = RecentKeys(capacity: configuration.maximumCalls)
        self.work = CallWork(random: RandomSource(seed: seed), timers: timers, configuration: configuration)
    }

    /// What the agent is. Calls in progress keep what they have.
    public var configuration: AgentConfiguration {
        get { self.work.configuration }
        set { self.work.configuration = newValue }
    }

    /// How many calls there are, those counted that are over but whose last transactions are not.
    public var callCount: Int { self.calls.count }
    /// How many registrations are kept.
    public var registrationCount: Int { self.registrations.count }
    /// How many subscriptions of ours there are.
    public var subscriptionCount: Int { self.subscriptions.count }
    /// How many dialogs there are.
    public var dialogCount: Int { self.dialogs.count + self.subscriptionDialogs.count }
    /// How many requests of ours wait for something.
    public var requestCount: Int { self.requests.count }

    /// The way a call came to us; `nil` for one of ours, and for one that is no more.
    public func flow(of call: CallHandle) -> Flow? {
        guard self.calls.isLive(call.slot, call.generation) else { return nil }
        return self.calls[call.slot]?.legs.first?.near
    }

    /// The Call-ID of a call; `nil` for one that is no more.
    public func callID(of call: CallHandle) -> CallID? {
        guard self.calls.isLive(call.slot, call.generation), let call = self.calls[call.slot] else { return nil }
        return call.setup?.callID ?? call.legs.first?.dialog.id.callID
    }

    /// The account that a call is of; `nil` for one of none, and for one that is no more.
    public func account(of call: CallHandle) -> RegistrationHandle? {
        guard self.calls.isLive(call.slot, call.generation) else { return nil }
        return self.calls[call.slot]?.account
    }

    /// Whether there is something to take.
    public var hasActions: Bool { !self.actions.isEmpty }

    /// Takes what is to be done and told, in its order.
    public mutating func takeActions() -> [AgentAction] {
        defer { self.actions.removeAll() }
        return self.actions
    }

    // MARK: Calls

    /// Lets a call take its turn, and does what it wants done.
    mutating func turn(
        _ handle: CallHandle, _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox,
        _ body: (inout Call, inout CallWork) -> Void
    ) {
        guard var call = self.calls.take(handle.slot, handle.generation) else { return }
        self.work.now = now
        body(&call, &self.work)
        self.endTurn(&call, &layer, at: now, &outbox)
    }

    /// Tells calls what others had to say to them, in its order.
    private mutating func deliverPosts(
        _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard !self.isDelivering else { return }
        self.isDelivering = true
        defer { self.isDelivering = false }
        while !self.posts.isEmpty {
            let posts = self.posts
            self.posts.removeAll(keepingCapacity: true)
            for (handle, post) in posts { self.turn(handle, &layer, at: now, &outbox) { $0.receive(post, &$1) } }
        }
    }

    /// Does what a call wants done, and puts it back into its slot, if anything is left of it.
    mutating func endTurn(
        _ call: inout Call, _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        self.carryOut(&call, &layer, at: now, &outbox)
        if call.isGone {
            self.forget(&call, &layer)
        } else {
            self.schedule(&call, &layer)
            self.calls[call.handle.slot] = call
        }
        self.deliverPosts(&layer, at: now, &outbox)
    }

    private mutating func carryOut(
        _ call: inout Call, _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        // What fails at once makes new effects.
        while !self.work.effects.isEmpty {
            let effects = self.work.effects
            self.work.effects.removeAll(keepingCapacity: true)
            for effect in effects { self.carryOut(effect, &call, &layer, at: now, &outbox) }
        }
    }

    private mutating func carryOut(
        _ effect: CallEffect, _ call: inout Call, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        switch effect {
        case .request(let leg, let purpose, let method, let builder, let nextHop, let near):
            var request = OutgoingRequest(
                owner: .call(call.handle, leg: leg, purpose), builder: builder, method: method, nextHop: nextHop)
            request.account = call.account
            if purpose?.hasContact == true {
                request.contact = .init(uri: call.gruu, user: call.contactUser, parameters: call.contactParameters)
            }
            let isFirst = leg < 0
            let flow = near ?? (isFirst ? self.outboundFlow(of: call.account) : nil)
            self.begin(request, near: flow, &call, &layer, at: now, &outbox)
        case .sendAgain(let octets, let flow):
            let start = outbox.octets.count
            outbox.octets.append(contentsOf: octets)
            outbox.send(from: start, over: flow)
        case .respond(let transaction, let status, let octets):
            let start = outbox.octets.count
            outbox.octets.append(contentsOf: octets)
            layer.respond(transaction, status: status, from: start, at: now, into: &outbox)
        case .cancelInvite: self.cancelInvite(of: call, &layer, at: now, &outbox)
        case .abandonInvite: self.abandonInvite(of: &call, &layer)
        case .addDialog(let id): self.dialogs[id] = call.handle
        case .removeDialog(let id):
            self.dialogs[id] = nil
            self.endedDialogs.add(id, until: now.advanced(by: self.work.timers.timeout), at: now)
        case .addEventServer(let user, let referral): self.eventServers[user] = referral
        case .removeEventServer(let user): self.eventServers[user] = nil
        case .tell(let action): self.actions.append(action)
        case .post(let other, let post): self.posts.append((other, post))
        }
    }

    /// Sees to it that the wheel wakes the call in time; one timer does for all that a call waits for.
    private func schedule(_ call: inout Call, _ layer: inout TransactionLayer) {
        let wakeAt = call.wakeAt
        guard wakeAt != call.timerAt else { return }
        call.timerAt = wakeAt
        if wakeAt == .never { return layer.stopTimer(&call.timer) }
        if call.timer >= 0 { return layer.moveTimer(call.timer, to: wakeAt) }
        let number = AgentMark.number(slot: call.handle.slot, generation: call.handle.generation)
        call.timer = layer.setTimer(at: wakeAt, payload: number)
    }

    private mutating func forget(_ call: inout Call, _ layer: inout TransactionLayer) {
        layer.stopTimer(&call.timer)
        if let key = call.mergeKey {
            self.merges[key] = nil
            // Its transaction lives a little longer (RFC 3261 §17.2.1, timer I).
            self.recentRequests.add(key, until: self.work.now.advanced(by: self.work.timers.t4), at: self.work.now)
        }
        self.calls.remove(call.handle.slot)
    }

    /// A new call in a slot of its own; `nil` when there are too many.
    mutating func makeCall(isCaller: Bool, contactUser: String?, account: RegistrationHandle?) -> CallHandle? {
        guard let next = self.calls.next() else { return nil }
        let handle = CallHandle(slot: next.slot, generation: next.generation)
        var call = Call(handle, isCaller: isCaller, contactUser: contactUser)
        call.account = account
        call.gruu = account.flatMap { self.gruu(of: $0) }
        self.calls.insert(call)
        return handle
    }
}

/// What requests that a fork brought by different ways have in common (RFC 3261 §8.2.2.2).
struct MergeKey: Hashable {
    let callID: CallID
    let fromTag: String
    let cseq: CSeq

    init?(_ request: SIPMessage) {
        guard let callID = request.first(.callID), let cseq = request.first(.cseq) else { return nil }
        self.callID = callID
        self.fromTag = request.first(.from)?.tag ?? ""
        self.cseq = cseq
    }
}
