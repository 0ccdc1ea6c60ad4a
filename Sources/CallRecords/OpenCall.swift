import Containers
import SIPMessages

/// A call that has no end yet.
///
///     invited ──2xx──▶ answered ──BYE──▶ leaving ──final response, 32 s──▶ record
///        │  ╲401, 407─▶ challenged ──INVITE with credentials──▶ invited     ▲
///        └──300-699──────────────────────────────────────────────▶ record  │
///                       answered ──session not refreshed, too long─────────┘
struct OpenCall: BitwiseCopyable {
    enum State: BitwiseCopyable, Equatable {
        /// No final response yet.
        case invited
        /// The caller is asked for credentials, and comes again with the same Call-ID and tag (RFC 3261 §22.2).
        case challenged
        /// There is a dialog.
        case answered
        /// A BYE is under way.
        case leaving
        /// It was refused without a transaction and is recorded; kept so that the INVITE sent again is not another call.
        case refused
    }

    var state = State.invited
    /// The keyed hash of the Call-ID.
    var hash: UInt64
    /// A keyed hash of the branch in the topmost Via of the INVITE: only its final response ends the call, since a call
    /// that comes through us twice (RFC 5393 §4.1.1) has several transactions.
    var invite: UInt64
    /// The octets of the next four ranges.
    var parts: PooledOctets
    var callID: OctetRange
    var fromTag: OctetRange
    var caller: OctetRange
    var callee: OctetRange
    var source: SocketAddress
    var transport: TransportProtocol
    /// Milliseconds since 1970.
    var wall: Int64
    var began: MonotonicInstant
    var rang: MonotonicInstant?
    var answered: MonotonicInstant?
    var status: UInt16 = 0
    var isCancelled = false
    var reason: PooledOctets = .none
    /// The devices that have answered, the first at the front; almost always one.
    var firstLeg: Int32 = -1
    var legCount: UInt8 = 0
    /// When the BYE was passed on, and who sent it.
    var left: MonotonicInstant?
    var isLeftByCaller = false
    /// When the session ends without refresh (RFC 4028).
    var sessionEnd: MonotonicInstant?
    var timer: Int32 = -1
}

/// A device that has answered: one dialog of the call (RFC 3261 §13.2.2.4).
struct Leg: BitwiseCopyable {
    var next: Int32 = -1
    /// The octets of the next three ranges.
    var parts: PooledOctets
    var tag: OctetRange
    var target: OctetRange
    var branch: OctetRange
    var remote: SocketAddress?
}
