import SIPMessages

extension Configuration {
    /// Makes the typed form of a value that has been checked, with all defaults filled in.
    ///
    /// - Parameter resolve: Makes a path absolute that the file gives relative to itself.
    init(_ root: ConfigurationValue, resolve: (ConfigurationValue) -> String?) {
        self.domains = root.texts("domains").map { $0.lowercased() }
        self.listen = root.texts("listen").compactMap { Listener($0) }
        self.advertise = root["advertise"]?.text
        self.storage = root.choice("storage") ?? .sqlite
        self.data = root["data"].flatMap(resolve)
        self.http = root["http"]?.text.flatMap { Endpoint($0) }
        self.threads = root["threads"]?.number
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
        self.nat = NAT(root.child("nat"))
        self.trunks = root.child("trunks").fields.map { Trunk(name: $0.name, $0.value, resolve: resolve) }
        let routes = root.child("routes").elements.compactMap { Route($0) }
        self.routes = routes.enumerated().sorted { a, b in
            a.element.priority == b.element.priority ? a.offset < b.offset : a.element.priority > b.element.priority
        }.map(\.element)
        let domains = self.domains
        self.users = root.child("users").fields.map { User(name: $0.name, $0.value, firstDomain: domains.first ?? "") }
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
        self.minExpires = UInt32(clamping: value["minExpires"]?.number ?? 0)
        self.defaultExpires = UInt32(clamping: value["defaultExpires"]?.number ?? 0)
        self.maxExpires = UInt32(clamping: value["maxExpires"]?.number ?? 0)
        self.maxContacts = value["maxContacts"]?.number ?? 1
        self.flowTimer = value["flowTimer"]?.number.map { UInt32(clamping: $0) }
        self.requiresPathSupport = value["path"]?.text != "any"
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
        self.recordRoute = value["recordRoute"]?.boolean ?? true
        self.forking = value.choice("forking") ?? .parallel
        self.timerC = value.seconds("timerC")
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
        self.register = value["register"].map { register in
            Registration(
                user: register["user"]?.text ?? "", passwordFile: register["passwordFile"].flatMap(resolve) ?? "",
                domain: register["domain"]?.text?.lowercased())
        }
        self.allow = value.texts("allow").compactMap { AddressBlock($0) }
        self.certificates = value.texts("certificates").map { $0.lowercased() }
    }
}

extension Configuration.Route {
    fileprivate init?(_ value: ConfigurationValue) {
        guard let to = value.destination("to") else { return nil }
        self.match = value.texts("match").compactMap { RoutePattern($0) }
        self.to = to
        self.rewrite = value["rewrite"]?.text
        self.priority = value["priority"]?.number ?? 0
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
    fileprivate func seconds(_ name: String) -> Duration { .seconds(self[name]?.number ?? 0) }
    fileprivate func destination(_ name: String) -> Destination? { self[name]?.text.flatMap { Destination($0) } }
    fileprivate func choice<Choice: RawRepresentable<String>>(_ name: String) -> Choice? {
        self[name]?.text.flatMap { Choice(rawValue: $0) }
    }
}
