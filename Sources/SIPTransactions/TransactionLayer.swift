public import Containers
public import SIPMessages

/// All transactions of a shard: matching, timers and retransmission, around the four machines (RFC 3261 §17).
///
/// Only the owner of the shard enters it. Messages to be sent are appended to an `Outbox`; what is to be kept of them is
/// copied into a pool. Nothing here allocates in the steady state.
public struct TransactionLayer: ~Copyable {
    private let inPlace = InPlace()
    /// The base values of all timers.
    public let timers: TransactionTimers
    /// Messages that are kept.
    public internal(set) var pool: OctetPool
    var servers: Slab<ServerRecord>
    var clients: Slab<ClientRecord>
    var serverTable = KeyTable(capacity: 1024)
    var wheel: TimerWheel
    /// Transactions that wait for nothing but their end: 64*T1 after their final response, and T4 after it.
    var endings: DeadlineQueue<Ending>
    var quickEndings: DeadlineQueue<Ending>
    /// How many of those live.
    var endingCount = 0
    var random: RandomSource
    let hashKey: SipHashKey
    var generation: UInt32 = 0
    /// Timers of the transaction user. They have a limit of their own, or they could take those of the transactions,
    /// which would then never end.
    var userTimerCount = 0
    /// For reading messages that were kept.
    var scratch = MessageIndex()
    /// The index of the request that was read last of those that are kept, with its topmost Via: as a rule the one that
    /// has come last, which is forwarded, and answered, at once.
    public internal(set) var requestIndex = MessageIndex()
    /// Its topmost Via.
    public internal(set) var requestVia = ViaIndex()
    /// The transaction of that request.
    var indexedRequest = TransactionID.none
    /// The key of the request that was matched last, and its hash.
    var key: [UInt8] = []
    var keyHash: UInt64 = 0
    /// How much of the key the hash covers.
    var keyStem = 0

    /// What a shard may hold at most.
    public struct Limits: Hashable, Sendable {
        /// Server transactions, and as many client transactions and timers of the transaction user.
        public var transactions = 1_000_000
        /// Octets of kept messages.
        public var octets = 1 << 31

        /// The limits that suit most servers.
        public init() {}
    }

    /// An empty layer.
    ///
    /// - Parameters:
    ///   - seed: 256 bits that no peer can know; in a test, any.
    ///   - now: The present.
    public init(
        timers: TransactionTimers = TransactionTimers(), limits: Limits = Limits(), seed: (SipHashKey, SipHashKey),
        at now: MonotonicInstant
    ) {
        self.timers = timers
        self.pool = OctetPool(limit: limits.octets)
        self.servers = Slab(capacity: limits.transactions)
        self.clients = Slab(capacity: limits.transactions)
        self.wheel = TimerWheel(capacity: limits.transactions * 3, now: now.nanoseconds / 1_000_000)
        self.endings = DeadlineQueue(capacity: limits.transactions * 2)
        self.quickEndings = DeadlineQueue(capacity: limits.transactions * 2)
        self.random = RandomSource(seed: seed.0)
        self.hashKey = seed.1
        self.key.reserveCapacity(512)
    }

    /// How many server transactions live.
    public var serverCount: Int { self.servers.count }
    /// How many client transactions live.
    public var clientCount: Int { self.clients.count }
    /// How many timers are set.
    public var timerCount: Int { self.wheel.count + self.endingCount }

    /// A number nobody can predict, for a tag or a Call-ID.
    public mutating func randomNumber() -> UInt64 { self.random.next() }

    mutating func nextGeneration() -> UInt32 {
        self.generation &+= 1
        if self.generation == 0 { self.generation = 1 }
        return self.generation
    }

    // MARK: Kept messages

    /// Keeps octets for the transaction user, who must release them.
    public mutating func keep(_ octets: Span<UInt8>, _ range: Range<Int>) -> PooledOctets? {
        self.pool.keep(octets, range)
    }

    /// Keeps octets for the transaction user, who must release them; `nil` when the pool is full.
    public mutating func keep(_ octets: [UInt8]) -> PooledOctets? { self.pool.keep(octets.span) }

    /// Gives back what `keep` kept.
    public mutating func release(_ kept: inout PooledOctets) { self.pool.release(&kept) }

    // MARK: Time

    /// A moment before which nothing is due; `nil` when nothing is.
    public var nextWakeUp: MonotonicInstant? {
        var earliest = self.wheel.nextDeadline ?? .max
        earliest = Swift.min(earliest, self.endings.nextDeadline ?? .max)
        earliest = Swift.min(earliest, self.quickEndings.nextDeadline ?? .max)
        return earliest == .max ? nil : MonotonicInstant(nanoseconds: earliest * 1_000_000)
    }

