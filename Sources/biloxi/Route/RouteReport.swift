import CallRouting
import SIPMessages
import ServerCore

/// Where a call would go and why, in words and as JSON.
struct RouteReport {
    private(set) var lines: [String] = []
    private(set) var members: [String: JSONValue] = [:]
    /// How the command ends.
    private(set) var status = ExitStatus.done

    /// What is to be told of a decision.
    ///
    /// - Parameters:
    ///   - bindings: The devices of a user, by `user@domain`.
    ///   - trunks: How the trunks are.
    ///   - isRunning: Whether a server has said so; else what is stored and configured says it.
    init(
        _ uri: String, from caller: Route.Caller, _ decision: RoutingDecision, settings: ServerCore.ServerSettings,
        bindings: ([UInt8]) throws -> [KnownBinding], trunks: [TrunkStatus], isRunning: Bool
    ) rethrows {
        self.members = [
            "uri": .string(uri), "from": .string(Self.name(of: caller)),
            "answeredBy": .string(isRunning ? "server" : "configuration"),
        ]
        self.lines = ["\(uri), called by \(Self.name(of: caller))"]
        self.explain(decision)
        try self.tell(decision.action, settings, bindings, trunks)
    }

    private static func name(of caller: Route.Caller) -> String {
        switch caller {
        case .user(let user, let domain): "\(user)@\(domain)"
        case .trunk(let name): "trunk:\(name)"
        case .stranger: "a stranger"
        }
    }

    private mutating func explain(_ decision: RoutingDecision) {
        switch decision.reason {
        case .route(let match): self.explain(match, "route \(match.position + 1)")
        case .inboundRoute(let match, let trunk):
            self.explain(match, "inbound route \(match.position + 1) of trunk \(trunk)")
        case .host:
            self.members["reason"] = "host"
            self.lines.append("  no route matches: the domain in the URI decides")
        }
        if decision.isByUser { self.lines.append("  the user has set a redirection") }
    }

    private mutating func explain(_ match: DialPlan.Match, _ name: String) {
        self.members["reason"] = .string(name)
        self.members["pattern"] = .string(match.pattern.description)
        self.lines.append("  \(name) (match: \"\(match.pattern)\") leads to \(match.destination)")
    }

    private mutating func tell(
        _ action: RoutingDecision.Action, _ settings: ServerCore.ServerSettings,
        _ bindings: ([UInt8]) throws -> [KnownBinding], _ trunks: [TrunkStatus]
    ) rethrows {
        switch action {
        case .server: self.add("server", "  the server answers it itself")
        case .echo: self.add("echo", "  the server answers it and returns what it hears")
        case .elsewhere(let uri):
            let text = String(decoding: uri, as: UTF8.self)
            self.add("elsewhere", "  it goes to \(text), found by the DNS where that is a name", target: text)
        case .service(let name, let uri):
            self.add("service", "  service \(name) takes it", target: String(decoding: uri, as: UTF8.self))
        case .refuse(let status, let phrase):
            self.add("refused", "  it is refused: \(status) \(phrase)")
            self.members["status"] = .number(Int(status))
            self.members["phrase"] = .string(phrase)
            self.status = .rejected
        case .user(let aor): try self.tellDevices(aor, bindings(aor))
        case .redirect(let redirection, let user): try self.tell(redirection, user, bindings)
        case .trunk(let name, let number): self.tellTrunk(name, number, settings, trunks)
        }
    }

    private mutating func add(_ outcome: String, _ line: String, target: String? = nil) {
        self.members["outcome"] = .string(outcome)
        if let target { self.members["targets"] = .array([.object(["uri": .string(target)])]) }
        self.lines.append(line)
    }

    private mutating func tellDevices(_ aor: [UInt8], _ bindings: [KnownBinding]) {
        let user = String(decoding: aor, as: UTF8.self)
        self.members["user"] = .string(user)
        guard !bindings.isEmpty else {
            self.add("user", "  user \(user) has no device registered: 480")
            self.members["targets"] = .array([])
            self.status = .unreachable
            return
        }
        self.add("user", "  user \(user) is registered at")
        self.members["targets"] = .array(
            bindings.map {
                .object([
                    "uri": .string($0.contact), "q": .string("\($0.q)"), "expires": .number(Int($0.seconds)),
                    "way": .string($0.way),
                ])
            })
        self.lines += bindings.map { "    \($0.contact)  q \($0.q), for \($0.seconds) s, over \($0.way)" }
    }

    private mutating func tell(
        _ redirection: Redirection, _ user: [UInt8], _ bindings: ([UInt8]) throws -> [KnownBinding]
    ) rethrows {
        self.add("redirected", "  the caller is told to try elsewhere: \(redirection.status) \(redirection.phrase)")
        self.members["status"] = .number(Int(redirection.status))
        var contacts = redirection.contacts.map(\.uri)
        if contacts.isEmpty { contacts = try bindings(user).map(\.contact) }
        self.members["targets"] = .array(contacts.map { .object(["uri": .string($0)]) })
        self.lines += contacts.map { "    \($0)" }
        if contacts.isEmpty {
            self.lines.append("    but the user has no device registered: 480")
            self.status = .unreachable
        }
    }

    private mutating func tellTrunk(
        _ name: String, _ number: [UInt8], _ settings: ServerCore.ServerSettings, _ trunks: [TrunkStatus]
    ) {
        let status = trunks.first { $0.name == name }
        var line = "  trunk \(name) dials \(String(decoding: number, as: UTF8.self))"
        self.members["trunk"] = .string(name)
        self.members["number"] = .string(String(decoding: number, as: UTF8.self))
        if let status {
            line += ", \(status.linesInUse)" + (status.lines.map { " of \($0)" } ?? "") + " lines in use"
            self.members["linesInUse"] = .number(status.linesInUse)
            if let lines = status.lines { self.members["lines"] = .number(lines) }
        }
        self.add("trunk", line)
        let uris = settings.trunkURIs(name, number: number)
        var targets: [JSONValue] = []
        for (position, uri) in uris.enumerated() {
            let isUp = status.map { position < $0.targets.count ? $0.targets[position].isUp : true }
            let state = isUp.map { $0 ? ", up" : ", left out: down" } ?? ""
            self.lines.append("    \(position + 1). \(uri)\(state)")
            var target: [String: JSONValue] = ["uri": .string(uri)]
            if let isUp { target["isUp"] = .boolean(isUp) }
            targets.append(.object(target))
        }
        self.members["targets"] = .array(targets)
        guard let status else { return }
        if let lines = status.lines, status.linesInUse >= lines {
            self.lines.append("  but all lines are in use: 503")
            self.status = .busy
        } else if !status.targets.contains(where: \.isUp) {
            self.lines.append("  but none of them is there: 503")
            self.status = .unreachable
        }
    }
}
