import Containers
public import SIPMessages
public import SIPTransactions

/// What a host of the simulated network runs: anything that takes messages and time and gives messages.
///
/// It is entered by the world only, for one event at a time, and answers through the outbox that is lent to it. It must
/// not call the world from within these methods. All randomness must come from a seed, or the ladder is not the same twice.
public protocol SimulatedNode: AnyObject {
    /// The host was added to the world: its name and the end points that flows will number.
    func placed(at place: SimulatedPlace)
    /// The host has other addresses from now on.
    func moved(to place: SimulatedPlace)
    /// A message came.
    ///
    /// - Parameters:
    ///   - octets: One datagram, or one message of a stream.
    ///   - flow: The way it came: `endpoint` is the position in the place's listeners.
    ///   - now: When it came.
    ///   - outbox: What is to be sent.
    func receive(
        _ octets: Span<UInt8>, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox)
    /// Time has come to `nextWakeUp`, or beyond.
    func wake(at now: MonotonicInstant, into outbox: inout Outbox)
    /// A moment before which nothing is due; `nil` when nothing is. It may be early.
    var nextWakeUp: MonotonicInstant? { get }
    /// What is still alive in the node. When all is over, nothing may be.
    func audit() -> SimulationAudit

    /// A message that was sent could not be delivered: no one listens there, the connection failed.
    ///
    /// - Parameters:
    ///   - sender: What the outbox was given with the message.
    ///   - shard: What its `shard` was then.
    ///   - flow: The way that it should have taken.
    ///   - now: When that was known.
    ///   - outbox: What is to be sent.
    func transportFailed(
        _ sender: Outbox.Sender, shard: UInt16, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox)
    /// A stream connection has ended, by the other side or by the network.
    func connectionClosed(_ flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox)
    /// Takes the questions that the node has for DNS, storage and those who decide, asked since the last call.
    func takeQuestions() -> [ServiceQuestion]
    /// A question is answered: late, twice or wrongly, if the world is made so.
    func answered(_ answer: ServiceAnswer, at now: MonotonicInstant, into outbox: inout Outbox)
}

extension SimulatedNode {
    /// Learns which host it is and which addresses it has.
    public func placed(at place: SimulatedPlace) {}
    /// Learns which addresses it has now.
    public func moved(to place: SimulatedPlace) {}
    /// Learns that a message did not reach its destination.
    public func transportFailed(
        _ sender: Outbox.Sender, shard: UInt16, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {}
    /// Learns that a connection has ended.
    public func connectionClosed(_ flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox) {}
    /// Hands out the questions that were asked since the last call.
    public func takeQuestions() -> [ServiceQuestion] { [] }
    /// Takes the answer to a question.
    public func answered(_ answer: ServiceAnswer, at now: MonotonicInstant, into outbox: inout Outbox) {}
}

/// Where a host of the simulation is.
public struct SimulatedPlace: Hashable, Sendable {
    /// The name of the host, in the ladder.
    public let name: String
    /// Where it listens. The position of a listener is the `endpoint` of flows.
    public let listeners: [SimulatedListener]
    /// The seed of the world.
    public let seed: UInt64

    /// The number of the first end point of this transport; `nil` when the host has none.
    public func endpoint(_ transport: TransportProtocol) -> UInt16? {
        self.listeners.firstIndex { $0.transport == transport }.map { UInt16(truncatingIfNeeded: $0) }
    }
}

/// One address at which a host listens.
public struct SimulatedListener: Hashable, Sendable {
    /// The transport.
    public let transport: TransportProtocol
    /// The address and port.
    public let address: SocketAddress

    /// A listener for this transport at this address.
    public init(_ transport: TransportProtocol, _ address: SocketAddress) {
        (self.transport, self.address) = (transport, address)
    }

    /// UDP, TCP, TLS and WebSocket on their default ports: end points 0 to 3.
    public static func standard(_ address: IPAddress) -> [SimulatedListener] {
        [TransportProtocol.udp, .tcp, .tls, .ws].map {
            SimulatedListener($0, SocketAddress(address, $0.defaultPort))
        }
    }
}

/// What is alive in a node.
public struct SimulationAudit: Hashable, Sendable, CustomStringConvertible {
    /// Counts by what is counted: transactions, timers, octets, table entries.
    public var counts: [(what: String, count: Int)]

    /// An audit of these counts.
    public init(_ counts: [(what: String, count: Int)] = []) { self.counts = counts }

    /// Whether nothing is alive.
    public var isClean: Bool { self.counts.allSatisfy { $0.count == 0 } }

    /// Adds the counts of another audit to those of the same name.
    public mutating func add(_ other: SimulationAudit) {
        for entry in other.counts {
            if let index = self.counts.firstIndex(where: { $0.what == entry.what }) {
                self.counts[index].count += entry.count
            } else {
                self.counts.append(entry)
            }
        }
    }

    /// What is alive, as `2 timers, 1 server transactions`.
    public var description: String {
        self.counts.filter { $0.count != 0 }.map { "\($0.count) \($0.what)" }.joined(separator: ", ")
    }

    /// Whether both counted the same.
    public static func == (left: SimulationAudit, right: SimulationAudit) -> Bool {
        left.counts.elementsEqual(right.counts) { $0 == $1 }
    }

    /// Hashes the counts.
    public func hash(into hasher: inout Hasher) { for entry in self.counts { hasher.combine(entry.count) } }
}

extension TransactionLayer {
    /// What is alive in the layer: transactions, timers and octets that are kept.
    public borrowing func audit() -> SimulationAudit {
        SimulationAudit([
            ("server transactions", self.serverCount), ("client transactions", self.clientCount),
            ("timers", self.timerCount), ("kept octets", self.pool.usedOctets),
        ])
    }
}
