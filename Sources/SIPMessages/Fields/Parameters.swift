/// One `;name=value` of a header field (`generic-param` of RFC 3261 §25.1), or one `name=value` of an authentication
/// field.
public struct Parameter: Hashable, Sendable {
    /// The name, a token; names compare in any case.
    public let name: String
    /// The value without quotes and escapes; `nil` when there is no `=`.
    public let value: String?
    /// Whether the value is written as a quoted string.
    public let isQuoted: Bool

    /// A parameter. A value that may not stand alone is quoted in any case.
    public init(_ name: String, _ value: String? = nil, isQuoted: Bool = false) {
        self.name = name
        self.value = value
        self.isQuoted = value.map { isQuoted || !Self.canStandAlone($0) } ?? false
    }

    /// Whether a value reads back without quotes: a token, a host, and what else peers leave unquoted.
    private static func canStandAlone(_ value: String) -> Bool {
        !value.isEmpty && value.utf8.allSatisfy { $0.isUnquotedParameterValue && $0 < 0x80 }
    }

    /// Appends `name`, or `name=value`.
    public func write(to output: inout [UInt8]) {
        output.append(text: self.name)
        guard let value else { return }
        output.append(0x3D)
        if self.isQuoted { output.append(quoted: value) } else { output.append(text: value) }
    }
}

/// The parameters of a header field in their order. Look-up finds the first of a name, in any case.
public struct Parameters: Hashable, Sendable, ExpressibleByDictionaryLiteral, RandomAccessCollection {
    private var elements: [Parameter]

    /// No parameters.
    public init() { self.elements = [] }

    /// These parameters.
    public init(_ elements: some Sequence<Parameter>) { self.elements = Array(elements) }

    /// Parameters with these names and values; `nil` stands for a parameter without value.
    public init(dictionaryLiteral elements: (String, String?)...) {
        self.elements = elements.map { Parameter($0.0, $0.1) }
    }

    /// The position of the first element: 0.
    public var startIndex: Int { 0 }
    /// The position after the last element.
    public var endIndex: Int { self.elements.count }
    /// The element at this position, from 0 on.
    public subscript(position: Int) -> Parameter { self.elements[position] }

    /// The value of the first parameter with this name: empty when it has none, `nil` when it is not there.
    ///
    /// Setting replaces every parameter of the name, and `nil` removes them.
    public subscript(name: String) -> String? {
        get {
            guard let found = self.elements.first(where: { $0.name.equals(ignoringCase: name) }) else { return nil }
            return found.value ?? ""
        }
        set {
            guard let newValue else { return self.remove(name) }
            self.set(Parameter(name, newValue))
        }
    }

    /// Whether there is a parameter with this name, with or without value.
    public func has(_ name: String) -> Bool { self.elements.contains { $0.name.equals(ignoringCase: name) } }

    /// Adds a parameter after the others.
    public mutating func append(_ parameter: Parameter) { self.elements.append(parameter) }

    /// Puts a parameter in the place of the first of its name, and removes the others; without one it is added.
    public mutating func set(_ parameter: Parameter) {
        let place = self.elements.firstIndex { $0.name.equals(ignoringCase: parameter.name) }
        guard let place else { return self.elements.append(parameter) }
        self.elements[place] = parameter
        var position = 0
        self.elements.removeAll {
            defer { position += 1 }
            return position > place && $0.name.equals(ignoringCase: parameter.name)
        }
    }

    /// Removes every parameter with this name.
    public mutating func remove(_ name: String) { self.elements.removeAll { $0.name.equals(ignoringCase: name) } }

    /// Appends each parameter with a semicolon before it.
    public func write(to output: inout [UInt8]) {
        for parameter in self.elements {
            output.append(0x3B)
            parameter.write(to: &output)
        }
    }
}

extension UInt8 {
    /// What an unquoted parameter value is made of: token, host (an IPv6 reference has brackets and colons), and what
    /// peers send besides, up to a separator.
    var isUnquotedParameterValue: Bool {
        self.belongs(to: .parameterValue) || self >= 0x80
    }
}

extension FieldReader {
    /// Makes a parameter of a range that was read.
    func made(_ range: ParameterRange) -> Parameter {
        let name = self.octets.string(range.name)
        guard let value = range.value else { return Parameter(name) }
        guard range.isQuoted else { return Parameter(name, self.octets.string(value)) }
        return Parameter(name, self.octets.unescapingQuotedPairs(value.range), isQuoted: true)
    }

    /// Reads every `;name=value` that follows.
    @_lifetime(self: copy self)
    mutating func parameters() throws(SIPParseError) -> Parameters {
        var parameters = Parameters()
        while let range = try self.parameter() { parameters.append(self.made(range)) }
        return parameters
    }
}
