/// Where the parts of a message lie in its octets: the start line, each header field, the body.
///
/// Parsing fills an index and copies nothing; an index that is used again allocates nothing. Fields are made typed when
/// they are asked for. Only framing is decided here; what a field's value means is checked where it is used, and
/// `MessageIndex.validate` checks all of it.
public struct MessageIndex: Hashable, Sendable {
    /// One header field: its name's id and where name and value lie. The value is without the white space around it;
    /// a folded value holds its line breaks (RFC 3261 §7.3.1).
    public struct Field: Hashable, Sendable {
        /// Which field it is; `.other` when its name is not known.
        public var id: HeaderID
        /// Where the name lies, as it was written.
        public var name: OctetRange
        /// Where the value lies.
        public var value: OctetRange

        @inlinable
        init(id: HeaderID, name: OctetRange, value: OctetRange) {
            (self.id, self.name, self.value) = (id, name, value)
        }
    }

    /// The status code of a response, 100-699; 0 in a request.
    public internal(set) var statusCode: UInt16 = 0
    /// The method of a request; `.other` in a response.
    public internal(set) var method: Method.Code = .other
    /// Where the method lies.
    public internal(set) var methodName: OctetRange = .absent
    /// Where the Request-URI lies.
    public internal(set) var requestURI: OctetRange = .absent
    /// Where the reason phrase of a response lies.
    public internal(set) var reasonPhrase: OctetRange = .absent
    /// The header fields in their order.
    public internal(set) var fields: [Field] = []
    /// Where the body lies, as long as Content-Length says.
    public internal(set) var body: OctetRange = .absent
    /// The first thing wrong with the framing of a message that could be indexed nevertheless. An element answers
    /// such a request with 400, or 505 for the version, and drops such a response.
    public internal(set) var fault: SIPParseError?
    /// The value of Content-Length, where there is one.
    public internal(set) var contentLength: Int?
    /// One bit for each field that occurs.
    @usableFromInline
    internal var seen: (UInt64, UInt64) = (0, 0)

    /// An index with room for the fields of usual messages.
    public init() { self.fields.reserveCapacity(32) }

    /// Whether there is a start line; a fragment or a part of a body may have none.
    @inlinable public var hasStartLine: Bool { self.endOfStartLine > self.startOfMessage }

    /// Whether the message is a request.
    @inlinable public var isRequest: Bool { self.statusCode == 0 }

    /// Where the start line begins: after empty lines that came before it (RFC 3261 §7.5).
    public internal(set) var startOfMessage = 0
    /// Where the start line ends, before its CR LF.
    public internal(set) var endOfStartLine = 0

    /// The number of octets of start line and header, up to and with the empty line.
    @inlinable public var headerOctets: Int { self.body.lower }

    /// Whether the field occurs at all.
    @inlinable
    public func has(_ id: HeaderID) -> Bool {
        let bit = UInt64(1) << UInt64(id.rawValue & 63)
        return (id.rawValue < 64 ? self.seen.0 : self.seen.1) & bit != 0
    }

    /// The position in `fields` of the first field with this id.
    @inlinable
    public func first(_ id: HeaderID) -> Int? {
        guard self.has(id) else { return nil }
        let fields = self.fields.span
        var i = 0
        while i < fields.count {
            if fields[i].id == id { return i }
            i &+= 1
        }
        return nil
    }

    /// The position of the next field with this id, from `position` on.
    @inlinable
    public func next(_ id: HeaderID, from position: Int) -> Int? {
        let fields = self.fields.span
        var i = position
        while i < fields.count {
            if fields[i].id == id { return i }
            i &+= 1
        }
        return nil
    }

    /// Where the value of the first field with this id lies; absent when there is none.
    @inlinable
    public func value(_ id: HeaderID) -> OctetRange? {
        guard let position = self.first(id) else { return nil }
        return self.fields[position].value
    }

    /// Whether both describe the same parts at the same places.
    public static func == (left: MessageIndex, right: MessageIndex) -> Bool {
        left.statusCode == right.statusCode && left.methodName == right.methodName
            && left.requestURI == right.requestURI && left.fields == right.fields && left.body == right.body
            && left.fault == right.fault
    }

    /// Feeds what `==` compares, or a part of it, to the hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.fields)
        hasher.combine(self.body)
    }
}
