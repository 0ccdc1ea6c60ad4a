public import SIPMessages

/// What is to be sent, in order: the octets of the messages and where each goes.
///
/// The driver lends an empty one and carries it out after it has left the shard. Used again and again, it allocates
/// nothing.
public struct Outbox: Sendable {
    /// One message.
    public struct Message: BitwiseCopyable, Hashable, Sendable {
        /// Where it lies in `octets`.
        public var range: OctetRange
        /// Where it goes.
        public var flow: Flow
        /// Whose it is: who is to be told when it cannot be sent.
        public var sender: Sender
        /// The shard of the sender.
        public var shard: UInt16
        /// Where the domain lies in `octets` that the certificate of a TLS server must be for (RFC 5922 §7.3); absent where
        /// no name led there: then it must be for the address.
        public var domain: OctetRange

        @inlinable
        init(range: OctetRange, flow: Flow, sender: Sender, shard: UInt16, domain: OctetRange) {
            (self.range, self.flow, self.sender, self.shard) = (range, flow, sender, shard)
            self.domain = domain
        }
    }

    /// Whose message it is. The number of a transaction is good for one use of a slot, so that an error which comes late
    /// never hits a later transaction.
    public enum Sender: BitwiseCopyable, Hashable, Sendable {
        /// Nobody's who could do anything about an error: what is sent without a transaction.
        case nobody
        /// A request or an ACK of a client transaction.
        case client(TransactionID)
        /// A response of a server transaction.
        case server(TransactionID)
    }

    /// The octets of all messages. Writers append here; what is not followed by `send` is not sent.
    public var octets: [UInt8] = []
    /// The messages in the order in which they leave.
    public var messages: [Message] = []
    /// The shard that writes at present.
    public var shard: UInt16 = 0

    /// An empty outbox with room for the messages of one batch.
    public init() {
        self.octets.reserveCapacity(65_536)
        self.messages.reserveCapacity(64)
    }

    /// Sends what was appended since `start`.
    @inlinable
    public mutating func send(from start: Int, over flow: Flow, by sender: Sender = .nobody) {
        self.messages.append(
            Message(
                range: OctetRange(start, self.octets.count), flow: flow, sender: sender, shard: self.shard,
                domain: .absent))
    }

    /// Sends what was appended since `start`, over TLS to a server whose certificate is for `domain`, and to no other.
    ///
    /// - Parameter domain: The name that was looked up, before the DNS changed it; empty where there was none.
    public mutating func send(from start: Int, over flow: Flow, by sender: Sender, to domain: Span<UInt8>) {
        guard !domain.isEmpty else { return self.send(from: start, over: flow, by: sender) }
        let end = self.octets.count
        self.octets.append(domain, 0..<domain.count)
        self.messages.append(
            Message(
                range: OctetRange(start, end), flow: flow, sender: sender, shard: self.shard,
                domain: OctetRange(end, self.octets.count)))
    }

    /// Takes back what was appended since `start`.
    @inlinable
    public mutating func discard(from start: Int) { self.octets.removeLast(self.octets.count &- start) }

    /// Empties it and keeps its memory.
    @inlinable
    public mutating func removeAll() {
        self.octets.removeAll(keepingCapacity: true)
        self.messages.removeAll(keepingCapacity: true)
    }
}
