/// One measured operation in one situation.
struct Benchmark {
    /// The operation.
    let name: String
    /// How many records of its kind live while it is measured.
    let live: Int
    /// How many operations a counted run takes.
    let operations: Int
    /// Prepares the situation and returns what does the operation a number of times.
    let prepare: () throws -> (_ times: Int) -> Void

    init(
        _ name: String, live: Int = 1, operations: Int = 1000, prepare: @escaping () throws -> (_ times: Int) -> Void
    ) {
        (self.name, self.live, self.operations, self.prepare) = (name, live, operations, prepare)
    }

    /// Name and situation: the key in `limits.json`.
    var key: String { self.live == 1 ? self.name : "\(self.name)/\(self.live)" }

    /// All benchmarks, in the order of the report.
    static var all: [Benchmark] {
        self.parsing + self.forwarding + self.transactions + self.timers + self.recording + self.server
    }
}

/// A benchmark that would not do what it says.
struct WrongBenchmark: Error {
    let reason: String
}

/// Makes sure, before anything is measured, that an operation does what it says.
func check(_ isRight: Bool, _ reason: String) throws {
    if !isRight { throw WrongBenchmark(reason: reason) }
}

/// Uses a value in a way that the optimiser cannot see through, so that its making is not removed.
@inline(never)
func use<Value>(_ value: borrowing Value) {}
