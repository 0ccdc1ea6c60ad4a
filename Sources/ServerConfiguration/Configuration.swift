public import CallRouting
public import SIPMessages

/// What a server is told to do: the file, with the environment and the command's options on top.
///
/// It holds no secret, only the names of files with secrets.
public struct Configuration: Hashable, Sendable {
    /// Where registrations are kept.
    public enum Storage: String, Hashable, Sendable { case sqlite, memory }
    /// How much is logged.
    public enum LogLevel: String, Hashable, Sendable { case trace, debug, info, notice, warning, error }
    /// Who may call our users from outside.
    public enum Inbound: String, Hashable, Sendable { case anyone, users, trusted, none }

    /// The domains whose users register here, in lower case; never empty.
    public var domains: [String]
    /// Further ports at which the domains are this server.
    public var ports: [UInt16]
    /// Where the server listens; never empty.
    public var listen: [Listener]
    /// The address or name that others reach the server by.
    public var advertise: String?
    /// Where registrations are kept.
    public var storage: Storage
    /// The data directory; `nil` for the default one.
    public var data: String?
    /// Where the web page and the HTTP API are served.
    public var http: Endpoint?
    /// How many threads serve UDP; `nil` for one per processor.
    public var threads: Int?
    /// Whether datagrams to one address may leave in one piece that the system divides.
    public var segmentation: Bool
    /// What is logged.
    public var logLevel: LogLevel
    /// How users prove who they are.
    public var authentication: Authentication
    /// How long and how often users may register.
    public var registrar: Registrar
    /// How requests are forwarded.
    public var proxy: Proxy
    /// What is kept of calls.
    public var callRecords: CallRecords
    /// How long requests in progress may take to end when the server is stopped.
    public var shutdown: Duration
    /// Domains of other servers, for which this one is an edge proxy, in the order of the file.
    public var edge: [Edge]
    /// The server's certificate.
    public var tls: TLS?
    /// How many connections there may be.
    public var connections: Connections
    /// What is put up with from one source.
    public var bans: Bans
    /// How devices behind NAT boxes are kept in reach.
    public var nat: NAT
    /// Gateways, in the order of the file.
    public var trunks: [Trunk]
    /// Who may call our users from outside.
    public var inbound: Inbound
    /// The dial plan, in the order in which the routes are tried.
    public var routes: [Route]
    /// What holds for single users, in the order of the file.
    public var users: [User]

    /// How users prove who they are.
    public struct Authentication: Hashable, Sendable {
        /// A digest algorithm, by its name in the `algorithm` parameter (RFC 7616 §3.3).
        public enum Algorithm: String, Hashable, Sendable, CaseIterable {
            // swift-format-ignore: AlwaysUseLowerCamelCase
            case sha512_256 = "SHA-512-256"
            case sha256 = "SHA-256"
            case md5 = "MD5"
        }
        /// Whether users must prove who they are.
        public var isRequired: Bool
        /// What is offered, the preferred first; never empty.
        public var algorithms: [Algorithm]
        /// Whether `auth-int` is offered beside `auth` (RFC 7616 §3.4.3).
        public var offersIntegrity: Bool
    }

    /// How long and how often users may register: seconds, with `minExpires <= defaultExpires <= maxExpires`.
    public struct Registrar: Hashable, Sendable {
        /// The shortest registration, in seconds.
        public var minExpires: UInt32
        /// How long a registration lasts that does not say, in seconds.
        public var defaultExpires: UInt32
        /// The longest registration, in seconds.
        public var maxExpires: UInt32
        /// How many devices one user may have registered.
        public var maxContacts: Int
        /// Seconds between the keep-alives of devices with outbound flows; `nil` asks for nothing (RFC 5626 §4.4).
        public var flowTimer: UInt32?
        /// Whether devices must know Path that register through proxies which write one (RFC 3327 §5.3).
        public var requiresPathSupport = false
        /// The URIs of the proxies that requests of devices are to pass (RFC 3608).
        public var serviceRoute: [String] = []
    }

    /// A domain of another server, for which this one is an edge proxy.
    public struct Edge: Hashable, Sendable {
        /// Whether the server stays on the path to devices that register through it.
        public enum Path: String, Hashable, Sendable { case known, any, none }
        /// The domain, in lower case.
        public var domain: String
        /// The URI of the home's proxy; `nil` where the DNS says.
        public var proxy: String?
        /// Whether the server stays on the path to devices.
        public var path: Path
    }

    /// How requests are forwarded.
    public struct Proxy: Hashable, Sendable {
        /// How the devices of a user are tried.
        public enum Forking: String, Hashable, Sendable { case parallel, sequential }
        /// Whether requests are forwarded with transactions.
        public enum Mode: String, Hashable, Sendable { case stateful, stateless }
        /// Whether requests are forwarded with transactions (RFC 3261 §16.2, §16.11).
        public var mode: Mode
        /// Whether the server stays in the path of a call.
        public var recordRoute: Bool
        /// How the devices of a user are tried.
        public var forking: Forking
        /// More than three minutes (RFC 3261 §16.6).
        public var timerC: Duration
        /// What becomes of an answer that redirects.
        public enum Redirects: String, Hashable, Sendable { case passOn, follow }
        /// What becomes of an answer that redirects.
        public var redirects: Redirects
    }

