import SIPMessages
import Testing

@testable import Containers
@testable import SIPTransactions

@Suite("Many transactions and hostile ones")
struct TransactionScaleTests {
    /// A request whose branch ends in eight digits that are changed in place, so that its index stays true.
    struct Requests {
        private var octets = LayerUnderTest.request(
            "OPTIONS", uri: "sip:b@h", branch: ";branch=z9hG4bK00000000", sentBy: "h", from: "<sip:a@h>;tag=1",
            to: "<sip:b@h>", callID: "1", number: 1)
        private var index = MessageIndex()
        private var via = ViaIndex()

        init() throws {
            var (index, via) = (MessageIndex(), ViaIndex())
            try index.parse(self.octets.span)
            let field = try #require(index.value(.via))
            _ = try ViaIndex.parse(self.octets.span, in: field.range, into: &via)
            (self.index, self.via) = (index, via)
        }

        mutating func select(_ number: Int) {
            var rest = number
            for position in (self.via.branch.upper - 8..<self.via.branch.upper).reversed() {
                self.octets[position] = UInt8(0x30 + rest % 10)
                rest /= 10
            }
        }

        mutating func match(
            _ number: Int, in layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
        )
            -> RequestMatch
        {
            self.select(number)
            return layer.match(self.octets.span, self.index, via: self.via, at: now, into: &outbox)
        }

        mutating func create(
            _ number: Int, in layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
        ) -> TransactionID? {
            self.select(number)
            return layer.createServer(
                self.octets.span, self.index, via: self.via, flow: LayerUnderTest.flow(), owner: 0, at: now,
                into: &outbox)
        }
    }

    @Test("10^6 transactions live in one layer: each is found, each ends by its timer, and nothing is left")
    func million() throws {
        let count = 1_000_000
        var requests = try Requests()
        var outbox = Outbox()
        var limits = TransactionLayer.Limits()
        limits.transactions = count
        var layer = TransactionLayer(limits: limits, seed: (SipHashKey(1, 2), SipHashKey(3, 4)), at: .start)
        var now = MonotonicInstant.start
        var (created, found, sent) = (0, 0, 0)
        for number in 0..<count {
            // 10 µs apart: they end in different milliseconds.
            now = now.advanced(by: TimeSpan(nanoseconds: 10_000))
            guard let id = requests.create(number, in: &layer, at: now, &outbox) else { continue }
            created += 1
            outbox.removeAll()
            outbox.octets.append("SIP/2.0 200 OK\r\n\r\n")
            if layer.respond(id, status: 200, from: 0, at: now, into: &outbox) { sent += 1 }
        }
        let beyond = requests.create(count, in: &layer, at: now, &outbox)
        for number in 0..<count {
            outbox.removeAll()
            if requests.match(number, in: &layer, at: now, &outbox) == .absorbed { found += 1 }
        }
        let alive = layer.serverCount
        // The first ends 32 s after it was answered, the last 10 s later.
        now = MonotonicInstant.start.advanced(by: .seconds(32))
        while layer.wake(at: now, into: &outbox) != nil {}
        let aliveAt32 = layer.serverCount
        now = MonotonicInstant.start.advanced(by: .milliseconds(42_001))
        while layer.wake(at: now, into: &outbox) != nil {}
        let left = [layer.serverCount, layer.timerCount, layer.pool.usedOctets, layer.serverTable.count]
        #expect(created == count && sent == count && found == count && alive == count)
        #expect(beyond == nil)
        #expect(aliveAt32 == count)
        #expect(left == [0, 0, 0, 0])
    }

    @Test("Branches made to collide under a key that the attacker knows spread under one that it does not know")
    func hashFlooding() throws {
        var requests = try Requests()
        var outbox = Outbox()
        let seed = (SipHashKey(1, 2), SipHashKey(0, 0))
        var known = TransactionLayer(seed: seed, at: .start)
        // 150 branches with eight zero bits in their hash: 8 places of the table's 2048.
        var colliding: [Int] = []
        var number = 0
        while colliding.count < 150 {
            _ = requests.match(number, in: &known, at: .start, &outbox)
            if known.keyHash >> 32 & 255 == 0 { colliding.append(number) }
            number += 1
        }
        var secret = TransactionLayer(seed: (SipHashKey(1, 2), SipHashKey(0x1234, 0x5678)), at: .start)
        for number in colliding {
            _ = requests.create(number, in: &known, at: .start, &outbox)
            _ = requests.create(number, in: &secret, at: .start, &outbox)
        }
        let (crowded, spread) = (Self.longestRun(known.serverTable), Self.longestRun(secret.serverTable))
        #expect(crowded > 15)
        #expect(spread < 8)
        var found = 0
        for number in colliding where requests.match(number, in: &secret, at: .start, &outbox) == .absorbed {
            found += 1
        }
        #expect(found == 150)
    }

    /// How many places in a row are taken at most: what a look-up may have to visit.
    private static func longestRun(_ table: borrowing KeyTable) -> Int {
        var (longest, run) = (0, 0)
        for i in 0..<table.entries.count {
            run = table.entries[i].slot < 0 ? 0 : run + 1
            longest = max(longest, run)
        }
        return longest
    }

    @Test("With all timers taken by the transaction user, transactions still end")
    func timersOfTheUser() throws {
        var limits = TransactionLayer.Limits()
        limits.transactions = 10
        let layer = LayerUnderTest(limits: limits)
        var refused = 0
        for i in 0..<100 where layer.layer.setTimer(at: .start.advanced(by: .seconds(100)), payload: UInt64(i)) < 0 {
            refused += 1
        }
        #expect(refused == 90)
        for i in 0..<10 {
            let id = try #require(layer.receive(ServerTransactionTests.options(i)).1)
            layer.respond(id, 200)
            #expect(layer.send("OPTIONS") != nil)
        }
        layer.run(for: .seconds(32))
        #expect(Array(layer.alive.prefix(3)) == [0, 0, 10])
        layer.run(for: .seconds(100))
        #expect(layer.alive == [0, 0, 0, 0])
    }
}
