import Foundation

/// The messages of RFC 4475 and RFC 5118 with what the RFC expects of them.
struct TortureMessage: Sendable, CustomStringConvertible {
    let file: String
    let section: String
    let isValid: Bool
    let verdict: String
    let octets: [UInt8]
    let octetsExpected: Int
    /// With CR LF line ends, where the archive has bare LF (RFC 5118).
    let wire: [UInt8]

    var description: String { "\(self.file) (§\(self.section))" }

    static let rfc4475 = Self.load("rfc4475")
    static let rfc5118 = Self.load("rfc5118")
    static let all = Self.rfc4475 + Self.rfc5118

    static func octets(of file: String) -> [UInt8] {
        Self.all.first { $0.file == file }?.wire ?? []
    }

    /// Every file, also the one that no section describes.
    static let files: [[UInt8]] = ["rfc4475", "rfc5118", "rfc5118/wire"].flatMap { folder in
        let url = Self.folder.appendingPathComponent(folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.sorted().filter { $0.hasSuffix(".dat") }.compactMap {
            (try? Data(contentsOf: url.appendingPathComponent($0))).map { Array($0) }
        }
    }

    private static let folder = Bundle.module.bundleURL.appendingPathComponent("Torture")

    private struct Expectations: Decodable {
        struct Message: Decodable {
            struct Wire: Decodable { var file: String }
            var file: String
            var section: String
            var valid: Bool
            var verdict: String
            var octets: Int
            var wire: Wire?
        }
        var messages: [Message]
    }

    private static func load(_ folder: String) -> [TortureMessage] {
        let url = Self.folder.appendingPathComponent(folder)
        guard let json = try? Data(contentsOf: url.appendingPathComponent("expectations.json")),
            let expectations = try? JSONDecoder().decode(Expectations.self, from: json)
        else { return [] }
        return expectations.messages.map { message in
            func read(_ name: String) -> [UInt8] {
                (try? Data(contentsOf: url.appendingPathComponent(name))).map { Array($0) } ?? []
            }
            let octets = read(message.file)
            return TortureMessage(
                file: message.file, section: message.section, isValid: message.valid, verdict: message.verdict,
                octets: octets, octetsExpected: message.octets, wire: message.wire.map { read($0.file) } ?? octets)
        }
    }
}
