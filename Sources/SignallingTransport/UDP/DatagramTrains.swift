import SIPMessages

/// Which datagrams of a batch the system takes in one piece and divides itself (`UDP_SEGMENT`): those to one address, all
/// but the last of one length.
///
/// The way of a datagram through the system costs several times what was done for its message, and a train goes it once.
/// Each datagram arrives by itself, and what goes to one address arrives in its order.
struct DatagramTrains {
    /// Datagrams that leave together.
    struct Train: BitwiseCopyable, Hashable, Sendable {
        let remote: SocketAddress
        /// The end point it leaves from.
        let endpoint: UInt16
        /// The length of its datagrams in octets; the last may be shorter.
        let segment: Int
        /// How many there are.
        fileprivate(set) var count = 1
        /// The first and the last of them, by their places in the batch.
        let first: Int
        fileprivate(set) var last: Int
        /// Whether another one may follow.
        fileprivate var isOpen: Bool

        /// Whether one may follow behind a last one of so many octets.
        fileprivate func takesMore(afterOctets octets: Int) -> Bool {
            octets == self.segment && self.count < DatagramTrains.most
                && (self.count + 1) * self.segment <= DatagramTrains.mostOctets
        }
    }

    /// A batch of fewer leaves as it is: with little traffic nothing would be won, and who captures packets on this machine
    /// sees each message in one of its own.
    static let fewest = 8
    /// The longest datagram that travels with others, in octets. Each link takes as many without fragments: 1280 less the
    /// headers (RFC 8200 §5).
    static let longest = 1232
    /// How many the system takes at once, and how many octets (the length of an IP packet has 16 bits).
    static let most = 64
    static let mostOctets = 65_000

    /// The trains in the order in which they leave.
    private(set) var trains: [Train] = []
    /// The datagram behind each in its train.
    private var following: [Int]

    /// - Parameter capacity: How many datagrams a batch has, at most.
    init(capacity: Int) {
        self.following = Array(repeating: -1, count: capacity)
        self.trains.reserveCapacity(capacity)
    }

    /// Makes up the trains of a batch.
    ///
    /// - Parameters:
    ///   - count: How many datagrams it has.
    ///   - areJoined: Whether any may travel together.
    ///   - datagram: Where one goes, the end point it leaves from, and how many octets it has.
    mutating func makeUp(
        _ count: Int, areJoined: Bool, _ datagram: (Int) -> (remote: SocketAddress, endpoint: UInt16, octets: Int)
    ) {
        self.trains.removeAll(keepingCapacity: true)
        let areJoined = areJoined && count >= Self.fewest
        for i in 0..<count {
            let (remote, endpoint, octets) = datagram(i)
            if areJoined, let train = self.train(to: remote, from: endpoint, for: octets) {
                self.following[self.trains[train].last] = i
                self.trains[train].last = i
                self.trains[train].count += 1
                self.trains[train].isOpen = self.trains[train].takesMore(afterOctets: octets)
            } else {
                let isOpen = (1...Self.longest).contains(octets)
                self.trains.append(
                    Train(remote: remote, endpoint: endpoint, segment: octets, first: i, last: i, isOpen: isOpen))
            }
        }
    }

    /// Calls with the places of a train's datagrams in the batch, in their order.
    func forEachDatagram(of train: Train, _ body: (Int) -> Void) {
        var i = train.first
        for _ in 0..<train.count {
            body(i)
            i = self.following[i]
        }
    }

    /// The train that a datagram can join: the last one to its address, so that nothing is overtaken.
    private func train(to remote: SocketAddress, from endpoint: UInt16, for octets: Int) -> Int? {
        guard octets > 0,
            let i = self.trains.lastIndex(where: { $0.remote == remote && $0.endpoint == endpoint })
        else { return nil }
        return self.trains[i].isOpen && octets <= self.trains[i].segment ? i : nil
    }
}
