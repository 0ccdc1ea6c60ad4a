import Containers
public import SIPMessages
public import SIPTransactions

/// A load generator and responder without sockets and clocks: messages and the time go in, messages to be sent and counts
/// come out.
///
/// It begins calls, registrations or messages by the schedule, whatever becomes of those before (an open loop), and counts
/// their latency from the moment at which each should have begun: a server that stalls is not helped by a generator that
/// waits for it. What comes is answered. Nothing here allocates in the steady state, but for the histograms of each second.
public struct LoadEngine: ~Copyable {
    private let inPlace = InPlace()
    let plan: LoadPlan
    let sources: [LoadSource]
    /// Where the first request goes; its end point is that of whoever sends.
    let server: Flow
    /// Which part of the load this one has, of how many that share it.
    let share: (number: Int, of: Int)
    let begin: MonotonicInstant
    var transactions: TransactionLayer
    var units: Slab<LoadUnit>
    var answers: Slab<AnsweredCall>
    var index = MessageIndex()
    var via = ViaIndex()
    var dialogReader = DialogReader()
    var line: [UInt8] = []
    /// The second that is being counted.
    var interval: LoadInterval
    /// Seconds that are over.
    private var finished: [LoadInterval] = []
    /// How many have begun here.
    private var started = 0
    private var isStopped = false
    /// When the next should begin; `nil` when none does.
    private var nextArrival: MonotonicInstant?
    private var nextTimers: MonotonicInstant
    /// Which source the next ones are sent from.
    private var turn = 0
    private var generation: UInt32
    /// Makes the identifiers of this run its own.
    let run: UInt64
    /// Of each user of this share: the number of the last REGISTER, and whether it waits for its answer.
    var registers: [(number: UInt32, isBusy: Bool)] = []

    /// How late timers may be, so that not each of them wakes the thread: those of SIP are half a second and more.
    static let coarseness: TimeSpan = .milliseconds(4)
    /// What begins later than this has begun late.
    static let lateness: TimeSpan = .milliseconds(20)

    /// A generator that begins at `begin`.
    ///
    /// - Parameters:
    ///   - sources: The addresses to send from, by the numbers of their end points.
    ///   - server: Where first requests go.
    ///   - share: Which part of the load is its own, of how many.
    ///   - seed: 256 bits that no peer can know; in a test, any.
    public init(
        _ plan: LoadPlan, sources: [LoadSource], server: Flow, share: (number: Int, of: Int) = (0, 1),
        seed: (SipHashKey, SipHashKey), beginning begin: MonotonicInstant
    ) {
        self.plan = plan
        (self.sources, self.server, self.share, self.begin) = (sources, server, share, begin)
        var limits = TransactionLayer.Limits()
        limits.transactions = 4_000_000
        self.transactions = TransactionLayer(timers: plan.timers, limits: limits, seed: seed, at: begin)
        var concurrency = (plan.concurrency + share.of - 1 - share.number) / share.of
        let ownUsers = (plan.users + share.of - 1 - share.number) / share.of
        // Of each user one REGISTER at a time (RFC 3261 §10.2).
        if plan.scenario == .registrations { concurrency = Swift.min(concurrency, ownUsers) }
        self.units = Slab(capacity: plan.scenario == nil ? 0 : Swift.max(1, concurrency))
        self.answers = Slab(capacity: plan.answering.calls)
        self.interval = LoadInterval(second: 0)
        self.nextTimers = begin
        self.run = self.transactions.randomNumber()
        self.generation = UInt32(truncatingIfNeeded: self.run) >> 8
        if plan.scenario == .registrations {
            // Call-IDs are of this run, so that numbers may begin anew (RFC 3261 §10.3 step 7).
            self.registers = Array(repeating: (0, false), count: Swift.max(1, ownUsers))
        }
        if plan.scenario != nil { self.setNextArrival(at: begin) }
    }

