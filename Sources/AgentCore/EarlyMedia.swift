/// Whether a caller hears a ringing tone that its own side makes, for one early dialog (RFC 3960 §3.2): only after 180,
/// and only while no media comes from there.
struct Ringback: BitwiseCopyable, Hashable, Sendable {
    private var isRinging = false
    private var hasMedia = false
    private var isOver = false

    /// Whether the tone is played.
    var isPlaying: Bool { self.isRinging && !self.hasMedia && !self.isOver }

    /// 180 came.
    mutating func rings() { self.isRinging = true }

    /// Media has begun to come, or comes no more.
    mutating func media(arrives: Bool) { self.hasMedia = arrives }

    /// The dialog is early no more.
    mutating func end() { self.isOver = true }
}

/// A session for early media alone in an early dialog: offered and answered beside the regular one, over when the dialog
/// is early no more (RFC 3959 §4).
struct EarlySession: BitwiseCopyable, Hashable, Sendable {
    private enum State: BitwiseCopyable { case none, offered, standing, over }
    private var state = State.none

    /// Whether an offer may be made or taken.
    var mayOffer: Bool { self.state == .none || self.state == .standing }

    /// An offer was made, by either side.
    mutating func offered() { if self.mayOffer { self.state = .offered } }

    /// It was answered.
    ///
    /// - Returns: whether there was an offer.
    mutating func answered() -> Bool {
        guard self.state == .offered else { return false }
        self.state = .standing
        return true
    }

    /// It was not.
    mutating func refused() { if self.state == .offered { self.state = .none } }

    /// The dialog is early no more.
    ///
    /// - Returns: whether a session ends by that.
    mutating func end() -> Bool {
        defer { self.state = .over }
        return self.state == .standing
    }
}
