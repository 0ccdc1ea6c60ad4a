/// A value that has been checked against its shape, and where it comes from.
struct ConfigurationValue {
    struct Field {
        var name: String
        var nameSource: ConfigurationSource
        var value: ConfigurationValue
    }
    enum Content {
        case boolean(Bool)
        case number(Int)
        case text(String)
        case list([ConfigurationValue])
        case object([Field])
    }

    var content: Content
    var source: ConfigurationSource

    subscript(name: String) -> ConfigurationValue? {
        guard case .object(let fields) = self.content else { return nil }
        return fields.first { $0.name == name }?.value
    }

    var fields: [Field] { if case .object(let fields) = self.content { fields } else { [] } }
    var elements: [ConfigurationValue] { if case .list(let elements) = self.content { elements } else { [] } }
    var text: String? { if case .text(let text) = self.content { text } else { nil } }
    // Not inlined: the optimiser of Swift 6.3 finds fault with its own work there, and stops.
    var number: Int? {
        @inline(never) get { if case .number(let number) = self.content { number } else { nil } }
    }
    var boolean: Bool? {
        @inline(never) get { if case .boolean(let boolean) = self.content { boolean } else { nil } }
    }

    /// Puts `value` at a path below this object, with objects in between where there are none.
    mutating func set(_ value: ConfigurationValue, at path: ArraySlice<String>) {
        guard let name = path.first else {
            self = value
            return
        }
        var fields = self.fields
        var child = self[name] ?? ConfigurationValue(content: .object([]), source: value.source)
        child.set(value, at: path.dropFirst())
        if let index = fields.firstIndex(where: { $0.name == name }) {
            fields[index].value = child
        } else {
            fields.append(Field(name: name, nameSource: value.source, value: child))
        }
        self = ConfigurationValue(content: .object(fields), source: self.source)
    }
}