    /// How many calls, registrations or messages are under way.
    public var underWay: Int { self.units.count }
    /// How many calls that came are up, or ring.
    public var answering: Int { self.answers.count }
    /// Transactions that live; those that are over stay a while to take what comes again.
    public var transactionCount: Int { self.transactions.clientCount + self.transactions.serverCount }

    /// Whether what should have begun at a moment is counted: in the ramp everything is, after it only what has begun after
    /// it, so that the counts of those seconds are of the same calls.
    func counts(_ intended: MonotonicInstant) -> Bool {
        let first = self.plan.schedule.firstCountedSecond
        return self.interval.second < first || intended >= self.begin.advanced(by: .seconds(Int64(first)))
    }

    /// Whether nothing more begins and all is over.
    public var isDone: Bool {
        self.units.count == 0 && self.nextArrival == nil && (self.plan.scenario != nil || self.isStopped)
    }

    // MARK: Time

    /// When something is to be done next.
    public var nextWakeUp: MonotonicInstant {
        var next = self.begin.advanced(by: .seconds(Int64(self.interval.second) + 1))
        if let arrival = self.nextArrival, !self.isFull { next = Swift.min(next, arrival) }
        if let timer = self.transactions.nextWakeUp { next = Swift.min(next, Swift.max(timer, self.nextTimers)) }
        return next
    }

    private var isFull: Bool { self.units.count >= self.units.capacity }

    /// Does what is due.
    public mutating func wake(at now: MonotonicInstant, into outbox: inout Outbox) {
        self.closeSeconds(before: now)
        if self.nextTimers <= now {
            self.nextTimers = now.advanced(by: Self.coarseness)
            self.fireTimers(at: now, into: &outbox)
        }
        self.beginDue(at: now, into: &outbox)
    }

    private mutating func fireTimers(at now: MonotonicInstant, into outbox: inout Outbox) {
        while true {
            let before = outbox.messages.count
            let event = self.transactions.wake(at: now, into: &outbox)
            // What the layer sends by itself has been sent before.
            self.interval.retransmissions += UInt64(outbox.messages.count - before)
            guard let event else { return }
            switch event {
            case .clientTimedOut(_, let owner): self.timedOut(owner, at: now)
            case .clientTransportFailed(_, let owner): self.unreachable(owner, at: now)
            case .timer(let payload):
                if payload & Self.answerMark == 0 {
                    self.fired(unit: payload, at: now, into: &outbox)
                } else {
                    self.fired(answer: payload, at: now, into: &outbox)
                }
            case .tryingDue, .clientEnded, .serverTimedOut, .serverTransportFailed: break
            }
        }
    }

    /// Stands in the payload of a timer that belongs to a call that came.
    static let answerMark: UInt64 = 1 << 55

    /// What a timer is known by: the slot, and the lower part of its use.
    static func payload(_ slot: Int32, _ generation: UInt32) -> UInt64 {
        UInt64(UInt32(bitPattern: slot)) | UInt64(generation & 0x3F_FFFF) << 32
    }

    mutating func nextGeneration() -> UInt32 {
        self.generation = self.generation &+ 1 & 0x7FFF_FFFF
        if self.generation == 0 { self.generation = 1 }
        return self.generation
    }

    // MARK: Arrivals

    private mutating func setNextArrival(at now: MonotonicInstant) {
        let number = self.share.number + self.started * self.share.of
        if self.isStopped || self.plan.count.map({ number >= $0 }) == true {
            self.nextArrival = nil
        } else if self.plan.schedule.rate == nil {
            // As many as may be under way at once: the next one begins as soon as there is room.
            let isOver = now >= self.begin.advanced(by: self.plan.schedule.length)
            self.nextArrival = isOver ? nil : Swift.max(now, self.begin)
        } else {
            self.nextArrival = self.plan.schedule.moment(of: number).map { self.begin.advanced(by: $0) }
        }
    }

