import BiloxiKit
import Foundation
import PhoneUI
import Synchronization
import TerminalUI

/// Connects the screen of a telephone with the telephone: a session of `biloxi run` does what the screen wants, and the
/// screen is told what the session tells.
final class PhoneSession: Sendable {
    /// Something that has happened, wherever.
    enum Event: Sendable {
        case terminal(Terminal.Event)
        case session(String, [String: JSONValue])
        case traced(TracedMessage)
        case ticked
    }

    let session: RunSession
    private let queue: PhoneQueue<Event>
    private let terminal: Terminal
    private let files: PhoneFiles
    private let sound: PhoneSound
    private let accounts: [BiloxiKit.Account]
    private let registers: Bool

    init(
        _ terminal: Terminal, _ files: PhoneFiles, _ sound: PhoneSound, accounts: [BiloxiKit.Account], registers: Bool
    ) {
        let queue = PhoneQueue<Event>(limit: 20_000)
        (self.terminal, self.files, self.sound, self.accounts) = (terminal, files, sound, accounts)
        (self.queue, self.registers) = (queue, registers)
        self.session = RunSession(account: accounts.first) { name, members in queue.add(.session(name, members)) }
        for account in accounts { self.session.add(account) }
    }

    /// Shows a message that came or went. However many there are, they do not drive out what happens to calls.
    func show(_ message: TracedMessage) { self.queue.add(.traced(message), unlessThereAre: 2_000) }

    /// How often time passes for the screen, and the least time between two pictures.
    private static let tick = Duration.milliseconds(250), picture = Duration.milliseconds(20)

    /// Shows the telephone until someone ends it, or the task is cancelled.
    func run(_ agent: UserAgent, _ model: PhoneModel) async throws(CommandError) {
        try self.terminal.take()
        defer { self.terminal.giveBack() }
        let queue = self.queue
        self.terminal.read { queue.add(.terminal($0)) }
        let messages = self.session.open(agent)
        let ticking = Task {
            while !Task.isCancelled {
                queue.add(.ticked)
                try? await Task.sleep(for: Self.tick)
            }
        }
        defer {
            ticking.cancel()
            messages.cancel()
            queue.close()
        }
        await self.follow(agent, model)
        // Farewells take their time: the terminal need not wait for them.
        self.terminal.giveBack()
        self.sound.stop()
        await self.session.end()
    }

    private func follow(_ agent: UserAgent, _ start: PhoneModel) async {
        var model = start
        var renderer = Renderer(self.terminal.abilities)
        let size = self.terminal.size
        var actions = model.handle(.resized(columns: size.columns, rows: size.rows))
        actions += model.handle(.ticked(Self.time))
        for account in self.accounts {
            actions += model.handle(.agent(.account(account.address, .idle)))
            guard self.registers, account.password != nil else { continue }
            actions += model.register(account: account.address)
        }
        for await _ in self.queue.wake {
            for event in self.queue.take() { actions += self.handle(event, &model) }
            // What is done may be told at once.
            while !actions.isEmpty {
                let next = actions
                actions = []
                for action in next where !self.carryOut(action, agent, &model, &renderer) { return }
            }
            self.terminal.write(renderer.octets(for: PhoneView(model).frame().screen))
            try? await Task.sleep(for: Self.picture)
            if Task.isCancelled { return }
        }
    }

    // MARK: In

    private func handle(_ event: Event, _ model: inout PhoneModel) -> [PhoneAction] {
        switch event {
        case .terminal(.input(let input)): return model.handle(.input(input))
        case .terminal(.resized):
            let size = self.terminal.size
            return model.handle(.resized(columns: size.columns, rows: size.rows))
        case .terminal(.stopped): return [.suspend]
        case .terminal(.closed): return [.quit]
        case .traced(let message): return model.handle(.agent(.traced(PhoneTrace(message))))
        case .ticked: return self.pass(&model)
        case .session(let name, let members):
            if name == "answered", let call = members["call"]?.text { self.stands(call) }
            if name == "ended", let call = members["call"]?.text { self.sound.remove(call) }
            var actions: [PhoneAction] = []
            for event in PhoneNews(session: self.session).events(name, members) {
                actions += model.handle(.agent(event))
            }
            return actions
        }
    }

    private func stands(_ name: String) {
        if let call = try? self.session.entry(name).call { self.sound.add(name, call) }
    }

