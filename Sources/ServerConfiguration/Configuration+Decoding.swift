import CallRouting
import SIPMessages

extension Configuration {
    /// Makes the typed form of a value that has been checked, with all defaults filled in.
    ///
    /// - Parameter resolve: Makes a path absolute that the file gives relative to itself.
    init(_ root: ConfigurationValue, resolve: (ConfigurationValue) -> String?) {
        self.domains = root.texts("domains").map { $0.lowercased() }
        self.ports = root["ports"]?.elements.compactMap { $0.number.flatMap { UInt16(exactly: $0) } } ?? []
        self.listen = root["listen"]?.elements.compactMap { Listener($0) } ?? []
        self.advertise = root["advertise"]?.text
        self.storage = root.choice("storage") ?? .sqlite
        self.data = root["data"].flatMap(resolve)
        self.http = root["http"]?.text.flatMap { Endpoint($0) }
        self.threads = root["threads"]?.number
        self.segmentation = root["segmentation"]?.boolean ?? true
        self.logLevel = root.choice("logLevel") ?? .info
        self.inbound = root.choice("inbound") ?? .anyone
        self.authentication = Authentication(root.child("authentication"))
        self.registrar = Registrar(root.child("registrar"))
        self.proxy = Proxy(root.child("proxy"))
        self.callRecords = CallRecords(root.child("callRecords"))
        self.shutdown = root.seconds("shutdown")
        self.edge = root.child("edge").fields.map { Edge(domain: $0.name, $0.value) }
        self.tls = root["tls"].map { TLS($0, resolve: resolve) }
        self.connections = Connections(root.child("connections"))
        self.bans = Bans(root.child("bans"))
        self.nat = NAT(root.child("nat"))
        self.trunks = root.child("trunks").fields.map { Trunk(name: $0.name, $0.value, resolve: resolve) }
        self.routes = Route.plan(root.child("routes"))
        let domains = self.domains
        self.users = root.child("users").fields.map { User(name: $0.name, $0.value, firstDomain: domains.first ?? "") }
    }
}

extension Listener {
    fileprivate init?(_ value: ConfigurationValue) {
        guard var listener = value["address"]?.text.flatMap({ Listener($0) }) else { return nil }
        listener.advertise = value["advertise"]?.text
        self = listener
    }
}

extension Configuration.Authentication {
    fileprivate init(_ value: ConfigurationValue) {
        self.isRequired = value["required"]?.boolean ?? true
        self.algorithms = value.texts("algorithms").compactMap { Algorithm(rawValue: $0) }
        self.offersIntegrity = value["integrity"]?.boolean ?? false
    }
}

extension Configuration.Registrar {
    fileprivate init(_ value: ConfigurationValue) {
        self.minExpires = UInt32(clamping: value.number("minExpires") ?? 0)
        self.defaultExpires = UInt32(clamping: value.number("defaultExpires") ?? 0)
        self.maxExpires = UInt32(clamping: value.number("maxExpires") ?? 0)
        self.maxContacts = value.number("maxContacts") ?? 1
        self.flowTimer = value.number("flowTimer").map { UInt32(clamping: $0) }
        self.requiresPathSupport = value["path"]?.text == "known"
        self.serviceRoute = value.texts("serviceRoute")
    }
}

extension Configuration.Edge {
    fileprivate init(domain: String, _ value: ConfigurationValue) {
        self.domain = domain.lowercased()
        self.proxy = value["proxy"]?.text
        self.path = value.choice("path") ?? .known
    }
}

extension Configuration.Proxy {
    fileprivate init(_ value: ConfigurationValue) {
        self.mode = value.choice("mode") ?? .stateful
        self.recordRoute = value["recordRoute"]?.boolean ?? true
        self.forking = value.choice("forking") ?? .parallel
        self.timerC = value.seconds("timerC")
        self.redirects = value.choice("redirects") ?? .passOn
    }
}

extension Configuration.CallRecords {
    fileprivate init(_ value: ConfigurationValue) {
        self.isEnabled = value["enabled"]?.boolean ?? true
        self.keepDays = value["keep"]?.number ?? 1
        self.longestCall = value.seconds("longestCall")
    }
}

extension Configuration.TLS {
    fileprivate init(_ value: ConfigurationValue, resolve: (ConfigurationValue) -> String?) {
        self.certificate = value["certificate"].flatMap(resolve) ?? ""
        self.key = value["key"].flatMap(resolve) ?? ""
        self.clientCertificates = value.choice("clientCertificates") ?? .none
        self.authorities = value["authorities"].flatMap(resolve)
    }
}

extension Configuration.Connections {
    fileprivate init(_ value: ConfigurationValue) {
        self.limit = value["limit"]?.number ?? 1
        self.perSource = value["perSource"]?.number ?? 1
        self.idle = value.seconds("idle")
        self.origins = value.texts("origins")
    }
}

extension Configuration.Bans {
    fileprivate init(_ value: ConfigurationValue) {
        self.wrongCredentials = value["wrongCredentials"]?.number ?? 0
        self.malformed = value["malformed"]?.number ?? 0
        self.duration = value.seconds("duration")
    }
}

