import Foundation
import GRDB
import Testing

@testable import Persistence

@Suite("Opening the database")
struct ServerDatabaseTests {
    private let directory: TemporaryDirectory
    private var path: String { self.directory.path + "/biloxi.db" }

    init() throws { self.directory = try TemporaryDirectory() }

    private func code(_ body: () throws -> Void) -> (code: StorageError.Code?, text: String) {
        do {
            try body()
            return (nil, "")
        } catch {
            let error = error as? StorageError
            return (error?.code, error?.description ?? "")
        }
    }

    @Test("Every connection logs ahead and syncs each commit")
    func isDurable() throws {
        let database = try self.directory.database()
        for queue in [database.queue, try database.connect()] {
            let (mode, synchronous) = try queue.read {
                (try String.fetchOne($0, sql: "PRAGMA journal_mode"), try Int.fetchOne($0, sql: "PRAGMA synchronous"))
            }
            #expect(mode == "wal")
            #expect(synchronous == 2)
        }
    }

    @Test("Only the owner may read the files")
    func isPrivate() throws {
        let database = try self.directory.database()
        try database.add(Subscriber(user: "bob", domain: "example.test", secrets: .init(md5: [1]), createdAt: 0))
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: self.path + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "biloxi.db\(suffix)")
        }
    }

    @Test("A database opens again with what is in it")
    func reopens() throws {
        let subscriber = Subscriber(user: "bob", domain: "example.test", secrets: .init(), createdAt: 5)
        try self.directory.database().add(subscriber)
        #expect(try self.directory.database().subscribers() == [subscriber])
    }

    @Test("A database with a step that we do not know is left alone")
    func refusesNewerVersion() throws {
        try self.directory.database().queue.write {
            try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9 holograms')")
        }
        let (code, text) = self.code { _ = try self.directory.database() }
        #expect(code == .newerVersion)
        #expect(
            text == "database \(self.path) was written by a newer version of biloxi: run that version, or name another"
                + " directory with --data")
    }

    @Test("A file that is no database is left alone")
    func refusesOtherFiles() throws {
        let content = Data(repeating: 0x41, count: 8192)
        try content.write(to: URL(fileURLWithPath: self.path))
        #expect(self.code { _ = try self.directory.database() }.code == .damaged)
        #expect(try Data(contentsOf: URL(fileURLWithPath: self.path)) == content)
    }

    @Test("A database that another process keeps locked says so")
    func reportsLock() throws {
        try self.directory.database().queue.writeWithoutTransaction { other in
            try other.execute(sql: "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
            let (code, text) = self.code {
                try self.directory.database(busyTimeout: .milliseconds(20))
                    .add(Subscriber(user: "bob", domain: "example.test", secrets: .init(), createdAt: 0))
            }
            #expect(code == .locked)
            #expect(text.hasPrefix("database \(self.path) is locked by another process: end it, or try again"))
            try other.execute(sql: "ROLLBACK")
        }
    }

    @Test("The data directory is made with its parents, for its owner only")
    func makesDirectory() throws {
        let data = try DataDirectory(path: self.directory.path + "/a/b/")
        #expect(data.databasePath == self.directory.path + "/a/b/biloxi.db")
        let attributes = try FileManager.default.attributesOfItem(atPath: data.path)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
    }

    @Test("A data directory that is a file, or below one, is refused")
    func refusesFile() throws {
        let file = self.directory.path + "/file"
        try Data().write(to: URL(fileURLWithPath: file))
        #expect(
            self.code { _ = try DataDirectory(path: file) }
                == (.unusableDirectory, "data directory \(file) is a file: name a directory with --data"))
        #expect(self.code { _ = try DataDirectory(path: file + "/below") }.code == .unusableDirectory)
    }

    @Test("One server at a time has the data directory")
    func locksDirectory() throws {
        let data = try DataDirectory(path: self.directory.path)
        var lock: DirectoryLock? = try data.lockForServer()
        let (code, text) = self.code { _ = try data.lockForServer() }
        #expect(code == .inUse)
        #expect(
            text == "a server runs on \(data.path) (process \(ProcessInfo.processInfo.processIdentifier)): stop it, or"
                + " name another directory with --data")
        withExtendedLifetime(lock) {}
        lock = nil
        #expect(self.code { _ = try data.lockForServer() }.code == nil)
    }

    @Test("Without the right to write, directory and database say so")
    func refusesReadOnly() async throws {
        try self.directory.database().add(
            Subscriber(user: "bob", domain: "example.test", secrets: .init(), createdAt: 0))
        let path = self.directory.path
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        await #expect(processExitsWith: .success) { [path = path as String] in
            // Root may write anywhere: become nobody.
            if getuid() == 0 { #expect(setuid(65534) == 0) } else { chmod(path, 0o555) }
            #expect(throws: StorageError.self) { try DataDirectory(path: path) }
            let error = #expect(throws: StorageError.self) { try ServerDatabase(path: path + "/biloxi.db") }
            #expect(error?.code == .readOnly)
        }
        chmod(path, 0o755)
    }
}
