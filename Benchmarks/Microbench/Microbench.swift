import AllocationCounter

/// Measures the hot operations: `scripts/bench-limits.sh` counts and compares, `make bench` tells nanoseconds.
///
///     biloxi-microbench [--only NAME]             nanoseconds an operation
///     biloxi-microbench --count [--only NAME]     allocations, and instructions when run under callgrind
@main
struct Microbench {
    static func main() throws {
        var arguments = CommandLine.arguments.dropFirst()
        let isCounting = arguments.first == "--count"
        if isCounting { arguments.removeFirst() }
        var only: String?
        if arguments.first == "--only" { only = arguments.dropFirst().first }
        guard SampleMessages.invite.count == 708 else {
            print("the INVITE has \(SampleMessages.invite.count) octets instead of 708")
            throw Failure()
        }
        for benchmark in Benchmark.all where only == nil || benchmark.name == only {
            let run = try benchmark.prepare()
            if isCounting {
                Self.count(benchmark, run)
            } else {
                print(benchmark.key, Self.nanoseconds(run), separator: "\t")
            }
        }
    }

    private struct Failure: Error {}

    /// Counts two runs, of which the second is twice as long: their difference is what the operations cost.
    private static func count(_ benchmark: Benchmark, _ run: (Int) -> Void) {
        run(benchmark.operations)  // Buffers grow here, once.
        var allocations: [UInt64] = []
        for factor in 1...2 {
            let before = allocation_count()
            start_counting_instructions()
            run(benchmark.operations * factor)
            stop_counting_instructions("\(benchmark.key) \(factor)")
            allocations.append(allocation_count() - before)
        }
        let more = Double(allocations[1]) - Double(allocations[0])
        print(benchmark.key, benchmark.operations, more / Double(benchmark.operations), separator: "\t")
    }

    /// The median of eleven rounds of at least 50 ms.
    private static func nanoseconds(_ run: (Int) -> Void) -> Double {
        let clock = ContinuousClock()
        var times = 1
        while clock.measure({ run(times) }) < .milliseconds(50) { times *= 2 }
        let rounds = (0..<11).map { _ in clock.measure { run(times) } }.sorted()
        return Double(Int(rounds[5] / .nanoseconds(1) / Double(times) * 10)) / 10
    }
}
