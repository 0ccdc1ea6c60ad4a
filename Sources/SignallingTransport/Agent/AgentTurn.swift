public import AgentCore
import NIOConcurrencyHelpers
public import SIPMessages
import SIPRouting
public import SIPTransactions

/// An agent with its transactions, and what it works with while someone has it to himself.
///
///     host.perform { $0.agent.ring(call, transactions: &$0.transactions, at: $0.now, into: &$0.outbox) }
public struct AgentTurn: ~Copyable {
    /// The agent.
    public var agent: Agent
    /// Its transactions.
    public var transactions: TransactionLayer
    /// The present.
    public internal(set) var now: MonotonicInstant
    /// What is to be sent when the turn is over.
    public var outbox = Outbox()
    /// The index of the message at hand.
    var index = MessageIndex()
    /// What is known of names and servers.
    var memory = RoutingMemory()
    /// Ways that are being looked for, by a number of their own.
    var lookups: [UInt64: Lookup] = [:]
    var lastLookup: UInt64 = 0
    /// Questions that the turn has for the DNS.
    var questions: [(lookup: UInt64, id: UInt32, question: DNSQuestion)] = []
    /// Told once when the agent has nothing more to do.
    var idle: (@Sendable () -> Void)?
    /// Whether nothing more is to be told to the user.
    var isClosed = false

    init(_ agent: consuming Agent, _ transactions: consuming TransactionLayer, at now: MonotonicInstant) {
        self.agent = agent
        self.transactions = transactions
        self.now = now
    }
}

/// What an application does with what its agent tells.
public protocol AgentUser: AnyObject, Sendable {
    /// Does what the agent wants done, or takes note. Runs on any thread with the agent to itself: it may use the turn at
    /// once, must not block, and must not call `AgentHost.perform`.
    ///
    /// `AgentAction.resolve` is the host's and is not told.
    func carryOut(_ action: AgentAction, _ turn: inout AgentTurn)
}

/// An agent's state behind its lock. What a turn wants sent is sent before the next one begins, so that messages leave in
/// the order in which the agent decided them.
final class AgentState: @unchecked Sendable {
    // Invariant: `turn` is touched under `lock` only.
    private let lock = NIOLock()
    private var turn: AgentTurn

    init(_ turn: consuming AgentTurn) { self.turn = turn }

    func run<Result>(_ body: (inout AgentTurn) -> Result) -> Result {
        self.lock.lock()
        defer { self.lock.unlock() }
        return body(&self.turn)
    }
}