    /// Time has passed: looks at the clock and at how the calls sound.
    private func pass(_ model: inout PhoneModel) -> [PhoneAction] {
        var actions = model.handle(.ticked(Self.time))
        for (name, call, isAnswered) in self.session.openCalls {
            if let callID = call.callID { actions += model.handle(.agent(.identified(call: name, callID: callID))) }
            guard isAnswered else { continue }
            let quality = call.quality()
            var shown = PhoneQuality()
            if quality.mos > 0 { shown.mos = quality.mos }
            (shown.codec, shown.encryption, shown.peerMOS) = (quality.codec, quality.encryption, quality.peerMOS)
            (shown.loss, shown.peerLoss, shown.jitter) =
                (quality.lossPercent, quality.peerLossPercent, quality.jitter.milliseconds)
            shown.roundTrip = quality.roundTrip?.milliseconds
            (shown.received, shown.sent) = (quality.received, quality.sent)
            (shown.heardLevel, shown.sentLevel) = self.sound.levels(of: name)
            actions += model.handle(.agent(.quality(call: name, shown)))
        }
        return actions
    }

    private static var time: PhoneTime {
        let date = Date()
        return PhoneTime(
            uptime: Int64(ProcessInfo.processInfo.systemUptime * 1_000), wall: Int64(date.timeIntervalSince1970),
            offset: TimeZone.current.secondsFromGMT(for: date))
    }

    // MARK: Out

    /// - Returns: Whether the telephone goes on.
    private func carryOut(
        _ action: PhoneAction, _ agent: UserAgent, _ model: inout PhoneModel, _ renderer: inout Renderer
    ) -> Bool {
        var problem: String?
        switch action {
        case .perform(let commands): self.perform(commands, agent)
        case .line(let line): self.perform(line, agent)
        case .talk(let names): self.sound.talk(with: names)
        case .ring: self.terminal.write([0x07])
        case .save(let contacts):
            problem = self.keep { settings in
                settings.contacts = contacts.map { .init(name: $0.name, address: $0.address) }
            }
        case .keepAccount(let address, let password):
            problem = self.keep { settings in
                var accounts = settings.accounts ?? []
                accounts.removeAll { $0.address == address }
                accounts.append(.init(address: address, password: password.isEmpty ? nil : password))
                settings.accounts = accounts
            }
        case .dropAccount(let address):
            problem = self.keep { $0.accounts?.removeAll { $0.address == address } }
        case .remember(let entry): problem = self.files.append(entry)
        case .keep(let message): problem = self.files.append(message)
        case .redraw: renderer.forget()
        case .suspend:
            self.terminal.stop()
            renderer.forget()
            self.queue.add(.terminal(.resized))
        case .quit: return false
        }
        if let problem { _ = model.handle(.agent(.notice(problem))) }
        return true
    }

    private func keep(_ change: (inout PhoneFiles.Settings) -> Void) -> String? {
        do {
            try self.files.change(change)
            return nil
        } catch {
            return error.message
        }
    }

    /// Does commands one after the other, until one comes to nothing: those behind it are told to have failed too.
    private func perform(_ commands: [PhoneCommand], _ agent: UserAgent) {
        Task {
            var isDone = true
            for command in commands {
                guard isDone else {
                    self.session.emit(
                        "failed",
                        ["id": .string(command.id), "reason": .string("what had to come first came to nothing")])
                    continue
                }
                do throws(RunProblem) {
                    isDone = await self.session.begin(try command.arguments(), agent, line: 0).value
                } catch {
                    self.session.misunderstood(error.reason, id: .string(command.id), line: 0)
                    isDone = false
                }
            }
        }
    }

    private func perform(_ line: String, _ agent: UserAgent) {
        var id: JSONValue?
        do throws(RunProblem) {
            self.session.begin(try RunArguments(Array(line.utf8), id: &id), agent, line: 0)
        } catch {
            self.session.misunderstood(error.reason, id: id, line: 0)
        }
    }
}

extension RunSession {
    /// The calls that have begun, by their names, and whether they stand.
    var openCalls: [(name: String, call: Call, isAnswered: Bool)] {
        self.state.withLock { state in
            state.entries.compactMap { name, entry in entry.call.map { (name, $0, entry.answeredAt != nil) } }
        }
    }
}
