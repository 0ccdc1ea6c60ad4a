import Foundation

/// A message of RFC 4475 or RFC 5118, from the archive that the tests of SIPMessages keep.
struct TortureMessage {
    /// The octets; with CR LF line ends where the archive has bare LF (RFC 5118).
    let octets: [UInt8]

    init(_ file: String) throws {
        let folder = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "SIPMessagesTests/Torture")
        for name in ["rfc5118/wire/\(file).dat", "rfc4475/\(file).dat"] {
            if let data = try? Data(contentsOf: folder.appending(path: name)) {
                self.octets = Array(data)
                return
            }
        }
        throw CocoaError(.fileNoSuchFile)
    }

    /// The names of all messages that a section describes.
    static func names(of folder: String) throws -> [String] {
        let url = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "SIPMessagesTests/Torture/\(folder)")
        return try FileManager.default.contentsOfDirectory(atPath: url.path)
            .filter { $0.hasSuffix(".dat") && $0 != "test.dat" }.map { String($0.dropLast(4)) }.sorted()
    }
}
