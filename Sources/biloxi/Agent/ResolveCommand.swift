import ArgumentParser
import BiloxiKit

/// `biloxi resolve`
struct ResolveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve",
        abstract: "Say which servers an address leads to, in the order in which they are tried.",
        discussion: "NAPTR, SRV, A and AAAA records by RFC 3263. BILOXI_DNS_SERVERS names the DNS servers to ask.")

    @Argument(help: "The address: sip:bob@example.test, sips:example.test, sip:example.test;transport=tcp.")
    var uri: String

    @OptionGroup var options: AgentOptions

    mutating func run() async throws {
        let options = self.options
        let uri = try options.reached(self.uri, isFirstHop: true)
        try await AgentRun.run(options, as: nil) { agent in
            let servers = try await agent.servers(of: uri)
            for (i, server) in servers.enumerated() {
                options.output.emit(
                    "server", server.members.merging(["number": .number(i + 1)]) { $1 }, text: "\(i + 1). \(server)")
            }
        }
    }
}

extension UserAgent.Server {
    /// What is printed of it.
    var members: [String: JSONValue] {
        var members: [String: JSONValue] = [
            "transport": .string(self.transport), "address": .string(self.address),
            "identity": .string(self.identity),
        ]
        if let name { members["name"] = .string(name) }
        return members
    }
}
