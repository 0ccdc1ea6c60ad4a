import LocationService
import Testing

@testable import Persistence

@Suite("Subscribers")
struct SubscriberTests {
    private let directory: TemporaryDirectory
    private let database: ServerDatabase
    private let alice = Subscriber(
        user: "alice", domain: "Example.TEST", displayName: "Alice",
        secrets: SubscriberSecrets(
            md5: Array(0..<16), sha256: Array(0..<32), sha512_256: Array((0..<32).reversed())), createdAt: 17)

    init() throws {
        self.directory = try TemporaryDirectory()
        self.database = try self.directory.database()
        try self.database.add(self.alice)
    }

    @Test("A subscriber comes back as added, with the domain in lower case")
    func adds() throws {
        #expect(self.alice.aor == "alice@example.test")
        #expect(try self.database.subscribers() == [self.alice])
        #expect(try self.database.subscriber("alice", domain: "EXAMPLE.test") == self.alice)
        #expect(try self.database.subscriber("Alice", domain: "example.test") == nil)
    }

    @Test("No one is added twice")
    func refusesSecond() throws {
        let error = #expect(throws: StorageError.self) { try self.database.add(self.alice) }
        #expect(error?.code == .exists)
        #expect(error?.description == "user alice@example.test exists: change the password with biloxi user passwd")
    }

    @Test("New secrets replace all the old ones")
    func setsSecrets() throws {
        try self.database.setSecrets(SubscriberSecrets(sha256: [7]), of: "alice", domain: "example.test")
        #expect(
            try self.database.subscriber("alice", domain: "example.test")?.secrets == SubscriberSecrets(sha256: [7]))
    }

    @Test("A removed subscriber is gone, with the bindings of that address only")
    func removes() throws {
        let store = try BindingStore(database: self.database) { _, _ in }
        #expect(store.submit([.store(binding("alice")), .store(binding("alicea"))], token: 1))
        store.close()
        try self.database.removeSubscriber("alice", domain: "Example.test")
        #expect(try self.database.subscribers().isEmpty)
        #expect(try self.database.bindings() == [binding("alicea")])
    }

    @Test("Who is not there can be neither removed nor changed")
    func reportsMissing() throws {
        #expect(throws: StorageError.self) { try self.database.removeSubscriber("bob", domain: "example.test") }
        #expect(throws: StorageError.self) {
            try self.database.setSecrets(SubscriberSecrets(), of: "alice", domain: "other.test")
        }
    }

    @Test("Subscribers are listed by domain and user, or those of one domain")
    func lists() throws {
        for (user, domain) in [("zoe", "a.test"), ("bob", "example.test"), ("adam", "example.test")] {
            try self.database.add(Subscriber(user: user, domain: domain, secrets: .init(), createdAt: 0))
        }
        #expect(
            try self.database.subscribers().map(\.aor)
                == ["zoe@a.test", "adam@example.test", "alice@example.test", "bob@example.test"])
        #expect(try self.database.subscribers(of: "A.test").map(\.user) == ["zoe"])
    }

    @Test("A secret does not show in a description")
    func hidesSecrets() {
        #expect("\(self.alice)".contains("(secret)"))
        #expect(!"\(self.alice)".contains("15"))
    }
}
