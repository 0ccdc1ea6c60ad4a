import SIPDialogs
public import SIPMessages
import SIPTransactions

/// What we want to be told of: the state of a resource, as an event package describes it (RFC 6665 §4.1.2.1).
public struct SubscriptionPlan: Hashable, Sendable {
    /// Whose state: the first Request-URI, and To.
    public var target: URI
    /// Who asks: From, without tag.
    public var from: NameAddress
    /// The event package, with an `id` where that is wanted.
    public var event: EventType
    /// How long it should last, in seconds; it is refreshed in time. With 0 the state is told once (§4.4.3).
    public var expires: UInt32 = 3600
    /// The types of state that we understand; empty for the one that the package takes without that.
    public var accept: [MediaType] = []
    /// Proxies that it passes first; those of the account unless set.
    public var routes: [NameAddress] = []
    /// More header lines, by name and value.
    public var fields: [CallPlan.Field] = []
    /// The account that it is of, with its Service-Route, flow and password; `nil` for none.
    public var account: RegistrationHandle?

    /// A subscription of one to what another does.
    public init(to target: URI, event: EventType, from: NameAddress) {
        (self.target, self.event, self.from) = (target, event, from)
    }

    /// The SUBSCRIBE that begins it.
    func request(expires: UInt32) -> RequestPlan {
        var plan = RequestPlan(.subscribe, to: self.target, from: self.from)
        (plan.routes, plan.account, plan.hasContact) = (self.routes, self.account, true)
        plan.fields = self.fields(expires: expires) + self.fields
        return plan
    }

    /// What every SUBSCRIBE of it says.
    func fields(expires: UInt32) -> [CallPlan.Field] {
        var fields = [CallPlan.Field("Event", self.event.text), .init("Expires", String(expires))]
        if !self.accept.isEmpty { fields.append(.init("Accept", self.accept.map(\.text).joined(separator: ", "))) }
        return fields
    }
}

/// How a subscription of ours ended.
public enum SubscriptionEnd: Hashable, Sendable {
    /// We did not want it any more.
    case unsubscribed
    /// The notifier has ended it by the last NOTIFY, and does not want to be asked again.
    case terminated
    /// It was refused; the message is the final response.
    case rejected(SIPMessage)
    /// Nobody answered, or no NOTIFY came in time.
    case failed(CallEnd)
}

/// A subscription of ours: made, refreshed in time, made anew when the notifier has forgotten it, and ended (RFC 6665 §4.1).
///
///     subscribing ──NOTIFY──▶ standing ──most of its time──▶ refreshed
///        │                      ├──NOTIFY terminated: deactivated, timeout, probation, giveup──▶ waiting ──▶ subscribing
///        │                      ├──481 to a refresh, no NOTIFY in time──▶ waiting
///        │                      └──NOTIFY terminated: other──▶ gone
///        └──refused, timer N──▶ gone, or waiting when it has stood before
struct Subscription {
    enum State: Hashable { case subscribing, standing, waiting, removing }

    let plan: SubscriptionPlan
    private(set) var state = State.subscribing
    /// The dialog of which we know our half only, until the first NOTIFY makes it (§4.4.1).
    private(set) var half: DialogID
    var dialog: Dialog?
    private var usage: SubscriberUsage
    /// How long we ask for, in seconds.
    private(set) var expires: UInt32
    /// The number of the last SUBSCRIBE outside of the dialog.
    var sequence: UInt32 = 1
    /// The SUBSCRIBE outside of a dialog that is underway.
    var request: RequestHandle?
    var timer: Int32 = -1
    private(set) var wakeAt = MonotonicInstant.never
    private var begunAt: MonotonicInstant
    private var granted: UInt32?
    private var hasStood = false
    private var isLengthened = false
    private var failures: Int64 = 0
    private let timerN: TimeSpan

    /// How far apart attempts are at least, and at most after failures.
    private static let patience = TimeSpan.seconds(30)
    private static let longestWait = TimeSpan.seconds(1800)

