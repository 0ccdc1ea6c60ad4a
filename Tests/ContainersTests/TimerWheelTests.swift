import Testing

@testable import Containers

/// A small seeded generator (SplitMix64), so that a failing case can be run again.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// The wheel as a reference, which test macros can capture.
final class SharedWheel {
    private var wheel: TimerWheel
    init(capacity: Int, now: Int64 = 0) { self.wheel = TimerWheel(capacity: capacity, now: now) }
    var count: Int { self.wheel.count }
    var nextDeadline: Int64? { self.wheel.nextDeadline }
    func insert(deadline: Int64, payload: UInt64) -> Int32? { self.wheel.insert(deadline: deadline, payload: payload) }
    func remove(_ index: Int32) { self.wheel.remove(index) }
    func move(_ index: Int32, to deadline: Int64) { self.wheel.move(index, to: deadline) }
    func advance(to now: Int64) -> UInt64? { self.wheel.advance(to: now) }
}

@Suite("Timer wheel")
struct TimerWheelTests {
    @Test(
        "Timers fire in the millisecond they were set for, near or far",
        arguments: [0, 1, 255, 256, 257, 16_383, 16_384, 1_048_575, 1_048_576, 66_060_288, 200_000_000])
    func firesOnTime(delay: Int64) {
        for start: Int64 in [0, 1, 255, 256, 1_000_003] {
            let wheel = SharedWheel(capacity: 4, now: start)
            let timer = wheel.insert(deadline: start + delay, payload: 7)
            let before = delay > 0 ? wheel.advance(to: start + delay - 1) : nil
            let fired = wheel.advance(to: start + delay)
            let count = wheel.count
            #expect(timer != nil && before == nil && fired == 7 && count == 0)
        }
    }

    @Test(
        "Against a sorted list: the same timers fire at the same time, whatever is set, moved and stopped",
        arguments: 0..<100)
    func agreesWithModel(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        let wheel = SharedWheel(capacity: 1000, now: 5)
        var model: [UInt64: (handle: Int32, deadline: Int64)] = [:]
        var now: Int64 = 5
        let horizon: Int64 = [300, 20_000, 2_000_000, 100_000_000][Int(seed % 4)]
        for payload in 0..<UInt64(600) {
            switch generator.next() % 4 {
            case 0, 1:
                let deadline = now + Int64.random(in: 0...horizon, using: &generator)
                if let handle = wheel.insert(deadline: deadline, payload: payload) {
                    model[payload] = (handle, deadline)
                }
            case 2:
                if let (key, entry) = model.sorted(by: { $0.key < $1.key }).randomElement(using: &generator) {
                    if generator.next() % 2 == 0 {
                        wheel.remove(entry.handle)
                        model[key] = nil
                    } else {
                        let deadline = now + Int64.random(in: 0...horizon, using: &generator)
                        wheel.move(entry.handle, to: deadline)
                        model[key]?.deadline = deadline
                    }
                }
            default:
                let target = now + Int64.random(in: 0...(horizon / 4), using: &generator)
                while let next = wheel.nextDeadline, next <= target {
                    #expect(next >= now)
                    now = max(now, next)
                    while let fired = wheel.advance(to: now) {
                        #expect(model[fired]?.deadline ?? -1 <= now)
                        model[fired] = nil
                    }
                    #expect(!model.values.contains { $0.deadline <= now })
                }
                let early = wheel.advance(to: target)
                #expect(early == nil)
                now = target
                #expect(!model.values.contains { $0.deadline <= now })
            }
        }
        let count = wheel.count
        #expect(count == model.count)
    }

    @Test("A full wheel refuses a timer and goes on")
    func refusesBeyondCapacity() {
        let wheel = SharedWheel(capacity: 2)
        var set: [Bool] = []
        for payload: UInt64 in 1...3 { set.append(wheel.insert(deadline: 10, payload: payload) != nil) }
        #expect(set == [true, true, false])
        var fired = [wheel.advance(to: 10)]
        let again = wheel.insert(deadline: 10, payload: 4) != nil
        #expect(again)
        for _ in 0..<3 { fired.append(wheel.advance(to: 10)) }
        #expect(fired == [1, 2, 4, nil])
    }
}
