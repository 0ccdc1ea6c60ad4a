import Containers
import SIPMessages
import SIPTransactions

/// One call, registration or message that is under way, as plain data.
///
///     asking ──final──▶ over
///     calling ──2xx──▶ up ──hold is over──▶ ending ──final──▶ over
///        │└─other final, no answer──────────────────────────────▶ over
///        └──patience is over──▶ cancelling ──final──▶ over, after a 2xx by way of ending
struct LoadUnit: BitwiseCopyable {
    enum State: UInt8, BitwiseCopyable {
        /// A request that is no INVITE waits for its answer.
        case asking
        /// An INVITE waits for its answer.
        case calling
        /// So it does, but nobody wants the call any more.
        case cancelling
        /// The call is up.
        case up
        /// BYE waits for its answer.
        case ending
    }

    /// Why a call ends.
    enum Reason: UInt8, BitwiseCopyable {
        /// It has been up as long as it should.
        case done
        /// It rang for too long.
        case unanswered
        /// The run was interrupted.
        case interrupted
    }

    var state: State
    var reason: Reason = .done
    /// The use of the slot; 0 when it is over.
    var generation: UInt32
    /// The number of the user.
    var user: Int32
    /// When it should have begun.
    var intended: MonotonicInstant
    /// When BYE was sent.
    var byeAt: MonotonicInstant = .start
    /// The number of the last request.
    var cseq: UInt32
    /// How often a challenge was answered since the last request that was accepted.
    var attempts: UInt8 = 0
    var hasRung = false
    /// The last request's transaction, and the INVITE's.
    var transaction: TransactionID = .none
    var invite: TransactionID = .none
    /// The number of the INVITE that was answered, for its ACK.
    var inviteNumber: UInt32 = 0
    var timer: Int32 = -1
    /// The way that requests go.
    var flow: Flow
    /// The dialog, as `DialogText` writes it.
    var dialog: PooledOctets = .none
    var dialogText = DialogText()
    /// The line with the credentials of the last request, where one was needed.
    var credentials: PooledOctets = .none
    /// Tells the answers of different callees apart.
    var remoteTag: UInt64 = 0
}

/// Where the parts of a dialog lie in its text: the remote target, the lines of the route, those of From, To and Call-ID.
struct DialogText: BitwiseCopyable {
    var target: UInt16 = 0
    var routes: UInt16 = 0

    /// Where the remote target ends.
    var targetEnd: Int { Int(self.target) }
    /// Where the route ends.
    var routesEnd: Int { Int(self.target) + Int(self.routes) }
}
