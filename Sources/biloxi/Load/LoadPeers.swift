import ArgumentParser
import BiloxiKit
import Foundation
import LoadCore
import SIPAuthentication
import SIPMessages
import SignallingTransport

/// Who takes part, and the way to the server.
struct LoadPeerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many users take turns; their numbers replace %d.", valueName: "n"))
    var users = 1

    @Option(help: ArgumentHelp("The number of the first user.", valueName: "n"))
    var firstUser = 1

    @Option(help: ArgumentHelp("Who calls, or is registered: sip:user%d@example.test.", valueName: "uri"))
    var account: String?

    @Option(
        help: ArgumentHelp(
            "The file with the password in its first line, in which %d is the number of the user; - is standard input. "
                + "BILOXI_PASSWORD holds it too.", valueName: "file"))
    var passwordFile: String?

    @Option(
        help: ArgumentHelp("The user name of the password, where it is not that of the account.", valueName: "name"))
    var username: String?

    @Option(
        help: ArgumentHelp("The server that all requests go to: 192.0.2.1:5060;transport=tcp.", valueName: "uri"))
    var proxy: String?

    @Option(help: ArgumentHelp("The transport, where the address names none.", valueName: "udp|tcp|tls"))
    var via: String?

    @Option(
        help: ArgumentHelp(
            "Where to send from, or with --respond to listen: udp:192.0.2.1:5070, 192.0.2.1.", valueName: "listener"))
    var local: String?

    @Option(help: ArgumentHelp("UDP ports to send from, of each thread.", valueName: "n"))
    var sockets = 4

    @Option(
        help: ArgumentHelp(
            "Connections to the server over TCP or TLS, over which what begins takes turns.", valueName: "n"))
    var connections = 1

    @Option(help: ArgumentHelp("Threads.", valueName: "n"))
    var threads = 1

    @Option(help: ArgumentHelp("A PEM file with the roots that TLS servers must lead to.", valueName: "file"))
    var tlsRoots: String?

    @Flag(help: "Do not check who a TLS server is.")
    var insecure = false

    func validate() throws {
        guard (1...10_000_000).contains(self.users) else {
            throw ValidationError("--users \(self.users): give 1 to 10000000")
        }
        guard (1...64).contains(self.threads) else { throw ValidationError("--threads \(self.threads): give 1 to 64") }
        guard (1...200).contains(self.sockets) else {
            throw ValidationError("--sockets \(self.sockets): give 1 to 200")
        }
        guard (1...1000).contains(self.connections) else {
            throw ValidationError("--connections \(self.connections): give 1 to 1000")
        }
        guard self.firstUser >= 0, self.firstUser <= 100_000_000 else {
            throw ValidationError("--first-user \(self.firstUser): give 0 to 100000000")
        }
        if let via = self.via, !["udp", "tcp", "tls"].contains(via.lowercased()) {
            throw ValidationError("--via \(via): use udp, tcp or tls")
        }
    }

    /// The address that first requests go to.
    func firstHop(_ uri: String, number: Int) -> String {
        let address = LoadTarget.sipURI(NumberedText(self.proxy ?? uri).text(number))
        guard let via = self.via, !address.lowercased().contains(";transport=") else { return address }
        return "\(address);transport=\(via.lowercased())"
    }

    /// The address that `--local` names; `nil` where it names none.
    var localAddress: SocketAddress? {
        guard let text = self.local else { return nil }
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        let isPrefixed = ["udp", "tcp", "tls"].contains(parts[0].lowercased())
        let address = isPrefixed ? (parts.count > 1 ? parts[1] : "") : text
        // Others are told this address, so that it must be one.
        guard let uri = try? SIPURI("sip:\(address)"), let ip = uri.host.address, !ip.isUnspecified else { return nil }
        return SocketAddress(ip, uri.port ?? 0)
    }

    /// Where a responder listens.
    func listener() throws(CommandError) -> (TransportProtocol, SocketAddress) {
        guard self.local != nil else { return (.udp, SocketAddress(.loopback, 5060)) }
        guard let address = self.localAddress else { throw self.badLocal }
        let prefix = self.local.flatMap { $0.split(separator: ":").first }?.lowercased() ?? "udp"
        let transport = TransportProtocol(["tcp", "tls"].contains(prefix) ? prefix : self.via?.lowercased() ?? "udp")
        let bound = address.port == 0 ? SocketAddress(address.ip, transport.defaultPort) : address
        return (transport, bound)
    }

    private var badLocal: CommandError {
        CommandError(.usage, "--local \(self.local ?? ""): write udp:192.0.2.1:5070 or 192.0.2.1")
    }

    func settings(_ target: LoadTarget) throws(CommandError) -> LoadHost.Settings {
        if self.local != nil, self.localAddress == nil { throw self.badLocal }
        if target.transport == .udp, self.connections > 1 {
            throw CommandError(
                .usage, "--connections \(self.connections): UDP has none; add --via tcp or tls, or use --sockets")
        }
        let local = self.localAddress ?? SocketAddress(target.localAddress, 0)
        var settings = LoadHost.Settings(server: target.address, local: local)
        settings.transport = target.transport
        (settings.sockets, settings.connections, settings.threads) = (self.sockets, self.connections, self.threads)
        settings.streams = try self.streams(local.ip)
        return settings
    }

    func streams(_ ip: IPAddress) throws(CommandError) -> StreamSettings {
        var streams = StreamSettings()
        // Their waiting would be taken for the server's.
        streams.letsMessagesGather = false
        do {
            var tls = TLSSettings(selfSigned: try SelfSignedCertificate(domains: [], addresses: [ip]))
            tls.trustRootsFile = self.tlsRoots
            tls.verifiesServers = !self.insecure
            tls.showsCertificateToServers = false
            streams.tls = tls
        } catch {
            throw CommandError(.failed, "\(error)")
        }
        return streams
    }

    /// What answers challenges; `nil` without a password.
    func credentials(account: String) throws(CommandError) -> LoadPlan.Credentials? {
        guard let password = try Password.given(file: self.passwordFile) else { return nil }
        let user = account.drop { $0 != ":" }.dropFirst().prefix { $0 != "@" && $0 != ":" }
        return .digest(username: NumberedText(self.username ?? String(user)), password: NumberedText(password))
    }
}

