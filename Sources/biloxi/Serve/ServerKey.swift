import Foundation
import Persistence
import SIPMessages

/// The server's own secret, 128 bits made on the first run and kept in the data directory, so that the marks of dialogs
/// are still known after a restart.
struct ServerKey: Sendable {
    let hashKey: SipHashKey

    /// Reads the key, or makes it.
    ///
    /// - Throws: `CommandError` when the file can be neither read nor written.
    init(in directory: DataDirectory) throws {
        let path = directory.path + "/server.key"
        if let data = FileManager.default.contents(atPath: path), let key = SipHashKey(Array(data).span) {
            self.hashKey = key
            return
        }
        var octets: [UInt8] = []
        for _ in 0..<16 { octets.append(UInt8.random(in: 0...255)) }
        let isWritten = FileManager.default.createFile(
            atPath: path, contents: Data(octets), attributes: [.posixPermissions: 0o600])
        guard isWritten, let key = SipHashKey(octets.span) else {
            throw CommandError(.failed, "\(path) cannot be written: make the data directory writable for this user")
        }
        self.hashKey = key
    }
}
