import CallRouting
import Foundation
import SIPMessages
import Testing

@testable import ServerConfiguration

@Suite("Configuration")
struct ConfigurationTests {
    private func load(
        _ yaml: String? = nil, environment: [String: String] = [:], overrides: [Configuration.Override] = []
    ) throws -> Configuration {
        try Configuration.load(yaml: yaml, path: "/etc/biloxi/f.yaml", environment: environment, overrides: overrides)
            .configuration
    }

    @Test("Without a file the server is on loopback, for biloxi.localhost, with authentication on")
    func isSecureByDefault() throws {
        let configuration = try self.load()
        #expect(configuration.domains == ["biloxi.localhost"])
        #expect(configuration.listen.map(\.description) == ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"])
        #expect(configuration.authentication.isRequired)
        #expect(configuration.authentication.algorithms == [.sha256, .md5])
        #expect(
            configuration.registrar
                == .init(minExpires: 60, defaultExpires: 3600, maxExpires: 7200, maxContacts: 10))
        #expect(
            configuration.proxy
                == .init(
                    mode: .stateful, recordRoute: true, forking: .parallel, timerC: .seconds(185), redirects: .passOn))
        #expect(
            configuration.connections == .init(limit: 100_000, perSource: 2000, idle: .seconds(600), origins: ["own"]))
        #expect(configuration.bans == .init(wrongCredentials: 60, malformed: 200, duration: .seconds(600)))
        #expect(configuration.nat == .init(keepAlive: .options, interval: .seconds(25)))
        #expect(configuration.storage == .sqlite)
        #expect(configuration.callRecords == .init(isEnabled: true, keepDays: 90, longestCall: .seconds(43_200)))
        #expect(configuration.shutdown == .seconds(5))
        #expect(configuration.logLevel == .info)
        #expect(configuration.inbound == .anyone)
        #expect(configuration.tls == nil && configuration.http == nil && configuration.data == nil)
        #expect(configuration.trunks.isEmpty && configuration.routes.isEmpty && configuration.users.isEmpty)
    }

    @Test("An empty file, or one of comments, is no file", arguments: ["", "# nothing\n", "---\n", "{}", "trunks:\n"])
    func acceptsEmpty(yaml: String) throws {
        #expect(try self.load(yaml) == self.load())
    }

    private static let everything = """
        domains: [Biloxi.example, example.test]
        listen:
          - udp:0.0.0.0:5060
          - udp:[::1]:5060
          - { address: tls:0.0.0.0, advertise: sip.biloxi.example }
        advertise: 203.0.113.7
        storage: memory
        data: /var/lib/biloxi
        http: 127.0.0.1:8080
        threads: 4
        logLevel: debug
        authentication: { required: true, algorithms: [SHA-512-256, SHA-256, MD5], integrity: true }
        registrar: { minExpires: 30, defaultExpires: 600, maxExpires: 600, maxContacts: 3, flowTimer: 120, path: any,
                     serviceRoute: ["sip:192.0.2.7;lr", "sip:192.0.2.8;lr"] }
        edge:
          Atlanta.example: { proxy: "sip:192.0.2.9", path: any }
          chicago.example: {}
        proxy: { mode: stateless, recordRoute: false, forking: sequential, timerC: 181, redirects: follow }
        callRecords: { enabled: false, keep: 7, longestCall: 7200 }
        shutdown: 30
        tls: { certificate: cert.pem, key: /keys/key.pem, clientCertificates: optional, authorities: ca.pem }
        trunks:
          pstn: { targets: ["sip:192.0.2.10", "sip:192.0.2.11"], failover: [503, 5xx, 408], noAnswer: 5, lines: 30,
                  register: { user: "4711", passwordFile: trunk.secret }, allow: ["192.0.2.0/24", "2001:db8::/32"],
                  certificates: [PSTN.example], inbound: [{ match: "4711*", to: "user:$1" }], longestCall: 600,
                  probe: 0 }
        connections: { limit: 10, perSource: 5, idle: 60, origins: https://phone.example:8443 }
        bans: { wrongCredentials: 0, malformed: 7, duration: 60 }
        nat: { keepAlive: emptyLines, interval: 15 }
        inbound: trusted
        routes:
          - { match: "9???", to: trunk:pstn }
          - { match: ["echo", "600"], to: service:echo, priority: 5 }
          - { match: "0049*", to: trunk:pstn, rewrite: "+49$1", from: [users, "trunk:pstn"] }
          - { match: "7*", strip: 1, prepend: "+", host: "gw.example:5080" }
          - { match: "8*", redirect: { status: 301, contacts: [{ uri: "sip:a@b.test", q: 0.7, expires: 60 }] } }
          - { match: ["0900*", "sip:*@bad.example"], reject: { status: 403, reason: No Premium Numbers } }
          - { match: "666", reject: 404 }
        users:
          bob: { forward: { busy: "sip:carol@biloxi.example", noAnswer: { after: 30, to: service:voicemail } },
                 registersFor: [carol, Carol@example.test] }
          dave: { redirect: { contacts: "sip:dave@b.test" } }
          Carol@example.test: { forward: { noAnswer: "sip:bob@biloxi.example", always: "tel:+49301234" } }
        """

    @Test("Every key arrives, and paths are relative to the file")
    func readsEverything() throws {
        let configuration = try self.load(Self.everything)
        #expect(configuration.domains == ["biloxi.example", "example.test"])
        #expect(configuration.listen.map(\.description) == ["udp:0.0.0.0:5060", "udp:[::1]:5060", "tls:0.0.0.0:5061"])
        #expect(configuration.listen.map(\.advertise) == [nil, nil, "sip.biloxi.example"])
        #expect(configuration.advertise == "203.0.113.7")
        #expect(configuration.storage == .memory)
        #expect(configuration.data == "/var/lib/biloxi")
        #expect(configuration.http?.description == "127.0.0.1:8080")
        #expect(configuration.threads == 4)
        #expect(configuration.logLevel == .debug)
        #expect(configuration.callRecords == .init(isEnabled: false, keepDays: 7, longestCall: .seconds(7200)))
        #expect(configuration.shutdown == .seconds(30))
        #expect(configuration.authentication.algorithms == [.sha512_256, .sha256, .md5])
        #expect(configuration.authentication.offersIntegrity)
        #expect(
            configuration.registrar
                == .init(
                    minExpires: 30, defaultExpires: 600, maxExpires: 600, maxContacts: 3, flowTimer: 120,
                    requiresPathSupport: false, serviceRoute: ["sip:192.0.2.7;lr", "sip:192.0.2.8;lr"]))
        #expect(
            configuration.edge == [
                .init(domain: "atlanta.example", proxy: "sip:192.0.2.9", path: .any),
                .init(domain: "chicago.example", proxy: nil, path: .known),
            ])
        #expect(configuration.users.first?.registersFor == ["carol@biloxi.example", "Carol@example.test"])
        #expect(
            configuration.proxy
                == .init(
                    mode: .stateless, recordRoute: false, forking: .sequential, timerC: .seconds(181),
                    redirects: .follow
                ))
        #expect(
            configuration.tls
                == .init(
                    certificate: "/etc/biloxi/cert.pem", key: "/keys/key.pem", clientCertificates: .optional,
                    authorities: "/etc/biloxi/ca.pem"))
        let trunk = try #require(configuration.trunks.first)
        #expect(trunk.name == "pstn")
        #expect(trunk.targets == ["sip:192.0.2.10", "sip:192.0.2.11"])
        #expect(trunk.failover.map(\.codes) == [503...503, 500...599, 408...408])
        #expect(trunk.noAnswer == .seconds(5))
        #expect(trunk.lines == 30)
        #expect(
            trunk.register == .init(user: "4711", passwordFile: "/etc/biloxi/trunk.secret", domain: nil, expires: 3600))
        #expect(trunk.login == .init(user: "4711", passwordFile: "/etc/biloxi/trunk.secret"))
        #expect(trunk.inbound.map(\.destination) == [.user("$1")])
        #expect(trunk.longestCall == .seconds(600) && trunk.probe == nil)
        #expect(trunk.allow.map(\.description) == ["192.0.2.0/24", "2001:db8::/32"])
        #expect(trunk.certificates == ["pstn.example"])
        #expect(
            configuration.connections
                == .init(
                    limit: 10, perSource: 5, idle: .seconds(60), origins: ["https://phone.example:8443"]))
        #expect(configuration.bans == .init(wrongCredentials: 0, malformed: 7, duration: .seconds(60)))
        #expect(configuration.nat == .init(keepAlive: .emptyLines, interval: .seconds(15)))
        #expect(configuration.inbound == .trusted)
        #expect(
            configuration.routes.map { $0.match.map(\.description) }
                == [["echo", "600"], ["9???"], ["0049*"], ["7*"], ["8*"], ["0900*", "sip:*@bad.example"], ["666"]])
        #expect(
            configuration.routes.map(\.destination) == [
                .service("echo"), .trunk("pstn"), .trunk("pstn"), .host("gw.example:5080"),
                .redirect(Redirection(301, [.init("sip:a@b.test", q: QValue("0.7"), expires: 60)])),
                .refuse(403, "No Premium Numbers"), .refuse(404, "Not Found"),
            ])
        #expect(configuration.routes[2].rewriting == .template("+49$1"))
        #expect(configuration.routes[2].from == [.users, .trunk("pstn")])
        #expect(configuration.routes[3].rewriting == .edit(strip: 1, prepend: "+"))
        #expect(
            configuration.users.map { "\($0.user)@\($0.domain)" }
                == ["bob@biloxi.example", "dave@biloxi.example", "Carol@example.test"])
        #expect(configuration.users[1].redirect == Redirection(302, [.init("sip:dave@b.test")]))
        #expect(
            configuration.users.first?.forward
                == .init(
                    always: nil, busy: .uri("sip:carol@biloxi.example"), noAnswer: .service("voicemail"),
                    noAnswerAfter: .seconds(30), unregistered: nil))
        #expect(configuration.users.last?.forward.noAnswer == .uri("sip:bob@biloxi.example"))
        #expect(configuration.users.last?.forward.noAnswerAfter == .seconds(20))
    }

    @Test("The files that a configuration names are listed with their places")
    func listsFiles() throws {
        let loaded = try Configuration.load(yaml: Self.everything, path: "f.yaml", environment: [:], overrides: [])
        #expect(loaded.files.map(\.path) == ["cert.pem", "/keys/key.pem", "ca.pem", "trunk.secret"])
        #expect(
            loaded.files.map(\.key)
                == ["tls.certificate", "tls.key", "tls.authorities", "trunks.pstn.register.passwordFile"])
        #expect(loaded.files.last?.source == .file("f.yaml", line: 24, column: 51))
    }

    @Test("The environment overrides the file, and options override both")
    func overrides() throws {
        let configuration = try self.load(
            "registrar: {minExpires: 30, maxContacts: 2}\ndomains: a.test\nlisten: tcp:127.0.0.1:1\nthreads: 2",
            environment: [
                "BILOXI_REGISTRAR_MINEXPIRES": "60", "BILOXI_DOMAINS": "b.test, c.test", "BILOXI_THREADS": "3",
                "BILOXI_LISTEN": "udp:[::1]:5060", "BILOXI_PASSWORD": "x", "HOME": "/root",
            ],
            overrides: [
                .init(key: "threads", values: ["4"], option: "--threads"),
                .init(key: "domains", values: ["d.test", "e.test"], option: "--domain"),
            ])
        #expect(configuration.registrar.minExpires == 60)
        #expect(configuration.registrar.maxContacts == 2)
        #expect(configuration.domains == ["d.test", "e.test"])
        #expect(configuration.listen.map(\.description) == ["udp:[::1]:5060"])
        #expect(configuration.threads == 4)
    }

    @Test("Any key has a variable: those of named objects, lists and objects too")
    func overridesDeepKeys() throws {
        let configuration = try self.load(
            "trunks: {pstn-1: {targets: [\"sip:192.0.2.1\"]}}",
            environment: [
                "BILOXI_TRUNKS_PSTN_1_LINES": "7", "BILOXI_TRUNKS_PSTN_1_FAILOVER": "[503, 6xx]",
                "BILOXI_ROUTES": "[{match: \"9*\", to: \"trunk:pstn-1\"}]",
                "BILOXI_USERS": "{bob: {forward: {busy: \"service:voicemail\"}}}",
            ])
        #expect(configuration.trunks.first?.lines == 7)
        #expect(configuration.trunks.first?.failover.map(\.description) == ["503", "6xx"])
        #expect(configuration.routes.first?.destination == .trunk("pstn-1"))
        #expect(configuration.users.first?.forward.busy == .service("voicemail"))
    }

    @Test("A bad variable or option is named in the error")
    func blamesOverrides() {
        let error = #expect(throws: ConfigurationError.self) {
            try self.load(
                environment: ["BILOXI_PROXY_TIMERC": "60"],
                overrides: [.init(key: "listen", values: ["udp"], option: "--listen")])
        }
        #expect(
            error?.problems.map(\.description) == [
                "BILOXI_PROXY_TIMERC: proxy.timerC must be 181 to 3600 seconds, not 60: timer C must be larger than 3 minutes"
                    + " (RFC 3261 §16.6)",
                "--listen: listen must be TRANSPORT:ADDRESS:PORT such as udp:127.0.0.1:5060 or tls:[::1]:5061, with the"
                    + " transport udp, tcp, tls, ws or wss, not \"udp\"",
            ])
    }

    @Test(
        "HTTP at an address that others reach earns a warning",
        arguments: [
            ("192.0.2.1:8080", true), ("0.0.0.0:8080", true), ("metrics.example:8080", true), ("127.0.0.1:80", false),
            ("[::1]:80", false), ("localhost:80", false),
        ])
    func warnsOfHTTP(address: String, isOpen: Bool) throws {
        let loaded = try Configuration.load(
            yaml: "http: \"\(address)\"", path: "f.yaml", environment: [:], overrides: [])
        #expect(
            loaded.warnings.map(\.description)
                == (isOpen
                    ? [
                        "f.yaml:1:7: http \(address) can be reached by others, and asks for no password: let a firewall"
                            + " keep it for operators, or use a loopback address"
                    ] : []))
    }

    @Test("A variable that nearly stands for a key, and an open server, earn a warning")
    func warns() throws {
        let loaded = try Configuration.load(
            yaml: "authentication: {required: false}\nlisten: [\"udp:0.0.0.0:5060\"]", path: "f.yaml",
            environment: ["BILOXI_REGISTRAR_MINEXPIRE": "60", "BILOXI_UNRELATED_THING": "1"], overrides: [])
        #expect(
            loaded.warnings.map(\.description) == [
                "BILOXI_REGISTRAR_MINEXPIRE: stands for no key: did you mean BILOXI_REGISTRAR_MINEXPIRES?",
                "f.yaml:1:28: authentication.required is false, and udp:0.0.0.0:5060 can be reached by others: anyone can"
                    + " register and call",
            ])
        #expect(
            try Configuration.load(
                yaml: "authentication: {required: false}", path: "f.yaml", environment: [:], overrides: []
            ).warnings.isEmpty)
    }

    @Test("What is without effect yet is said")
    func warnsOfForwarding() throws {
        let loaded = try Configuration.load(
            yaml: "users: {bob: {forward: {busy: \"user:carol\"}}, carol: {}}", path: "f.yaml", environment: [:],
            overrides: [])
        #expect(
            loaded.warnings.map(\.description)
                == ["f.yaml:1:24: users.bob.forward is without effect: this version forwards no calls"])
    }

    @Test("Every key has a line in the text, and a place in the JSON Schema")
    func describesEveryKey() throws {
        let text = ConfigurationSchema.text
        let json = try #require(
            JSONSerialization.jsonObject(with: Data(ConfigurationSchema.json.utf8)) as? [String: Any])
        let properties = try #require(json["properties"] as? [String: Any])
        #expect(Set(properties.keys) == Set(ConfigurationKeys.root.map(\.name)))
        for variable in ConfigurationOverlay.variables(of: ConfigurationKeys.root, value: nil, path: []) {
            #expect(text.contains(variable.path.joined(separator: ".") + "\n"))
        }
        #expect(text.contains("proxy.timerC\n    181 to 3600 seconds; default 185\n    How long a call may ring"))
        #expect(text.contains("trunks.NAME.targets\n"))
    }
}