extension LoadPlan.Credentials {
    /// Digest credentials (RFC 7616).
    static func digest(username: NumberedText, password: NumberedText) -> LoadPlan.Credentials {
        LoadPlan.Credentials { response, value, method, uri, user, output in
            guard let challenge = try? DigestChallenge(parsing: response, in: value.range), challenge.isSupported,
                let algorithm = challenge.algorithm
            else { return false }
            let name = username.text(user)
            let secret = DigestSecret(
                username: name, realm: challenge.realm, password: password.text(user), algorithm: algorithm.base)
            let cnonce = String(UInt64.random(in: 0...(.max)), radix: 36)
            guard var session = DigestSession(challenge, username: name, secret: secret, cnonce: cnonce) else {
                return false
            }
            session.writeCredentials(method: Method(method), uri: uri, body: Span(), to: &output)
            return true
        }
    }
}

/// The server that a load goes to.
struct LoadTarget: Sendable {
    let transport: TransportProtocol
    let address: SocketAddress
    /// Over TLS, the domain that the certificate must be for.
    let domain: [UInt8]

    /// The address of ours that it sees.
    var localAddress: IPAddress {
        LocalAddresses.source(towards: self.address.ip) ?? (self.address.ip.isLoopback ? self.address.ip : .loopback)
    }

    /// The same as a host in a URI.
    func localHost(_ local: SocketAddress?) -> String { Host(local?.ip ?? self.localAddress).description }

    /// Finds the server of a URI (RFC 3263).
    ///
    /// - Throws: `CommandError`.
    static func find(_ uri: String, _ options: LoadPeerOptions) async throws -> LoadTarget {
        guard let parsed = try? SIPURI(uri) else {
            throw CommandError(.usage, "\"\(uri)\" is no address: write sip:bob@192.0.2.1 or sip:user%d@example.test")
        }
        var settings = UserAgentSettings()
        if let servers = ProcessInfo.processInfo.environment["BILOXI_DNS_SERVERS"], !servers.isEmpty {
            settings.dnsServers = [servers]
        }
        if let ip = parsed.host.address {
            let transport =
                parsed.transport.map { TransportProtocol($0) } ?? (parsed.isSecure ? .tls : TransportProtocol.udp)
            guard [.udp, .tcp, .tls].contains(transport) else {
                throw CommandError(.usage, "\(uri): use transport udp, tcp or tls")
            }
            return LoadTarget(
                transport: transport, address: SocketAddress(ip, parsed.port ?? transport.defaultPort), domain: [])
        }
        do {
            return try await withUserAgent([], settings: settings) { agent in
                guard let server = try await agent.servers(of: uri).first,
                    let place = try? SIPURI("sip:\(server.address)"),
                    let ip = place.host.address
                else { throw CommandError(.unreachable, "no way leads to \(uri)") }
                let transport = TransportProtocol(server.transport)
                return LoadTarget(
                    transport: transport, address: SocketAddress(ip, place.port ?? transport.defaultPort),
                    domain: transport.isSecure ? Array(server.identity.utf8) : [])
            }
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError(error, nil, settings)
        }
    }

    /// The address with its scheme.
    static func sipURI(_ text: String) -> String {
        text.hasPrefix("sip:") || text.hasPrefix("sips:") ? text : "sip:" + text
    }

    /// The URI of the domain alone, which a REGISTER is addressed to (RFC 3261 §10.2).
    static func withoutUser(_ uri: String) -> String {
        guard let at = uri.lastIndex(of: "@"), let colon = uri.firstIndex(of: ":") else { return uri }
        return String(uri[...colon] + uri[uri.index(after: at)...])
    }
}