    init(_ plan: SubscriptionPlan, half: DialogID, timerN: TimeSpan, at now: MonotonicInstant) {
        (self.plan, self.half, self.expires, self.timerN, self.begunAt) = (plan, half, plan.expires, timerN, now)
        self.usage = SubscriberUsage(plan.event, timerN: timerN, at: now)
        self.wakeAt = self.usage.wakeAt
    }

    /// The key of its dialog, or of our half of it.
    var key: DialogID { self.dialog?.id ?? self.half }

    /// It is begun anew: with a Call-ID and a tag that were never used (§4.1.2.2).
    mutating func begin(half: DialogID, at now: MonotonicInstant) {
        (self.state, self.half, self.dialog, self.begunAt) = (.subscribing, half, nil, now)
        (self.granted, self.sequence) = (nil, 1)
        self.usage = SubscriberUsage(self.plan.event, timerN: self.timerN, at: now)
        self.wakeAt = self.usage.wakeAt
    }

    /// What is to be done next.
    enum Step: Hashable {
        case nothing
        /// Send a SUBSCRIBE outside of dialogs.
        case subscribe
        /// Send one in the dialog.
        case refresh
        case end(SubscriptionEnd)
    }

    // MARK: NOTIFY

    /// How a NOTIFY is refused (§4.1.3); `nil` when it is one of this subscription.
    mutating func refusal(of request: SIPMessage) -> (status: StatusCode, reason: String?)? {
        guard let event = request.first(.event) else { return (400, "Missing Event") }
        guard request.has(.subscriptionState), request.first(.subscriptionState) != nil else {
            return (400, "Missing Subscription-State")
        }
        guard event.package == self.plan.event.package else { return (489, nil) }
        guard event.matches(self.plan.event) else { return (481, nil) }
        guard self.dialog != nil, let cseq = request.first(.cseq) else { return nil }
        return self.dialog?.receive(cseq) == .inOrder ? nil : (500, "Out Of Order")
    }

    /// A NOTIFY came that is not to be refused.
    mutating func receive(_ notify: SIPMessage, at now: MonotonicInstant) -> Step {
        guard var state = notify.first(.subscriptionState) else { return .nothing }
        self.dialog?.refreshTarget(by: notify)
        if state.isTerminated {
            guard self.state != .removing else { return .end(.unsubscribed) }
            return self.terminated(state, at: now)
        }
        if state.expires == nil, self.state == .subscribing {
            state = SubscriptionState(state.state, expires: self.granted ?? self.expires)
        }
        _ = self.usage.receive(self.plan.event, state, at: now)
        guard self.state != .removing else { return .nothing }
        (self.state, self.hasStood, self.failures) = (.standing, true, 0)
        self.wakeAt = self.usage.wakeAt
        return .nothing
    }

    private mutating func terminated(_ state: SubscriptionState, at now: MonotonicInstant) -> Step {
        guard self.plan.expires > 0 else { return .end(.terminated) }  // It was to be told once (§4.4.3).
        self.hasStood = true
        switch state.reason?.lowercased() {
        case "deactivated", "timeout": return self.begin(after: .zero, at: now)
        case "probation", "giveup":
            let seconds = Swift.min(state.retryAfter ?? 0, 86_400)
            return self.begin(after: Swift.max(Self.patience, .seconds(Int64(seconds))), at: now)
        default: return .end(.terminated)
        }
    }

    /// A new subscription, not sooner than this and not too soon after the last one. Who wanted to be told once has been, by
    /// whatever state (RFC 6665 §4.4.3).
    private mutating func begin(after span: TimeSpan, at now: MonotonicInstant) -> Step {
        guard self.plan.expires > 0 else { return .end(.terminated) }
        self.state = .waiting
        self.wakeAt = Swift.max(now.advanced(by: span), self.begunAt.advanced(by: Self.patience))
        return self.wakeAt <= now ? .subscribe : .nothing
    }

    // MARK: Responses

    /// The SUBSCRIBE that begins it was taken: a NOTIFY will come.
    mutating func accepted(_ response: SIPMessage) {
        self.granted = response.first(.expires)
        self.isLengthened = false
    }

