import SIPMessages
import SIPTransactions

/// Something underway: a datagram, or one message of a stream.
final class Packet {
    let octets: [UInt8]
    let facts: WireFacts
    let sender: Int
    let transport: TransportProtocol
    /// How the sender named the way.
    let flow: Flow
    /// Whose message it is, within the host that sent it.
    let transaction: Outbox.Sender
    /// The shard of the transaction.
    let shard: UInt16
    /// Its line in the ladder.
    let line: Int
    /// Draws its fate: made of the seed and of what the packet is, so that it does not depend on other packets.
    var random: SimulationRandom

    init(
        _ message: Outbox.Message, octets: [UInt8], facts: WireFacts, sender: Int, line: Int, random: SimulationRandom
    ) {
        (self.octets, self.facts, self.sender, self.transport) = (octets, facts, sender, message.flow.transport)
        (self.flow, self.transaction, self.shard) = (message.flow, message.sender, message.shard)
        (self.line, self.random) = (line, random)
    }
}

/// What happens in the network, or to a node.
enum NetworkEvent {
    /// A datagram reaches the address, in the realm of a NAT box or outside (0).
    case datagram(Packet, from: SocketAddress, to: SocketAddress, realm: Int)
    /// A message has come through a stream connection, to one of its sides.
    case message(Packet, connection: Int, side: Int)
    /// The sender learns that a packet did not arrive.
    case failed(Packet)
    /// One side of a connection learns of its end.
    case closed(connection: Int, side: Int)
    /// A service answers.
    case answered(host: Int, ServiceAnswer, life: Int)
    /// Someone wanted something to happen at this time.
    case action(() -> Void)
}