@Suite("Values of the configuration")
struct ConfigurationValueTests {
    @Test(
        "Listeners",
        arguments: [
            ("udp:127.0.0.1:5060", "udp:127.0.0.1:5060"), ("TLS:[::1]:0", "tls:[::1]:0"),
            ("wss:0.0.0.0", "wss:0.0.0.0:443"),
            ("tcp:[2001:db8::1]", "tcp:[2001:db8::1]:5060"), ("udp:5060", nil), ("udp:::1:5060", nil),
            ("udp:[127.0.0.1]:1", nil),
            ("udp:127.0.0.1:65536", nil), ("udp:127.0.0.1:+1", nil), ("udp:127.0.0.1:", nil), ("dccp:127.0.0.1:1", nil),
            ("udp:localhost:5060", nil), ("sctp:127.0.0.1:1", nil), ("", nil),
        ] as [(String, String?)])
    func listeners(text: String, expected: String?) {
        #expect(Listener(text)?.description == expected)
    }

    @Test(
        "Blocks of addresses",
        arguments: [
            ("192.0.2.0/24", "192.0.2.255", true), ("192.0.2.0/24", "192.0.3.0", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.6", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false), ("2001:db8::/127", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("2001:db8::8000:0:0:0/65", "2001:db8::ffff:0:0:1", true),
            ("2001:db8::8000:0:0:0/65", "2001:db8::1", false),
        ])
    func blocks(block: String, address: String, isInside: Bool) throws {
        let address = try #require(IPAddress(address))
        #expect(try #require(AddressBlock(block)).contains(address) == isInside)
    }

    @Test(
        "A typing error is a letter more, less or other, or two swapped",
        arguments: [
            ("listen", "lsiten", 1), ("listen", "listen", 0), ("http", "htp", 1), ("http", "httpp", 1), ("", "abc", 3),
            ("timerC", "timeC", 1), ("kitten", "sitting", 3),
        ])
    func distances(a: String, b: String, expected: Int) {
        #expect(Suggestion.distance(a, b) == expected)
    }
}
