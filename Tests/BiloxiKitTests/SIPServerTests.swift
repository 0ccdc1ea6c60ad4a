import BiloxiKit
import SIPMessages
import Synchronization
import Testing

@Suite("A server whose routing is a program's, on loopback", .timeLimit(.minutes(5)))
struct SIPServerTests {
    private static let domain = "kit.test"

    /// Runs a server with alice, bob and carol while `body` uses the port that it listens at.
    private func withServer(
        _ configure: (inout SIPServer) -> Void, _ body: (String) async throws -> Void
    ) async throws {
        var server = SIPServer(domain: Self.domain, listen: [.udp("127.0.0.1", 0)])
        server.users = ["alice": "pw-alice", "bob": "pw-bob", "carol": "pw-carol"]
        configure(&server)
        let (addresses, told) = AsyncStream<[String]>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [server] in
                do { try await server.run { told.yield($0) } } catch is CancellationError {}
            }
            let listening = try #require(await addresses.first { _ in true }?.first)
            try await body(String(listening.dropFirst("udp:".count)))
            group.cancelAll()
        }
    }

    /// A registered phone of a user.
    private func withPhone(
        _ user: String, _ server: String, password: String? = nil,
        answering handler: (@Sendable (Invitation) async throws -> Void)? = nil,
        _ body: (UserAgent) async throws -> Void
    ) async throws {
        var settings = UserAgentSettings()
        settings.mediaPorts = 30_000...39_999
        try await withUserAgent([.udp("127.0.0.1", 0)], settings: settings, answering: handler) { agent in
            var account = Account("sip:\(user)@\(Self.domain)", password: password ?? "pw-\(user)")
            account.proxy = server
            try await agent.register(account)
            try await body(agent)
        }
    }

    private static func untilCancelled() async {
        for await _ in AsyncStream<Never>.makeStream().stream {}
    }
    private static let accept: @Sendable (Invitation) async throws -> Void = { invitation in
        await (try await invitation.accept()).ended()
    }
    private static let ring: @Sendable (Invitation) async throws -> Void = { invitation in
        invitation.ring()
        for await _ in invitation.events {}
    }

    /// What handlers have seen.
    private final class Journal: Sendable {
        private let entries = Mutex<[String]>([])
        func note(_ entry: String) { self.entries.withLock { $0.append(entry) } }
        var text: [String] { self.entries.withLock { $0 } }
    }

    @Test("Users register with their passwords; what is relayed goes to their devices, and nobody else is let in")
    func relays() async throws {
        let journal = Journal()
        try await self.withServer { server in
            server.on("INVITE") { request, context in
                journal.note("\(request.authenticatedUser ?? "-") \(request.uri) \(request.from.user ?? "-")")
                journal.note(context.devices(of: request.uri.description).isEmpty ? "away" : "there")
                return .relay
            }
        } _: { address in
            try await self.withPhone("bob", address, answering: Self.accept) { _ in
                try await self.withPhone("alice", address) { alice in
                    _ = try await alice.call("bob")
                    let nobody = await #expect(throws: SIPError.self) { try await alice.call("dave") }
                    #expect(nobody?.status == 404)
                }
            }
            let wrong = await #expect(throws: SIPError.self) {
                try await self.withPhone("alice", address, password: "wrong") { _ in }
            }
            #expect(wrong?.code == .authentication)
        }
        #expect(
            journal.text == [
                "alice@kit.test sip:bob@kit.test alice", "there", "alice@kit.test sip:dave@kit.test alice", "away",
            ])
    }

    @Test("Serial: who does not answer in time is cancelled, and the next is tried (RFC 3261 §16.6)")
    func serial() async throws {
        let journal = Journal()
        try await self.withServer { server in
            server.on("INVITE") { _, _ in
                .serial(["sip:bob@kit.test", "sip:carol@kit.test"], each: .milliseconds(300))
            }
        } _: { address in
            try await self.withPhone("bob", address) { invitation in
                invitation.ring()
                for await event in invitation.events {
                    if case .ended(let error) = event { journal.note(error.code.name) }
                }
            } _: { _ in
                try await self.withPhone("carol", address, answering: Self.accept) { _ in
                    try await self.withPhone("alice", address) { alice in
                        let call = try await alice.call("support")
                        #expect(journal.text == ["cancelled"])
                        #expect(call.end == nil)
                    }
                }
            }
        }
    }

    @Test("Serial: one who refuses is left at once, however long he might have rung")
    func serialEnd() async throws {
        try await self.withServer { server in
            server.on("INVITE") { _, _ in
                .serial(["sip:bob@kit.test", "sip:carol@kit.test"], each: .seconds(3_600))
            }
        } _: { address in
            try await self.withPhone("bob", address, answering: { $0.reject(486) }) { _ in
                try await self.withPhone("carol", address, answering: Self.accept) { _ in
                    try await self.withPhone("alice", address) { alice in _ = try await alice.call("support") }
                }
            }
        }
    }

    @Test("Parallel: all ring, the first who accepts has it, the others are cancelled (RFC 3261 §16.7)")
    func parallel() async throws {
        let journal = Journal()
        try await self.withServer { server in
            server.on("INVITE") { _, _ in .parallel(["sip:bob@kit.test", "sip:carol@kit.test"]) }
        } _: { address in
            let (rang, bobRings) = AsyncStream<Void>.makeStream()
            try await self.withPhone("bob", address) { invitation in
                invitation.ring()
                bobRings.finish()
                for await event in invitation.events {
                    if case .ended(let error) = event { journal.note(error.code.name) }
                }
            } _: { _ in
                try await self.withPhone("carol", address) { invitation in
                    for await _ in rang {}
                    await (try await invitation.accept()).ended()
                } _: { _ in
                    try await self.withPhone("alice", address) { alice in _ = try await alice.call("all") }
                }
            }
        }
        #expect(journal.text == ["cancelled"])
    }

    @Test("Redirect: the caller goes where it is sent; reply: it is told the status, reason and fields")
    func answers() async throws {
        try await self.withServer { server in
            server.on("INVITE") { request, _ in
                switch request.uri.user {
                case "old": .redirect(["sip:bob@kit.test"])
                case "bob": .relay
                default: .reply(480, "Come Back\r\nTomorrow", fields: ["Retry-After": "60"])
                }
            }
            server.on("MESSAGE") { request, _ in .reply(200, fields: ["X-Echo": "\(request.message.body.count)"]) }
        } _: { address in
            try await self.withPhone("bob", address, answering: Self.accept) { _ in
                try await self.withPhone("alice", address) { alice in
                    _ = try await alice.call("old")
                    let refused = await #expect(throws: SIPError.self) { try await alice.call("closed") }
                    #expect(refused?.status == 480 && refused?.reason == "Come Back  Tomorrow")
                    #expect(refused?.retryAfter == .seconds(60))
                    #expect(try await alice.message("anybody", "12345").values(of: "x-echo") == ["5"])
                }
            }
        }
    }

    /// Refuses callers, and tells of decisions.
    private struct Gate: Middleware {
        let blocked: Set<String>
        let journal: Journal

        func handle(_ request: Request, _ context: ServerContext, next: Next) async throws -> Route {
            if self.blocked.contains(request.uri.user ?? "") { return .reply(603, "Blocked") }
            let route = try await next(request, context)
            self.journal.note("\(request.method) \(route)")
            return route
        }
    }

    @Test("Middleware decides before the handler, and sees what it has decided; what is thrown becomes an answer")
    func middleware() async throws {
        struct Broken: Error {}
        let journal = Journal()
        try await self.withServer { server in
            server.use(Gate(blocked: ["spam"], journal: journal))
            server.on("INVITE") { request, _ in
                if request.uri.user == "broken" { throw Broken() }
                if request.uri.user == "busy" { throw SIPError(.busy, status: 486, "Busy Here") }
                return .reply(404)
            }
        } _: { address in
            try await self.withPhone("alice", address) { alice in
                for (user, status) in [("spam", 603), ("broken", 500), ("busy", 486), ("dave", 404)] {
                    let error = await #expect(throws: SIPError.self) { try await alice.call(user) }
                    #expect(error?.status == status)
                }
                // Nobody has a handler for these: they are relayed without a question.
                let message = await #expect(throws: SIPError.self) { try await alice.message("spam", "hello") }
                #expect(message?.status == 404)
            }
        }
        #expect(journal.text == ["INVITE answered(404, \"\", fields: [:])"])
    }

    @Test("A CANCEL ends the wait: the caller is told, and the handler's task is cancelled (RFC 3261 §9.2)")
    func cancel() async throws {
        let (ended, end) = AsyncStream<Bool>.makeStream()
        try await self.withServer { server in
            server.on("INVITE") { _, _ in
                await Self.untilCancelled()
                end.yield(Task.isCancelled)
                return .relay
            }
        } _: { address in
            try await self.withPhone("alice", address) { alice in
                let error = await #expect(throws: SIPError.self) {
                    try await alice.call("bob", ringFor: .milliseconds(300))
                }
                #expect(error?.code == .timeout)
                #expect(await ended.first { _ in true } == true)
            }
        }
    }

    @Test("A handler that takes too long is not waited for: 500")
    func patience() async throws {
        try await self.withServer { server in
            server.patience = .milliseconds(200)
            server.on("INVITE") { _, _ in
                await Self.untilCancelled()
                return .relay
            }
        } _: { address in
            try await self.withPhone("alice", address) { alice in
                let error = await #expect(throws: SIPError.self) { try await alice.call("bob") }
                #expect(error?.status == 500 && error?.reason == "Nobody Decided In Time")
            }
        }
    }

    @Test("An address that is none, and one in use, are told")
    func listeners() async throws {
        let server = SIPServer(domain: Self.domain, listen: [.udp("nowhere", 5060)])
        let error = await #expect(throws: SIPError.self) { try await server.run() }
        #expect(error?.reason.contains("nowhere") == true)
    }
}
