/// A SIP message read as text, by rules that are not those of the parser under test: enough to compare messages that are
/// printed in a document with messages that were sent.
struct MessageText {
    /// The start line.
    let start: String
    /// The header fields in their order, folded lines joined.
    let fields: [(name: String, value: String)]
    /// What follows the empty line, with LF at the end of each line.
    let body: String

    init(_ text: String) {
        let unified = text.replacing("\r\n", with: "\n")
        let end = unified.firstRange(of: "\n\n")
        let head = end.map { unified[..<$0.lowerBound] } ?? unified[...]
        self.body = end.map { String(unified[$0.upperBound...]) } ?? ""
        var lines: [String] = []
        for line in head.split(separator: "\n") {
            if line.hasPrefix(" "), !lines.isEmpty {
                lines[lines.count - 1] += " " + line.drop { $0 == " " }
            } else {
                lines.append(String(line))
            }
        }
        self.start = lines.first ?? ""
        self.fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (String(parts[0]).lowercased(), Self.trimmed(parts.count > 1 ? parts[1] : ""))
        }
    }

    /// The values of a field that is no list, one for each line.
    func lines(_ name: String) -> [String] { self.fields.filter { $0.name == name }.map(\.value) }

    /// The first value of a field.
    func first(_ name: String) -> String? { self.lines(name).first }

    /// The values of a field that is a list.
    func list(_ name: String) -> [String] { self.lines(name).flatMap { Self.split($0, at: ",") } }

    /// Splits where a separator stands outside of quotes and angle brackets.
    static func split(_ text: String, at separator: Character) -> [String] {
        var (parts, isQuoted, isBracketed) = ([""], false, false)
        for character in text {
            switch character {
            case "\"": isQuoted.toggle()
            case "<" where !isQuoted: isBracketed = true
            case ">" where !isQuoted: isBracketed = false
            case separator where !isQuoted && !isBracketed:
                parts.append("")
                continue
            default: break
            }
            parts[parts.count - 1].append(character)
        }
        return parts.map { Self.trimmed($0) }.filter { !$0.isEmpty }
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var text = Substring(text)
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

/// A value with parameters: `<sip:bob@biloxi.example.com;lr>;tag=1`.
struct ParameterizedText {
    /// What stands before the parameters; of an address the URI alone.
    let value: String
    /// The parameters, names in lower case.
    let parameters: [String: String]

    init(_ text: String) {
        let parts = MessageText.split(text, at: ";")
        var parameters: [String: String] = [:]
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
            parameters[pair[0].lowercased()] = pair.count > 1 ? pair[1] : ""
        }
        self.parameters = parameters
        let value = parts.first ?? ""
        if let open = value.firstIndex(of: "<"), let close = value.lastIndex(of: ">"), open < close {
            self.value = String(value[value.index(after: open)..<close])
        } else {
            self.value = value
        }
    }
}
