import ArgumentParser
import BiloxiKit
import Foundation

/// What all commands take that are a telephone: who calls, and by which way.
struct AgentOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Who one is: sip:alice@example.test; BILOXI_ACCOUNT names it too.", valueName: "uri"))
    var account: String?

    @Option(
        help: ArgumentHelp(
            "The file with the account's password in its first line; - is standard input. BILOXI_PASSWORD holds it too.",
            valueName: "file"))
    var passwordFile: String?

    @Option(
        help: ArgumentHelp("The user name of the password, where it is not that of the account.", valueName: "name"))
    var username: String?

    @Option(help: ArgumentHelp("The name that others see.", valueName: "name"))
    var displayName: String?

    @Option(
        help: ArgumentHelp("The server that all requests pass first: 192.0.2.1:5060;transport=tcp.", valueName: "uri"))
    var proxy: String?

    @Option(help: ArgumentHelp("The transport to the server, where its address names none.", valueName: "udp|tcp|tls"))
    var via: String?

    @Option(
        help: ArgumentHelp("Where to listen: udp:192.0.2.1:5062; can be repeated.", valueName: "listener"))
    var local: [String] = []

    @Option(help: ArgumentHelp("The address that others reach us by, where it is not the local one.", valueName: "ip"))
    var advertise: String?

    @Option(
        help: ArgumentHelp("Encodings by preference, of PCMU, PCMA, opus, G722, L16, G729, G723.", valueName: "names"))
    var codec: String?

    @Option(
        help: ArgumentHelp(
            "SRTP for the audio: none; sdes, with keys in the messages; dtls, with keys of a handshake. With the last two a "
                + "call without SRTP is refused.", valueName: "none|sdes|dtls"))
    var srtp: String?

    @Option(help: ArgumentHelp("The ports for audio.", valueName: "first-last"))
    var mediaPorts: String?

    @Option(help: ArgumentHelp("A PEM file with the roots that TLS servers must lead to.", valueName: "file"))
    var tlsRoots: String?

    @Flag(help: "Do not check who a TLS server is.")
    var insecure = false

    @Flag(help: "Print one JSON object for each event.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "At the end, draw the messages: FILE.svg as a picture, else as text; - is standard error.",
            valueName: "file")
    )
    var ladder: String?

    @Option(
        help: ArgumentHelp(
            "At the end, write messages and sound as captured packets (pcapng), without credentials and unprotected.",
            valueName: "file"))
    var pcap: String?

    @Flag(name: .shortAndLong, help: "Print the messages to standard error.")
    var verbose = false

    var output: Output { Output(isJSON: self.json) }

    /// The account with its password; `nil` when none is named.
    func parsedAccount() throws(CommandError) -> BiloxiKit.Account? {
        let environment = ProcessInfo.processInfo.environment
        guard let address = self.account ?? environment["BILOXI_ACCOUNT"] else { return nil }
        var account = BiloxiKit.Account(try self.reached(address, isFirstHop: self.proxy == nil))
        account.password = try Password.given(file: self.passwordFile)
        account.username = self.username
        account.displayName = self.displayName
        account.proxy = try self.proxy.map { (text) throws(CommandError) in try self.reached(text, isFirstHop: true) }
        return account
    }

    /// An address with the transport that is wanted, where it is where requests go first and names none.
    func reached(_ address: String, isFirstHop: Bool) throws(CommandError) -> String {
        guard let via = self.via else { return address }
        guard ["udp", "tcp", "tls"].contains(via.lowercased()) else {
            throw CommandError(.usage, "--via \(via): use udp, tcp or tls")
        }
        guard isFirstHop, !address.lowercased().contains(";transport=") else { return address }
        return "\(address);transport=\(via.lowercased())"
    }

    func listeners() throws(CommandError) -> [Listener] {
        try self.local.map { (text) throws(CommandError) in
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            guard parts.count == 2, let colon = parts[1].lastIndex(of: ":"),
                let port = UInt16(parts[1][parts[1].index(after: colon)...])
            else { throw CommandError(.usage, "--local \(text): write udp:192.0.2.1:5062, tcp:… or tls:…") }
            var host = String(parts[1][..<colon])
            if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
            switch parts[0] {
            case "udp": return .udp(host, port)
            case "tcp": return .tcp(host, port)
            case "tls": return .tls(host, port)
            default: throw CommandError(.usage, "--local \(text): \(parts[0]) is no transport; use udp, tcp or tls")
            }
        }
    }

    func settings() throws(CommandError) -> UserAgentSettings {
        var settings = UserAgentSettings()
        settings.product = "Biloxi/\(Biloxi.version)"
        if let codec { settings.codecs = codec.split(separator: ",").map(String.init) }
        if let srtp {
            guard let encryption = MediaEncryption(rawValue: srtp.lowercased()) else {
                throw CommandError(.usage, "--srtp \(srtp): use none, sdes or dtls")
            }
            settings.encryption = encryption
        }
        if let mediaPorts {
            let parts = mediaPorts.split(separator: "-").compactMap { UInt16($0) }
            guard parts.count == 2, parts[0] < parts[1] else {
                throw CommandError(.usage, "--media-ports \(mediaPorts): write 10000-19999")
            }
            settings.mediaPorts = parts[0]...parts[1]
        }
        settings.advertise = self.advertise
        settings.proxy = try self.proxy.map { (text) throws(CommandError) in try self.reached(text, isFirstHop: true) }
        settings.trustRootsFile = self.tlsRoots
        settings.verifiesServers = !self.insecure
        if let servers = ProcessInfo.processInfo.environment["BILOXI_DNS_SERVERS"], !servers.isEmpty {
            settings.dnsServers = [servers]
        }
        return settings
    }
}

/// A time as people write it: `10`, `10s`, `1.5s`, `500ms`, `2m`.
struct TimeOption: ExpressibleByArgument, Sendable {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    /// As it stands in the help: `60s`, `500ms`.
    var defaultValueDescription: String {
        let milliseconds = self.duration.milliseconds
        return milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000)s" : "\(milliseconds)ms"
    }

    init?(argument: String) {
        let units: [(suffix: String, milliseconds: Double)] = [
            ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000),
        ]
        let unit = units.first { argument.hasSuffix($0.suffix) }
        let digits = unit.map { argument.dropLast($0.suffix.count) } ?? argument[...]
        guard let value = Double(digits), value.isFinite, value >= 0, value < 1e9 else { return nil }
        self.duration = .milliseconds(Int64((value * (unit?.milliseconds ?? 1_000)).rounded()))
    }
}
