public import SIPMessages

/// The sender of reliable provisional responses: numbers them, one at a time (RFC 3262 §3).
public struct ReliableSender: BitwiseCopyable, Hashable, Sendable {
    /// The RSeq of the response that waits for its PRACK; `nil` when none does.
    public private(set) var outstanding: UInt32?
    private var next: UInt32
    /// The number of the INVITE, which RAck names.
    private let invite: UInt32

    /// A sender for the responses to one INVITE.
    ///
    /// - Parameters:
    ///   - first: The first RSeq: any number; it is brought into 1 to 2^31-1.
    ///   - invite: The CSeq number of the INVITE.
    public init(first: UInt64, invite: UInt32) {
        self.next = UInt32(truncatingIfNeeded: first % 0x7FFF_FFFF) + 1
        self.invite = invite
    }

    /// Takes the number for a response; `nil` while another has no PRACK (RFC 3262 §3: the UAS MUST NOT send a second one).
    public mutating func take() -> UInt32? {
        guard self.outstanding == nil else { return nil }
        let number = self.next
        self.outstanding = number
        // Numbers go up by one and never wrap around; one INVITE does not have 2^31 responses.
        self.next = number &+ 1
        return number
    }

    /// A PRACK came.
    ///
    /// - Returns: whether it acknowledges the response that waits; if not, it is answered with 481.
    public mutating func acknowledge(_ rack: RAck) -> Bool {
        guard rack.cseq.method == .invite, rack.cseq.number == self.invite, rack.responseNumber == self.outstanding
        else { return false }
        self.outstanding = nil
        return true
    }

    /// The response will not be sent any more.
    public mutating func withdraw() { self.outstanding = nil }
}

/// The receiver of reliable provisional responses in one early dialog (RFC 3262 §4).
public struct ReliableReceiver: BitwiseCopyable, Hashable, Sendable {
    /// How a response stands to those before it.
    public enum Order: BitwiseCopyable, Hashable, Sendable {
        /// It is the next one, and is acknowledged.
        case next
        /// It came before and has its PRACK; nothing is to be done.
        case repeated
        /// One before it is missing: it is neither acknowledged nor used.
        case early
    }
    private var last: UInt32?

    /// No response yet.
    public init() {}

    /// A response came with this RSeq.
    public mutating func receive(_ rseq: UInt32) -> Order {
        guard let last else {
            self.last = rseq
            return .next
        }
        guard rseq > last else { return .repeated }
        guard rseq == last &+ 1 else { return .early }
        self.last = rseq
        return .next
    }
}
