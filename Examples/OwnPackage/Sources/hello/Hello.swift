import BiloxiKit

/// Calls itself through a server of its own, and says what it has heard.
@main
enum Hello {
    static let listener = Listener.udp("127.0.0.1", 0)

    static func main() async throws {
        var server = SIPServer(domain: "hello.test", listen: [Self.listener])
        server.users = ["alice": "secret-a", "bob": "secret-b"]
        server.on("INVITE") { request, _ in request.uri.user == "closed" ? .reply(480, "Come Back Tomorrow") : .relay }
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (addresses, ready) = AsyncStream<[String]>.makeStream()
            group.addTask { [server] in try await server.run { ready.yield($0) } }
            for await address in addresses {
                try await Self.talk(String(address[0].dropFirst("udp:".count)))
                break
            }
            group.cancelAll()
        }
    }

    static func account(_ name: String, _ proxy: String) -> Account {
        var account = Account("sip:\(name)@hello.test", password: "secret-\(name.prefix(1))")
        account.proxy = proxy
        return account
    }

    static func talk(_ proxy: String) async throws {
        let answers: @Sendable (Invitation) async throws -> Void = { invitation in
            let call = try await invitation.accept()
            try await call.send(digits: "42")
            await call.ended()
        }
        try await withUserAgent(Self.listener, answering: answers) { bob in
            let registration = try await bob.register(Self.account("bob", proxy))
            try await withUserAgent(Self.listener) { alice in
                try alice.add(Self.account("alice", proxy))
                let keys = try await alice.call("bob") { call in try await call.collect(2) }
                print("heard \(keys) from \(registration.address)")
                do {
                    _ = try await alice.call("closed")
                } catch let error as SIPError where error.code == .unavailable {
                    print("closed: \(error)")
                }
                do {
                    for try await notification in try await alice.subscribe("bob", to: "presence") {
                        print(notification.text)
                    }
                } catch let error as SIPError {
                    print("presence: \(error)")
                }
            }
        }
    }
}
