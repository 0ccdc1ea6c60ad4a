import GRDB

/// Why something could not be stored or read: what is wrong, where, and what to do about it.
public struct StorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of error. An open set: new kinds may come.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The words of the message.
        public let rawValue: String
        /// A code with these words.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The data directory cannot be made, or is no directory.
        public static let unusableDirectory = Code(rawValue: "unusableDirectory")
        /// The directory or the database cannot be written.
        public static let readOnly = Code(rawValue: "readOnly")
        /// Another server works in the data directory.
        public static let inUse = Code(rawValue: "inUse")
        /// Another process held the database for longer than the busy timeout.
        public static let locked = Code(rawValue: "locked")
        /// The database was written by a newer version of the program.
        public static let newerVersion = Code(rawValue: "newerVersion")
        /// The file is not a database, or it is damaged.
        public static let damaged = Code(rawValue: "damaged")
        /// The disk or the database is full.
        public static let full = Code(rawValue: "full")
        /// Nothing of that name is stored.
        public static let notFound = Code(rawValue: "notFound")
        /// Something of that name is stored already.
        public static let exists = Code(rawValue: "exists")
        /// Any other error of the database.
        public static let failed = Code(rawValue: "failed")
    }

    /// The kind of error.
    public let code: Code
    /// One line, without secrets or identities, safe to log.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// What `error` means for the database at `path`.
    init(_ error: any Error, path: String) {
        if let error = error as? StorageError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(.failed, "database \(path): \(error)")
            return
        }
        // The message only: GRDB's description would quote the SQL.
        let message = "\(error.message ?? "no message") (SQLite \(error.extendedResultCode.rawValue))"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.locked, "database \(path) is locked by another process: end it, or try again (\(message))")
        case .SQLITE_READONLY:
            self.init(.readOnly, "database \(path) cannot be written: make it and its directory writable for this user")
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
            self.init(.readOnly, "database \(path) cannot be opened: make it and its directory readable and writable")
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            self.init(
                .damaged, "database \(path) is damaged or no database: restore a copy, or move it away (\(message))")
        case .SQLITE_FULL:
            self.init(.full, "database \(path) cannot grow: make room on its disk (\(message))")
        default:
            self.init(.failed, "database \(path): \(message)")
        }
    }
}
