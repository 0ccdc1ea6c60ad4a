import Yams

/// Keys that stand more than once in an object, each where it comes again.
///
/// Yams says of a text with such keys where the first of them stands. So that first one is given another name of the same
/// length, again and again, until the text has no such keys: then all others stand where they stood.
struct RepeatedKeys {
    /// A key that is not the first of its name in its object.
    struct Repeated {
        let name: String
        let mark: Mark
        let firstLine: Int
    }

    /// How many keys are looked for.
    private static let limit = 32

    private var scalars: [Unicode.Scalar]
    /// The names of keys that were given others, by these.
    private var renamed: [String: String] = [:]
    private var found: [Repeated] = []

    /// The repeated keys of a text.
    ///
    /// - Parameter first: What Yams says of the text: the names, and where the first of them stands.
    static func find(in yaml: String, first: (names: [String], mark: Mark)) -> [Repeated] {
        var keys = RepeatedKeys(scalars: Array(yaml.unicodeScalars))
        var (name, mark) = (first.names.first ?? "", first.mark)
        while keys.renamed.count < Self.limit, keys.rename(name, at: mark) {
            do {
                if let root = try Yams.compose(yaml: keys.text) { keys.collect(root) }
                break
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                (name, mark) = (names.first ?? "", context.mark)
            } catch {
                break  // The new name means something else there.
            }
        }
        // Where it cannot be found out, the first one is named.
        return keys.found.isEmpty ? [Repeated(name: name, mark: mark, firstLine: mark.line)] : keys.found
    }

    private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

    private var text: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: self.scalars)
        return String(view)
    }

    /// Gives a key another first letter, one for private use that no other key has.
    private mutating func rename(_ name: String, at mark: Mark) -> Bool {
        guard let first = name.unicodeScalars.first, var position = self.position(of: mark) else { return false }
        let isQuoted = self.scalars[position] == "\"" || self.scalars[position] == "'"
        if isQuoted { position += 1 }
        guard position < self.scalars.count, self.scalars[position] == first,
            let letter = Unicode.Scalar(0xE000 + UInt32(self.renamed.count)), !self.scalars.contains(letter)
        else { return false }
        self.scalars[position] = letter
        var other = String.UnicodeScalarView([letter])
        other.append(contentsOf: name.unicodeScalars.dropFirst())
        self.renamed[String(other)] = name
        return true
    }

    /// Where a mark is; lines end as in YAML 1.1, and columns count characters.
    private func position(of mark: Mark) -> Int? {
        var (position, line) = (0, 1)
        while line < mark.line, position < self.scalars.count {
            switch self.scalars[position] {
            case "\r" where position + 1 < self.scalars.count && self.scalars[position + 1] == "\n": break
            case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": line += 1
            default: break
            }
            position += 1
        }
        position += mark.column - 1
        return line == mark.line && position >= 0 && position < self.scalars.count ? position : nil
    }

    /// Finds the keys below a node that have the name which others had.
    private mutating func collect(_ node: Node) {
        if let sequence = node.sequence {
            for element in sequence { self.collect(element) }
        }
        guard let mapping = node.mapping else { return }
        var places: [String: [Mark]] = [:]
        for (key, value) in mapping {
            if let name = key.scalar?.string, let mark = key.mark {
                places[self.renamed[name] ?? name, default: []].append(mark)
            }
            self.collect(value)
        }
        for (name, marks) in places where marks.count > 1 {
            let sorted = marks.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
            self.found += sorted.dropFirst().map { Repeated(name: name, mark: $0, firstLine: sorted[0].line) }
        }
        self.found.sort { ($0.mark.line, $0.mark.column) < ($1.mark.line, $1.mark.column) }
    }
}
