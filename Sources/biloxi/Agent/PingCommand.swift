import ArgumentParser
import BiloxiKit
import Foundation

/// `biloxi ping`
struct PingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping", abstract: "Ask a server or phone what it can (OPTIONS), and how long that takes.",
        discussion: "Any response counts: whoever refuses is there. Exit codes: 0 all were answered, 5 not all, 7 none."
    )

    @Argument(help: "Whom to ask: sip:example.test, sip:bob@192.0.2.1.")
    var uri: String

    @Option(help: ArgumentHelp("How often.", valueName: "n"))
    var count = 1

    @Option(help: ArgumentHelp("The time between.", valueName: "time"))
    var interval = TimeOption(.seconds(1))

    @Option(help: ArgumentHelp("How long to wait for each answer.", valueName: "time"))
    var timeout = TimeOption(.seconds(5))

    @OptionGroup var options: AgentOptions

    mutating func run() async throws {
        let (options, count, interval, timeout) = (self.options, self.count, self.interval, self.timeout)
        let uri = try options.reached(self.uri, isFirstHop: options.proxy == nil && options.account == nil)
        try await AgentRun.run(options, as: try options.parsedAccount()) { agent in
            var times: [Double] = []
            for number in 1...Swift.max(1, count) {
                let start = ContinuousClock.now
                if let response = try await Self.ask(agent, uri, timeout.duration) {
                    times.append((ContinuousClock.now - start).exactMilliseconds)
                    Self.report(response, number, times[times.count - 1], options.output)
                } else {
                    options.output.emit(
                        "noAnswer", ["number": .number(number)], text: "\(number): no answer in \(timeout.duration)")
                }
                if number < count { try await Task.sleep(until: start + interval.duration, clock: .continuous) }
            }
            guard !times.isEmpty else { throw CommandError(.unreachable, "no answer from \(uri)") }
            guard times.count == Swift.max(1, count) else {
                throw CommandError(.timeout, "\(times.count) of \(count) were answered")
            }
        }
    }

    /// - Returns: `nil` when there was no answer in time.
    static func ask(
        _ agent: UserAgent, _ uri: String, as account: String? = nil, _ limit: Duration
    ) async throws -> Response? {
        try await withThrowingTaskGroup(of: Response?.self) { group in
            group.addTask { try await agent.request("OPTIONS", uri, as: account) }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// What is printed of an answer.
    static func members(_ response: Response, milliseconds: Double) -> [String: JSONValue] {
        func joined(_ name: String) -> JSONValue { .string(response.values(of: name).joined(separator: ", ")) }
        return [
            "status": .number(response.status), "reason": .string(response.reason),
            "milliseconds": .decimal((milliseconds * 100).rounded() / 100), "product": .string(Self.product(response)),
            "allow": joined("Allow"), "supported": joined("Supported"), "accept": joined("Accept"),
        ]
    }

    private static func product(_ response: Response) -> String {
        let server = response.values(of: "Server")
        return (server.isEmpty ? response.values(of: "User-Agent") : server).joined(separator: ", ")
    }

    private static func report(_ response: Response, _ number: Int, _ milliseconds: Double, _ output: Output) {
        func joined(_ name: String) -> String { response.values(of: name).joined(separator: ", ") }
        let product = Self.product(response)
        output.emit(
            "answer",
            Self.members(response, milliseconds: milliseconds).merging(["number": .number(number)]) { $1 },
            text: String(format: "%d: %d %@ in %.2f ms", number, response.status, response.reason, milliseconds)
                + (product.isEmpty ? "" : "\n   is \(product)")
                + (joined("Allow").isEmpty ? "" : "\n   takes \(joined("Allow"))")
                + (joined("Supported").isEmpty ? "" : "\n   supports \(joined("Supported"))"))
    }
}