    private mutating func beginDue(at now: MonotonicInstant, into outbox: inout Outbox) {
        // One at the end of its time has been waiting for room.
        if self.plan.schedule.rate == nil, self.nextArrival != nil { self.setNextArrival(at: now) }
        guard let first = self.nextArrival, first <= now, !self.isFull else { return }
        self.turn = self.turn + 1 < self.sources.count ? self.turn + 1 : 0
        while let intended = self.nextArrival, intended <= now, !self.isFull {
            let number = self.share.number + self.started * self.share.of
            self.start(number, intended: intended, from: self.turn, at: now, into: &outbox)
            self.started += 1
            if self.counts(intended) {
                self.interval.started += 1
                if now.since(intended) > Self.lateness { self.interval.heldBack += 1 }
            }
            self.interval.peak = Swift.max(self.interval.peak, self.units.count)
            self.setNextArrival(at: now)
            if outbox.messages.count >= 512 { return }
        }
    }

    /// Lets nothing begin any more, and ends what is under way: calls that are up are hung up, others cancelled.
    public mutating func interrupt(at now: MonotonicInstant, into outbox: inout Outbox) {
        self.isStopped = true
        self.nextArrival = nil
        for slot in 0..<self.units.extent where self.units.isInUse(slot) {
            switch self.units[slot].state {
            case .up: self.hangUp(slot, .interrupted, at: now, into: &outbox)
            case .calling: self.cancel(slot, .interrupted, at: now, into: &outbox)
            case .asking: self.finish(slot, .abandoned)
            case .cancelling, .ending: break
            }
        }
    }

    // MARK: Seconds

    private mutating func closeSeconds(before now: MonotonicInstant) {
        let second = Int(Swift.max(0, now.since(self.begin).nanoseconds) / 1_000_000_000)
        while self.interval.second < second { self.closeSecond() }
    }

    private mutating func closeSecond() {
        var next = LoadInterval(second: self.interval.second + 1)
        self.interval.underWay = self.units.count + self.answers.count
        next.peak = self.interval.underWay
        swap(&self.interval, &next)
        self.finished.append(next)
    }

    /// Hands out the seconds that are over.
    public mutating func takeSeconds() -> [LoadInterval] {
        defer { self.finished.removeAll(keepingCapacity: true) }
        return self.finished
    }

    /// Whether a second is over that has not been handed out.
    public var hasSeconds: Bool { !self.finished.isEmpty }

    /// Hands out all seconds, the present one included: the run is over.
    public mutating func takeRest() -> [LoadInterval] {
        self.closeSecond()
        return self.takeSeconds()
    }

    // MARK: Messages

    /// Takes a message that came.
    ///
    /// - Parameters:
    ///   - octets: The message, lent for the call.
    ///   - flow: The way it came; its end point is that of a source.
    public mutating func receive(
        _ octets: Span<UInt8>, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        // What is broken is nobody's: a load generator is no place to discuss grammar.
        do {
            try self.index.parse(octets)
            guard self.index.fault == nil, let field = self.index.value(.via) else { return }
            _ = try ViaIndex.parse(octets, in: field.range, into: &self.via)
            if self.index.isRequest { try self.index.validate(octets, .essential) }
        } catch {
            self.interval.repeated += 1
            return
        }
        self.interval.messagesReceived += 1
        if self.index.isRequest {
            self.receive(request: octets, over: flow, at: now, into: &outbox)
        } else {
            self.receive(response: octets, at: now, into: &outbox)
        }
    }

    /// Notes how many messages have been sent.
    public mutating func noteSent(_ count: Int) { self.interval.messagesSent += UInt64(count) }

    /// A message could not be sent.
    public mutating func transportFailed(_ sender: Outbox.Sender, at now: MonotonicInstant) {
        guard let event = self.transactions.transportFailed(sender, at: now) else { return }
        if case .clientTransportFailed(_, let owner) = event { self.unreachable(owner, at: now) }
    }
}
