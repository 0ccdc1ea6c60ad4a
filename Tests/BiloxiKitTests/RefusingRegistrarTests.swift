import BiloxiKit
import Testing

@Suite("Registrations that come to nothing", .timeLimit(.minutes(5)))
struct RefusingRegistrarTests {
    @Test("Who is no registrar answers 405: the error says so, and nothing is tried again")
    func noRegistrar() async throws {
        try await withUserAgent(.udp("127.0.0.1", 0)) { bob in
            try await withUserAgent(.udp("127.0.0.1", 0)) { alice in
                var account = Account("sip:alice@example.test", password: "secret")
                account.proxy = "127.0.0.1:\(try #require(bob.port("udp")))"
                let error = await #expect(throws: SIPError.self) { try await alice.register(account) }
                #expect(error?.code == .rejected && error?.status == 405)
            }
        }
    }

    @Test("Where nobody listens it is unreachable, and the scope ends at once")
    func unreachable() async throws {
        try await withUserAgent(.udp("127.0.0.1", 0)) { alice in
            var account = Account("sip:alice@example.test", password: "secret")
            account.proxy = "127.0.0.1:9"
            let error = await #expect(throws: SIPError.self) { try await alice.register(account) }
            #expect(error?.code == .unreachable)
        }
    }

    @Test(
        "What is no address is told before anything is sent", arguments: ["", "sip:", "alice@exa mple"])
    func invalid(address: String) async throws {
        try await withUserAgent(.udp("127.0.0.1", 0)) { alice in
            let error = await #expect(throws: SIPError.self) { try await alice.register(Account(address)) }
            #expect(error?.code == .invalid)
        }
    }
}
