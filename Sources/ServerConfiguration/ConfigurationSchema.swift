/// The description of all keys, for people and for editors.
public enum ConfigurationSchema {
    /// One paragraph for each key: its path, form, default, variable and meaning.
    public static var text: String {
        var lines: [String] = []
        Self.describe(ConfigurationKeys.root, path: [], into: &lines)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func describe(_ keys: [Shape.Key], path: [String], into lines: inout [String]) {
        for key in keys {
            let keyPath = path + [key.name]
            var facts = [Self.form(of: key.shape)]
            if key.isRequired { facts.append("required") }
            if let fallback = key.fallback, fallback != "{}" { facts.append("default \(fallback)") }
            lines.append("\(keyPath.joined(separator: "."))")
            lines.append("    \(facts.joined(separator: "; "))")
            lines.append("    \(key.summary)")
            switch key.shape {
            case .object(let keys): Self.describe(keys, path: keyPath, into: &lines)
            case .shorthand(_, let keys): Self.describe(keys, path: keyPath, into: &lines)
            case .named(_, .object(let keys)): Self.describe(keys, path: keyPath + ["NAME"], into: &lines)
            case .list(.object(let keys), _), .list(.shorthand(_, let keys), _):
                Self.describe(keys, path: keyPath + ["[]"], into: &lines)
            case .boolean, .number, .text, .choice, .list, .named: break
            }
        }
    }

    private static func form(of shape: Shape) -> String {
        switch shape {
        case .object: "an object"
        case .named(let name, _): "an object, with a key for each \(name)"
        case .list(.object, _): "a list of objects"
        case .shorthand(let key, let keys):
            "\(keys.first { $0.name == key }?.shape.description ?? "a text"), or an object"
        case .boolean, .number, .text, .choice, .list: shape.description
        }
    }

    /// A JSON Schema (draft 2020-12) that editors check and complete a file by.
    public static var json: String {
        let properties = JSONText.object(
            [
                ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
                ("title", .string("Configuration of biloxi")),
            ] + Self.members(of: ConfigurationKeys.root))
        var output = ""
        properties.write(to: &output, indentation: 0)
        return output + "\n"
    }

    private static func members(of keys: [Shape.Key]) -> [(String, JSONText)] {
        var members: [(String, JSONText)] = [
            ("type", .string("object")), ("additionalProperties", .literal("false")),
            ("properties", .object(keys.map { ($0.name, Self.schema(of: $0)) })),
        ]
        let required = keys.filter(\.isRequired).map { JSONText.string($0.name) }
        if !required.isEmpty { members.append(("required", .array(required))) }
        return members
    }

    private static func schema(of key: Shape.Key) -> JSONText {
        var description = key.summary
        if let fallback = key.fallback, fallback != "{}" { description += " Default: \(fallback)." }
        return .object([("description", .string(description))] + Self.members(of: key.shape))
    }

    private static func members(of shape: Shape) -> [(String, JSONText)] {
        switch shape {
        case .boolean:
            [("type", .string("boolean"))]
        case .number(let range, _):
            [
                ("type", .string("integer")), ("minimum", .literal("\(range.lowerBound)")),
                ("maximum", .literal("\(range.upperBound)")),
            ]
        case .text:
            // A number without quotes is a text to the reader, too.
            [("type", .array([.string("string"), .string("integer")]))]
        case .choice(let words):
            [("enum", .array(words.map { .string($0) }))]
        case .list(let element, let minimum):
            [
                (
                    "anyOf",
                    .array([
                        .object([
                            ("type", .string("array")), ("minItems", .literal("\(minimum)")),
                            ("items", .object(Self.members(of: element))),
                        ]), .object(Self.members(of: element)),
                    ])
                )
            ]
        case .object(let keys):
            Self.members(of: keys)
        case .named(_, let element):
            [("type", .string("object")), ("additionalProperties", .object(Self.members(of: element)))]
        case .shorthand(let key, let keys):
            [
                (
                    "anyOf",
                    .array([
                        .object(keys.first { $0.name == key }.map { Self.members(of: $0.shape) } ?? []),
                        .object(Self.members(of: keys)),
                    ])
                )
            ]
        }
    }
}

/// JSON with its members in a chosen order.
indirect enum JSONText {
    case string(String)
    case literal(String)
    case array([JSONText])
    case object([(String, JSONText)])

    func write(to output: inout String, indentation: Int) {
        let inner = String(repeating: " ", count: indentation + 2)
        let end = "\n" + String(repeating: " ", count: indentation)
        switch self {
        case .string(let text): output += Self.quoted(text)
        case .literal(let text): output += text
        case .array(let elements):
            output += "["
            for (index, element) in elements.enumerated() {
                output += (index == 0 ? "\n" : ",\n") + inner
                element.write(to: &output, indentation: indentation + 2)
            }
            output += elements.isEmpty ? "]" : end + "]"
        case .object(let members):
            output += "{"
            for (index, member) in members.enumerated() {
                output += (index == 0 ? "\n" : ",\n") + inner + Self.quoted(member.0) + ": "
                member.1.write(to: &output, indentation: indentation + 2)
            }
            output += members.isEmpty ? "}" : end + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output + "\""
    }
}