extension Configuration.NAT {
    fileprivate init(_ value: ConfigurationValue) {
        self.keepAlive = value.choice("keepAlive") ?? .options
        self.interval = value.seconds("interval")
    }
}

extension Configuration.Trunk {
    fileprivate init(name: String, _ value: ConfigurationValue, resolve: (ConfigurationValue) -> String?) {
        self.name = name
        self.targets = value.texts("targets")
        self.failover = value.texts("failover").compactMap { StatusPattern($0) }
        self.noAnswer = value.seconds("noAnswer")
        self.lines = value["lines"]?.number
        self.longestCall = value.seconds("longestCall")
        self.probe = value["probe"]?.number == 0 ? nil : value.seconds("probe")
        self.register = value["register"].map { register in
            Registration(
                user: register["user"]?.text ?? "", passwordFile: register["passwordFile"].flatMap(resolve) ?? "",
                domain: register["domain"]?.text?.lowercased(),
                expires: UInt32(clamping: register["expires"]?.number ?? 0))
        }
        self.login = (value["login"] ?? value["register"]).map { login in
            Login(user: login["user"]?.text ?? "", passwordFile: login["passwordFile"].flatMap(resolve) ?? "")
        }
        self.allow = value.texts("allow").compactMap { AddressBlock($0) }
        self.certificates = value.texts("certificates").map { $0.lowercased() }
        self.inbound = Route.plan(value.child("inbound"))
    }
}

extension Route {
    /// The routes of a list in the order in which they are tried.
    fileprivate static func plan(_ list: ConfigurationValue) -> [Route] {
        let routes = list.elements.compactMap { value in Route(value).map { ($0, value["priority"]?.number ?? 0) } }
        return routes.enumerated().sorted { a, b in
            a.element.1 == b.element.1 ? a.offset < b.offset : a.element.1 > b.element.1
        }.map(\.element.0)
    }

    private init?(_ value: ConfigurationValue) {
        let destination: Route.Destination
        if let to = value.destination("to") {
            destination = to
        } else if let host = value["host"]?.text {
            destination = .host(host)
        } else if let redirection = value["redirect"] {
            destination = .redirect(Redirection(redirection))
        } else if let status = value["reject"]?["status"]?.number.flatMap({ UInt16(exactly: $0) }) {
            destination = .refuse(status, value["reject"]?["reason"]?.text ?? StatusCode(status).reasonPhrase)
        } else {
            return nil
        }
        self.init(
            value.texts("match").compactMap { RoutePattern($0) }, to: destination,
            from: value.texts("from").compactMap { CallerPattern($0) },
            rewriting: value["rewrite"]?.text.map { .template($0) }
                ?? .edit(strip: value["strip"]?.number ?? 0, prepend: value["prepend"]?.text ?? ""))
    }
}

extension Redirection {
    fileprivate init(_ value: ConfigurationValue) {
        let contacts = value["contacts"]?.elements.map { contact in
            Contact(
                contact["uri"]?.text ?? "", q: contact["q"]?.text.flatMap { QValue($0) },
                expires: contact["expires"]?.number.map { UInt32(clamping: $0) })
        }
        self.init(value["status"]?.text.flatMap { UInt16($0) } ?? 302, contacts ?? [])
    }
}

extension Configuration.User {
    fileprivate init(name: String, _ value: ConfigurationValue, firstDomain: String) {
        if let at = name.lastIndex(of: "@") {
            self.user = String(name[..<at])
            self.domain = name[name.index(after: at)...].lowercased()
        } else {
            (self.user, self.domain) = (name, firstDomain)
        }
        self.redirect = value["redirect"].map { Redirection($0) }
        let forward = value.child("forward")
        let noAnswer = forward["noAnswer"]
        self.forward = Forward(
            always: forward.destination("always"), busy: forward.destination("busy"),
            noAnswer: noAnswer?.destination("to"), noAnswerAfter: noAnswer?.seconds("after") ?? .seconds(20),
            unregistered: forward.destination("unregistered"))
        let domain = self.domain
        self.registersFor = value.texts("registersFor").map { $0.contains("@") ? $0 : "\($0)@\(domain)" }
    }
}

extension ConfigurationValue {
    fileprivate func texts(_ name: String) -> [String] { self[name]?.elements.compactMap(\.text) ?? [] }
    fileprivate func child(_ name: String) -> ConfigurationValue {
        self[name] ?? ConfigurationValue(content: .object([]), source: .builtIn)
    }
    fileprivate func number(_ name: String) -> Int? { self[name]?.number }
    fileprivate func seconds(_ name: String) -> Duration { .seconds(self.number(name) ?? 0) }
    fileprivate func destination(_ name: String) -> Route.Destination? {
        self[name]?.text.flatMap { Route.Destination($0) }
    }
    fileprivate func choice<Choice: RawRepresentable<String>>(_ name: String) -> Choice? {
        self[name]?.text.flatMap { Choice(rawValue: $0) }
    }
}
