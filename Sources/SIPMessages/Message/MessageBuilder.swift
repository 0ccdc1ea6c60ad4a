/// Composes a request or a response of typed fields.
///
///     var builder = MessageBuilder(.options, try URI("sip:bob@example.com"))
///     builder.add(.to, NameAddress(try URI("sip:bob@example.com")))
///     builder.add(.cseq, CSeq(1, .options))
///     let message = try builder.message()
///
/// Whatever a value holds, it stays within its line: CR, LF and other control characters become spaces, and what is no
/// token is left out of methods and field names. Content-Length is computed and always written.
public struct MessageBuilder: Sendable {
    private struct Field: Sendable {
        var id: HeaderID
        var name: String
        var value: [UInt8]

        /// Whether it is this field: an unknown one is told by its name, a known one has a compact name too.
        func isNamed(_ id: HeaderID, _ name: String) -> Bool {
            self.id == id && (id != .other || self.name.equals(ignoringCase: name))
        }
    }

    /// The start line without its line end.
    private var startLine: [UInt8] = []
    private var fields: [Field] = []
    /// The body.
    public private(set) var body: [UInt8] = []

    /// A request.
    public init(_ method: Method, _ uri: URI) {
        self.startLine.append(contentsOf: method.name.utf8.filter { $0.isToken })
        self.startLine.append(0x20)
        var octets: [UInt8] = []
        uri.write(to: &octets)
        // White space would end the URI (RFC 3261 §7.1).
        self.startLine.append(contentsOf: octets.filter { $0 > 0x20 && $0 != 0x7F })
        self.startLine.append(" SIP/2.0")
    }

    /// A response; without a reason phrase it has that of its code. Codes outside 100-699 count as 500.
    public init(_ status: StatusCode, reasonPhrase: String? = nil) {
        let status = (100..<700).contains(status.number) ? status : 500
        self.startLine.append("SIP/2.0 ")
        self.startLine.append(decimal: status.number)
        self.startLine.append(0x20)
        self.startLine.append(contentsOf: Self.onOneLine(Array((reasonPhrase ?? status.reasonPhrase).utf8)))
    }

    /// A copy of a message, to be changed. Content-Length is computed anew.
    public init(_ message: SIPMessage) {
        let octets = message.octets.span
        self.startLine = Self.onOneLine(octets.octets(0..<message.index.endOfStartLine))
        for field in message.index.fields where field.id != .contentLength {
            self.fields.append(
                Field(
                    id: field.id, name: octets.string(field.name),
                    value: Self.onOneLine(octets.octets(field.value.range))))
        }
        self.body = message.body
    }

    /// The response to a request: Via, From, To, Call-ID and CSeq are copied, in a 100 the Timestamp too, and a tag is
    /// added to To where there is none (RFC 3261 §8.2.6).
    ///
    /// - Parameters:
    ///   - status: Its status.
    ///   - request: What it answers.
    ///   - reasonPhrase: `nil` for the usual one of the status.
    ///   - toTag: The tag for To; a 100 is not given one, whatever it is. Leave it out where the To has a tag.
    public init(_ status: StatusCode, to request: SIPMessage, reasonPhrase: String? = nil, toTag: String? = nil) {
        self.init(status, reasonPhrase: reasonPhrase)
        let octets = request.octets.span
        for field in request.index.fields where Self.copiedToResponse.contains(field.id) {
            if field.id == .timestamp, status.number != 100 { continue }
            // A request that repeats one is answered with 400, which should not repeat it (RFC 4475 §3.3.8).
            if field.id.isSingle, self.has(field.id) { continue }
            var value = Self.onOneLine(octets.octets(field.value.range))
            if field.id == .to, let toTag, status.number != 100 {
                let to = try? AddressIndex(parsing: octets, in: field.value.range, field: .to)
                if to?.tag.isEmpty == true {
                    value.append(";tag=")
                    value.append(contentsOf: toTag.utf8.filter { $0.isToken })
                }
            }
            self.fields.append(Field(id: field.id, name: field.id.name, value: value))
        }
    }

    private static let copiedToResponse: Set<HeaderID> = [.via, .from, .to, .callID, .cseq, .timestamp]

    // MARK: Fields

    /// Adds a field after the others.
    public mutating func add<Value>(_ key: FieldKey<Value>, _ value: Value) {
        self.fields.append(Self.field(key, value))
    }

    /// Adds a field for each value, after the others.
    public mutating func add<Value>(_ key: FieldKey<Value>, _ values: some Sequence<Value>) {
        for value in values { self.add(key, value) }
    }

    /// Adds a value before the others of its field, or before all fields: Via and Record-Route grow at the front
    /// (RFC 3261 §16.6).
    public mutating func prepend<Value>(_ key: FieldKey<Value>, _ value: Value) {
        let place = self.fields.firstIndex { $0.isNamed(key.id, key.name) } ?? 0
        self.fields.insert(Self.field(key, value), at: place)
    }

