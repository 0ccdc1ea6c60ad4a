import Glibc
import ProxyCore
import SIPMessages
import SIPTransactions
import Testing

@testable import SignallingTransport

@Suite("Datagrams that leave in one piece")
struct DatagramTrainsTests {
    private struct Datagram {
        var to: UInt16
        var octets: Int
        var from: UInt16 = 0
    }

    /// The places in the batch of each train's datagrams.
    private func trains(_ batch: [Datagram], areJoined: Bool = true) -> [[Int]] {
        var trains = DatagramTrains(capacity: 64)
        trains.makeUp(batch.count, areJoined: areJoined) {
            (SocketAddress(.loopback, batch[$0].to), batch[$0].from, batch[$0].octets)
        }
        return trains.trains.map { train in
            var places: [Int] = []
            trains.forEachDatagram(of: train) { places.append($0) }
            return places
        }
    }

    private func alone(_ count: Int) -> [[Int]] { (0..<count).map { [$0] } }

    @Test("Those to one address travel together, all but the last of one length, in their order")
    func joins() {
        let batch = [
            Datagram(to: 1, octets: 500), Datagram(to: 2, octets: 400), Datagram(to: 1, octets: 500),
            Datagram(to: 1, octets: 300), Datagram(to: 1, octets: 300), Datagram(to: 2, octets: 401),
            Datagram(to: 1, octets: 299), Datagram(to: 1, octets: 299), Datagram(to: 2, octets: 401),
        ]
        #expect(self.trains(batch) == [[0, 2, 3], [1], [4, 6], [5, 8], [7]])
    }

    @Test("A batch of few, and one that may not be joined, leave one by one")
    func leavesAlone() {
        let batch = Array(repeating: Datagram(to: 1, octets: 500), count: DatagramTrains.fewest)
        #expect(self.trains(batch) == [Array(0..<DatagramTrains.fewest)])
        #expect(self.trains(Array(batch.dropLast())) == self.alone(DatagramTrains.fewest - 1))
        #expect(self.trains(batch, areJoined: false) == self.alone(DatagramTrains.fewest))
    }

    @Test("What leaves from another end point, is empty, or too long for every link travels alone")
    func keepsApart() {
        let count = DatagramTrains.fewest
        #expect(
            self.trains((0..<count).map { Datagram(to: 1, octets: 500, from: UInt16($0)) }) == self.alone(count))
        #expect(self.trains(Array(repeating: Datagram(to: 1, octets: 0), count: count)) == self.alone(count))
        let longest = DatagramTrains.longest
        #expect(self.trains(Array(repeating: Datagram(to: 1, octets: longest + 1), count: count)) == self.alone(count))
        #expect(self.trains(Array(repeating: Datagram(to: 1, octets: longest), count: count)).count == 1)
    }

    @Test("A train has as many octets as a packet may have")
    func isBounded() {
        let batch = Array(repeating: Datagram(to: 1, octets: DatagramTrains.longest), count: 64)
        let most = DatagramTrains.mostOctets / DatagramTrains.longest
        #expect(self.trains(batch).map(\.count) == [most, 64 - most])
        #expect(self.trains(Array(repeating: Datagram(to: 1, octets: 9), count: 64)).map(\.count) == [64])
    }

    @Test(
        "Each arrives by itself, from the address of its end point, whether the system divides or not",
        .timeLimit(.minutes(5)), arguments: [false, true])
    func arrives(isDividing: Bool) throws {
        let receivers = try (0..<2).map { _ in
            try UDPSocket(address: SocketAddress(.loopback, 0), endpoint: 0, sharesPort: false)
        }
        let origin = LocalAddress(ip: IPAddress(v4: 0x7F00_0042), endpoint: 3)
        let socket = try UDPSocket(
            address: SocketAddress(IPAddress(v4: 0), 0), endpoint: 3, addresses: [origin], sharesPort: false)
        if !isDividing {
            // The system divides no datagram whose checksum is left out (SO_NO_CHECK).
            var one: Int32 = 1
            #expect(
                setsockopt(socket.descriptor, SOL_SOCKET, SO_NO_CHECK, &one, socklen_t(MemoryLayout<Int32>.size)) == 0)
        }
        var outbox = Outbox()
        var sent: [[String]] = [[], []]
        for i in 0..<150 {
            let text = String(repeating: "x", count: 20 + (i % 7 == 0 ? 1 : 0)) + "\(1000 + i)"
            let start = outbox.octets.count
            outbox.octets.append(contentsOf: Array(text.utf8))
            sent[i % 2].append(text)
            let flow = Flow(endpoint: 3, transport: .udp, remote: receivers[i % 2].local)
            outbox.send(from: start, over: flow, by: .client(TransactionID(slot: Int32(i), generation: 1)))
        }
        for _ in 0..<2 {
            var failures: [Unreached] = []
            socket.sender.send(outbox, 0, 150) { failures.append($0) }
            #expect(failures.isEmpty)
            for (receiver, expected) in zip(receivers, sent) {
                var texts: [String] = []
                while texts.count < expected.count {
                    var poller = pollfd(fd: receiver.descriptor, events: Int16(POLLIN), revents: 0)
                    try #require(poll(&poller, 1, 10_000) == 1)
                    for i in 0..<receiver.receive() {
                        let datagram = try #require(receiver.datagram(i))
                        texts.append(String(decoding: datagram.octets, as: UTF8.self))
                        #expect(datagram.source == SocketAddress(origin.ip, socket.local.port))
                    }
                }
                #expect(texts == expected)
            }
            #expect(socket.sender.isDividing == isDividing)
        }
    }
}
