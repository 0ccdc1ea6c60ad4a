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

/// What a recorder reads of a message.
struct SeenMessage: BitwiseCopyable {
    var method: Method.Code
    /// 0 in a request.
    var status: UInt16
    var callID: OctetRange
    var fromTag: OctetRange
    var toTag: OctetRange
    /// A keyed hash of the branch in the topmost Via.
    var branch: UInt64

    /// Reads the fields that every message has; `nil` when one is missing or broken.
    init?(_ octets: Span<UInt8>, _ index: borrowing MessageIndex, key: SipHashKey) {
        guard let callID = index.value(.callID), let from = index.value(.from), let to = index.value(.to),
            let cseq = index.value(.cseq), let via = index.value(.via),
            let caller = try? AddressIndex(parsing: octets, in: from.range, field: .from),
            let callee = try? AddressIndex(parsing: octets, in: to.range, field: .to)
        else { return nil }
        var topmost = ViaIndex()
        do { _ = try ViaIndex.parse(octets, in: via.range, into: &topmost) } catch { return nil }
        self.branch = SipHash13.hash(octets, topmost.branch.range, key: key)
        (self.callID, self.fromTag, self.toTag) = (callID, caller.tag, callee.tag)
        self.status = index.statusCode
        self.method = index.method
        if !index.isRequest {
            var start = cseq.upper
            while start > cseq.lower, octets[start &- 1].isToken { start &-= 1 }
            self.method = Method.Code(octets, start..<cseq.upper)
        }
    }
}
