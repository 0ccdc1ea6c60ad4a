/// Measures media: what a packet costs, and how sound comes through a bad network.
///
///     biloxi-mediabench costs                               nanoseconds and allocations of each operation
///     biloxi-mediabench echo [PACKETS]                      processor time of a packet that the echo returns
///     biloxi-mediabench play IN.wav OUT.wav LOSS JITTER SEED    plays a file through loss (%) and jitter (ms)
@main
struct MediaBenchmark {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "costs": try OperationCosts.report()
        case "echo": try EchoCosts.report(packets: arguments.dropFirst().first.flatMap { Int($0) } ?? 200_000)
        case "play" where arguments.count == 6:
            try BadNetwork(
                lossPercent: Int(arguments[3]) ?? 0, jitterMilliseconds: Int64(arguments[4]) ?? 0,
                seed: UInt64(arguments[5]) ?? 1
            ).play(arguments[1], to: arguments[2])
        default: throw WrongUse()
        }
    }

    private struct WrongUse: Error, CustomStringConvertible {
        let description = "usage: biloxi-mediabench costs | echo [PACKETS] | play IN.wav OUT.wav LOSS JITTER SEED"
    }
}
