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
                var members: [String: JSONValue] = [
                    "number": .number(i + 1), "transport": .string(server.transport),
                    "address": .string(server.address), "identity": .string(server.identity),
                ]
                if let name = server.name { members["name"] = .string(name) }
                options.output.emit("server", members, text: "\(i + 1). \(server)")
            }
        }
    }
}
