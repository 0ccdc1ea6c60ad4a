import BiloxiKit
import Foundation
import Synchronization

/// A telephone that is driven by lines: what it has going on, and what has happened.
final class RunSession: Sendable {
    /// A call by its name.
    struct Entry: Sendable {
        /// The call that came, until it is answered or over.
        var invitation: Invitation?
        /// The call; `nil` while it has not begun.
        var call: Call?
        /// The number of the command that calls; a hang-up stops it while there is no call yet.
        var command: UInt64?
        /// Prints what happens in it, until its end.
        var follower: Task<Void, Never>?
        var answeredAt: ContinuousClock.Instant?
    }

    /// What an `expect` waits for.
    struct Expectation: Sendable {
        let fits: @Sendable ([String: JSONValue]) -> Bool
        let met: AsyncStream<[String: JSONValue]>.Continuation
    }

    struct State: Sendable {
        var entries: [String: Entry] = [:]
        var transfers: [String: IncomingTransfer] = [:]
        var accounts: [String: BiloxiKit.Account] = [:]
        var registrations: [String: Registration] = [:]
        var running: [UInt64: (id: JSONValue?, task: Task<Bool, Never>?)] = [:]
        var lastCommand: UInt64 = 0
        var lastCall = 0
        var lastTransfer = 0
        var watches: [String: Watch] = [:]
        var lastWatch = 0
        var lastEvent = 0
        /// Events that no `expect` has taken, the oldest first.
        var log: [[String: JSONValue]] = []
        var expectation: Expectation?
        var showsMessages = false
        var isEnding = false
        var status = ExitStatus.done
    }

    /// Events that wait for an `expect` at most; older ones are forgotten.
    static let longestLog = 4_096

    let state = Mutex(State())
    /// Told each event, in order; called while the state is locked.
    private let tell: @Sendable (String, [String: JSONValue]) -> Void
    /// The account of the command line.
    let ownAccount: BiloxiKit.Account?

    /// A telephone that tells what happens: line by line on standard output, unless it is told to someone else.
    init(
        account: BiloxiKit.Account?,
        telling tell: @escaping @Sendable (String, [String: JSONValue]) -> Void = {
            Output(isJSON: true).emit($0, $1, text: "")
        }
    ) {
        (self.ownAccount, self.tell) = (account, tell)
        if let account { self.state.withLock { $0.accounts[account.address] = account } }
    }

    /// What the program ends with.
    var status: ExitStatus { self.state.withLock { $0.status } }

    // MARK: Running

    /// Tells that commands are taken, and of the messages that come until the task is cancelled.
    func open(_ agent: UserAgent) -> Task<Void, Never> {
        self.emit(
            "ready", ["listen": .array(agent.addresses.map { .string($0) }), "version": .string(Biloxi.version)])
        return Task {
            for await message in agent.messages { self.emit("message", message.members) }
        }
    }

