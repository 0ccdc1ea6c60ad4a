public import SIPMessages

extension Resolver {
    /// Whom a resolver asks, and how long it waits.
    public struct Settings: Sendable {
        /// The DNS servers; none means those of the system (`/etc/resolv.conf`).
        public var servers: [SocketAddress]
        /// How long a question may take in all, repetitions included; then it is answered with `timedOut`. At least a
        /// millisecond.
        public var timeout: TimeSpan
        /// How often a server is asked before that.
        public var attempts: Int
        /// The most questions under way; further ones are refused.
        public var maximumOutstanding: Int
        /// Whether names in `/etc/hosts` have the addresses given there.
        public var readsHostsFile: Bool

        /// The defaults: the servers of the system, three seconds, two attempts.
        public init(
            servers: [SocketAddress] = [], timeout: TimeSpan = .seconds(3), attempts: Int = 2,
            maximumOutstanding: Int = 4096, readsHostsFile: Bool = true
        ) {
            self.servers = servers
            self.timeout = timeout
            self.attempts = attempts
            self.maximumOutstanding = maximumOutstanding
            self.readsHostsFile = readsHostsFile
        }

        /// The environment variable that names DNS servers in place of those of the system.
        public static let environmentVariable = "BILOXI_DNS_SERVERS"

        /// The defaults with the servers that `BILOXI_DNS_SERVERS` names, if it is set: `192.0.2.53,[2001:db8::53]:5353`.
        ///
        /// - Throws: `TransportError` when one of them is no address.
        public init(environment: [String: String]) throws(TransportError) {
            self.init()
            guard let text = environment[Self.environmentVariable], !text.isEmpty else { return }
            for part in text.split(separator: ",") {
                guard let server = Self.server(part) else {
                    throw TransportError(
                        "\(Self.environmentVariable): '\(part)' is no address: write 192.0.2.53, 192.0.2.53:5353 or "
                            + "[2001:db8::53]:5353")
                }
                self.servers.append(server)
            }
        }

        /// An address with or without a port; 53 where none is given.
        private static func server(_ text: Substring) -> SocketAddress? {
            let text = text.split(separator: " ").joined()
            if let ip = IPAddress(text) { return SocketAddress(ip, 53) }
            guard text.hasSuffix("]") == false, let colon = text.lastIndex(of: ":") else {
                return text.hasPrefix("[") ? IPAddress(text.dropFirst().dropLast()).map { SocketAddress($0, 53) } : nil
            }
            var host = text[..<colon]
            guard let port = UInt16(text[text.index(after: colon)...]), port > 0 else { return nil }
            if host.hasPrefix("["), host.hasSuffix("]") {
                host = host.dropFirst().dropLast()
                return IPAddress(host).flatMap { $0.isIPv6 ? SocketAddress($0, port) : nil }
            }
            return IPAddress(host).flatMap { $0.isIPv6 ? nil : SocketAddress($0, port) }
        }

        /// The servers as c-ares wants them.
        var serverList: String { self.servers.map { $0.description }.joined(separator: ",") }
    }
}
