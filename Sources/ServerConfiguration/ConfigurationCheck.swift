import CallRouting
import SIPMessages

/// Looks at what several values mean together.
struct ConfigurationCheck {
    let root: ConfigurationValue
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [ConfigurationProblem] = []

    /// Whether values that were wrong have been left out, so that what is missing says nothing.
    let isIncomplete: Bool

    init(_ root: ConfigurationValue, isIncomplete: Bool) { (self.root, self.isIncomplete) = (root, isIncomplete) }

    mutating func run() {
        self.checkRepetition(of: "domains", text: { $0.lowercased() })
        self.checkRepetition(of: "listen", key: "address", text: { Listener($0)?.description ?? $0 })
        self.checkExpires()
        self.checkOpenness()
        self.checkHTTP()
        self.checkCertificates()
        self.checkDestinations()
        self.checkRoutes()
        self.checkUsers()
        self.checkEdge()
    }

    mutating func note(_ source: ConfigurationSource, _ message: String) {
        self.problems.append(ConfigurationProblem(source: source, message: message))
    }

    /// - Parameter key: Which member of an element counts, where these are objects.
    private mutating func checkRepetition(of name: String, key: String? = nil, text: (String) -> String) {
        var seen: Set<String> = []
        for element in self.root[name]?.elements.compactMap({ value in key.map { value[$0] } ?? value }) ?? [] {
            let canonical = text(element.text ?? "")
            if !seen.insert(canonical).inserted { self.note(element.source, "\(name) has \(canonical) twice") }
        }
    }

    private mutating func checkExpires() {
        let names = ["minExpires", "defaultExpires", "maxExpires"]
        let values = names.map { self.root["registrar"]?[$0] }
        for index in 0..<2 {
            guard let lower = values[index], let upper = values[index + 1], let least = lower.number,
                let most = upper.number, least > most
            else { continue }
            // Blame the one that someone wrote.
            let source = upper.source == .builtIn ? lower.source : upper.source
            self.note(
                source,
                "registrar.\(names[index]) (\(least) s) must not exceed registrar.\(names[index + 1]) (\(most) s)")
        }
    }

    /// Health and metrics are for operators, and are shown without a password.
    private mutating func checkHTTP() {
        guard let http = self.root["http"], let endpoint = http.text.flatMap({ Endpoint($0) }),
            endpoint.host != "localhost", IPAddress(endpoint.host)?.isLoopback != true
        else { return }
        self.warnings.append(
            ConfigurationProblem(
                source: http.source,
                message:
                    "http \(endpoint) can be reached by others, and asks for no password: let a firewall keep it for"
                    + " operators, or use a loopback address"))
    }

    /// A server that lets everyone in, and can be reached, is found and used by strangers within hours.
    private mutating func checkOpenness() {
        guard let required = self.root["authentication"]?["required"], required.boolean == false else { return }
        let open = (self.root["listen"]?.elements ?? []).first { element in
            element["address"]?.text.flatMap { Listener($0) }.map { !$0.address.ip.isLoopback } ?? false
        }
        if let text = open?["address"]?.text {
            self.warnings.append(
                ConfigurationProblem(
                    source: required.source,
                    message:
                        "authentication.required is false, and \(text) can be reached by others: anyone can register"
                        + " and call"))
        }
    }

    /// A trunk is known by its certificate only where those who connect are asked for one.
    private mutating func checkCertificates() {
        let asked = self.root["tls"]?["clientCertificates"]?.text ?? "none"
        guard asked == "none" else { return }
        for trunk in self.root["trunks"]?.fields ?? [] {
            guard let certificates = trunk.value["certificates"], !certificates.elements.isEmpty else { continue }
            self.note(
                certificates.source,
                "trunks.\(trunk.name).certificates needs tls.clientCertificates to be optional or required: nobody is"
                    + " asked for a certificate")
        }
    }

    private mutating func checkDestinations() {
        let trunks = self.root["trunks"]?.fields.map(\.name) ?? []
        func check(_ value: ConfigurationValue?, at path: String, into problems: inout [ConfigurationProblem]) {
            guard let value, case .trunk(let name) = value.text.flatMap({ Route.Destination($0) }),
                !trunks.contains(name)
            else {
                return
            }
            let hint =
                trunks.isEmpty
                ? ": there are no trunks" : Suggestion.text(for: name, among: trunks)
            problems.append(
                ConfigurationProblem(
                    source: value.source, message: "\(path) names trunk \"\(name)\", which is unknown\(hint)"))
        }
        for (path, route) in self.routes {
            check(route["to"], at: "\(path).to", into: &self.problems)
            for caller in route["from"]?.elements ?? [] where caller.text?.hasPrefix("trunk:") == true {
                check(caller, at: "\(path).from", into: &self.problems)
            }
        }
        for user in self.root["users"]?.fields ?? [] {
            for field in user.value["forward"]?.fields ?? [] {
                let value = field.name == "noAnswer" ? field.value["to"] : field.value
                check(value, at: "users.\(user.name).forward.\(field.name)", into: &self.problems)
            }
        }
    }

    private mutating func checkUsers() {
        let domains = (self.root["domains"]?.elements ?? []).compactMap { $0.text?.lowercased() }
        var seen: Set<String> = []
        for field in self.root["users"]?.fields ?? [] {
            let parts = field.name.split(separator: "@", omittingEmptySubsequences: false)
            let domain = parts.count > 1 ? (parts.last ?? "").lowercased() : domains.first ?? ""
            if parts.count > 1, !domains.contains(domain) {
                self.note(
                    field.nameSource,
                    "users has \(field.name), whose domain is not in domains"
                        + Suggestion.text(for: domain, among: domains)
                )
            }
            let user = parts.count > 1 ? parts.dropLast().joined(separator: "@") : field.name
            if !seen.insert("\(user)@\(domain)").inserted {
                self.note(field.nameSource, "users has \(user)@\(domain) twice")
            }
            if let forward = field.value["forward"], !forward.fields.isEmpty {
                self.warnings.append(
                    ConfigurationProblem(
                        source: forward.source,
                        message: "users.\(field.name).forward is without effect: this version forwards no calls"))
            }
        }
    }

    /// A domain is either ours or another server's.
    private mutating func checkEdge() {
        let domains = (self.root["domains"]?.elements ?? []).compactMap { $0.text?.lowercased() }
        for field in self.root["edge"]?.fields ?? [] where domains.contains(field.name.lowercased()) {
            self.note(field.nameSource, "edge has \(field.name), which is in domains: its users register here")
        }
        for field in self.root["edge"]?.fields ?? [] {
            guard let proxy = field.value["proxy"], let text = proxy.text, text.lowercased().hasPrefix("tel:") else {
                continue
            }
            self.note(proxy.source, "edge.\(field.name).proxy must be a SIP URI such as sip:192.0.2.7, not \"\(text)\"")
        }
    }

    /// The values that name files, with their keys.
    static func files(in root: ConfigurationValue) -> [(key: String, value: ConfigurationValue)] {
        var files: [(String, ConfigurationValue)] = []
        for name in ["certificate", "key", "authorities"] {
            if let value = root["tls"]?[name] { files.append(("tls.\(name)", value)) }
        }
        for trunk in root["trunks"]?.fields ?? [] {
            for key in ["register", "login"] {
                if let value = trunk.value[key]?["passwordFile"] {
                    files.append(("trunks.\(trunk.name).\(key).passwordFile", value))
                }
            }
        }
        return files
    }
}
