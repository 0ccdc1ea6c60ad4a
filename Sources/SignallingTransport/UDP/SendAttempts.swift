import Glibc

/// What follows when the system does not take a datagram, which must come to an end: the socket and the shards whose
/// messages are being sent are held meanwhile.
struct SendAttempts {
    /// What to do next.
    enum Step: Equatable {
        /// The same datagram once more.
        case again
        /// The same, when the socket has room or a moment has passed.
        case wait
        /// The next datagram. What the system has refused is told to its transaction; what there was no room for is as
        /// good as lost on the way, and sent again by its timers.
        case giveUp(isTold: Bool)
    }

    /// How often one datagram is tried, and how often room is waited for in one call of the socket.
    static let limit = 32

    private var count = 0
    private var waits = 0

    /// Whether an error may be one of an earlier datagram, which came back by ICMP and is told by the system at the next
    /// call: then the datagram at hand has not been looked at.
    static func mayBeEarlierError(_ error: Int32) -> Bool {
        switch error {
        case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH: true
        default: false
        }
    }

    /// The next datagram is at hand.
    mutating func begin() { self.count = 0 }

    /// The step after an error.
    ///
    /// - Parameter errorsTaken: How many errors of earlier datagrams have been taken off the socket since.
    mutating func next(after error: Int32, errorsTaken: Int) -> Step {
        self.count += 1
        switch error {
        case EINTR: return .again
        case EAGAIN, ENOBUFS:
            // Those behind it find no room either, and must not each wait for it.
            self.waits = Swift.min(self.waits + 1, Self.limit)
            return self.waits < Self.limit ? .wait : .giveUp(isTold: false)
        case _ where Self.mayBeEarlierError(error):
            // One that comes again while there is none to be taken is this datagram's: there is no way to where it is to go.
            return self.count < Self.limit && (errorsTaken > 0 || self.count == 1) ? .again : .giveUp(isTold: true)
        default: return .giveUp(isTold: true)
        }
    }
}
