import Foundation
import Testing

@Suite("The rooms and the direction in which they see each other (docs/ARCHITECTURE.md)")
struct ArchitectureTests {
    /// The folder of the package, found from where this file lies.
    private static let package = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test("Every folder of sources is a room of the table")
    func everyFolderIsKnown() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            at: Self.package.appending(path: "Sources"), includingPropertiesForKeys: nil)
        let unknown = Set(folders.map(\.lastPathComponent)).subtracting(Room.all.map(\.name))
        #expect(unknown.isEmpty, "add them to Rooms.swift and docs/ARCHITECTURE.md")
    }

    @Test("A room imports what the table allows and nothing else", arguments: Room.all.map(\.name))
    func importsAreAllowed(name: String) throws {
        let room = try #require(Room.all.first { $0.name == name })
        let allowed = room.rooms.union(room.foreign)
        for file in Self.swiftFiles(of: room) {
            let text = try String(contentsOf: file, encoding: .utf8)
            let forbidden = Self.imports(in: text).subtracting(allowed)
            #expect(forbidden.isEmpty, "\(name)/\(file.lastPathComponent)")
        }
    }

    @Test("The table itself points inwards", arguments: Room.all.map(\.name))
    func tablePointsInwards(name: String) throws {
        let room = try #require(Room.all.first { $0.name == name })
        for seen in room.rooms {
            let other = try #require(Room.all.first { $0.name == seen }, "\(seen) is no room")
            #expect(other.ring <= room.ring, "\(name) is further inside than \(seen)")
            #expect(!other.rooms.contains(name), "\(name) and \(seen) see each other")
        }
        if room.ring < .drivers {
            let allowed: Set<String> = name == "Containers" ? ["Synchronization"] : ["Crypto"]
            #expect(room.foreign.isSubset(of: allowed), "protocol rooms have no sockets, clocks, files or threads")
        }
    }

    @Test(
        "An import is found with whatever stands before it",
        arguments: [
            "import NIO", "public import NIO", "@preconcurrency import NIO", "  internal import NIO",
            "import struct NIO.Channel", "@_spi(Inner) public import NIO", "@testable import NIO // why",
        ])
    func importsAreFound(line: String) {
        #expect(Self.imports(in: "// A file.\n\(line)\nlet important = 1\n") == ["NIO"])
    }

    @Test(
        "What only looks like an import is none",
        arguments: ["// import NIO", "/// import NIO", "let x = \"import NIO\""])
    func othersAreNot(line: String) {
        #expect(Self.imports(in: line).isEmpty)
    }

    private static func swiftFiles(of room: Room) -> [URL] {
        let folder = Self.package.appending(path: "Sources/\(room.name)")
        let found = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        return (found?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
    }

    /// The modules that a file imports.
    private static func imports(in text: String) -> Set<String> {
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor"]
        let levels: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
        var modules: Set<String> = []
        for line in text.split(whereSeparator: \.isNewline) {
            var words = line.split(separator: " ")[...]
            while let word = words.first, word.hasPrefix("@") || levels.contains(word) { words.removeFirst() }
            guard words.first == "import" else { continue }
            words.removeFirst()
            if let word = words.first, kinds.contains(word) { words.removeFirst() }
            guard let module = words.first?.split(separator: ".").first else { continue }
            modules.insert(String(module))
        }
        return modules
    }
}
