// Fields that name another dialog: Replaces, Join, Target-Dialog.

extension FieldReader {
    /// Reads `callid *( SEMI param )` to the end.
    @_lifetime(self: copy self)
    fileprivate mutating func dialogReference() throws(SIPParseError) -> (CallID, Parameters) {
        self.skipWhitespace()
        let callID = CallID(self.octets.string(try self.callID()))
        let parameters = try self.parameters()
        try self.expectEnd()
        return (callID, parameters)
    }
}

extension Parameters {
    /// The value of a parameter that must be there exactly once.
    fileprivate func single(_ name: String, _ field: HeaderID, _ offset: Int) throws(SIPParseError) -> String {
        guard let value = self[name], !value.isEmpty else { throw SIPParseError(.missing, in: field, at: offset) }
        guard self.filter({ $0.name.equals(ignoringCase: name) }).count == 1 else {
            throw SIPParseError(.repeated, in: field, at: offset)
        }
        return value
    }

    fileprivate static func tags(_ pairs: (String, String?)...) -> Parameters {
        Parameters(pairs.compactMap { name, value in value.map { Parameter(name, $0) } })
    }
}

/// The dialog that a new one takes the place of (RFC 3891 §6.1).
public struct Replaces: FieldValue {
    /// The dialog's Call-ID.
    public var callID: CallID
    /// The parameters, with the tags.
    public var parameters: Parameters

    /// A dialog by the tags as its recipient sees them: `toTag` is the recipient's own.
    public init(_ callID: CallID, toTag: String, fromTag: String, isEarlyOnly: Bool = false) {
        self.callID = callID
        self.parameters = .tags(("to-tag", toTag), ("from-tag", fromTag))
        if isEarlyOnly { self.parameters.append(Parameter("early-only")) }
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        (self.callID, self.parameters) = try reader.dialogReference()
        _ = try self.parameters.single("to-tag", field, value.lowerBound)
        _ = try self.parameters.single("from-tag", field, value.lowerBound)
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        self.callID.write(to: &output)
        self.parameters.write(to: &output)
    }

    /// The tag of the recipient of this field.
    public var toTag: String { self.parameters["to-tag"] ?? "" }
    /// The tag of its peer.
    public var fromTag: String { self.parameters["from-tag"] ?? "" }
    /// Whether only an early dialog may be replaced.
    public var isEarlyOnly: Bool { self.parameters.has("early-only") }
}

/// The dialog that a new one joins (RFC 3911 §7.1).
public struct Join: FieldValue {
    /// The dialog's Call-ID.
    public var callID: CallID
    /// The parameters, with the tags.
    public var parameters: Parameters

    /// A dialog by the tags as its recipient sees them: `toTag` is the recipient's own.
    public init(_ callID: CallID, toTag: String, fromTag: String) {
        self.callID = callID
        self.parameters = .tags(("to-tag", toTag), ("from-tag", fromTag))
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        (self.callID, self.parameters) = try reader.dialogReference()
        _ = try self.parameters.single("to-tag", field, value.lowerBound)
        _ = try self.parameters.single("from-tag", field, value.lowerBound)
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        self.callID.write(to: &output)
        self.parameters.write(to: &output)
    }

    /// The tag of the recipient of this field.
    public var toTag: String { self.parameters["to-tag"] ?? "" }
    /// The tag of its peer.
    public var fromTag: String { self.parameters["from-tag"] ?? "" }
}

/// The dialog that authorizes a request outside it (RFC 4538 §7).
public struct TargetDialog: FieldValue {
    /// The dialog's Call-ID.
    public var callID: CallID
    /// The parameters, with the tags.
    public var parameters: Parameters

    /// A dialog by the tags as the sender sees them: `localTag` is the sender's own.
    public init(_ callID: CallID, localTag: String?, remoteTag: String?) {
        self.callID = callID
        self.parameters = .tags(("local-tag", localTag), ("remote-tag", remoteTag))
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        (self.callID, self.parameters) = try reader.dialogReference()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        self.callID.write(to: &output)
        self.parameters.write(to: &output)
    }

    /// The tag of the sender of this field.
    public var localTag: String? { self.parameters["local-tag"] }
    /// The tag of its peer.
    public var remoteTag: String? { self.parameters["remote-tag"] }
}
