import Testing

@testable import Containers

@Suite("Tables and pools")
struct ContainersTests {
    @Test(
        "Against a dictionary: the table finds what was put in and nothing else, also when all hashes are one",
        arguments: 0..<20)
    func tableAgreesWithModel(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        var table = KeyTable()
        var model: [Int32: UInt64] = [:]
        let spread: UInt64 = seed % 2 == 0 ? .max : 8
        for slot in Int32(0)..<2000 {
            if generator.next() % 3 < 2 {
                let hash = generator.next() % spread
                table.insert(hash, slot)
                model[slot] = hash
            } else if let (slot, hash) = model.sorted(by: { $0.key < $1.key }).randomElement(using: &generator) {
                table.remove(hash, slot)
                model[slot] = nil
            }
        }
        let count = table.count
        #expect(count == model.count)
        for (slot, hash) in model {
            let found = table.find(hash) { $0 == slot }
            #expect(found == slot)
        }
        let none = table.find(model.first?.value ?? 0) { _ in false }
        #expect(none == -1)
    }

    @Test("Keys whose hashes have the same lowest bits, as those of one shard have, spread")
    func tableSpreadsShard() {
        var generator = SeededGenerator(state: 1)
        var table = KeyTable(capacity: 1000)
        for slot in Int32(0)..<1000 { table.insert(generator.next() & ~255 | 7, slot) }
        var (longest, run) = (0, 0)
        for i in 0..<table.entries.count {
            run = table.entries[i].slot < 0 ? 0 : run + 1
            longest = max(longest, run)
        }
        // Of 2048 places 1000 are taken.
        #expect(longest < 32)
    }

    @Test(
        "Timers that wait equally long fire in their order, none early, however many there are",
        arguments: [1, 64, 65, 1000])
    func queueFires(count: Int) {
        var queue = DeadlineQueue<Int>(capacity: 1000)
        for i in 0..<count {
            let isSet = queue.append(i, deadline: Int64(100 + i / 2))
            #expect(isSet)
        }
        let first = queue.nextDeadline
        let early = queue.advance(to: 99)
        #expect(first == 100 && early == nil)
        // The ring goes on where it has been emptied.
        for i in 0..<3000 {
            let deadline = Int64(100 + i / 2)
            let taken = queue.advance(to: deadline)
            let isSet = queue.append(count + i, deadline: Int64(100 + (count + i) / 2))
            #expect(taken == i && isSet)
        }
        let waiting = queue.count
        #expect(waiting == count)
    }

    @Test("A queue refuses what is due before its last, and what is beyond its capacity")
    func queueRefuses() {
        var queue = DeadlineQueue<Int>(capacity: 2)
        let set = [
            queue.append(1, deadline: 5), queue.append(2, deadline: 4), queue.append(3, deadline: 5),
            queue.append(4, deadline: 6),
        ]
        #expect(set == [true, false, true, false])
        let taken = [queue.advance(to: 9), queue.advance(to: 9), queue.advance(to: 9)]
        #expect(taken == [1, 3, nil])
        let next = queue.nextDeadline
        #expect(next == nil)
    }

    @Test(
        "The pool gives back what it was given, and refuses beyond its limit",
        arguments: [0, 1, 31, 32, 33, 700, 2048, 2049, 65_535, 2_097_152])
    func poolKeeps(count: Int) {
        var pool = OctetPool(limit: 8 << 20)
        let octets = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        guard let first = pool.keep(octets.span), let second = pool.keep(octets.span) else {
            Issue.record("the pool is not full")
            return
        }
        pool.release(first)
        let third = pool.keep(octets.span) ?? .none
        let (secondKept, thirdKept) = (pool.span(second).octets, pool.span(third).octets)
        #expect(secondKept == octets)
        #expect(thirdKept == octets)
        let tooLarge = pool.keep([UInt8](repeating: 0, count: 2_097_153).span)
        #expect(tooLarge == nil)
        pool.release(second)
        pool.release(third)
        let used = pool.usedOctets
        #expect(used == 0)
        var small = OctetPool(limit: 100)
        let kept = small.keep(octets.span)
        #expect((kept == nil) == (count > 100))
    }

    @Test("The slab uses numbers again and stops at its capacity")
    func slabRecycles() {
        var slab = Slab<UInt64>(capacity: 300)
        var numbers: [Int32] = []
        for i in 0..<300 { if let number = slab.insert(UInt64(i)) { numbers.append(number) } }
        #expect(numbers.count == 300)
        let beyond = slab.insert(1)
        #expect(beyond == nil)
        let last = slab[numbers[299]]
        #expect(last == 299)
        slab.remove(numbers[5])
        let again = slab.insert(77)
        #expect(again == numbers[5])
        slab[numbers[5]] += 1
        let changed = slab[numbers[5]]
        #expect(changed == 78)
        let plausible = (slab.isPlausible(-1), slab.isPlausible(300), slab.isPlausible(299))
        #expect(plausible == (false, false, true))
    }
}

extension Span where Element == UInt8 {
    var octets: [UInt8] { self.withUnsafeBufferPointer { Array($0) } }
}