    /// Sets a timer of the transaction user, whose payload must be below 2^56; -1 when there are too many.
    public mutating func setTimer(at moment: MonotonicInstant, payload: UInt64) -> Int32 {
        guard self.userTimerCount < self.servers.capacity,
            let timer = self.wheel.insert(
                deadline: moment.millisecondsRoundedUp, payload: TimerPayload.user | payload)
        else { return -1 }
        self.userTimerCount += 1
        return timer
    }

    /// Moves a timer of the transaction user that has not fired.
    public mutating func moveTimer(_ timer: Int32, to moment: MonotonicInstant) {
        if timer >= 0 { self.wheel.move(timer, to: moment.millisecondsRoundedUp) }
    }

    /// Stops a timer of the transaction user that has not fired.
    public mutating func stopTimer(_ timer: inout Int32) {
        if timer >= 0 {
            self.wheel.remove(timer)
            self.userTimerCount -= 1
        }
        timer = -1
    }

    /// Does what is due at `now` up to the first event that the transaction user must see; `nil` when all is done.
    public mutating func wake(at now: MonotonicInstant, into outbox: inout Outbox) -> TransactionEvent? {
        let milliseconds = now.nanoseconds / 1_000_000
        while let payload = self.wheel.advance(to: milliseconds) ?? self.nextEnding(at: milliseconds) {
            let slot = Int32(truncatingIfNeeded: payload & 0xFFFF_FFFF)
            switch payload & TimerPayload.kinds {
            case TimerPayload.server:
                self.servers[slot].timer = -1
                if let event = self.wakeServer(slot, at: now, into: &outbox) { return event }
            case TimerPayload.client:
                self.clients[slot].timer = -1
                if let event = self.wakeClient(slot, at: now, into: &outbox) { return event }
            default:
                self.userTimerCount -= 1
                return .timer(payload & ~TimerPayload.kinds)
            }
        }
        return nil
    }

    /// The next transaction whose end is due.
    private mutating func nextEnding(at milliseconds: Int64) -> UInt64? {
        while let ending = self.endings.advance(to: milliseconds) ?? self.quickEndings.advance(to: milliseconds) {
            let isLive =
                ending.payload & TimerPayload.kinds == TimerPayload.server
                ? self.isLive(server: ending.id) : self.isLive(client: ending.id)
            guard isLive else { continue }
            self.endingCount -= 1
            return ending.payload
        }
        return nil
    }

    /// Whether a timer wakes a transaction in time. One of the wheel that is set too early stays: it finds nothing to do and
    /// is set anew, which is cheaper than moving it with every message.
    func isSetInTime(_ timer: Int32, for moment: MonotonicInstant) -> Bool {
        moment == .never || timer == Self.endingTimer
            || (timer >= 0 && self.wheel.deadline(of: timer) <= moment.millisecondsRoundedUp)
    }

    /// Stands for a timer where a transaction waits in a queue for its end.
    private static let endingTimer: Int32 = -2

    /// Sees to it that a transaction is woken in time.
    ///
    /// - Parameters:
    ///   - timer: What this method has returned for the transaction last; -1 where none is set.
    ///   - kind: The kind of the transaction, as `TimerPayload` has it.
    mutating func schedule(
        _ timer: Int32, at moment: MonotonicInstant, _ wait: TransactionWait, of id: TransactionID, _ kind: UInt64
    ) -> Int32 {
        let payload = kind | UInt64(id.slot)
        if wait != .forAnything, timer != Self.endingTimer, moment != .never,
            self.queue(Ending(id: id, payload: payload), wait, deadline: moment.millisecondsRoundedUp)
        {
            self.stop(timer)
            self.endingCount += 1
            return Self.endingTimer
        }
        if self.isSetInTime(timer, for: moment) { return timer }
        if timer >= 0 {
            self.wheel.move(timer, to: moment.millisecondsRoundedUp)
            return timer
        }
        return self.wheel.insert(deadline: moment.millisecondsRoundedUp, payload: payload) ?? -1
    }

    /// Stops what `schedule` has set for a transaction.
    mutating func stop(_ timer: Int32) {
        if timer >= 0 { self.wheel.remove(timer) }
        if timer == Self.endingTimer { self.endingCount -= 1 }
    }

    private mutating func queue(_ ending: Ending, _ wait: TransactionWait, deadline: Int64) -> Bool {
        wait == .forQuickEnd
            ? self.quickEndings.append(ending, deadline: deadline) : self.endings.append(ending, deadline: deadline)
    }
}
