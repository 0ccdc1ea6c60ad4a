import Foundation
import GRDB

extension ServerDatabase {
    /// Adds a subscriber.
    ///
    /// - Throws: `StorageError` of code `exists` when there is one of that name.
    public func add(_ subscriber: Subscriber) throws(StorageError) {
        try self.write { database in
            try database.execute(
                sql: """
                    INSERT INTO subscribers
                        (user, domain, display_name, ha1_md5, ha1_sha256, ha1_sha512_256, created_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                    """,
                arguments: [
                    subscriber.user, subscriber.domain, subscriber.displayName, subscriber.secrets.md5.map { Data($0) },
                    subscriber.secrets.sha256.map { Data($0) }, subscriber.secrets.sha512_256.map { Data($0) },
                    subscriber.createdAt,
                ])
            if database.changesCount == 0 {
                throw StorageError(
                    .exists, "user \(subscriber.aor) exists: change the password with biloxi user passwd")
            }
        }
    }

    /// Removes a subscriber, and the bindings of the subscriber's address.
    ///
    /// - Throws: `StorageError` of code `notFound` when there is none of that name.
    public func removeSubscriber(_ user: String, domain: String) throws(StorageError) {
        try self.write { database in
            try database.execute(
                sql: "DELETE FROM subscribers WHERE user = ? AND domain = ?", arguments: [user, domain.lowercased()])
            try Self.requireChange(database, user, domain)
            try database.execute(
                sql: "DELETE FROM bindings WHERE aor = ?", arguments: [Data("\(user)@\(domain.lowercased())".utf8)])
        }
    }

    /// Gives a subscriber new secrets.
    ///
    /// - Throws: `StorageError` of code `notFound` when there is none of that name.
    public func setSecrets(
        _ secrets: SubscriberSecrets, of user: String, domain: String
    ) throws(StorageError) {
        try self.write { database in
            try database.execute(
                sql: """
                    UPDATE subscribers SET ha1_md5 = ?, ha1_sha256 = ?, ha1_sha512_256 = ? WHERE user = ? AND domain = ?
                    """,
                arguments: [
                    secrets.md5.map { Data($0) }, secrets.sha256.map { Data($0) }, secrets.sha512_256.map { Data($0) },
                    user, domain.lowercased(),
                ])
            try Self.requireChange(database, user, domain)
        }
    }

    /// All subscribers, or those of one domain, by domain and user.
    public func subscribers(of domain: String? = nil) throws(StorageError) -> [Subscriber] {
        try self.read { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT user, domain, display_name, ha1_md5, ha1_sha256, ha1_sha512_256, created_at FROM subscribers
                    WHERE ?1 IS NULL OR domain = ?1 ORDER BY domain, user
                    """,
                arguments: [domain?.lowercased()])
            return try Array(rows.map(Subscriber.init(row:)))
        }
    }

    /// The subscriber of that name, if there is one.
    public func subscriber(_ user: String, domain: String) throws(StorageError) -> Subscriber? {
        try self.read { database in
            try Row.fetchOne(
                database,
                sql: """
                    SELECT user, domain, display_name, ha1_md5, ha1_sha256, ha1_sha512_256, created_at FROM subscribers
                    WHERE user = ? AND domain = ?
                    """,
                arguments: [user, domain.lowercased()]
            ).map(Subscriber.init(row:))
        }
    }

    private static func requireChange(_ database: Database, _ user: String, _ domain: String) throws {
        if database.changesCount == 0 {
            throw StorageError(
                .notFound, "there is no user \(user)@\(domain.lowercased()): biloxi user list shows those there are")
        }
    }
}

extension Subscriber {
    fileprivate init(row: Row) {
        func octets(_ column: Int) -> [UInt8]? { (row[column] as Data?).map { Array($0) } }
        self.init(
            user: row[0], domain: row[1], displayName: row[2],
            secrets: SubscriberSecrets(md5: octets(3), sha256: octets(4), sha512_256: octets(5)), createdAt: row[6])
    }
}
