/// What calls `Callers` makes.
struct CallerOptions {
    static let usage =
        "[--calls N] [--total N] [--rate PER-SECOND] [--seconds S] [--settle S] [--pid PID] [--most-late MS] "
        + "[--most-growth PERCENT]"

    /// The port of the telephone that is called.
    let port: UInt16
    /// Calls at a time.
    var calls = 100
    /// Calls in all. More than there may be at a time: each that ends is followed by another.
    var total = 0
    /// Calls that begin in a second at most.
    var rate = 25.0
    /// How long each call lasts; with as many calls at a time as in all, how long all are measured.
    var seconds = 20.0
    /// How long all calls stand before they are measured.
    var settle = 3.0
    /// The process that is measured: its processor time and memory.
    var pid: Int?
    /// The run fails when more than a hundredth of the packets is later than that, in milliseconds.
    var mostLate: Double?
    /// The run fails when the process needs that much more memory at its end than after a quarter of the calls, in percent.
    var mostGrowth: Double?

    init(_ arguments: ArraySlice<String>, port: UInt16) throws {
        self.port = port
        var rest = arguments
        while let option = rest.popFirst() {
            guard let text = rest.popFirst(), let value = Double(text) else { throw CallBenchmark.WrongUse() }
            switch option {
            case "--calls": self.calls = Int(value)
            case "--total": self.total = Int(value)
            case "--rate": self.rate = value
            case "--seconds": self.seconds = value
            case "--settle": self.settle = value
            case "--pid": self.pid = Int(value)
            case "--most-late": self.mostLate = value
            case "--most-growth": self.mostGrowth = value
            default: throw CallBenchmark.WrongUse()
            }
        }
        self.total = Swift.max(self.total, self.calls)
    }

    /// Whether calls follow one another.
    var isChanging: Bool { self.total > self.calls }
}
