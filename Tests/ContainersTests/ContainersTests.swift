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
