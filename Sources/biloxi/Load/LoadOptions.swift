import ArgumentParser
import Foundation
import LoadCore
import SIPMessages

/// What a load consists of, as options name it.
struct LoadKind {
    let scenario: LoadPlan.Scenario
    /// `calls`, `registrations`, `messages`, `questions`.
    let word: String
}

/// What is begun again and again.
struct LoadScenarioOptions: ParsableArguments {
    @Flag(help: "Calls: INVITE, ACK, BYE.")
    var calls = false

    @Flag(help: "Registrations of one user after the other.")
    var register = false

    @Flag(help: "Messages: MESSAGE.")
    var messages = false

    @Flag(help: "OPTIONS.")
    var options = false

    @Flag(help: "Answer what comes.")
    var respond = false

    @Option(help: ArgumentHelp("How long a call is up.", valueName: "time"))
    var hold = TimeOption(.zero)

    @Option(help: ArgumentHelp("How long a call may ring before it is cancelled.", valueName: "time"))
    var ringFor = TimeOption(.seconds(60))

    @Option(help: ArgumentHelp("How long registrations are to last.", valueName: "time"))
    var expires = TimeOption(.seconds(3600))

    @Option(help: ArgumentHelp("What is registered, where it is not our own address.", valueName: "uri"))
    var contact: String?

    @Option(help: ArgumentHelp("The text of messages.", valueName: "text"))
    var text: String?

    func kind() throws(CommandError) -> LoadKind {
        var kinds: [LoadKind] = []
        if self.calls { kinds.append(LoadKind(scenario: .calls, word: "calls")) }
        if self.register { kinds.append(LoadKind(scenario: .registrations, word: "registrations")) }
        if self.messages { kinds.append(LoadKind(scenario: .messages, word: "messages")) }
        if self.options { kinds.append(LoadKind(scenario: .options, word: "OPTIONS")) }
        guard kinds.count == 1 else {
            throw CommandError(.usage, "choose one of --calls, --register, --messages, --options and --respond")
        }
        return kinds[0]
    }
}

/// How much there is of it.
struct LoadAmountOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many begin in a second: 500, 500/s.", valueName: "n"))
    var rate: RateOption?

    @Option(
        help: ArgumentHelp(
            "How many may be under way at once. Without --rate as many are, always; with it what is due waits, and its latency grows.",
            valueName: "n"))
    var concurrency: Int?

    @Option(help: ArgumentHelp("How long the rate grows at first; that time does not count.", valueName: "time"))
    var ramp = TimeOption(.zero)

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("How long. (default: 10s; --respond: until Ctrl-C)", valueName: "time"))
    var length: TimeOption?

    @Option(help: ArgumentHelp("How many begin at most.", valueName: "n"))
    var count: Int?

    @Option(help: ArgumentHelp("The share that may fail without an exit code that says so.", valueName: "percent"))
    var maxFailures = PercentOption(share: 0)

    @Flag(help: "Look for the highest rate that the server bears, from --rate (100) on.")
    var findMax = false

    @Option(help: ArgumentHelp("With --find-max: how long each rate is tried.", valueName: "time"))
    var step = TimeOption(.seconds(5))

    @Option(help: ArgumentHelp("With --find-max: what 99 % of the latencies must not exceed.", valueName: "time"))
    var maxLatency: TimeOption?

    /// What is under way at most where nobody says it.
    private static let defaultConcurrency = 100_000

    func checkedConcurrency() throws(CommandError) -> Int {
        guard let concurrency = self.concurrency else { return Self.defaultConcurrency }
        guard concurrency > 0, concurrency <= 1_000_000 else {
            throw CommandError(.usage, "--concurrency \(concurrency): give 1 to 1000000")
        }
        return concurrency
    }

    func schedule() throws(CommandError) -> ArrivalSchedule {
        if let count = self.count, count < 1 { throw CommandError(.usage, "--count \(count): give 1 or more") }
        // With neither, ten a second do no harm to anybody.
        let rate = self.rate?.perSecond ?? (self.concurrency == nil ? 10 : nil)
        let isCounted = self.count != nil && self.length == nil
        return ArrivalSchedule(
            rate: rate, ramp: self.ramp.span,
            duration: self.length?.span ?? (isCounted ? .seconds(86_400) : .seconds(10)))
    }
}

/// How `--respond` answers.
struct LoadAnsweringOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How long after the INVITE it rings (180).", valueName: "time"))
    var ringAfter = TimeOption(.zero)

    @Option(help: ArgumentHelp("How long after the INVITE it answers.", valueName: "time"))
    var answerAfter = TimeOption(.zero)

    @Option(help: ArgumentHelp("What it answers: 200, 486, 503 …", valueName: "code"))
    var status: UInt16 = 200

    func answering() throws(CommandError) -> LoadPlan.Answering {
        guard self.status == 200 || (300..<700).contains(self.status) else {
            throw CommandError(.usage, "--status \(self.status): give 200, or 300 to 699")
        }
        var answering = LoadPlan.Answering()
        answering.takesCalls = true
        (answering.ringAfter, answering.answerAfter) = (self.ringAfter.span, self.answerAfter.span)
        answering.status = self.status
        return answering
    }
}

/// A rate as people write it: `500`, `500/s`, `2.5/s`, `1k`.
struct RateOption: ExpressibleByArgument, Sendable {
    let perSecond: Double

    init?(argument: String) {
        var text = argument[...]
        if text.hasSuffix("/s") { text = text.dropLast(2) }
        let factor: Double = text.hasSuffix("k") ? 1000 : 1
        if factor > 1 { text = text.dropLast() }
        guard let value = Double(text), value.isFinite, value > 0, value * factor <= 10_000_000 else { return nil }
        self.perSecond = value * factor
    }
}

/// A share in per cent: `1`, `0.1%`.
struct PercentOption: ExpressibleByArgument, Sendable {
    let share: Double

    init(share: Double) { self.share = share }

    var defaultValueDescription: String { "\(self.share * 100)" }

    init?(argument: String) {
        let text = argument.hasSuffix("%") ? argument.dropLast() : argument[...]
        guard let value = Double(text), value >= 0, value <= 100 else { return nil }
        self.share = value / 100
    }
}

extension TimeOption {
    /// The same as the core wants it.
    var span: TimeSpan { .milliseconds(Int64(self.duration.milliseconds)) }
}
