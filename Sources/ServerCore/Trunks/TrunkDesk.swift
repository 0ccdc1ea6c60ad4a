import SIPMessages
import SIPRouting

/// What is known of all trunks: it lives in the shard of calls with the number 0, which others ask for a line by posts.
struct TrunkDesk {
    /// What is known of one trunk.
    struct State {
        var settings: TrunkSettings
        /// Calls that use it.
        var linesInUse = 0
        var targets: [TargetState]
    }
    /// What is known of one target.
    struct TargetState {
        let uri: [UInt8]
        /// It has asked to be left alone until then (RFC 3261 §21.5.4).
        var refusesUntil = MonotonicInstant.start
        /// A call has found it silent: until then it is tried after all others.
        var isDoubtedUntil = MonotonicInstant.start
        /// Whether a probe has found it silent, and none has had an answer since.
        var isDown = false
    }

    /// How long a target that was silent comes last, where no probe tells sooner that it is back.
    static let doubt: TimeSpan = .seconds(30)

    private(set) var states: [String: State] = [:]
    /// What the desk does by itself.
    var tasks: [UInt32: TrunkTask] = [:]
    var taskSerial: UInt32 = 0
    var memory = RoutingMemory()
    /// Whether registrations are being taken back.
    var isLeaving: Bool { self.tasks.values.contains(where: \.isLeaving) }

    /// Takes new settings; what is known of trunks and targets that stay is kept.
    mutating func apply(_ trunks: [TrunkSettings]) {
        var states: [String: State] = [:]
        for trunk in trunks {
            let old = self.states[trunk.name]
            let targets = trunk.targets.map { uri in
                old?.targets.first { $0.uri == uri } ?? TargetState(uri: uri)
            }
            states[trunk.name] = State(settings: trunk, linesInUse: old?.linesInUse ?? 0, targets: targets)
        }
        self.states = states
    }

    /// Gives a call a line, and says which targets it may try, in their order.
    mutating func seize(_ name: String, takesLine: Bool, at now: MonotonicInstant) -> TrunkGrant {
        guard var state = self.states[name] else { return .unknown }
        if takesLine, let lines = state.settings.lines, state.linesInUse >= lines { return .full }
        var (sure, doubted) = (UInt64(0), UInt64(0))
        for (number, target) in state.targets.enumerated() where !target.isDown && target.refusesUntil <= now {
            if target.isDoubtedUntil > now { doubted |= 1 << UInt64(number) } else { sure |= 1 << UInt64(number) }
        }
        guard sure | doubted != 0 else { return .unreachable }
        if takesLine { state.linesInUse += 1 }
        self.states[name] = state
        return .granted(sure: sure, doubted: doubted)
    }

    /// Takes a line back.
    mutating func release(_ name: String) {
        guard let lines = self.states[name]?.linesInUse, lines > 0 else { return }
        self.states[name]?.linesInUse = lines - 1
    }

    /// Takes what a call or a probe has learned of a target.
    mutating func report(_ name: String, target: Int, _ report: TargetReport, at now: MonotonicInstant) {
        guard let count = self.states[name]?.targets.count, target < count else { return }
        switch report {
        case .silent: self.states[name]?.targets[target].isDoubtedUntil = now.advanced(by: Self.doubt)
        case .refused(let seconds):
            self.states[name]?.targets[target].refusesUntil = now.advanced(by: .seconds(Int64(seconds)))
        case .answered:
            self.states[name]?.targets[target].isDown = false
            self.states[name]?.targets[target].isDoubtedUntil = .start
        case .missed: self.states[name]?.targets[target].isDown = true
        }
    }
}

/// What the desk says to a call that wants to go by a trunk.
enum TrunkGrant: BitwiseCopyable, Hashable {
    /// It may try these targets, one bit each: first those that are sure to be there, then the others.
    case granted(sure: UInt64, doubted: UInt64)
    /// All lines are in use.
    case full
    /// All targets are down, or have asked to be left alone.
    case unreachable
    /// There is no such trunk any more.
    case unknown
}

/// What was learned of a target.
enum TargetReport: BitwiseCopyable, Hashable {
    /// It gave a call no sign of life.
    case silent
    /// It answered 503 and asked to be left alone for some seconds.
    case refused(seconds: UInt32)
    /// It is there: it has answered.
    case answered
    /// It has not answered a probe.
    case missed
}

/// How a trunk is, for the operator.
public struct TrunkStatus: Hashable, Sendable {
    /// One of its targets.
    public struct Target: Hashable, Sendable {
        /// Its URI.
        public let uri: String
        /// Whether calls are sent there.
        public let isUp: Bool
    }
    /// Its name.
    public let name: String
    /// How many calls use it.
    public let linesInUse: Int
    /// How many may; `nil` for any number.
    public let lines: Int?
    /// Whether we are registered there; `nil` where we need not be.
    public let isRegistered: Bool?
    /// Its targets, in the order they are tried.
    public let targets: [Target]
}

extension TrunkDesk {
    /// How all trunks are, in the order of their names.
    func status(at now: MonotonicInstant) -> [TrunkStatus] {
        self.states.values.map { state in
            let registration = self.tasks.values.first {
                $0.trunk == state.settings.name && $0.target == nil && !$0.isLeaving
            }
            return TrunkStatus(
                name: state.settings.name, linesInUse: state.linesInUse, lines: state.settings.lines,
                isRegistered: registration.map(\.isRegistered),
                targets: state.targets.map { target in
                    TrunkStatus.Target(
                        uri: String(decoding: target.uri, as: UTF8.self),
                        isUp: !target.isDown && target.refusesUntil <= now)
                })
        }.sorted { $0.name < $1.name }
    }
}
