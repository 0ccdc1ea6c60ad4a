import Containers
import SIPMessages

/// The number of a transaction, good as long as the transaction lives and never confused with a later one.
public struct TransactionID: BitwiseCopyable, Hashable, Sendable {
    /// The slot, used again.
    public let slot: Int32
    /// The number of the use; 0 stands for none.
    public let generation: UInt32

    /// The number of a use of a slot.
    @inlinable
    public init(slot: Int32, generation: UInt32) { (self.slot, self.generation) = (slot, generation) }

    /// No transaction.
    @inlinable public static var none: TransactionID { TransactionID(slot: -1, generation: 0) }
    /// Whether it stands for no transaction.
    @inlinable public var isNone: Bool { self.generation == 0 }
}

/// What a transaction waits for.
enum TransactionWait: BitwiseCopyable, Hashable {
    /// For a message, or a time at which it may go on.
    case forAnything
    /// For its end, which nothing moves any more: 64*T1 after its final response (timers J, L and M; D).
    case forEnd
    /// The same after T4 (timers I and K).
    case forQuickEnd
}

/// A transaction that waits for its end.
struct Ending: BitwiseCopyable {
    var id: TransactionID
    /// As `TimerPayload` has it.
    var payload: UInt64
}

/// A server transaction with what it keeps.
struct ServerRecord: BitwiseCopyable {
    enum Machine: BitwiseCopyable {
        case invite(InviteServerTransaction)
        case nonInvite(NonInviteServerTransaction)
    }
    var machine: Machine
    var generation: UInt32
    /// What `TransactionLayer.schedule` returned; -1 when no timer is set.
    var timer: Int32 = -1
    var keyHash: UInt64
    /// The whole key, compared octet by octet.
    var key: PooledOctets
    /// Whether it is the key of a client without the magic cookie (§17.2.3).
    var isLegacy: Bool
    /// The request, until its final response.
    var request: PooledOctets
    /// The last response, where it may have to be sent again.
    var response: PooledOctets = .none
    /// The way back.
    var flow: Flow
    /// What the transaction user wants to be told with events.
    var owner: UInt64
    var method: Method.Code
    /// Whether a 2xx to an INVITE is kept too, for another way back: the present one has failed.
    var keepsSuccess = false

    var wakeAt: MonotonicInstant {
        switch self.machine {
        case .invite(let machine): machine.clock.wakeAt
        case .nonInvite(let machine): machine.clock.wakeAt
        }
    }

    var wait: TransactionWait {
        switch self.machine {
        case .invite(let machine):
            switch machine.state {
            case .accepted: .forEnd
            case .confirmed: .forQuickEnd
            case .proceeding, .completed, .terminated: .forAnything
            }
        case .nonInvite(let machine): machine.state == .completed ? .forEnd : .forAnything
        }
    }
}

/// A client transaction with what it keeps.
struct ClientRecord: BitwiseCopyable {
    enum Machine: BitwiseCopyable {
        case opened
        case invite(InviteClientTransaction)
        case nonInvite(NonInviteClientTransaction)
    }
    var machine: Machine = .opened
    var generation: UInt32
    var timer: Int32 = -1
    /// The unpredictable part of the branch.
    var nonce: UInt64
    /// The request as it was sent.
    var request: PooledOctets = .none
    /// The domain that the server's certificate must be for, over TLS.
    var domain: PooledOctets = .none
    var flow: Flow
    var owner: UInt64
    var method: Method.Code
    /// The CANCEL of this INVITE, which has the same branch; or the INVITE of this CANCEL. -1 for none.
    var companion: Int32 = -1

    var wakeAt: MonotonicInstant {
        switch self.machine {
        case .opened: .never
        case .invite(let machine): machine.clock.wakeAt
        case .nonInvite(let machine): machine.clock.wakeAt
        }
    }

    var wait: TransactionWait {
        switch self.machine {
        case .opened: .forAnything
        case .invite(let machine): machine.state == .accepted || machine.state == .completed ? .forEnd : .forAnything
        case .nonInvite(let machine): machine.state == .completed ? .forQuickEnd : .forAnything
        }
    }
}

/// What a timer of the wheel is for: the kind in the upper 8 bits, the slot in the lower 32.
enum TimerPayload {
    static let server: UInt64 = 0
    static let client: UInt64 = 1 << 56
    /// A timer of the transaction user, whose payload is below 2^56.
    static let user: UInt64 = 2 << 56
    static let kinds: UInt64 = 0xFF << 56
}

/// What happened by time or by the network, for the transaction user.
public enum TransactionEvent: BitwiseCopyable, Hashable, Sendable {
    /// No final response came in time: timer B or F.
    case clientTimedOut(TransactionID, owner: UInt64)
    /// The request, or the ACK to a failure, could not be sent; the transaction has ended (§17.1.4).
    case clientTransportFailed(TransactionID, owner: UInt64)
    /// The response could not be sent; the transaction goes on and may send it again (§17.2.4, RFC 6026 §8.8).
    case serverTransportFailed(TransactionID, owner: UInt64)
    /// An INVITE client transaction that had a 2xx ended: no retransmission of it will come any more.
    case clientEnded(TransactionID, owner: UInt64)
    /// No ACK came for the final response to an INVITE: timer H.
    case serverTimedOut(TransactionID, owner: UInt64)
    /// A non-INVITE request has no answer yet and 100 may be sent now (RFC 4320 §4.1).
    case tryingDue(TransactionID, owner: UInt64)
    /// A timer that the transaction user set.
    case timer(UInt64)
}
