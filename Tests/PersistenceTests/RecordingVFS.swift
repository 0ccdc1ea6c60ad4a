import Foundation
import GRDBSQLite
import Synchronization

/// A layer below SQLite that remembers, for the databases in chosen directories, which octets have been synced: what a
/// disk holds for certain when the power fails (https://www.sqlite.org/vfs.html).
enum RecordingVFS {
    /// The files that have been written, by path, as they are when only what was synced survives.
    struct Disk: Sendable {
        var files: [String: [UInt8]] = [:]
    }

    private struct File {
        var path: String
        var written: [UInt8] = []
        var synced: [UInt8]?
    }
    private struct State {
        var directories: Set<String> = []
        var failingDirectories: Set<String> = []
        var files: [File] = []
    }
    private static let state = Mutex(State())

    /// Records the files of a directory from now on, by a layer under every connection that is opened from now on.
    static func record(_ directory: String) {
        _ = Self.isRegistered
        _ = Self.state.withLock { $0.directories.insert(directory) }
    }

    /// Lets the syncs of a directory's files fail, as on a broken disk, or succeed again.
    static func failSyncs(in directory: String, _ isFailing: Bool) {
        Self.state.withLock {
            if isFailing { $0.failingDirectories.insert(directory) } else { $0.failingDirectories.remove(directory) }
        }
    }

    private static func isFailing(_ file: FilePointer?) -> Bool {
        guard let number = Self.number(file) else { return false }
        return Self.state.withLock { state in
            state.failingDirectories.contains { state.files[number].path.hasPrefix($0 + "/") }
        }
    }

    /// What would be left of the directory's files if the power failed now.
    static func synced(in directory: String) -> Disk {
        Self.state.withLock { state in
            var disk = Disk()
            for file in state.files where file.path.hasPrefix(directory + "/") {
                disk.files[String(file.path.dropFirst(directory.utf8.count + 1))] = file.synced
            }
            return disk
        }
    }

    // MARK: - The layer

    private typealias FilePointer = UnsafeMutablePointer<sqlite3_file>

    /// What stands before the real file in the memory that SQLite gives.
    private struct Header {
        var base: sqlite3_file
        var number: Int
    }
    private static let headerSize = (MemoryLayout<Header>.stride + 15) & ~15

    private static func real(_ file: FilePointer?) -> FilePointer? {
        UnsafeMutableRawPointer(file)?.advanced(by: Self.headerSize).assumingMemoryBound(to: sqlite3_file.self)
    }
    private static func methods(_ file: FilePointer?) -> sqlite3_io_methods? {
        Self.real(file)?.pointee.pMethods.pointee
    }
    private static func number(_ file: FilePointer?) -> Int? {
        UnsafeMutableRawPointer(file)?.assumingMemoryBound(to: Header.self).pointee.number
    }

    nonisolated(unsafe) private static let base: UnsafeMutablePointer<sqlite3_vfs>? = sqlite3_vfs_find(nil)
    nonisolated(unsafe) private static let ioMethods: UnsafeMutablePointer<sqlite3_io_methods> = {
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(to: Self.makeMethods())
        return methods
    }()
    private static let isRegistered: Bool = {
        guard let base = Self.base else { return false }
        let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        layer.initialize(to: base.pointee)
        layer.pointee.zName = UnsafePointer(strdup("recording"))
        layer.pointee.szOsFile = base.pointee.szOsFile + CInt(Self.headerSize)
        layer.pointee.pNext = nil
        layer.pointee.xOpen = { _, name, file, flags, outFlags in
            RecordingVFS.open(name, file, flags, outFlags)
        }
        layer.pointee.xDelete = { _, name, syncDirectory in
            let path = name.map { String(cString: $0) } ?? ""
            RecordingVFS.state.withLock { state in
                for index in state.files.indices where state.files[index].path == path {
                    (state.files[index].written, state.files[index].synced) = ([], nil)
                }
            }
            return RecordingVFS.base?.pointee.xDelete(RecordingVFS.base, name, syncDirectory) ?? SQLITE_ERROR
        }
        return sqlite3_vfs_register(layer, 1) == SQLITE_OK
    }()

