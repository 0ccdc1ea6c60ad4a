public import SIPMessages

/// What a node asks of the outside: DNS, storage, someone who decides. The answer comes as an event.
public struct ServiceQuestion: Hashable, Sendable {
    /// What is asked.
    public enum Subject: Hashable, Sendable {
        /// The DNS records of a name.
        case resolve(String, DNSRecord.Kind)
        /// The octets that are stored under a key.
        case lookUp(String)
        /// To store octets under a key; `nil` removes them.
        case commit(String, [UInt8]?)
        /// A decision on something, as text: a user's middleware, an administrator's policy.
        case decide(String)
    }

    /// The number by which the answer refers to the question; the node chooses it.
    public let id: UInt64
    /// What is asked.
    public let subject: Subject

    /// A question.
    public init(id: UInt64, _ subject: Subject) { (self.id, self.subject) = (id, subject) }
}

/// The answer to a question.
public struct ServiceAnswer: Hashable, Sendable {
    /// What is answered.
    public enum Outcome: Hashable, Sendable {
        /// The records of a name; none when the name is there, but no such record.
        case records([DNSRecord])
        /// There is no such name (RFC 1035 §4.1.1, RCODE 3).
        case nameError
        /// What is stored; `nil` when nothing is.
        case found([UInt8]?)
        /// It is stored, and stays so over a crash.
        case committed
        /// What was decided.
        case decided(String)
        /// The service has failed; whether a commit was carried out is not known.
        case failed
    }

    /// The number of the question.
    public let id: UInt64
    /// What is answered.
    public let outcome: Outcome

    /// An answer.
    public init(id: UInt64, _ outcome: Outcome) { (self.id, self.outcome) = (id, outcome) }
}

/// How badly a service behaves. Probabilities are 0 to 1 and are drawn for each question.
public struct ServiceFaults: Hashable, Sendable {
    /// How long an answer takes at least.
    public var delay: TimeSpan = .milliseconds(1)
    /// How much longer it may take.
    public var jitter: TimeSpan = .zero
    /// How likely an answer comes a second time, up to one second after the first.
    public var twice = 0.0
    /// How likely an answer is wrong: nothing there, where something is.
    public var wrong = 0.0
    /// How likely no answer comes.
    public var never = 0.0
    /// How likely the answer is that the service has failed.
    public var failure = 0.0

    /// A service that answers correctly after 1 ms.
    public init() {}

    /// A service that does all of it wrong from time to time.
    public static var poor: ServiceFaults {
        var faults = ServiceFaults()
        (faults.jitter, faults.twice, faults.wrong) = (.seconds(5), 0.1, 0.1)
        (faults.never, faults.failure) = (0.1, 0.1)
        return faults
    }
}