    /// What is kept of calls.
    public struct CallRecords: Hashable, Sendable {
        /// Whether calls are recorded.
        public var isEnabled: Bool
        /// How long a record is kept, in days.
        public var keepDays: Int
        /// How long a call may take without a sign of its end.
        public var longestCall: Duration
    }

    /// The server's certificate. Paths are absolute, or relative to the working directory.
    public struct TLS: Hashable, Sendable {
        /// What is asked of those who connect.
        public enum ClientCertificates: String, Hashable, Sendable { case none, optional, required }
        /// The file with the certificate chain, PEM.
        public var certificate: String
        /// The file with the private key, PEM.
        public var key: String
        /// What is asked of those who connect.
        public var clientCertificates: ClientCertificates
        /// The file with the certificates that others' must lead to, PEM; `nil` for the system's.
        public var authorities: String?
    }

    /// How many connections of TCP, TLS and WebSocket there may be.
    public struct Connections: Hashable, Sendable {
        /// At a time.
        public var limit: Int
        /// From one IPv4 address or one /64 of IPv6.
        public var perSource: Int
        /// How long one may be silent over which nobody has registered.
        public var idle: Duration
        /// The pages from which browsers may connect: `own`, `any` or origins.
        public var origins: [String]
    }

    /// What is put up with from one source in ten minutes; 0 counts none.
    public struct Bans: Hashable, Sendable {
        /// Wrong credentials.
        public var wrongCredentials: Int
        /// Messages that break the grammar.
        public var malformed: Int
        /// How long a source is kept out that did more.
        public var duration: Duration
    }

    /// How devices behind NAT boxes are kept in reach over UDP.
    public struct NAT: Hashable, Sendable {
        /// What is sent to them.
        public enum KeepAlive: String, Hashable, Sendable { case options, emptyLines, off }
        /// What is sent to them.
        public var keepAlive: KeepAlive
        /// How often.
        public var interval: Duration
    }

    /// A gateway to another network.
    public struct Trunk: Hashable, Sendable {
        /// How the server registers at the gateway.
        public struct Registration: Hashable, Sendable {
            /// The user part of our address there.
            public var user: String
            /// The file whose first line is the password.
            public var passwordFile: String
            /// The domain of our address there; `nil` for the host of the first target.
            public var domain: String?
            /// How long a registration is asked for, in seconds.
            public var expires: UInt32
        }
        /// How calls log in.
        public struct Login: Hashable, Sendable {
            /// The user name.
            public var user: String
            /// The file whose first line is the password.
            public var passwordFile: String
        }
        /// The name, by which routes call it.
        public var name: String
        /// The gateways' URIs in the order they are tried; never empty.
        public var targets: [String]
        /// The answers after which the next target is tried.
        public var failover: [StatusPattern]
        /// How long a target may be silent before the next is tried.
        public var noAnswer: Duration
        /// How many calls may use the trunk at a time; `nil` for any number.
        public var lines: Int?
        /// When a call is forgotten whose end was not seen.
        public var longestCall: Duration
        /// How often each gateway is asked whether it is there; `nil` for never.
        public var probe: Duration?
        /// How the server registers at the gateway, if it must.
        public var register: Registration?
        /// How calls log in, if they can: as `register`, where nothing else is said.
        public var login: Login?
        /// From where its calls come.
        public var allow: [AddressBlock]
        /// The SIP domains that its certificates are for, in lower case.
        public var certificates: [String]
        /// Where calls from it go, in the order in which the routes are tried.
        public var inbound: [Route]
    }

    /// What holds for one user.
    public struct User: Hashable, Sendable {
        /// Where a user's calls go when the user does not take them.
        public struct Forward: Hashable, Sendable {
            /// Where every call goes, without ringing.
            public var always: Route.Destination?
            /// Where a call goes when the user is busy.
            public var busy: Route.Destination?
            /// Where a call goes when the user does not answer.
            public var noAnswer: Route.Destination?
            /// How long the devices ring before that.
            public var noAnswerAfter: Duration
            /// Where a call goes when the user has no device registered.
            public var unregistered: Route.Destination?
        }
        /// The user part.
        public var user: String
        /// The domain, in lower case.
        public var domain: String
        /// Where callers are told to call instead; `nil` lets the user's devices ring.
        public var redirect: Redirection?
        /// Where the user's calls go when the user does not take them.
        public var forward: Forward
        /// Other users whose devices this one may register, as `user@domain`.
        public var registersFor: [String]
    }
}
