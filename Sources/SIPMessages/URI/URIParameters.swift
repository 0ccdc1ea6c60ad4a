/// One `name=value` of a URI, a parameter or a header field of it, with its escapes as they came.
public struct URIParameter: Hashable, Sendable {
    /// The name with its escapes.
    public let rawName: String
    /// The value with its escapes; `nil` when there is no `=`.
    public let rawValue: String?

    /// A parameter of this name and value, which are escaped here.
    public init(_ name: String, _ value: String? = nil) {
        self.rawName = name.percentEncoded(allowing: Self.mayStandUnescaped)
        self.rawValue = value.map { $0.percentEncoded(allowing: Self.mayStandUnescaped) }
    }

    /// A parameter of this name and value, in which escapes stand already.
    public init(rawName: String, rawValue: String?) { (self.rawName, self.rawValue) = (rawName, rawValue) }

    /// The name without escapes.
    public var name: String { self.rawName.percentDecoded }
    /// The value without escapes; `nil` when there is no `=`.
    public var value: String? { self.rawValue?.percentDecoded }

    /// What may stand both in a parameter and in a header field of a URI; `&` separates the latter.
    private static func mayStandUnescaped(_ octet: UInt8) -> Bool {
        octet.belongs(to: .parameter) && octet != 0x26
    }

    func write(to output: inout [UInt8]) {
        output.append(text: self.rawName)
        guard let rawValue else { return }
        output.append(0x3D)
        output.append(text: rawValue)
    }
}

/// The parameters of a URI, or the header fields in it, in their order. Look-up is in any case and finds the first.
public struct URIParameters: Hashable, Sendable, RandomAccessCollection, ExpressibleByDictionaryLiteral {
    private var elements: [URIParameter]

    /// No parameters.
    public init() { self.elements = [] }

    /// These parameters.
    public init(_ elements: some Sequence<URIParameter>) { self.elements = Array(elements) }

    /// Parameters with these names and values; `nil` stands for a parameter without value.
    public init(dictionaryLiteral elements: (String, String?)...) {
        self.elements = elements.map { URIParameter($0.0, $0.1) }
    }

    /// The position of the first element: 0.
    public var startIndex: Int { 0 }
    /// The position after the last element.
    public var endIndex: Int { self.elements.count }
    /// The element at this position, from 0 on.
    public subscript(position: Int) -> URIParameter { self.elements[position] }

    /// The value without escapes: empty when the parameter has none, `nil` when it is not there.
    ///
    /// Setting replaces every parameter of the name, and `nil` removes them.
    public subscript(name: String) -> String? {
        get {
            guard let found = self.elements.first(where: { $0.name.equals(ignoringCase: name) }) else { return nil }
            return found.value ?? ""
        }
        set {
            let place = self.elements.firstIndex { $0.name.equals(ignoringCase: name) }
            self.elements.removeAll { $0.name.equals(ignoringCase: name) }
            guard let newValue else { return }
            self.elements.insert(URIParameter(name, newValue), at: place ?? self.elements.count)
        }
    }

    /// Whether there is a parameter with this name, with or without value.
    public func has(_ name: String) -> Bool { self.elements.contains { $0.name.equals(ignoringCase: name) } }

    /// Adds a parameter after the others.
    public mutating func append(_ parameter: URIParameter) { self.elements.append(parameter) }

    /// Removes every parameter with this name.
    public mutating func remove(_ name: String) { self.elements.removeAll { $0.name.equals(ignoringCase: name) } }

    /// Parses `name[=value]` between `separator`s.
    init(
        _ octets: Span<UInt8>, in range: Range<Int>, separator: UInt8, needsValue: Bool, field: HeaderID
    ) throws(SIPParseError) {
        self.init()
        guard !range.isEmpty else { return }
        var start = range.lowerBound
        while true {
            var end = start
            var equals: Int?
            while end < range.upperBound, octets[end] != separator {
                if octets[end] == 0x3D, equals == nil { equals = end }
                end += 1
            }
            // A semicolon too many is forgiven, and not written again.
            if end > start || needsValue {
                guard (equals ?? end) > start, equals != nil || !needsValue else {
                    throw SIPParseError(.malformedURI, in: field, at: start)
                }
                self.elements.append(
                    URIParameter(
                        rawName: octets.string(start..<(equals ?? end)),
                        rawValue: equals.map { octets.string(($0 + 1)..<end) }))
            }
            guard end < range.upperBound else { return }
            start = end + 1
        }
    }

    /// Appends the parameters with `first` before the first and `separator` before each other.
    func write(to output: inout [UInt8], first: UInt8, separator: UInt8) {
        for (position, element) in self.elements.enumerated() {
            output.append(position == 0 ? first : separator)
            element.write(to: &output)
        }
    }
}