    /// Puts this value in the place of all the field's values; `nil` removes them.
    public mutating func set<Value>(_ key: FieldKey<Value>, _ value: Value?) {
        let place = self.fields.firstIndex { $0.isNamed(key.id, key.name) }
        self.fields.removeAll { $0.isNamed(key.id, key.name) }
        guard let value else { return }
        self.fields.insert(Self.field(key, value), at: place ?? self.fields.count)
    }

    /// Adds a field of any name with this text. A name without any character of a token adds nothing, and
    /// Content-Length cannot be set.
    public mutating func add(named name: String, _ value: String) {
        let name = String(decoding: name.utf8.filter { $0.isToken }, as: UTF8.self)
        let id = HeaderID(name: name)
        guard !name.isEmpty, id != .contentLength else { return }
        // White space around a value does not count (RFC 3261 §7.3.1).
        let octets = Self.onOneLine(Array(value.utf8))
        let trimmed = octets.span.trimmingWhitespace(0..<octets.count)
        self.fields.append(Field(id: id, name: name, value: Array(octets[trimmed])))
    }

    /// Removes every field with this name, long or compact.
    public mutating func remove(named name: String) {
        let id = HeaderID(name: name)
        self.fields.removeAll { $0.isNamed(id, name) }
    }

    /// Removes every such field.
    public mutating func remove(_ id: HeaderID) {
        guard id != .other else { return }
        self.fields.removeAll { $0.id == id }
    }

    /// Whether such a field was added.
    public func has(_ id: HeaderID) -> Bool { self.fields.contains { $0.id == id } }

    /// Copies every line of a field from another message.
    public mutating func copy(_ id: HeaderID, from message: SIPMessage) {
        let octets = message.octets.span
        for field in message.index.fields where field.id == id && id != .contentLength {
            self.fields.append(
                Field(
                    id: id, name: id == .other ? octets.string(field.name) : id.name,
                    value: Self.onOneLine(octets.octets(field.value.range))))
        }
    }

    /// Sets the body and its Content-Type; an empty body without type has none.
    public mutating func setBody(_ body: [UInt8], type: MediaType?) {
        self.body = body
        self.set(.contentType, type)
    }

    // MARK: Writing

    /// The start line without its line end.
    var startLineOctets: [UInt8] { self.startLine }

    /// The fields, each with its line end, without Content-Length.
    var fieldOctets: [UInt8] {
        var output: [UInt8] = []
        for field in self.fields where field.id != .contentLength {
            output.append(text: field.name)
            output.append(": ")
            output.append(contentsOf: field.value)
            output.append("\r\n")
        }
        return output
    }

    /// Appends the message.
    public func write(to output: inout [UInt8]) {
        output.append(contentsOf: self.startLine)
        output.append("\r\n")
        output.append(contentsOf: self.fieldOctets)
        output.append("Content-Length: ")
        output.append(decimal: UInt(self.body.count))
        output.append("\r\n\r\n")
        output.append(contentsOf: self.body)
    }

    /// The message's octets.
    public var octets: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(512 + self.body.count)
        self.write(to: &output)
        return output
    }

    /// The message.
    ///
    /// - Throws: `SIPParseError` when the parts do not make one; then a value holds what its type should not.
    public func message() throws(SIPParseError) -> SIPMessage {
        let message = try SIPMessage(parsing: self.octets)
        if let fault = message.fault { throw fault }
        return message
    }

    private static func field<Value>(_ key: FieldKey<Value>, _ value: Value) -> Field {
        var octets: [UInt8] = []
        value.write(to: &octets)
        let name = key.id == .other ? String(decoding: key.name.utf8.filter { $0.isToken }, as: UTF8.self) : key.name
        return Field(id: key.id, name: name.isEmpty ? "X" : name, value: Self.onOneLine(octets))
    }

    /// The octets with each line fold as one space and control characters as spaces, so that they cannot end the line.
    /// A control character that a backslash escapes may stand in a quoted string (RFC 3261 §25.1), unless it is CR or
    /// LF.
    private static func onOneLine(_ octets: [UInt8]) -> [UInt8] {
        guard octets.contains(where: { $0 < 0x20 && $0 != 0x09 }) else { return octets }
        var output: [UInt8] = []
        output.reserveCapacity(octets.count)
        var isEscaped = false
        for octet in octets {
            let isLineEnd = octet == 0x0D || octet == 0x0A
            if isLineEnd || (octet < 0x20 && octet != 0x09 && !isEscaped) {
                if output.last != 0x20 || isEscaped { output.append(0x20) }
            } else {
                output.append(octet)
            }
            isEscaped = octet == 0x5C && !isEscaped
        }
        return output
    }
}
