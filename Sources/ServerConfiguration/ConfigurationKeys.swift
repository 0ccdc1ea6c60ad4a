/// Every key of the file, once: its form, what holds without it, and what it does.
///
/// `biloxi config schema` prints this table; the reader checks files by it; the decoder reads defaults from it.
enum ConfigurationKeys {
    static let root: [Shape.Key] = [
        .init(
            "domains", .list(.text(.domain), atLeast: 1), default: "[biloxi.localhost]",
            "The domains whose users register here. The first is the one that short names belong to."),
        .init(
            "ports", .list(.number(1...65_535, unit: ""), atLeast: 0), default: "[]",
            "Ports besides those of listen at which the domains are this server: where a load balancer or port forward"
                + " stands before it. A URI with any other port leads elsewhere."),
        .init(
            "listen", .list(.shorthand(key: "address", Self.listener), atLeast: 1),
            default: "[\"udp:127.0.0.1:5060\", \"tcp:127.0.0.1:5060\"]",
            "Where the server listens: transport, address, port. 0.0.0.0 and [::] are all addresses of the machine."),
        .init(
            "advertise", .text(.domain),
            "The address or name that others reach the server by, for Via, Record-Route, Contact and SDP, when it is"
                + " not the one it listens at. A listener may have another one, which is not in SDP."),
        .init(
            "storage", .choice(["sqlite", "memory"]), default: "sqlite",
            "Where registrations are kept: in the database of the data directory, or in memory until the server ends."),
        .init(
            "data", .text(.directory),
            "The directory of database and control socket. Without it, biloxi below XDG_DATA_HOME or ~/.local/share."),
        .init(
            "http", .text(.endpoint),
            "Where /health and /metrics are served, without a password: an address that only operators reach. Without it,"
                + " nowhere."),
        .init(
            "threads", .number(1...256, unit: "threads"), "How many threads serve UDP. Without it, one per processor."),
        .init(
            "segmentation", .boolean, default: "true",
            "Whether, under load, messages over UDP to one address leave in one piece that the system divides, which saves"
                + " processor time. Captures on loopback, or before a network card that divides itself, then show them as one"
                + " packet."),
        .init(
            "logLevel", .choice(["trace", "debug", "info", "notice", "warning", "error"]), default: "info",
            "What is logged. Identities of callers show from debug downwards only."),
        .init("authentication", .object(Self.authentication), default: "{}", "How users prove who they are."),
        .init("registrar", .object(Self.registrar), default: "{}", "How long and how often users may register."),
        .init("proxy", .object(Self.proxy), default: "{}", "How requests are forwarded."),
        .init(
            "callRecords", .object(Self.callRecords), default: "{}",
            "What is kept of calls: who called whom, when, and how it ended. biloxi calls shows them."),
        .init(
            "shutdown", .number(0...300, unit: "seconds"), default: "5",
            "How long requests in progress may take to end when the server is stopped; new ones are answered 503."),
        .init(
            "edge", .named(name: "domain", .object(Self.edge)), default: "{}",
            "Domains of other servers for whose users this one is an edge proxy: it passes their registrations and"
                + " requests on to their home (RFC 3327, RFC 5626)."),
        .init(
            "tls", .object(Self.tls),
            "The server's certificate, for the listeners tls and wss; without it the server makes its own."),
        .init(
            "connections", .object(Self.connections), default: "{}",
            "How many connections of TCP, TLS and WebSocket there may be, and how long they may be silent."),
        .init(
            "bans", .object(Self.bans), default: "{}",
            "What is put up with from one IPv4 address or one /64 of IPv6. One that does worse is"
                + " banned where it has proved its address: by a connection, or by answering a challenge. Over UDP, where"
                + " an address may be forged, it is limited to a few messages a second else. Gateways known by address"
                + " are let be. `biloxi bans` shows who is kept out, and lets in again."),
        .init("nat", .object(Self.nat), default: "{}", "How devices behind NAT boxes are kept in reach over UDP."),
        .init(
            "trunks", .named(name: "trunk", .object(Self.trunk)), default: "{}",
            "Gateways to other networks, by names of your choice."),
        .init(
            "inbound", .choice(["anyone", "users", "trusted", "none"]), default: "anyone",
            "Who may call our users from outside: anyone, only the addresses that trunks allow and who has a password"
                + " here, only those addresses, or no one."),
        .init(
            "routes", .list(.object(Self.route), atLeast: 0), default: "[]",
            "The dial plan: the first route that matches what was dialled says where the call goes. It is for requests"
                + " outside dialogs, and comes before the users."),
        .init(
            "users", .named(name: "user", .object(Self.user)), default: "{}",
            "What holds for single users, by user part, or user@domain where there are several domains."),
    ]

