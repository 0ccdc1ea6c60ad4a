/// Numbers from a seed, the same for the same seed: SplitMix64 (Steele, Lea and Flood, 2014).
///
/// They choose among servers of one priority. Who could guess them would gain nothing, so they need not be secret.
struct SeededNumbers {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number of 0...`bound`, each as likely as the next.
    mutating func next(upTo bound: UInt64) -> UInt64 {
        guard bound < .max else { return self.next() }
        // The high half of a product is uniform when products whose low half is short of a full turn are drawn again.
        let count = bound + 1
        let minimum = (0 &- count) % count
        while true {
            let product = self.next().multipliedFullWidth(by: count)
            if product.low >= minimum { return product.high }
        }
    }
}

/// The order in which servers are tried (RFC 2782, "Weight" and "Usage rules").
enum SRVOrder {
    /// Orders records by priority, and within one priority by lot with their weights.
    ///
    /// The draw depends on the records and the seed only, not on the order in which a DNS server sent them, so that a
    /// stateless proxy that takes its seed from the transaction sends retransmissions the same way (RFC 3263 §4.4).
    static func arrange(_ records: [SRVRecord], numbers: inout SeededNumbers) -> [SRVRecord] {
        var rest = records.sorted {
            ($0.priority, $0.weight == 0 ? 0 : 1, $0.target, $0.port, $0.weight)
                < ($1.priority, $1.weight == 0 ? 0 : 1, $1.target, $1.port, $1.weight)
        }[...]
        var arranged: [SRVRecord] = []
        while let priority = rest.first?.priority {
            let end = rest.firstIndex { $0.priority != priority } ?? rest.endIndex
            var candidates = Array(rest[..<end])
            rest = rest[end...]
            while candidates.count > 1 {
                let sum = candidates.reduce(0) { $0 + UInt64($1.weight) }
                let drawn = numbers.next(upTo: sum)
                var running: UInt64 = 0
                let chosen = candidates.firstIndex { record in
                    running += UInt64(record.weight)
                    return running >= drawn
                }
                arranged.append(candidates.remove(at: chosen ?? 0))
            }
            arranged += candidates
        }
        return arranged
    }
}