    /// It was not.
    mutating func refused(_ response: SIPMessage, _ status: StatusCode, random: UInt64, at now: MonotonicInstant)
        -> Step
    {
        if status == 423, let minimum = response.first(.minExpires), minimum > self.expires, !self.isLengthened {
            (self.expires, self.isLengthened) = (minimum, true)
            return .subscribe
        }
        let isPassing = status == 408 || status == 480 || (status.statusClass == 5 && status != 501)
        guard self.hasStood, isPassing else { return .end(.rejected(response)) }
        return self.wait(atLeast: response.first(.retryAfter)?.seconds ?? 0, random: random, at: now)
    }

    /// It had no answer, or no way.
    mutating func failed(_ end: CallEnd, random: UInt64, at now: MonotonicInstant) -> Step {
        self.hasStood ? self.wait(atLeast: 0, random: random, at: now) : .end(.failed(end))
    }

    /// 30 s, doubled with each failure up to half an hour, of which a random 50 to 100 % are waited, as RFC 5626 §4.5 has
    /// it for registrations.
    private mutating func wait(atLeast seconds: UInt32, random: UInt64, at now: MonotonicInstant) -> Step {
        let upper = Swift.min(Self.patience * (1 << Swift.min(self.failures, 10)), Self.longestWait)
        self.failures += 1
        let half = upper.nanoseconds / 2
        let drawn = TimeSpan(nanoseconds: half + Int64(random % UInt64(half)))
        self.state = .waiting
        self.wakeAt = now.advanced(by: Swift.max(drawn, .seconds(Int64(Swift.min(seconds, 86_400)))))
        return .nothing
    }

    /// A SUBSCRIBE in the dialog has its final response; `nil` when there was none.
    mutating func refreshed(_ response: SIPMessage?, _ status: StatusCode, at now: MonotonicInstant) -> Step {
        if self.state == .removing { return status.isSuccess ? .nothing : .end(.unsubscribed) }
        guard self.state == .standing else { return .nothing }
        defer { if self.state == .standing { self.wakeAt = self.usage.wakeAt } }
        if status.isSuccess {
            self.isLengthened = false
            self.usage.refreshed(
                expires: response?.first(.expires) ?? self.expires, promisesNotify: status != 204, at: now)
            return .nothing
        }
        if status == 423, let minimum = response?.first(.minExpires), minimum > self.expires, !self.isLengthened {
            (self.expires, self.isLengthened) = (minimum, true)
            return .refresh
        }
        switch status.number {
        case 404, 405, 410, 416, 480...485, 489, 501, 604: return self.begin(after: .zero, at: now)  // §4.1.2.2
        default:
            self.usage.refreshFailed()
            return .nothing
        }
    }

    // MARK: Time

    /// Its time has come.
    mutating func wake(random: UInt64, at now: MonotonicInstant) -> Step {
        switch self.state {
        case .waiting: return .subscribe
        case .removing: return .end(.unsubscribed)
        case .subscribing:
            guard self.usage.wake(at: now) == .expired else { return .nothing }
            return self.failed(.timedOut, random: random, at: now)
        case .standing:
            switch self.usage.wake(at: now) {
            case .nothing: break
            case .refresh: return .refresh
            case .expired: return self.begin(after: .zero, at: now)
            }
            self.wakeAt = self.usage.wakeAt
            return .nothing
        }
    }

    /// A SUBSCRIBE is sent in the dialog.
    mutating func refreshing(at now: MonotonicInstant) {
        self.usage.refreshing(timerN: self.timerN, at: now)
        self.wakeAt = self.usage.wakeAt
    }

    /// It is not wanted any more.
    ///
    /// - Returns: Whether a SUBSCRIBE says so; otherwise there is nothing to end yet, and a NOTIFY that still comes is
    ///   answered with 481, which ends it, too (§4.2.2).
    mutating func remove(at now: MonotonicInstant) -> Bool {
        guard self.state == .standing else { return false }
        self.state = .removing
        self.wakeAt = now.advanced(by: self.timerN)
        return true
    }
}