    private static let listener: [Shape.Key] = [
        .init("address", .text(.listener), required: true, "The transport, address and port."),
        .init(
            "advertise", .text(.domain),
            "The address or name that others reach this listener by. Without it, that of advertise for all."),
    ]

    private static let authentication: [Shape.Key] = [
        .init(
            "required", .boolean, default: "true",
            "Whether users must prove who they are to register and to call (RFC 3261 §22)."),
        .init(
            "algorithms", .list(.choice(["SHA-512-256", "SHA-256", "MD5"]), atLeast: 1), default: "[SHA-256, MD5]",
            "The digest algorithms that are offered, the preferred first (RFC 7616 §3.7)."),
        .init(
            "integrity", .boolean, default: "false",
            "Whether clients are offered to protect the body of requests too: qop auth-int (RFC 7616 §3.4.3)."),
    ]

    private static let registrar: [Shape.Key] = [
        .init(
            "minExpires", .number(1...3600, unit: "seconds"), default: "60",
            "The shortest registration; a shorter wish is answered 423. At most an hour (RFC 3261 §10.3)."),
        .init(
            "defaultExpires", .number(1...604_800, unit: "seconds"), default: "3600",
            "How long a registration lasts that does not say."),
        .init(
            "maxExpires", .number(1...604_800, unit: "seconds"), default: "7200",
            "The longest registration; a longer wish is shortened."),
        .init(
            "maxContacts", .number(1...1000, unit: "devices"), default: "10",
            "How many devices one user may have registered."),
        .init(
            "flowTimer", .number(30...3600, unit: "seconds"),
            "How often devices with outbound flows are asked to send a keep-alive. Without it, as they like"
                + " (RFC 5626 §4.4)."),
        .init(
            "path", .choice(["known", "any"]), default: "any",
            "Whether a registration that came through edge proxies must be of a device that knows Path; others are"
                + " answered 420 (RFC 3327 §5.3)."),
        .init(
            "serviceRoute", .list(.text(.uri), atLeast: 0), default: "[]",
            "The proxies that a device's requests are to pass on their way out, in this order (RFC 3608)."),
    ]

    private static let edge: [Shape.Key] = [
        .init(
            "proxy", .text(.uri),
            "The URI of the home's proxy, such as sip:192.0.2.7. Without it, where the DNS says the domain is."),
        .init(
            "path", .choice(["known", "any", "none"]), default: "known",
            "Whether the server stays on the path of requests to the domain's users who register through it: known asks"
                + " for devices that know Path and answers others 421, any does not ask, none stays out."),
    ]

    private static let proxy: [Shape.Key] = [
        .init(
            "mode", .choice(["stateful", "stateless"]), default: "stateful",
            "Whether requests are forwarded with transactions, or each as it comes to one device (RFC 3261 §16.11): then"
                + " nothing forks, is sent again or recorded. Calls by trunks keep their transactions."),
        .init(
            "recordRoute", .boolean, default: "true",
            "Whether the server stays in the path of a call's later requests (RFC 3261 §16.6)."),
        .init(
            "forking", .choice(["parallel", "sequential"]), default: "parallel",
            "Whether a user's devices ring together, or one after the other by their q."),
        .init(
            "redirects", .choice(["passOn", "follow"]), default: "passOn",
            "Whether an answer that redirects goes back to the caller, or the server tries the contacts in it itself"
                + " (RFC 3261 §16.7)."),
        .init(
            "timerC", .number(181...3600, unit: "seconds"), default: "185",
            "How long a call may ring without a sign of life; more than 180 s (RFC 3261 §16.6)."),
    ]

