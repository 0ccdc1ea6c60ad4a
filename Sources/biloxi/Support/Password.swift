import Foundation

/// Passwords: from a file, from the environment, or new ones.
enum Password {
    /// No letter or digit that can be taken for another.
    static let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789")

    /// A new password of three groups of five: 15 letters out of 31 are 74 bits.
    static func generate() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<3).map { _ in
            String((0..<5).map { _ in Self.alphabet[Int.random(in: 0..<Self.alphabet.count, using: &generator)] })
        }.joined(separator: "-")
    }

    /// The password that the user gives: the first line of a file (`-` is standard input), or BILOXI_PASSWORD.
    ///
    /// - Returns: `nil` when neither is given.
    static func given(
        file: String?, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(CommandError) -> String? {
        guard let file else {
            guard let password = environment["BILOXI_PASSWORD"] else { return nil }
            return try Self.checked(password, from: "BILOXI_PASSWORD")
        }
        let name = file == "-" ? "standard input" : "password file \(file)"
        guard let handle = file == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: file),
            let content = try? Self.read(handle)
        else {
            throw CommandError(.usage, "\(name) cannot be read: name a file with the password in its first line")
        }
        guard content.count <= Self.maximumOctets, let text = String(data: content, encoding: .utf8) else {
            throw CommandError(.usage, "\(name) is no password: it must be a line of text")
        }
        // By scalars: CR LF is one character.
        let line = text.unicodeScalars.prefix { $0 != "\n" && $0 != "\r" }
        return try Self.checked(String(String.UnicodeScalarView(line)), from: name)
    }

    /// The password that the user types at the terminal, which does not show it; `nil` when he types none, or there is no
    /// terminal.
    static func asked(for address: String) -> String? {
        guard let typed = getpass("Password of \(address) (Enter for none): ") else { return nil }
        let password = String(cString: typed)
        return password.isEmpty ? nil : password
    }

    private static let maximumOctets = 4096

    /// Reads to the end or beyond the limit. A pipe, `<(…)` of a shell say, gives what it has in pieces, and no size.
    private static func read(_ handle: FileHandle) throws -> Data {
        var content = Data()
        while content.count <= Self.maximumOctets,
            let piece = try handle.read(upToCount: Self.maximumOctets + 1 - content.count), !piece.isEmpty
        {
            content += piece
        }
        return content
    }

    private static func checked(_ password: String, from source: String) throws(CommandError) -> String {
        if password.isEmpty { throw CommandError(.usage, "\(source) is empty: put the password in its first line") }
        return password
    }
}
