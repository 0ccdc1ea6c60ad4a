/// A call as a telephone shows it.
public struct PhoneCall: Hashable, Sendable {
    /// What it is doing.
    public enum State: Hashable, Sendable {
        /// We call; what the other side has said last.
        case calling(String)
        /// It rings here.
        case incoming
        /// We have said that we take it.
        case answering
        /// It stands.
        case active
        /// It is over, and why.
        case over(String)
    }

    /// What it is called in commands.
    public let name: String
    /// Whether we have called.
    public let isOutgoing: Bool
    /// The other side, and its name; empty without one.
    public var peer: String, displayName: String
    /// What it is doing.
    public var state: State
    /// Whether we hold the other side, and it us.
    public var isHeld = false, isHeldByPeer = false
    /// Whether silence goes out.
    public var isMuted = false
    /// The file that is recorded into.
    public var recording: String?
    /// Whether it is part of the conference.
    public var isInConference = false
    /// When it began, was answered, and ended.
    public var began: PhoneTime, answered: PhoneTime?, ended: PhoneTime?
    /// Its Call-IDs: after a transfer there are several.
    public var callIDs: [String] = []
    /// The keys that were sent and that came, the last ones.
    public var sentKeys = "", receivedKeys = ""
    /// How it sounds; `nil` while that is not known.
    public var quality: PhoneQuality?
    /// The opinion scores of the last seconds, the newest last.
    public var scores: [Double] = []
    /// What is to be said of it: that it is heard in one direction only, how a transfer goes.
    public var note = ""
    /// Whom the other side is being transferred to by us; `nil` while it is not.
    var transferTarget: String?
    /// Whether the hanging up was our doing.
    var isHungUp = false
    /// The second of the last score.
    var lastScore: Int64 = -1

    init(_ name: String, isOutgoing: Bool, peer: String, displayName: String = "", _ state: State, at time: PhoneTime) {
        (self.name, self.isOutgoing, self.peer, self.displayName) = (name, isOutgoing, peer, displayName)
        (self.state, self.began) = (state, time)
    }

    /// Whether it stands.
    public var isActive: Bool { self.state == .active }
    /// Whether it is over.
    public var isOver: Bool { if case .over = self.state { true } else { false } }
    /// Whether it rings here.
    public var isIncoming: Bool { self.state == .incoming }

    /// Seconds for which it stands or stood.
    func seconds(at now: PhoneTime) -> Int64 {
        guard let answered else { return 0 }
        return Swift.max(0, ((self.ended ?? now).uptime - answered.uptime) / 1_000)
    }

    /// The scores that are kept.
    static let scoreLimit = 60

    mutating func add(callID: String) {
        if !callID.isEmpty, !self.callIDs.contains(callID), self.callIDs.count < 16 { self.callIDs.append(callID) }
    }
}