    private static let callRecords: [Shape.Key] = [
        .init("enabled", .boolean, default: "true", "Whether calls are recorded, where storage is sqlite."),
        .init(
            "keep", .number(1...3650, unit: "days"), default: "90", "How long the record of a call is kept."),
        .init(
            "longestCall", .number(60...604_800, unit: "seconds"), default: "43200",
            "How long a call without session timer may take before it counts as lost, when no BYE comes."),
    ]

    private static let tls: [Shape.Key] = [
        .init("certificate", .text(.file), required: true, "The certificate chain, in PEM form."),
        .init("key", .text(.file), required: true, "The private key of the certificate, in PEM form."),
        .init(
            "clientCertificates", .choice(["none", "optional", "required"]), default: "none",
            "Whether those who connect are asked for a certificate, or must have one."),
        .init(
            "authorities", .text(.file),
            "The certificates that others' certificates must lead to, in PEM form. Without it, those of the system."),
    ]

    private static let connections: [Shape.Key] = [
        .init(
            "limit", .number(1...1_000_000, unit: "connections"), default: "100000",
            "How many there may be at a time. One more is closed when it comes."),
        .init(
            "perSource", .number(1...1_000_000, unit: "connections"), default: "2000",
            "How many of them may have come from one IPv4 address, or from one /64 of IPv6."),
        .init(
            "idle", .number(30...86_400, unit: "seconds"), default: "600",
            "How long one may be silent over which nobody has registered."),
        .init(
            "origins", .list(.text(.origin), atLeast: 1), default: "[own]",
            "The pages from which browsers may connect by WebSocket: own stands for pages of the domains and of the host"
                + " that the browser connects to, any for all (RFC 6455 §10.2). Phones name no page, and may connect."),
    ]

    private static let bans: [Shape.Key] = [
        .init(
            "wrongCredentials", .number(0...1_000_000, unit: "requests"), default: "60",
            "How often wrong credentials may come in ten minutes; 0 counts none."),
        .init(
            "malformed", .number(0...1_000_000, unit: "messages"), default: "200",
            "How often messages that break the grammar may come in ten minutes; 0 counts none."),
        .init(
            "duration", .number(1...86_400, unit: "seconds"), default: "600",
            "How long a source is kept out."),
    ]

    private static let nat: [Shape.Key] = [
        .init(
            "keepAlive", .choice(["options", "emptyLines", "off"]), default: "options",
            "What is sent to devices whose Contact is not where they came from: OPTIONS, whose answer keeps a mapping"
                + " alive in every NAT box, or two empty lines, which need no answer."),
        .init(
            "interval", .number(5...600, unit: "seconds"), default: "25",
            "How often; less than the shortest time after which a NAT box forgets a device, often 30 s."),
    ]

    private static let trunk: [Shape.Key] = [
        .init("targets", .list(.text(.uri), atLeast: 1), required: true, "The gateways, in the order they are tried."),
        .init(
            "failover", .list(.text(.status), atLeast: 0), default: "[503, 5xx, 408]",
            "The answers after which the next gateway is tried."),
        .init(
            "noAnswer", .number(1...180, unit: "seconds"), default: "4",
            "How long a gateway may be silent before the next is tried."),
        .init(
            "lines", .number(1...65_535, unit: "calls"),
            "How many calls may use the trunk at a time. Without it, any number."),
        .init(
            "longestCall", .number(60...604_800, unit: "seconds"), default: "14400",
            "When a call is forgotten whose end was not seen, so that its line is free again. A call with a session timer"
                + " (RFC 4028) is forgotten when that has run out."),
        .init(
            "probe", .number(0...3600, unit: "seconds"), default: "60",
            "How often each gateway is asked with OPTIONS whether it is there; one that does not answer is left out until"
                + " it does. 0 is never."),
        .init(
            "login", .object(Self.login),
            "How calls log in at the gateway when it asks for a password. Without it, as register does."),
        .init("register", .object(Self.registration), "How the server registers at the gateway, if it must."),
        .init(
            "allow", .list(.text(.block), atLeast: 0), default: "[]",
            "The addresses from which calls of this trunk come; they are let in without a password, to users of the"
                + " server."),
        .init(
            "certificates", .list(.text(.domain), atLeast: 0), default: "[]",
            "The SIP domains of this trunk: who shows a certificate for one of them over TLS is let in likewise. Needs"
                + " tls.clientCertificates."),
        .init(
            "inbound", .list(.object(Self.route), atLeast: 0), default: "[]",
            "Where calls from this trunk go, before the routes of all. What no route is for goes to the user of that name."
        ),
    ]

