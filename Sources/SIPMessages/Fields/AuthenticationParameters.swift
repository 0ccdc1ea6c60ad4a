/// The `name=value` list of an authentication field, with the rules of RFC 3261 §25.1 and RFC 7616 on what is quoted.
///
/// A value is written as its RFC demands, however it came: some peers leave quotes out, or put them where none belong.
public struct AuthenticationParameters: Hashable, Sendable, RandomAccessCollection {
    /// Which field the parameters are of, since `qop` is quoted in a challenge only.
    enum Role: Hashable, Sendable { case challenge, credentials, information }

    private var elements: [Parameter] = []
    private let role: Role

    /// More parameters than any scheme has are refused.
    static let maximumCount = 64

    init(_ role: Role) { self.role = role }

    /// The position of the first element: 0.
    public var startIndex: Int { 0 }
    /// The position after the last element.
    public var endIndex: Int { self.elements.count }
    /// The element at this position, from 0 on.
    public subscript(position: Int) -> Parameter { self.elements[position] }

    /// The value of the parameter with this name, in any case, without quotes; `nil` removes it.
    public subscript(name: String) -> String? {
        get { self.elements.first { $0.name.equals(ignoringCase: name) }?.value }
        set {
            let place = self.elements.firstIndex { $0.name.equals(ignoringCase: name) }
            guard let newValue else {
                if let place { self.elements.remove(at: place) }
                return
            }
            let parameter = self.normalized(name, newValue, isQuoted: false)
            if let place { self.elements[place] = parameter } else { self.elements.append(parameter) }
        }
    }

    private func normalized(_ name: String, _ value: String, isQuoted: Bool) -> Parameter {
        let lower = name.asciiLowercased
        if Self.alwaysQuoted.contains(lower) || (lower == "qop" && self.role == .challenge) {
            return Parameter(name, value, isQuoted: true)
        }
        if Self.neverQuoted.contains(lower), value.isToken { return Parameter(name, value) }
        return Parameter(name, value, isQuoted: isQuoted || !value.isToken)
    }

    private static let alwaysQuoted: Set<String> = [
        "username", "realm", "nonce", "uri", "response", "cnonce", "opaque", "domain", "nextnonce", "rspauth", "auts",
        "ik", "ck", "scope", "authz_server", "error",
    ]
    private static let neverQuoted: Set<String> = [
        "algorithm", "stale", "nc", "qop", "charset", "userhash", "username*",
    ]

    /// Reads the list up to the end; each name may occur once.
    @_lifetime(reader: copy reader)
    mutating func read(_ reader: inout FieldReader) throws(SIPParseError) {
        repeat {
            let start = reader.position
            let range = try reader.parameterBody()
            let parameter = reader.made(range)
            guard let value = parameter.value else { throw reader.error(.malformed) }
            guard self.elements.count < Self.maximumCount else { throw reader.error(.tooLong, at: start) }
            guard self[parameter.name] == nil else { throw reader.error(.repeated, at: start) }
            self.elements.append(self.normalized(parameter.name, value, isQuoted: parameter.isQuoted))
        } while reader.skipSeparator(0x2C)
        try reader.expectEnd()
    }

    func write(to output: inout [UInt8]) {
        for (position, parameter) in self.elements.enumerated() {
            if position > 0 { output.append(", ") }
            parameter.write(to: &output)
        }
    }
}

extension Span where Element == UInt8 {
    /// The offset of the comma before the next scheme, or `end`: the commas between parameters have `name=` after them
    /// (RFC 7235 §2.1, §4.1).
    func endOfAuthenticationElement(from start: Int, to end: Int) -> Int {
        var comma = self.endOfListElement(from: start, to: end)
        while comma < end {
            var position = comma &+ 1
            while position < end, self[position].isLinearWhitespace { position &+= 1 }
            let name = position
            while position < end, self[position].isToken { position &+= 1 }
            let nameEnd = position
            while position < end, self[position].isLinearWhitespace { position &+= 1 }
            let isParameter = position < end && self[position] == 0x3D
            if nameEnd > name, !isParameter { return comma }
            comma = self.endOfListElement(from: comma &+ 1, to: end)
        }
        return end
    }
}

/// A scheme with its parameters, or with the one value that `Basic` and `Bearer` have.
struct AuthenticationScheme {
    var name: String
    var token68: String?
    var parameters: AuthenticationParameters

    init(
        _ octets: Span<UInt8>, _ range: Range<Int>, _ role: AuthenticationParameters.Role, _ field: HeaderID
    ) throws(SIPParseError) {
        var reader = FieldReader(octets, range, field: field)
        self.name = try reader.tokenText()
        self.parameters = AuthenticationParameters(role)
        let nameEnd = reader.position
        reader.skipWhitespace()
        if reader.isAtEnd { return }
        guard reader.position > nameEnd else { throw reader.error(.malformed) }
        // Digest always has parameters (RFC 3261 §25.1).
        if self.name.equals(ignoringCase: "Digest") {
            try self.parameters.read(&reader)
            return
        }
        let start = reader.position
        _ = reader.span { $0.isToken || $0 == 0x2F }
        _ = reader.span { $0 == 0x3D }
        if reader.isAtEnd, reader.position > start, !Self.isParameter(octets, start..<reader.end) {
            self.token68 = octets.string(start..<reader.end)
            return
        }
        reader.position = start
        try self.parameters.read(&reader)
    }

    /// Whether `name=value` without padding at its end was read, rather than `token68`.
    private static func isParameter(_ octets: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var end = range.upperBound
        while end > range.lowerBound, octets[end - 1] == 0x3D { end -= 1 }
        for i in range.lowerBound..<end where octets[i] == 0x3D { return true }
        return false
    }
}
