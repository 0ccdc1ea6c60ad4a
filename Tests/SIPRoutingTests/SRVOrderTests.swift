import SIPMessages
import Testing

@testable import SIPRouting

@Suite("The order of servers (RFC 2782)")
struct SRVOrderTests {
    private func record(_ priority: UInt16, _ weight: UInt16, _ name: String) throws -> SRVRecord {
        SRVRecord(
            priority: priority, weight: weight, port: 5060, target: try #require(DomainName(name + ".example.com")))
    }

    /// How often each record comes first, by the first letter of its name.
    private func firsts(_ records: [SRVRecord], runs: Int) -> [Character: Int] {
        var counts: [Character: Int] = [:]
        for seed in 0..<runs {
            var numbers = SeededNumbers(seed: UInt64(seed))
            let first = SRVOrder.arrange(records, numbers: &numbers).first
            if let letter = first?.target.text.first { counts[letter, default: 0] += 1 }
        }
        return counts
    }

    @Test("The lowest priority comes first, whatever the weights", arguments: 0..<32)
    func priorities(seed: Int) throws {
        let records = [try record(20, 65_535, "c"), try record(10, 0, "b"), try record(5, 1, "a")]
        var numbers = SeededNumbers(seed: UInt64(seed))
        let arranged = SRVOrder.arrange(records, numbers: &numbers)
        #expect(arranged.map { $0.priority } == [5, 10, 20])
    }

    @Test("Weights 1 and 3 give shares between 3/5 and 4/5 for the heavier (erratum 8120)")
    func shares() throws {
        // With 1 before 3 in the running sum, of the numbers 0...4 those up to 1 choose the lighter: 2/5.
        let counts = self.firsts([try record(0, 3, "b"), try record(0, 1, "a")], runs: 10_000)
        let share = Double(counts["b", default: 0]) / 10_000
        #expect(share > 0.58 && share < 0.62)
    }

    @Test("Weight 0 beside others has a very small chance, and alone an order all the same")
    func zeroWeight() throws {
        let counts = self.firsts([try record(0, 1000, "a"), try record(0, 0, "z")], runs: 10_000)
        #expect(counts["z", default: 0] > 0)
        #expect(counts["z", default: 0] < 40)  // 1/1001 of them expected.
        var numbers = SeededNumbers(seed: 1)
        let arranged = SRVOrder.arrange([try record(0, 0, "b"), try record(0, 0, "a")], numbers: &numbers)
        #expect(arranged.map { $0.target.text } == ["a.example.com", "b.example.com"])
    }

    @Test("The same seed gives the same order, however the answer was ordered (RFC 3263 §4.4)", arguments: 0..<64)
    func deterministic(seed: Int) throws {
        let records = try ["a", "b", "c", "d"].map { try record(1, 10, $0) } + [try record(0, 0, "e")]
        var first = SeededNumbers(seed: UInt64(seed))
        var second = SeededNumbers(seed: UInt64(seed))
        let arranged = SRVOrder.arrange(records, numbers: &first)
        #expect(arranged == SRVOrder.arrange(records.reversed(), numbers: &second))
        #expect(Set(arranged) == Set(records))
    }

    @Test("Different seeds share the load of equal weights among all")
    func spreads() throws {
        let counts = self.firsts(try ["a", "b", "c", "d"].map { try record(1, 1000, $0) }, runs: 4000)
        for letter in "abcd" {
            #expect(counts[letter, default: 0] > 850)
            #expect(counts[letter, default: 0] < 1150)
        }
    }

    @Test("A number up to a bound is never above it, and reaches it", arguments: [0, 1, 2, 5, 65_535] as [UInt64])
    func bounded(bound: UInt64) {
        var numbers = SeededNumbers(seed: 3)
        var greatest: UInt64 = 0
        for _ in 0..<1_000_000 where greatest < bound || greatest == 0 {
            let number = numbers.next(upTo: bound)
            greatest = Swift.max(greatest, number)
            if greatest > bound || bound == 0 { break }
        }
        #expect(greatest == bound)
    }
}