    private static let registration: [Shape.Key] = [
        .init("user", .text(.any), required: true, "The user part of our address there."),
        .init("passwordFile", .text(.file), required: true, "The file whose first line is the password."),
        .init("domain", .text(.domain), "The domain of our address there. Without it, the host of the first target."),
        .init(
            "expires", .number(60...604_800, unit: "seconds"), default: "3600",
            "How long a registration is asked for; it is renewed in time."),
    ]

    private static let login: [Shape.Key] = [
        .init("user", .text(.any), required: true, "The user name."),
        .init("passwordFile", .text(.file), required: true, "The file whose first line is the password."),
    ]

    private static let route: [Shape.Key] = [
        .init(
            "match", .list(.text(.pattern), atLeast: 1), required: true,
            "What was dialled: ? is any character, * any number of them, [2-9] one of these, {200-299} a number. It is"
                + " the user part, or where it begins with sip:, sips: or tel: the whole URI without parameters."),
        .init(
            "to", .text(.destination),
            "Where the call goes; $0 is what was dialled, $1 to $9 what the wildcards stood for. Instead of it, host,"
                + " redirect or reject."),
        .init("host", .text(.hostPort), "Where the call goes: the URI that was dialled, with this host."),
        .init("redirect", .object(Self.redirect), "Where the caller is told to call instead (RFC 3261 §8.3)."),
        .init("reject", .shorthand(key: "status", Self.reject), "With which status the call is refused."),
        .init(
            "from", .list(.text(.callers), atLeast: 1),
            "Whose calls the route is for. Without it, for all who may go where it leads: to trunks and other servers only"
                + " users."),
        .init("strip", .number(0...64, unit: "characters"), default: "0", "What is taken off the front of the number."),
        .init("prepend", .text(.any), "What is put before the number then."),
        .init(
            "rewrite", .text(.any),
            "The number that is dialled on, in place of strip and prepend; $0 to $9 as in to."),
        .init(
            "priority", .number(-1000...1000, unit: ""), default: "0",
            "Routes of higher priority are tried first; equal ones in the order of the file."),
    ]

    private static let redirect: [Shape.Key] = [
        .init("status", .choice(["300", "301", "302", "305", "380"]), default: "302", "The answer (RFC 3261 §21.3)."),
        .init(
            "contacts", .list(.shorthand(key: "uri", Self.contact), atLeast: 0), default: "[]",
            "Where to call instead. Without any, the devices that the called user has registered."),
    ]

    private static let contact: [Shape.Key] = [
        .init("uri", .text(.uri), required: true, "The URI."),
        .init("q", .text(.preference), "How much it is preferred to others, from 0 to 1."),
        .init(
            "expires", .number(0...604_800, unit: "seconds"),
            "How long the caller may remember it. Without it, for this call only."),
    ]

    private static let reject: [Shape.Key] = [
        .init("status", .number(400...699, unit: ""), required: true, "The status, 400 to 699."),
        .init("reason", .text(.any), "The reason phrase. Without it, that of the status."),
    ]

    private static let user: [Shape.Key] = [
        .init(
            "redirect", .object(Self.redirect),
            "Where callers of this user are told to call instead, without ringing (RFC 3261 §8.3)."),
        .init(
            "forward", .object(Self.forward), default: "{}",
            "Where the user's calls go when the user does not take them."),
        .init(
            "registersFor", .list(.text(.any), atLeast: 0), default: "[]",
            "Other users whose devices this one may register, with its own password (RFC 3261 §10.3)."),
    ]

    private static let forward: [Shape.Key] = [
        .init("always", .text(.destination), "Where every call goes, without ringing."),
        .init("busy", .text(.destination), "Where a call goes when the user is busy."),
        .init("noAnswer", .shorthand(key: "to", Self.noAnswer), "Where a call goes when the user does not answer."),
        .init("unregistered", .text(.destination), "Where a call goes when the user has no device registered."),
    ]

    private static let noAnswer: [Shape.Key] = [
        .init("to", .text(.destination), required: true, "Where the call goes."),
        .init("after", .number(1...180, unit: "seconds"), default: "20", "How long the user's devices ring first."),
    ]
}
