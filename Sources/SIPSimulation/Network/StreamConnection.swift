import SIPMessages

/// A stream connection between two hosts: TCP, TLS, SCTP or WebSocket, with order and without loss.
struct StreamConnection {
    /// One end. Side 0 opened the connection.
    struct Side {
        var host: Int
        /// How the host names the connection.
        var flow: Flow
        /// Whether the end still knows of the connection.
        var isOpen = true
        /// Nothing sent by this side arrives before this.
        var lastArrival: MonotonicInstant
    }
    var sides: [Side]
    /// The network between is cut without notice: nothing arrives any more.
    var isSilent = false
}

extension SimulatedNetwork {
    /// Sends a message over a stream, on the connection of the flow, on one that is open or on a new one.
    mutating func send(
        message packet: Packet, from source: SocketAddress, at now: MonotonicInstant,
        into events: inout EventQueue<NetworkEvent>
    ) -> Fate {
        if self.isAttemptDropped(packet) {
            let patience = packet.flow.isTrial ? Flow.trialPatience : self.streamTimeout
            events.add(.failed(packet), at: now.advanced(by: patience))
            return .lost
        }
        guard
            let (index, side) = self.openConnection(for: packet) ?? self.open(for: packet, from: source, at: now)
        else {
            let host = packet.sender
            let delay = self.conditions(from: host, to: host).delay * 2
            events.add(.failed(packet), at: now.advanced(by: delay))
            return .unreachable
        }
        let receiver = self.connections[index].sides[1 - side].host
        let isGone = self.connections[index].isSilent
        let partition = self.endOfPartition(packet.sender, receiver, at: now)
        let giveUp = now.advanced(by: self.streamTimeout)
        if isGone || partition.map({ $0 >= giveUp }) ?? false {
            self.connections[index].isSilent = true
            self.connections[index].sides[side].isOpen = false
            events.add(.failed(packet), at: giveUp)
            events.add(.closed(connection: index, side: side), at: giveUp)
            return .cutOff
        }
        let conditions = self.conditions(from: packet.sender, to: receiver)
        var arrival = Swift.max(partition ?? now, self.connections[index].sides[side].lastArrival)
        arrival = Swift.max(arrival, now.advanced(by: conditions.delay + packet.random.span(upTo: conditions.jitter)))
        // What a datagram would have lost is sent again by the stream: 200 ms, 400 ms …
        var pause = TimeSpan.milliseconds(200)
        while packet.random.chance(conditions.loss), pause < self.streamTimeout {
            arrival = arrival.advanced(by: pause)
            pause = pause * 2
        }
        self.connections[index].sides[side].lastArrival = arrival
        events.add(.message(packet, connection: index, side: 1 - side), at: arrival)
        return .underway
    }

    /// Whether the link swallows the attempt to open a connection that the packet needs.
    private func isAttemptDropped(_ packet: Packet) -> Bool {
        guard packet.flow.connection == 0, self.openConnection(for: packet) == nil else { return false }
        let place = self.places[Self.key(self.hosts[packet.sender].realm, packet.flow.transport, packet.flow.remote)]
        return self.conditions(from: packet.sender, to: place?.host ?? -1).dropsStreams
    }

    private mutating func open(
        for packet: Packet, from source: SocketAddress, at now: MonotonicInstant
    ) -> (Int, Int)? {
        packet.flow.connection != 0 ? nil : self.open(packet.flow, from: packet.sender, source, at: now)
    }

    /// The connection of the flow, or one that is open to its place.
    private func openConnection(for packet: Packet) -> (Int, Int)? {
        let flow = packet.flow
        if flow.connection != 0 {
            guard let found = self.connectionNumbers[flow.connection],
                self.connections[found.connection].sides[found.side].host == packet.sender,
                self.connections[found.connection].sides[found.side].isOpen
            else { return nil }
            return (found.connection, found.side)
        }
        for (index, connection) in self.connections.enumerated() {
            for side in 0..<2 where connection.sides[side].isOpen && connection.sides[side].host == packet.sender {
                let known = connection.sides[side].flow
                if known.remote == flow.remote, known.transport == flow.transport, known.endpoint == flow.endpoint {
                    return (index, side)
                }
            }
        }
        return nil
    }

    /// Opens a connection; `nil` when no one accepts it. Ports of the side that opens are its own for each connection.
    private mutating func open(
        _ flow: Flow, from host: Int, _ source: SocketAddress, at now: MonotonicInstant
    ) -> (Int, Int)? {
        let port = UInt16(40_000 + self.connections.count % 20_000)
        var (address, realm) = (SocketAddress(source.ip, port), self.hosts[host].realm)
        if realm > 0, self.places[Self.key(realm, flow.transport, flow.remote)] == nil {
            address = self.translators[realm - 1].translateOutwards(address, to: flow.remote, isStream: true, at: now)
            realm = 0
        }
        guard let place = self.places[Self.key(realm, flow.transport, flow.remote)], self.hosts[place.host].isUp
        else { return nil }
        let number = UInt32(self.connections.count * 2 + 1)
        let near = Flow(endpoint: flow.endpoint, transport: flow.transport, connection: number, remote: flow.remote)
        let far = Flow(
            endpoint: place.endpoint, transport: flow.transport, connection: number + 1, remote: address)
        // SYN, SYN-ACK, and the first data with the ACK.
        let handshake = self.conditions(from: host, to: place.host).delay * 3
        self.connections.append(
            StreamConnection(sides: [
                .init(host: host, flow: near, lastArrival: now.advanced(by: handshake)),
                .init(host: place.host, flow: far, lastArrival: now),
            ]))
        let index = self.connections.count - 1
        self.connectionNumbers[number] = (index, 0)
        self.connectionNumbers[number + 1] = (index, 1)
        return (index, 0)
    }

    /// Ends the connections of a host. With notice the other side learns of it, without it does not.
    mutating func endConnections(
        of host: Int, with other: Int?, hasNotice: Bool, at now: MonotonicInstant,
        into events: inout EventQueue<NetworkEvent>
    ) {
        for index in self.connections.indices where !self.connections[index].isSilent {
            let ends = self.connections[index].sides.map(\.host)
            guard ends.contains(host), other.map({ ends.contains($0) }) ?? true else { continue }
            self.connections[index].isSilent = true
            for side in 0..<2 where hasNotice && self.connections[index].sides[side].isOpen {
                let delay = self.conditions(from: ends[1 - side], to: ends[side]).delay
                self.connections[index].sides[side].isOpen = false
                events.add(.closed(connection: index, side: side), at: now.advanced(by: delay))
            }
        }
    }
}
