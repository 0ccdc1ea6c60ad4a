import ServerConfiguration
import Testing

@Suite("A broken file is explained with line, column and advice")
struct BrokenFileTests {
    struct Broken: Sendable, CustomTestStringConvertible {
        var yaml: String
        var messages: [String]
        var testDescription: String { self.messages.first ?? "" }

        init(_ yaml: String, _ messages: String...) {
            self.yaml = yaml
            self.messages = messages
        }
    }

    static let files: [Broken] = [
        // YAML itself.
        .init("registrar: {minExpires: 60", "f.yaml:2:1: this is not YAML: did not find expected ',' or '}'"),
        .init("a: b: c", "f.yaml:1:5: this is not YAML: mapping values are not allowed in this context"),
        .init(
            "http: 127.0.0.1:80\nhttp: 127.0.0.1:81",
            "f.yaml:2:1: the key \"http\" stands more than once in this object, first in line 1"),
        .init(
            "registrar: {minExpires: 60, maxContacts: 5, 'minExpires': 70}",
            "f.yaml:1:45: the key \"minExpires\" stands more than once in this object, first in line 1"),
        .init(
            "# é\r\nproxy:\r\n  timerC: 200\r\n  forking: parallel\r\n  timerC: 300\r\n  timerC: 400\r\n"
                + "nat: {interval: 5, \"interval\": 6}\r\nproxy: {}\r\n",
            "f.yaml:5:3: the key \"timerC\" stands more than once in this object, first in line 3",
            "f.yaml:6:3: the key \"timerC\" stands more than once in this object, first in line 3",
            "f.yaml:7:20: the key \"interval\" stands more than once in this object, first in line 7",
            "f.yaml:8:1: the key \"proxy\" stands more than once in this object, first in line 2"),
        .init(
            "- udp:127.0.0.1:5060",
            "f.yaml:1:1: the file must be an object with the keys domains, ports, listen, advertise,"
                + " storage, data, http, threads, segmentation, logLevel, authentication, registrar, proxy, callRecords,"
                + " shutdown, edge, tls, connections, bans, nat, trunks, inbound, routes and users, not a list"),
        // Unknown keys.
        .init("domain: [a.test]", "f.yaml:1:1: unknown key \"domain\": did you mean \"domains\"?"),
        .init(
            "registrar:\n  minExpire: 60",
            "f.yaml:2:3: unknown key \"minExpire\" in registrar: did you mean \"minExpires\"?"),
        .init("proxy: { timerc: 200 }", "f.yaml:1:10: unknown key \"timerc\" in proxy: did you mean \"timerC\"?"),
        .init(
            "authentication: {secret: x}",
            "f.yaml:1:18: unknown key \"secret\" in authentication: known is required, algorithms and integrity"),
        .init(
            "trunks:\n  pstn: {targets: [\"sip:192.0.2.1\"], line: 3}",
            "f.yaml:2:38: unknown key \"line\" in trunks.pstn: did you mean \"lines\"?"),
        .init(
            "users: {bob: {forward: {buzy: \"sip:a@b.test\"}}}",
            "f.yaml:1:25: unknown key \"buzy\" in users.bob.forward: did you mean \"busy\"?"),
        // Wrong types.
        .init(
            "registrar: 60",
            "f.yaml:1:12: registrar must be an object with the keys minExpires, defaultExpires,"
                + " maxExpires, maxContacts, flowTimer, path and serviceRoute, not \"60\""),
        .init(
            "registrar: {minExpires: soon}", "f.yaml:1:25: registrar.minExpires must be 1 to 3600 seconds, not \"soon\""
        ),
        .init(
            "registrar: {minExpires: [60]}", "f.yaml:1:25: registrar.minExpires must be 1 to 3600 seconds, not a list"),
        .init(
            "authentication: {required: yes}",
            "f.yaml:1:28: authentication.required must be true or false, not \"yes\""),
        .init("domains: {a: b}", "f.yaml:1:10: domains must be a host name or IP address, not an object"),
        .init("trunks: [a]", "f.yaml:1:9: trunks must be an object whose keys are trunk names, not a list"),
        .init(
            "listen: [{address: udp:127.0.0.1, advertise: a b}, {advertise: a.test}, {address: udp:127.0.0.1}]",
            "f.yaml:1:46: listen.advertise must be a host name or IP address, not \"a b\"",
            "f.yaml:1:52: listen has no address: it must be TRANSPORT:ADDRESS:PORT such as udp:127.0.0.1:5060 or"
                + " tls:[::1]:5061, with the transport udp, tcp, tls, ws or wss",
            "f.yaml:1:83: listen has udp:127.0.0.1:5060 twice"),
        .init(
            "listen: [udp:127.0.0.1, {address: \"udp:127.0.0.1:5060\"}]",
            "f.yaml:1:35: listen has udp:127.0.0.1:5060 twice"),
        // Ours or another's.
        .init(
            "domains: [a.test]\nedge: {A.test: {}}",
            "f.yaml:2:8: edge has A.test, which is in domains: its users register here"),
        .init(
            "edge: {b.test: {proxy: \"mailto:x@y\"}}",
            "f.yaml:1:24: edge.b.test.proxy must be a SIP, SIPS or tel URI such as sip:192.0.2.10, not \"mailto:x@y\""),
        // Out of range.
        .init("registrar: {minExpires: 0}", "f.yaml:1:25: registrar.minExpires must be 1 to 3600 seconds, not 0"),
        .init(
            "registrar: {maxContacts: 100000}",
            "f.yaml:1:26: registrar.maxContacts must be 1 to 1000 devices, not 100000"),
        .init("threads: 0", "f.yaml:1:10: threads must be 1 to 256 threads, not 0"),
        .init(
            "proxy:\n  timerC: 180",
            "f.yaml:2:11: proxy.timerC must be 181 to 3600 seconds, not 180: timer C must be"
                + " larger than 3 minutes (RFC 3261 §16.6)"),
        .init(
            "proxy: {timerC: 9999999999999999999999}",
            "f.yaml:1:17: proxy.timerC must be 181 to 3600 seconds, not \"9999999999999999999999\""),
        .init("domains: []", "f.yaml:1:10: domains must have at least 1 entry"),
        // Words.
        .init(
            "inbound: anyon",
            "f.yaml:1:10: inbound must be anyone, users, trusted or none, not \"anyon\": did you mean \"anyone\"?"),
        .init("storage: oracle", "f.yaml:1:10: storage must be sqlite or memory, not \"oracle\""),
        .init(
            "authentication: {algorithms: [sha256]}",
            "f.yaml:1:31: authentication.algorithms must be SHA-512-256, SHA-256"
                + " or MD5, not \"sha256\": did you mean \"SHA-256\"?"),
        // Forms.
        .init(
            "listen:\n  - udp:127.0.0.1:5060\n  - 5060",
            "f.yaml:3:5: listen must be TRANSPORT:ADDRESS:PORT such as"
                + " udp:127.0.0.1:5060 or tls:[::1]:5061, with the transport udp, tcp, tls, ws or wss, not \"5060\""
        ),
        .init(
            "domains: [\"bad domain\"]", "f.yaml:1:11: domains must be a host name or IP address, not \"bad domain\""),
        .init("http: localhost", "f.yaml:1:7: http must be HOST:PORT such as 127.0.0.1:8080, not \"localhost\""),
        .init(
            "trunks: {a: {targets: [192.0.2.1]}}",
            "f.yaml:1:24: trunks.a.targets must be a SIP, SIPS or tel URI such as"
                + " sip:192.0.2.10, not \"192.0.2.1\""),
        .init(
            "trunks: {a: {targets: [\"sip:192.0.2.1\"], failover: [boom]}}",
            "f.yaml:1:53: trunks.a.failover must be a"
                + " status code such as 503, or a class of them such as 5xx, not \"boom\""),
        .init(
            "trunks: {a: {targets: [\"sip:192.0.2.1\"], allow: [192.0.2.0/33]}}",
            "f.yaml:1:50: trunks.a.allow must be an"
                + " IP address or block such as 192.0.2.0/24, not \"192.0.2.0/33\""),
        .init(
            "routes: [{match: \"9*\", to: nowhere}]",
            "f.yaml:1:28: routes.to must be a URI such as"
                + " sip:carol@biloxi.example, trunk:NAME, service:NAME or user:NAME, not \"nowhere\""),
        .init(
            "routes: [{match: echo, to: \"service:echo\"}, {match: \"98\", to: \"service:voicemail\"}]",
            "f.yaml:1:63: routes.to names service \"voicemail\", which is unknown: known is service:echo"),
        .init(
            "trunks: {a: {targets: [\"sip:192.0.2.1\"], inbound: [{match: \"4*\", to: \"service:Echo\"}]}}",
            "f.yaml:1:70: trunks.a.inbound.to names service \"Echo\", which is unknown: known is service:echo"),
        .init(
            "trunks: {a: {targets: [\"sip:192.0.2.1\"], certificates: [a.example]}}",
            "f.yaml:1:56: trunks.a.certificates needs tls.clientCertificates to be optional or required: nobody is asked"
                + " for a certificate"),
        // What is missing.
        .init("tls: {certificate: a.pem}", "f.yaml:1:6: tls has no key: it must be the path of a file"),
        .init(
            "trunks:\n  pstn:\n    lines: 3",
            "f.yaml:3:5: trunks.pstn has no targets: it must be a list of: a SIP, SIPS or tel URI such as sip:192.0.2.10"
        ),
        .init(
            "routes:\n  - match: 9*",
            "f.yaml:2:5: routes must say where calls go: add to, host, redirect or reject"),
        .init(
            "routes: [{match: \"9*\", to: \"sip:a@b.test\", reject: 403}]",
            "f.yaml:1:52: routes has to and reject, of which only one can hold: leave the others out"),
        .init(
            "routes: [{match: \"9*\", to: \"user:bob\", strip: 1, rewrite: \"$1\"}]",
            "f.yaml:1:59: routes.rewrite takes the place of strip: leave one of them out"),
        .init(
            "routes: [{match: \"9[\", to: \"user:bob\"}]",
            "f.yaml:1:18: routes.match must be a user part or a URI, in which ? stands for any character, * for any number"
                + " of them, [2-9] for one of these and {200-299} for a number, not \"9[\""),
        .init(
            "routes: [{match: \"9*\", reject: 302}]", "f.yaml:1:32: routes.reject must be 400 to 699, not 302"),
        .init(
            "routes: [{match: \"9*\", redirect: {status: 303}}]",
            "f.yaml:1:43: routes.redirect.status must be 300, 301, 302, 305 or 380, not \"303\": did you mean \"300\"?"),
        .init(
            "users: {bob: {redirect: {contacts: [{uri: \"sip:b@c.test\", q: 1.5}]}}}",
            "f.yaml:1:62: users.bob.redirect.contacts.q must be a number from 0 to 1 with up to three decimals, such as"
                + " 0.7, not \"1.5\""),
        .init(
            "trunks: {t: {targets: [\"sip:192.0.2.1\"]}}\nroutes: [{match: \"9*\", to: \"trunk:t\", from: anyone}]",
            "f.yaml:2:45: routes.from lets anyone use a trunk, which others pay for and strangers find: name users,"
                + " user:NAME or trunk:NAME"),
        .init(
            "routes: [{match: \"9*\", reject: 403, from: [\"trunk:t\"]}]",
            "f.yaml:1:44: routes.from names trunk \"t\", which is unknown: there are no trunks"),
        // What does not fit together.
        .init("domains: [a.test, b.test, A.TEST]", "f.yaml:1:27: domains has a.test twice"),
        .init(
            "listen: [\"udp:127.0.0.1:5060\", \"udp:127.0.0.1\"]", "f.yaml:1:32: listen has udp:127.0.0.1:5060 twice"),
        .init(
            "registrar: {minExpires: 600, defaultExpires: 300}",
            "f.yaml:1:46: registrar.minExpires (600 s) must not exceed registrar.defaultExpires (300 s)"),
        .init(
            "registrar: {defaultExpires: 9000}",
            "f.yaml:1:29: registrar.defaultExpires (9000 s) must not exceed registrar.maxExpires (7200 s)"),
        .init(
            "routes: [{match: \"9*\", to: \"trunk:pstn\"}]",
            "f.yaml:1:28: routes.to names trunk \"pstn\", which is unknown: there are no trunks"),
        .init(
            "trunks: {pstn: {targets: [\"sip:192.0.2.1\"]}}\nroutes: [{match: \"9*\", to: \"trunk:pstm\"}]",
            "f.yaml:2:28: routes.to names trunk \"pstm\", which is unknown: did you mean \"pstn\"?"),
        .init(
            "users: {bob: {forward: {noAnswer: {to: \"trunk:x\"}}}}",
            "f.yaml:1:40: users.bob.forward.noAnswer names trunk \"x\", which is unknown: there are no trunks"),
        .init(
            "domains: [a.test]\nusers: {bob@b.test: {}}",
            "f.yaml:2:9: users has bob@b.test, whose domain is not in domains: did you mean \"a.test\"?"),
        .init("domains: [a.test]\nusers: {bob: {}, bob@A.test: {}}", "f.yaml:2:18: users has bob@a.test twice"),
        // All at once, in the order of the file.
        .init(
            "inbound: all\nthreads: many\nproxi: {}",
            "f.yaml:1:10: inbound must be anyone, users, trusted or none, not \"all\"",
            "f.yaml:2:10: threads must be 1 to 256 threads, not \"many\"",
            "f.yaml:3:1: unknown key \"proxi\": did you mean \"proxy\"?"),
    ]

    @Test("The message names place, fault and way out", arguments: Self.files)
    func explains(_ broken: Broken) {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.load(yaml: broken.yaml, path: "f.yaml", environment: [:], overrides: [])
        }
        #expect(error?.problems.map(\.description) == broken.messages)
        #expect(error?.description == broken.messages.joined(separator: "\n"))
    }

    @Test("Aliases of aliases end at a limit, not in memory")
    func boundsAliases() {
        var yaml = "x0: &x0 [\"sip:a\", \"sip:a\", \"sip:a\", \"sip:a\", \"sip:a\", \"sip:a\", \"sip:a\", \"sip:a\"]\n"
        for level in 1...9 {
            let references = (0..<8).map { _ in "*x\(level - 1)" }.joined(separator: ", ")
            yaml += level == 9 ? "domains: [\(references)]\n" : "x\(level): &x\(level) [\(references)]\n"
        }
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.load(yaml: yaml, path: "f.yaml", environment: [:], overrides: [])
        }
        #expect((error?.problems.count ?? 0) > 0)
    }
}