    /// Does what the lines say, until their end or an `end`; then ends all that goes on.
    func run(_ agent: UserAgent, _ input: InputFile) async {
        let messages = self.open(agent)
        defer { messages.cancel() }
        var lines = InputLines(input)
        var number = 0
        while !self.state.withLock({ $0.isEnding }), let line = await lines.next() {
            number += 1
            guard case .text(let octets) = line else {
                self.misunderstood("line \(number) is longer than \(InputLines.limit) octets", line: number)
                continue
            }
            // Blank lines, and comments in files.
            let first = octets.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }
            guard let first, first != 0x23 else { continue }
            var id: JSONValue?
            do throws(RunProblem) {
                let arguments = try RunArguments(octets, id: &id)
                let task = self.begin(arguments, agent, line: number)
                guard arguments.waits || arguments.verb.holds else { continue }
                await withTaskCancellationHandler {
                    _ = await task.value
                } onCancel: {
                    task.cancel()
                }
            } catch {
                self.misunderstood(error.reason, id: id, line: number)
            }
        }
        await self.end()
    }

    /// A line, or a member of it, makes no sense.
    func misunderstood(_ reason: String, id: JSONValue? = nil, line: Int) {
        self.state.withLock { if $0.status == .done { $0.status = .usage } }
        var members: [String: JSONValue] = ["reason": .string(reason), "line": .number(line)]
        members["id"] = id
        self.emit("error", members)
    }

    /// Begins a command: it runs at once up to where it has to wait for something, so that commands act in their order.
    ///
    /// - Returns: Its task, which says in the end whether it was done.
    @discardableResult
    func begin(_ given: RunArguments, _ agent: UserAgent, line: Int) -> Task<Bool, Never> {
        var arguments = given
        let number = self.state.withLock { state in
            state.lastCommand += 1
            state.running[state.lastCommand] = (given.id, nil)
            return state.lastCommand
        }
        arguments.number = number
        let task = Task.immediate { [arguments] in
            var outcome: [String: JSONValue] = ["do": .string(arguments.verb.name)]
            outcome["id"] = arguments.id
            var isDone = false
            do {
                let result = try await arguments.verb.perform(self, agent, arguments)
                self.emit("done", result.merging(outcome) { $1 })
                isDone = true
            } catch let problem as RunProblem {
                self.misunderstood(problem.reason, id: arguments.id, line: line)
            } catch {
                self.emit("failed", Self.members(of: error).merging(outcome) { $1 })
            }
            self.state.withLock { _ = $0.running.removeValue(forKey: number) }
            return isDone
        }
        self.state.withLock { state in
            // Else it is done already.
            if state.running[number] != nil { state.running[number] = (arguments.id, task) }
        }
        return task
    }

    private static func members(of error: any Error) -> [String: JSONValue] {
        switch error {
        case let error as SIPError: error.members
        case let error as CommandError:
            [
                "code": .string(error.status == .mediaExpectation ? "unmet" : "failed"),
                "reason": .string(error.message),
            ]
        case is CancellationError: ["code": .string("stopped"), "reason": .string("the command was stopped")]
        default: ["code": .string("failed"), "reason": .string("\(error)")]
        }
    }

    /// Stops the commands with an id.
    ///
    /// - Returns: How many.
    func stop(_ id: JSONValue) -> Int {
        let tasks = self.state.withLock { state in state.running.values.filter { $0.id == id }.compactMap(\.task) }
        for task in tasks { task.cancel() }
        return tasks.count
    }

    /// Stops the command with a number.
    func stop(number: UInt64) { self.state.withLock { $0.running[number]?.task }?.cancel() }

    /// Lets the lines be read no further.
    func beginEnding() { self.state.withLock { $0.isEnding = true } }

    /// Hangs up, unregisters, stops what runs, and waits until all of it has been told.
    func end() async {
        let (entries, registrations, running) = self.state.withLock { state in
            (Array(state.entries.values), Array(state.registrations.values), state.running.values.compactMap(\.task))
        }
        for entry in entries { await self.hangUp(entry) }
        for task in running { task.cancel() }
        for task in running { _ = await task.value }
        for entry in entries { await entry.follower?.value }
        let watches = self.state.withLock { Array($0.watches.values) }
        await withDiscardingTaskGroup { group in
            for watch in watches { group.addTask { await watch.subscription?.cancel() } }
            for registration in registrations { group.addTask { await registration.unregister() } }
        }
        for watch in watches { await watch.follower?.value }
    }

    // MARK: Events

    /// Tells of something that has happened.
    func emit(_ event: String, _ members: [String: JSONValue] = [:]) {
        self.state.withLock { state in
            state.lastEvent += 1
            var members = members
            members["number"] = .number(state.lastEvent)
            self.tell(event, members)
            members["event"] = .string(event)
            if let expectation = state.expectation, expectation.fits(members) {
                expectation.met.yield(members)
                state.expectation = nil
                return
            }
            if state.log.count == Self.longestLog { state.log.removeFirst() }
            state.log.append(members)
        }
    }

    /// Waits for an event that no other `expect` has taken.
    ///
    /// - Returns: `nil` when none comes in time.
    func expect(
        within limit: Duration, _ fits: @escaping @Sendable ([String: JSONValue]) -> Bool
    ) async throws -> [String: JSONValue]? {
        let (stream, met) = AsyncStream<[String: JSONValue]>.makeStream()
        let found = self.state.withLock { state -> [String: JSONValue]? in
            if let i = state.log.firstIndex(where: fits) { return state.log.remove(at: i) }
            state.expectation = Expectation(fits: fits, met: met)
            return nil
        }
        if let found { return found }
        defer { self.state.withLock { $0.expectation = nil } }
        let event = await withTaskGroup(of: [String: JSONValue]?.self) { group in
            group.addTask { await stream.first { _ in true } }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        try Task.checkCancellation()
        return event
    }

    /// An `expect` was not met.
    func disappointed() { self.state.withLock { if $0.status == .done { $0.status = .mediaExpectation } } }

    /// Whether messages are told of.
    var showsMessages: Bool {
        get { self.state.withLock { $0.showsMessages } }
        set { self.state.withLock { $0.showsMessages = newValue } }
    }

    /// A message came or went.
    func show(_ message: TracedMessage) {
        guard self.showsMessages else { return }
        self.emit(
            "traced",
            [
                "direction": .string(message.isSent ? "sent" : "received"), "transport": .string(message.transport),
                "local": .string(message.local), "peer": .string(message.peer),
                "text": .string(message.textWithoutSecrets),
            ])
    }
}
