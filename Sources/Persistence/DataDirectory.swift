import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The directory that holds what a server keeps: its database, its control socket and its lock.
///
/// Made on first use and readable by its owner only, since the secrets in the database are as good as passwords (RFC
/// 7616 §5.10).
public struct DataDirectory: Hashable, Sendable {
    /// The path of the directory.
    public let path: String

    /// The database.
    public var databasePath: String { self.path + "/biloxi.db" }
    /// The socket by which other processes speak to the running server.
    public var controlSocketPath: String { self.path + "/control.sock" }
    /// The file that a running server keeps locked.
    public var lockPath: String { self.path + "/server.lock" }

    /// Makes the directory, with its parents, unless it exists.
    ///
    /// - Throws: `StorageError` of code `unusableDirectory` or `readOnly`.
    public init(path: String) throws(StorageError) {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: self.path, isDirectory: &isDirectory) {
            guard isDirectory.boolValue else {
                throw StorageError(.unusableDirectory, "data directory \(path) is a file: name a directory with --data")
            }
        } else {
            do {
                try FileManager.default.createDirectory(
                    atPath: self.path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw StorageError(
                    .unusableDirectory,
                    "data directory \(path) cannot be made: make it for this user, or name another with --data")
            }
        }
        guard access(self.path, R_OK | W_OK | X_OK) == 0 else {
            throw StorageError(
                .readOnly,
                "data directory \(path) cannot be written: make it writable for this user, or name another with --data")
        }
    }

    /// Takes the directory for one server, until the lock is released or the process ends.
    ///
    /// Two servers on one directory would each hold bindings that the other does not know.
    ///
    /// - Throws: `StorageError` of code `inUse` when another server has it.
    public func lockForServer() throws(StorageError) -> DirectoryLock {
        let descriptor = open(self.lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StorageError(.readOnly, "\(self.lockPath) cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let owner = (try? String(contentsOfFile: self.lockPath, encoding: .utf8)) ?? ""
            close(descriptor)
            let process = owner.isEmpty ? "another process" : "process \(owner)"
            throw StorageError(
                .inUse, "a server runs on \(self.path) (\(process)): stop it, or name another directory with --data")
        }
        ftruncate(descriptor, 0)
        let processID = Array(String(getpid()).utf8)
        _ = processID.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        return DirectoryLock(descriptor: descriptor)
    }
}

/// Holds a data directory for one server while it is alive.
public final class DirectoryLock: Sendable {
    private let descriptor: Int32

    fileprivate init(descriptor: Int32) { self.descriptor = descriptor }

    deinit {
        ftruncate(self.descriptor, 0)
        close(self.descriptor)
    }
}
