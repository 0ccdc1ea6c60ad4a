import SIPMessages
import SIPTransactions
import ServerCore

/// What one thread needs to run messages to completion: its workspace, and what it has to tell the shards afterwards.
///
/// Only the thread that owns it touches it.
struct Worker {
    /// Which of the UDP threads' sockets it sends through.
    let number: Int
    var reception: Reception
    var workspace = Workspace()
    /// Messages that did not go out, to be told to their shards once those are left.
    var unreached: [Unreached] = []
    /// The shards that have written into the outbox of the workspace.
    var turns = SendTurns()
    /// Which of the sanctions `SourceGuard` has given it.
    var sanctionVersion: UInt64 = 0
    let counters = TrafficCounters()

    /// - Parameter seed: 64 bits that no peer can know.
    init(number: Int, reception: Reception, seed: UInt64) {
        (self.number, self.reception) = (number, reception)
        self.workspace.admission = Admission(seed: seed)
    }

    /// Takes the present from the clocks.
    mutating func setTime() {
        self.workspace.now = SystemClock.now()
        self.workspace.wall = SystemClock.wall()
    }
}

/// A message that could not be sent: which transaction's it was, and where it should have gone.
struct Unreached: BitwiseCopyable, Hashable, Sendable {
    var shard: UInt16
    var sender: Outbox.Sender
    var remote: SocketAddress
    /// Whether it was for a connection that nothing can take the place of.
    var isFlowLost: Bool
}
