public import TerminalUI

/// What a telephone's screen is told.
public enum PhoneEvent: Hashable, Sendable {
    /// Someone did something at the terminal.
    case input(TerminalInput)
    /// The terminal has another size.
    case resized(columns: Int, rows: Int)
    /// Time has passed; told some times in a second.
    case ticked(PhoneTime)
    /// Something happened to the telephone.
    case agent(AgentEvent)

    /// Something that happened to the telephone.
    public enum AgentEvent: Hashable, Sendable {
        /// It listens at these addresses.
        case ready(listen: [String])
        /// How an account stands.
        case account(String, PhoneAccount.State)
        /// The account is gone.
        case accountRemoved(String)
        /// Someone calls.
        case incoming(call: String, from: String, name: String, callID: String)
        /// A call of ours has begun, which somebody else may have ordered.
        case began(call: String, peer: String)
        /// A provisional response came.
        case progress(call: String, text: String)
        /// It stands.
        case answered(call: String)
        /// The Call-ID of a call is known.
        case identified(call: String, callID: String)
        /// It is over, and why; whether that is no more than hanging up.
        case ended(call: String, reason: String, isOrdinary: Bool)
        /// The other side holds us, or does not any more.
        case heldByPeer(call: String, Bool)
        /// A key was pressed at the other side.
        case key(call: String, Character)
        /// A message came.
        case message(from: String, text: String)
        /// The other side of a call wants us to call someone; the name of the transfer.
        case transferRequested(call: String, transfer: String, target: String)
        /// The other side is another one now.
        case transferred(call: String, to: String)
        /// Something is to be said of a call.
        case noted(call: String, String)
        /// How a call sounds.
        case quality(call: String, PhoneQuality)
        /// A SIP message came or went.
        case traced(PhoneTrace)
        /// A command was done; what it has told, for people.
        case done(id: String, result: [String])
        /// A command came to nothing.
        case failed(id: String, reason: String)
        /// Something else is to be said.
        case notice(String)
    }
}

/// Something to do: a verb of `biloxi run` with its members.
public struct PhoneCommand: Hashable, Sendable {
    /// A member.
    public enum Value: Hashable, Sendable {
        case text(String)
        case texts([String])
        case number(Int)
        case flag(Bool)
        case headers([String: String])
    }

    /// Its verb.
    public var verb: String
    /// What comes back in its outcome.
    public var id: String
    /// Its members, without verb and id.
    public var members: [String: Value]

    /// A command.
    public init(_ verb: String, id: String, _ members: [String: Value] = [:]) {
        (self.verb, self.id, self.members) = (verb, id, members)
    }
}

/// A verb that there is, for the line of commands.
public struct PhoneVerb: Hashable, Sendable {
    /// A member that it takes.
    public struct Member: Hashable, Sendable {
        /// What its value must be.
        public enum Kind: Hashable, Sendable { case text, texts, number, flag, headers, object }

        /// Its name, and what it is for.
        public var name: String, help: String
        /// What its value must be.
        public var kind: Kind
        /// Whether it must be given.
        public var isRequired: Bool

        /// A member.
        public init(_ name: String, _ kind: Kind, isRequired: Bool, help: String) {
            (self.name, self.kind, self.isRequired, self.help) = (name, kind, isRequired, help)
        }
    }

    /// What it is called, and what it does.
    public var name: String, help: String
    /// What it takes, in the order in which it may be given without names.
    public var members: [Member]

    /// A verb.
    public init(_ name: String, help: String, _ members: [Member]) {
        (self.name, self.help, self.members) = (name, help, members)
    }
}

/// What a telephone's screen wants done.
public enum PhoneAction: Hashable, Sendable {
    /// Commands, one after the other; none after one that came to nothing.
    case perform([PhoneCommand])
    /// A command as a line of JSON.
    case line(String)
    /// The calls that are talked with by microphone and loudspeaker: those that stand and are not held.
    case talk(with: Set<String>)
    /// Let the terminal sound.
    case ring
    /// Keep the contacts; keep an account with its password.
    case save([PhoneContact])
    case keepAccount(address: String, password: String)
    case dropAccount(address: String)
    /// Keep a call that is over, or a message.
    case remember(PhoneHistoryEntry)
    case keep(PhoneMessage)
    /// Draw all anew; stop for a while, as Ctrl-Z asks; end.
    case redraw, suspend, quit
}
