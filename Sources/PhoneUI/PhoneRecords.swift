/// Someone in the list of contacts.
public struct PhoneContact: Hashable, Sendable {
    /// What they are called, and the address of their telephone: `sip:bob@example.test`.
    public var name: String, address: String

    /// A contact.
    public init(name: String, address: String) { (self.name, self.address) = (name, address) }
}

/// An account, and how it stands with its registrar.
public struct PhoneAccount: Hashable, Sendable {
    /// How it stands.
    public enum State: Hashable, Sendable {
        /// It is known, but not registered.
        case idle
        /// It asks the registrar.
        case registering
        /// The registrar has taken it, for this many seconds.
        case registered(seconds: Int)
        /// The registrar has not; whether it is tried again.
        case failed(reason: String, isRetried: Bool)
    }

    /// Its address.
    public var address: String
    /// How it stands.
    public var state: State

    /// An account.
    public init(_ address: String, _ state: State = .idle) { (self.address, self.state) = (address, state) }
}

/// A call that is over.
public struct PhoneHistoryEntry: Hashable, Sendable {
    /// Who called whom.
    public enum Direction: String, Hashable, Sendable { case outgoing, incoming, missed }

    /// Who called whom.
    public var direction: Direction
    /// The other side, and its name where it has one.
    public var peer: String, name: String
    /// When it began (RFC 3339).
    public var began: String
    /// How long it stood; 0 where it was never answered.
    public var seconds: Int64
    /// How it ended, in words.
    public var outcome: String
    /// Its Call-IDs, to find its messages.
    public var callIDs: [String]

    /// A call that is over.
    public init(
        _ direction: Direction, peer: String, name: String, began: String, seconds: Int64, outcome: String,
        callIDs: [String] = []
    ) {
        (self.direction, self.peer, self.name, self.began) = (direction, peer, name, began)
        (self.seconds, self.outcome, self.callIDs) = (seconds, outcome, callIDs)
    }
}

/// A text message that came or went.
public struct PhoneMessage: Hashable, Sendable {
    /// What has become of it.
    public enum State: Hashable, Sendable {
        case received, sending, sent
        case failed(String)
    }

    /// The other side.
    public var peer: String
    /// What it says.
    public var text: String
    /// When it came or went (RFC 3339).
    public var time: String
    /// What has become of it.
    public var state: State
    /// Counts the messages of this telephone.
    var number = 0

    /// A message.
    public init(peer: String, text: String, time: String, state: State) {
        (self.peer, self.text, self.time, self.state) = (peer, text, time, state)
    }

    /// Whether it is ours.
    public var isOurs: Bool { self.state != .received }
}

/// A SIP message that came or went, as the ladder shows it.
public struct PhoneTrace: Hashable, Sendable {
    /// Whether we have sent it.
    public var isSent: Bool
    /// Milliseconds since 1970.
    public var time: Int64
    /// `INVITE`, or `180 Ringing`.
    public var label: String
    /// The status of a response; `nil` for a request.
    public var status: Int?
    /// The other side: `udp:192.0.2.1:5060`.
    public var peer: String
    /// Its Call-ID.
    public var callID: String
    /// All of it, without credentials.
    public var text: String

    /// A message.
    public init(
        isSent: Bool, time: Int64, label: String, status: Int?, peer: String, callID: String, text: String
    ) {
        (self.isSent, self.time, self.label, self.status) = (isSent, time, label, status)
        (self.peer, self.callID, self.text) = (peer, callID, text)
    }
}

/// How a call sounds at present.
public struct PhoneQuality: Hashable, Sendable {
    /// The opinion score of a conversation, 1 to 4.5, here and at the other side; `nil` while it is not known.
    public var mos: Double?, peerMOS: Double?
    /// The encoding, and what protects it; empty for none.
    public var codec = "", encryption = ""
    /// What was lost, here and at the other side, in percent; `nil` while it is not known.
    public var loss: Double = 0, peerLoss: Double?
    /// The jitter of arrival, and the time there and back, in milliseconds; `nil` while it is not known.
    public var jitter = 0, roundTrip: Int?
    /// Packets that came and went.
    public var received = 0, sent = 0
    /// How loud it is, heard and sent, in dB below the loudest; `nil` for nothing.
    public var heardLevel: Double?, sentLevel: Double?

    /// Nothing is known.
    public init() {}
}