    private static func open(
        _ name: UnsafePointer<CChar>?, _ file: FilePointer?, _ flags: CInt, _ outFlags: UnsafeMutablePointer<CInt>?
    ) -> CInt {
        let path = name.map { String(cString: $0) } ?? ""
        let number = Self.state.withLock { state -> Int? in
            guard state.directories.contains(where: { path.hasPrefix($0 + "/") }) else { return nil }
            if let known = state.files.firstIndex(where: { $0.path == path }) { return known }
            state.files.append(File(path: path))
            return state.files.count - 1
        }
        guard let base = Self.base, let file, let open = base.pointee.xOpen else { return SQLITE_CANTOPEN }
        guard let number else { return open(base, name, file, flags, outFlags) }
        let code = open(base, name, Self.real(file), flags, outFlags)
        if Self.real(file)?.pointee.pMethods != nil {
            UnsafeMutableRawPointer(file).initializeMemory(
                as: Header.self, to: Header(base: sqlite3_file(pMethods: Self.ioMethods), number: number))
        }
        return code
    }

    private static func update(_ file: FilePointer?, _ change: (inout File) -> Void) {
        guard let number = Self.number(file) else { return }
        Self.state.withLock { change(&$0.files[number]) }
    }

    private static func makeMethods() -> sqlite3_io_methods {
        var methods = sqlite3_io_methods()
        methods.iVersion = 2
        methods.xClose = { RecordingVFS.methods($0)?.xClose(RecordingVFS.real($0)) ?? SQLITE_ERROR }
        methods.xRead = { RecordingVFS.methods($0)?.xRead(RecordingVFS.real($0), $1, $2, $3) ?? SQLITE_ERROR }
        methods.xWrite = { file, octets, count, offset in
            let code =
                RecordingVFS.methods(file)?.xWrite(RecordingVFS.real(file), octets, count, offset) ?? SQLITE_ERROR
            let buffer = UnsafeRawBufferPointer(start: octets, count: Int(count))
            RecordingVFS.update(file) { file in
                let end = Int(offset) + buffer.count
                if file.written.count < end {
                    file.written.append(contentsOf: repeatElement(0, count: end - file.written.count))
                }
                file.written.replaceSubrange(Int(offset)..<end, with: buffer)
            }
            return code
        }
        methods.xTruncate = { file, size in
            RecordingVFS.update(file) { $0.written = Array($0.written.prefix(Int(size))) }
            return RecordingVFS.methods(file)?.xTruncate(RecordingVFS.real(file), size) ?? SQLITE_ERROR
        }
        methods.xSync = { file, flags in
            // SQLITE_IOERR_FSYNC, a macro that Swift does not see.
            if RecordingVFS.isFailing(file) { return SQLITE_IOERR | 4 << 8 }
            let code = RecordingVFS.methods(file)?.xSync(RecordingVFS.real(file), flags) ?? SQLITE_ERROR
            RecordingVFS.update(file) { $0.synced = $0.written }
            return code
        }
        methods.xFileSize = { RecordingVFS.methods($0)?.xFileSize(RecordingVFS.real($0), $1) ?? SQLITE_ERROR }
        methods.xLock = { RecordingVFS.methods($0)?.xLock(RecordingVFS.real($0), $1) ?? SQLITE_ERROR }
        methods.xUnlock = { RecordingVFS.methods($0)?.xUnlock(RecordingVFS.real($0), $1) ?? SQLITE_ERROR }
        methods.xCheckReservedLock = {
            RecordingVFS.methods($0)?.xCheckReservedLock(RecordingVFS.real($0), $1) ?? SQLITE_ERROR
        }
        methods.xFileControl = {
            RecordingVFS.methods($0)?.xFileControl(RecordingVFS.real($0), $1, $2) ?? SQLITE_ERROR
        }
        methods.xSectorSize = { RecordingVFS.methods($0)?.xSectorSize(RecordingVFS.real($0)) ?? 4096 }
        methods.xDeviceCharacteristics = {
            RecordingVFS.methods($0)?.xDeviceCharacteristics(RecordingVFS.real($0)) ?? 0
        }
        methods.xShmMap = { RecordingVFS.methods($0)?.xShmMap(RecordingVFS.real($0), $1, $2, $3, $4) ?? SQLITE_ERROR }
        methods.xShmLock = { RecordingVFS.methods($0)?.xShmLock(RecordingVFS.real($0), $1, $2, $3) ?? SQLITE_ERROR }
        methods.xShmBarrier = { RecordingVFS.methods($0)?.xShmBarrier(RecordingVFS.real($0)) }
        methods.xShmUnmap = { RecordingVFS.methods($0)?.xShmUnmap(RecordingVFS.real($0), $1) ?? SQLITE_ERROR }
        return methods
    }
}
