import Foundation
import SIPMessages
import Testing

@testable import biloxi

/// A running server with two users of known passwords, and their phones.
final class Office {
    static let domain = "office.test"
    static let passwords = ["alice": "zanzibar-7731", "bob": "quartermaster-4408"]

    let directory: TestDirectory
    let server: RunningCommand
    let port: UInt16
    let http: Int
    let alice: SIPClient
    let bob: SIPClient
    var data: String { self.directory.path + "/data" }
    var file: String { self.directory.path + "/f.yaml" }

    init(_ yaml: String = "", arguments: [String] = []) throws {
        self.directory = try TestDirectory()
        let file = try self.directory.write(
            "domains: [\(Self.domain)]\nlisten: [\"udp:127.0.0.1:0\", \"tcp:127.0.0.1:0\"]\nhttp: 127.0.0.1:0\n"
                + "threads: 2\n\(yaml)", to: "f.yaml")
        let data = self.directory.path + "/data"
        for (user, password) in Self.passwords {
            let added = try RunningCommand.run(
                "user", "add", user, "--config", file, "--data", data, environment: ["BILOXI_PASSWORD": password])
            try #require(added.status == 0, "\(added.errors)")
        }
        self.server = try RunningCommand(["serve", "--json", "--config", file, "--data", data] + arguments)
        let line = try #require(self.server.nextLine())
        let ready = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        func port(of address: String?) -> Int? { address?.split(separator: ":").last.flatMap { Int($0) } }
        let listeners = ready["listen"] as? [String] ?? []
        self.port = UInt16(try #require(port(of: listeners.first { $0.hasPrefix("udp:") })))
        self.http = try #require(port(of: ready["http"] as? String))
        (self.alice, self.bob) = (try SIPClient(server: self.port), try SIPClient(server: self.port))
    }

    /// Sends a request, and once more with credentials where it is challenged; returns the final response.
    func ask(
        _ client: SIPClient, _ user: String, password: String? = nil, _ method: String, _ uri: String, from: String,
        to: String, call: String, _ fields: [String] = []
    ) -> (response: SIPMessage?, nonce: String) {
        client.send(client.text(method, uri, from: from, to: to, call: call, cseq: 1, fields))
        guard let challenge = client.final(), let status = challenge.status else { return (nil, "") }
        let field = status == 401 ? "Authorization" : "Proxy-Authorization"
        guard status == 401 || status == 407,
            let value = credentials(
                for: challenge, user: user, domain: Self.domain, password: password ?? Self.passwords[user] ?? "",
                method, uri)
        else { return (challenge, "") }
        let nonce = value.split(separator: "nonce=\"").last?.prefix { $0 != "\"" } ?? ""
        if status == 407 {
            client.send(client.text("ACK", uri, from: from, to: to, call: call, cseq: 1))
        }
        client.send(client.text(method, uri, from: from, to: to, call: call, cseq: 2, fields + ["\(field): \(value)"]))
        return (method == "INVITE" ? nil : client.final(), String(nonce))
    }

    func register(_ client: SIPClient, _ user: String, password: String? = nil) -> (SIPMessage?, nonce: String) {
        self.ask(
            client, user, password: password, "REGISTER", "sip:\(Self.domain)",
            from: "<sip:\(user)@\(Self.domain)>;tag=r\(user)", to: "<sip:\(user)@\(Self.domain)>",
            call: "register-\(user)-\(client.port)",
            ["Contact: <sip:\(user)@127.0.0.1:\(client.port)>", "Expires: 600"])
    }

    static let aliceFrom = "<sip:alice@\(domain)>;tag=fromalice"

    /// Alice calls Bob, who answers, and hangs up.
    func call(_ id: String) throws {
        let (to, routes) = try self.connect(id)
        let contact = "sip:bob@127.0.0.1:\(self.bob.port)"
        self.alice.send(
            self.alice.text("BYE", contact, from: Self.aliceFrom, to: to, call: id, cseq: 3, routes))
        let bye = try #require(self.bob.request(.bye))
        self.bob.respond("200 OK", to: bye, tag: "tobob")
        try #require(self.alice.final()?.status == 200)
    }

    /// Alice calls Bob, who answers.
    ///
    /// - Returns: To, and the Route lines, of requests of Alice in the call.
    func connect(_ id: String) throws -> (to: String, routes: [String]) {
        let target = "sip:bob@\(Self.domain)"
        _ = self.ask(
            self.alice, "alice", "INVITE", target, from: Self.aliceFrom, to: "<\(target)>", call: id,
            ["Contact: <sip:alice@127.0.0.1:\(self.alice.port)>"])
        let invite = try #require(self.bob.request(.invite))
        self.bob.respond("180 Ringing", to: invite, tag: "tobob")
        self.bob.respond(
            "200 OK", to: invite, tag: "tobob", ["Contact: <sip:bob@127.0.0.1:\(self.bob.port)>"])
        let answer = try #require(self.alice.final())
        try #require(answer.status == 200)
        let routes = answer.values(named: "Record-Route").reversed().map { "Route: \($0)" }
        let to = try #require(answer.values(named: "To").first)
        let contact = "sip:bob@127.0.0.1:\(self.bob.port)"
        self.alice.send(
            self.alice.text("ACK", contact, from: Self.aliceFrom, to: to, call: id, cseq: 2, routes))
        _ = try #require(self.bob.request(.ack))
        return (to, routes)
    }
}
