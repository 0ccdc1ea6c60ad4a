import LoadCore
import SIPMessages
import Testing

@Suite("Latency histogram (the layout of HdrHistogram)")
struct LatencyHistogramTests {
    @Test(
        "What is recorded comes back within one part in a thousand",
        arguments: [
            1, 2047, 2048, 4095, 10_001, 123_456, 999_999, 3_599_999_999,
        ] as [Int64])
    func keepsThreeDigits(value: Int64) {
        var histogram = LatencyHistogram()
        histogram.record(value)
        histogram.record(3_600_000_000)
        let median = histogram.value(at: 50)
        #expect(median >= value && Double(median - value) <= Double(value) / 1000)
        #expect(histogram.minimum == value && histogram.maximum == 3_600_000_000)
    }

    @Test(
        "Percentiles are the smallest latency that so many do not exceed",
        arguments: [
            (0.0, 1), (0.1, 1), (50, 500), (90, 900), (99, 990), (99.9, 999), (99.95, 1000), (100, 1000),
        ] as [(Double, Int64)])
    func percentiles(percentile: Double, expected: Int64) {
        var histogram = LatencyHistogram()
        for value in 1...1000 { histogram.record(Int64(value)) }
        #expect(histogram.value(at: percentile) == expected)
        #expect(abs(histogram.mean - 500.5) < 0.5)
        // Of 1 … n it is sqrt((n² - 1) / 12).
        #expect(abs(histogram.standardDeviation - 288.675) < 0.01)
    }

    @Test("What is below nothing counts as nothing, what is above an hour as an hour")
    func clamps() {
        var histogram = LatencyHistogram()
        histogram.record(-5)
        histogram.record(.max)
        #expect(histogram.minimum == 0 && histogram.maximum == 3_600_000_000 && histogram.count == 2)
        #expect(LatencyHistogram().value(at: 99) == 0)
    }

    @Test("Two histograms add up to that of all their latencies")
    func adds() {
        var (left, right, whole) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for value in stride(from: Int64(1), to: 5_000_000, by: 7919) {
            if value % 2 == 0 { left.record(value) } else { right.record(value) }
            whole.record(value)
        }
        left.add(right)
        #expect(left == whole)
    }

    @Test("The distribution ends at all of them, and its steps halve with what is left")
    func distribution() {
        var histogram = LatencyHistogram()
        for value in 1...10_000 { histogram.record(Int64(value)) }
        let lines = histogram.percentiles()
        #expect(lines.first?.share == 0)
        #expect(lines.last?.microseconds == 10_000 && lines.last?.share == 1 && lines.last?.count == 10_000)
        // Ten steps up to the half, as HdrHistogram with five ticks to each halving.
        #expect(lines.prefix(6).map { ($0.share * 100).rounded() } == [0, 10, 20, 30, 40, 50])
        #expect(abs(lines[6].share - 0.55) < 1e-9)
        #expect(zip(lines, lines.dropFirst()).allSatisfy { $0.microseconds <= $1.microseconds && $0.share < $1.share })
    }
}

@Suite("Arrivals")
struct ArrivalScheduleTests {
    @Test("Without a ramp they are evenly spaced")
    func evenlySpaced() {
        let schedule = ArrivalSchedule(rate: 100, duration: .seconds(1))
        #expect(schedule.moment(of: 0) == .zero)
        #expect(schedule.moment(of: 50) == .milliseconds(500))
        #expect(schedule.moment(of: 99) == .milliseconds(990))
        #expect(schedule.moment(of: 100) == nil)
    }

    @Test("In a ramp half as many begin as at the full rate, the first quarter of them in its first half")
    func ramp() {
        let schedule = ArrivalSchedule(rate: 100, ramp: .seconds(10), duration: .seconds(1))
        #expect(schedule.moment(of: 125) == .seconds(5))
        #expect(schedule.moment(of: 500) == .seconds(10))
        #expect(schedule.moment(of: 599) == .milliseconds(10_990))
        #expect(schedule.moment(of: 600) == nil)
    }

    @Test("Where there is much, what is due within half a millisecond begins together, and never early")
    func grid() {
        let schedule = ArrivalSchedule(rate: 10_000, duration: .seconds(1))
        let moments = (0..<20).compactMap { schedule.moment(of: $0)?.nanoseconds }
        #expect(moments.allSatisfy { $0 % 500_000 == 0 })
        #expect(moments.enumerated().allSatisfy { $0.element >= Int64($0.offset) * 100_000 })
        #expect(Set(moments).count == 5)
    }
}

@Suite("Looking for the highest rate")
struct KneeSearchTests {
    /// What a step of a thousand seconds counts of a server that bears so many a second, and loses a tenth of what is more.
    private static func result(_ rate: Double, capacity: Double) -> LoadInterval {
        var result = LoadInterval(second: -1)
        let lost = rate > capacity ? rate / 10 : 0
        result.timedOut = UInt64(lost * 1000)
        result.succeeded = UInt64((rate - lost) * 1000)
        return result
    }

    @Test("It ends within five per cent below what the server bears", arguments: [30.0, 130, 777, 5000, 48_000])
    func findsTheKnee(capacity: Double) {
        var search = KneeSearch(from: 100)
        var steps = 0
        while let rate = search.next, steps < 100 {
            let result = Self.result(rate, capacity: capacity)
            search.note(result, offered: rate * 1000, done: result.succeeded)
            steps += 1
        }
        #expect(search.next == nil && steps < 30)
        let best = search.best ?? 0
        #expect(best <= capacity && best >= capacity * 0.93)
    }

    @Test("A server that bears nothing is given up")
    func nothingIsBorne() {
        var search = KneeSearch(from: 100)
        var steps = 0
        while let rate = search.next, steps < 100 {
            let result = Self.result(rate, capacity: 0)
            #expect(search.note(result, offered: rate * 1000, done: result.succeeded) != .passed)
            steps += 1
        }
        #expect(search.best == nil && steps == 5)
    }

    @Test("Slowness, repetition and what was not done fail a step as well")
    func verdicts() {
        var slow = LoadInterval(second: -1)
        slow.succeeded = 1000
        for _ in 0..<1000 { slow.answer.record(200_000) }
        var criteria = KneeSearch.Criteria()
        criteria.latency = 100_000
        var search = KneeSearch(from: 100, criteria: criteria)
        #expect(search.note(slow, offered: 1000, done: 1000) == .latency(200_000))
        search = KneeSearch(from: 100)
        #expect(search.note(slow, offered: 1000, done: 1000) == .passed)
        #expect(search.note(slow, offered: 2000, done: 1000) == .achieved(0.5))
        slow.retransmissions = 20
        #expect(search.note(slow, offered: 1000, done: 1000) == .retransmissions(0.02))
    }
}

@Suite("Texts with a number")
struct NumberedTextTests {
    @Test(
        "%d is the number, and every other percent sign stays",
        arguments: [
            ("sip:user%d@example.test", 7, "sip:user7@example.test"), ("u%06d", 42, "u000042"),
            ("u%06d", 1_234_567, "u1234567"),
            ("a%20b%dc", 1, "a%20b1c"), ("100%%", 1, "100%"), ("%d-%d", 3, "3-3"), ("alice", 1, "alice"), ("%", 1, "%"),
            ("%99999999999d", 1, "%99999999999d"),
        ])
    func writes(text: String, number: Int, expected: String) {
        #expect(NumberedText(text).text(number) == expected)
    }
}
