import ArgumentParser
import BiloxiKit
import Foundation
import LoadCore
import SIPMessages
import SignallingTransport

/// `biloxi load`
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Load a server with calls, registrations or messages, and say how it bears them.",
        discussion: """
            Each begins when it is due, whatever the server does, and its latency counts from that moment. With --respond it \
            is the other side: it answers calls and messages. %d in addresses, user names and passwords becomes the number of \
            a user, %06d with six digits. Exit codes: 0 no more failed than --max-failures; else that of the most frequent \
            failure: 3 rejected, 4 authentication, 5 timeout, 6 busy, 7 unreachable, 9 server error; 130 interrupted, after \
            calls were hung up and the result was printed. docs/LOAD.md describes it.
            """)

    @Argument(help: "Whom to load: sip:bob@192.0.2.1, sip:user%d@example.test; with --register, whose registrar.")
    var uri: String?

    @OptionGroup(title: "What to do") var scenario: LoadScenarioOptions
    @OptionGroup(title: "How much") var amount: LoadAmountOptions
    @OptionGroup(title: "Who and where") var peers: LoadPeerOptions
    @OptionGroup(title: "Answering, with --respond") var answering: LoadAnsweringOptions
    @OptionGroup(title: "What is told") var telling: LoadTellingOptions

    mutating func run() async throws {
        let output = Output(isJSON: self.telling.json)
        if self.scenario.respond { return try await self.respond(output) }
        guard let uri = self.uri else {
            throw CommandError(.usage, "say whom to load: biloxi load sip:bob@192.0.2.1 --calls --rate 100")
        }
        let kind = try self.scenario.kind()
        let target = try await LoadTarget.find(self.peers.firstHop(uri, number: self.peers.firstUser), self.peers)
        let plan = try self.plan(kind, uri, target)
        let settings = try self.peers.settings(target)
        let ways = settings.connections > 1 ? ", \(settings.connections) connections" : ""
        let title = "\(kind.word) to \(LoadTarget.sipURI(uri)) over \(target.transport):\(target.address)\(ways)"
        let result: LoadResult
        if self.amount.findMax {
            let search = LoadSearch(plan: plan, settings: settings, amount: self.amount, output: output, title: title)
            result = try await search.run()
        } else {
            let run = LoadRun(plan, settings, title: title, output: output)
            result = try await run.run()
            output.emit("result", result.members, text: result.text)
        }
        try self.telling.write(result)
        if let error = result.error(maximum: self.amount.maxFailures.share, target) { throw error }
    }

    /// What `--calls` and its like make a plan of.
    private func plan(_ kind: LoadKind, _ uri: String, _ target: LoadTarget) throws(CommandError) -> LoadPlan {
        let whole = LoadTarget.sipURI(uri)
        let isRegistration = kind.scenario == .registrations
        let account = LoadTarget.sipURI(
            self.peers.account ?? (isRegistration ? whole : "sip:load@\(target.localHost(self.peers.localAddress))"))
        var plan = LoadPlan(
            kind.scenario,
            target: NumberedText(isRegistration ? LoadTarget.withoutUser(whole) : whole),
            account: NumberedText(account),
            schedule: try self.amount.schedule(), concurrency: try self.amount.checkedConcurrency())
        (plan.users, plan.firstUser, plan.count) = (self.peers.users, self.peers.firstUser, self.amount.count)
        plan.hold = self.scenario.hold.span
        plan.patience = self.scenario.ringFor.span
        plan.expires = UInt32(clamping: self.scenario.expires.duration.components.seconds)
        plan.contact = self.scenario.contact.map { NumberedText(LoadTarget.sipURI($0)) }
        if let text = self.scenario.text { plan.text = text }
        plan.product = "Biloxi/\(Biloxi.version)"
        plan.domain = target.domain
        plan.credentials = try self.peers.credentials(account: account)
        if self.peers.users > 1, !whole.contains("%"), !account.contains("%") {
            throw CommandError(
                .usage, "--users \(self.peers.users): put %d into the address or --account, as in sip:user%d@…")
        }
        return plan
    }

    private func respond(_ output: Output) async throws {
        guard self.uri == nil else {
            throw CommandError(.usage, "--respond calls nobody: leave out \(self.uri ?? ""), or --respond")
        }
        let (transport, address) = try self.peers.listener()
        var plan = LoadPlan(
            nil, target: NumberedText(""), account: NumberedText(""),
            schedule: ArrivalSchedule(rate: nil, duration: self.amount.length.map(\.span) ?? .zero), concurrency: 1)
        plan.answering = try self.answering.answering()
        plan.product = "Biloxi/\(Biloxi.version)"
        var settings = LoadHost.Settings(server: address, local: address)
        settings.transport = transport
        settings.threads = self.peers.threads
        settings.streams = try self.peers.streams(address.ip)
        let run = LoadRun(plan, settings, title: "answering", output: output)
        run.limit = self.amount.length?.duration
        let result = try await run.run()
        output.emit("result", result.members, text: result.text)
        try self.telling.write(result)
        if run.limit == nil { throw CommandError(.interrupted) }
    }
}
