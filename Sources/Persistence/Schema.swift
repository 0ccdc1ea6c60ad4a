import GRDB

/// The tables, as a list of steps of which a database remembers those it has taken.
///
/// A step that has been released is never changed: a new one is added. A database with a step that is not in the list
/// was written by a newer program and is left alone.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 bindings") { database in
            // A refresh changes one leaf of one tree: no row id, no further index.
            try database.execute(
                sql: """
                    CREATE TABLE bindings (
                        aor BLOB NOT NULL,
                        slot BLOB NOT NULL,           -- what a refresh replaces: see BindingRow
                        contact BLOB,                 -- NULL where slot is the contact
                        parameters BLOB NOT NULL,
                        instance BLOB NOT NULL,
                        reg_id INTEGER NOT NULL,
                        call_id BLOB NOT NULL,
                        cseq INTEGER NOT NULL,
                        q INTEGER NOT NULL,           -- thousandths
                        expires_at INTEGER NOT NULL,  -- milliseconds since 1970, UTC
                        path BLOB NOT NULL,
                        user_agent BLOB NOT NULL,
                        transport INTEGER NOT NULL,
                        local BLOB NOT NULL,          -- 4 or 16 octets of address, 2 of port
                        remote BLOB NOT NULL,
                        PRIMARY KEY (aor, slot)
                    ) STRICT, WITHOUT ROWID
                    """)
        }
        migrator.registerMigration("1 subscribers") { database in
            try database.execute(
                sql: """
                    CREATE TABLE subscribers (
                        domain TEXT NOT NULL,         -- lower case; the realm of the secrets
                        user TEXT NOT NULL,           -- escapes undone
                        display_name TEXT,
                        ha1_md5 BLOB,                 -- H(user:realm:password), RFC 7616 §3.4.2
                        ha1_sha256 BLOB,
                        ha1_sha512_256 BLOB,
                        created_at INTEGER NOT NULL,  -- milliseconds since 1970, UTC
                        PRIMARY KEY (domain, user)
                    ) STRICT, WITHOUT ROWID
                    """)
        }
        migrator.registerMigration("2 calls") { database in
            try database.execute(
                sql: """
                    CREATE TABLE calls (
                        id INTEGER PRIMARY KEY,
                        started INTEGER NOT NULL,     -- this and the next: milliseconds since 1970, UTC
                        rang INTEGER,
                        answered INTEGER,
                        ended INTEGER NOT NULL,
                        ending TEXT NOT NULL,
                        status INTEGER NOT NULL,
                        reason BLOB NOT NULL,
                        caller BLOB NOT NULL,
                        callee BLOB NOT NULL,
                        call_id BLOB NOT NULL,
                        from_tag BLOB NOT NULL,
                        to_tag BLOB NOT NULL,
                        target BLOB NOT NULL,
                        branch BLOB NOT NULL,
                        source_ip TEXT NOT NULL,
                        source_port INTEGER NOT NULL,
                        answered_ip TEXT,
                        answered_port INTEGER,
                        transport TEXT NOT NULL
                    ) STRICT
                    """)
            try database.execute(sql: "CREATE INDEX calls_by_start ON calls (started)")
        }
        migrator.registerMigration("3 bindings since") { database in
            // Since when the instance has been registered without a gap: milliseconds since 1970, UTC (RFC 5627 §5.1).
            try database.execute(sql: "ALTER TABLE bindings ADD COLUMN since INTEGER NOT NULL DEFAULT 0")
        }
        migrator.registerMigration("4 open calls") { database in
            // Calls that have been answered and have no end yet, as they are recorded if they never get one.
            try database.execute(
                sql: """
                    CREATE TABLE open_calls (
                        started INTEGER NOT NULL,
                        rang INTEGER,
                        answered INTEGER,
                        ended INTEGER NOT NULL,
                        ending TEXT NOT NULL,
                        status INTEGER NOT NULL,
                        reason BLOB NOT NULL,
                        caller BLOB NOT NULL,
                        callee BLOB NOT NULL,
                        call_id BLOB NOT NULL,
                        from_tag BLOB NOT NULL,
                        to_tag BLOB NOT NULL,
                        target BLOB NOT NULL,
                        branch BLOB NOT NULL,
                        source_ip TEXT NOT NULL,
                        source_port INTEGER NOT NULL,
                        answered_ip TEXT,
                        answered_port INTEGER,
                        transport TEXT NOT NULL,
                        PRIMARY KEY (call_id, from_tag)
                    ) STRICT, WITHOUT ROWID
                    """)
        }
        return migrator
    }

    static func migrate(_ queue: DatabaseQueue, path: String) throws {
        let migrator = Self.migrator
        if try queue.read({ try migrator.hasBeenSuperseded($0) }) {
            throw StorageError(
                .newerVersion,
                "database \(path) was written by a newer version of biloxi: run that version, or name another directory"
                    + " with --data")
        }
        if try queue.read({ try migrator.hasCompletedMigrations($0) }) { return }
        do {
            try migrator.migrate(queue)
        } catch {
            // Another process may have taken the same steps at the same time.
            guard try queue.read({ try migrator.hasCompletedMigrations($0) }) else { throw error }
        }
    }
}
