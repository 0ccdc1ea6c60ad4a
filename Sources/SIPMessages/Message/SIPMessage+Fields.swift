/// What has header fields: a message, a fragment of one, a part of a body.
public protocol FieldContainer: Sendable {
    /// The octets that own the fields.
    var octets: [UInt8] { get }
    /// Where the fields lie.
    var index: MessageIndex { get }
}

/// Header fields by their typed keys and by name.
extension FieldContainer {
    /// The first value of a field; `nil` when there is none, or it is malformed.
    @inlinable
    public func first<Value>(_ key: FieldKey<Value>) -> Value? { try? self.require(key) }

    /// Every value of a field, in order, over all its lines; what is malformed is left out.
    @inlinable
    public func all<Value>(_ key: FieldKey<Value>) -> [Value] {
        let octets = self.octets.span
        var values: [Value] = []
        var position = self.position(of: key, from: 0)
        while let found = position {
            let range = self.index.fields[found].value.range
            if key.isList {
                octets.forEachElement(of: range, as: Value.self) { element in
                    if let value = try? Value(parsing: octets, in: element, field: key.id) { values.append(value) }
                }
            } else if let value = try? Value(parsing: octets, in: range, field: key.id) {
                values.append(value)
            }
            position = self.position(of: key, from: found &+ 1)
        }
        return values
    }

    /// The first value of a field that must be there.
    ///
    /// - Throws: `SIPParseError`: `.missing`, or what is wrong with the value.
    @inlinable
    public func require<Value>(_ key: FieldKey<Value>) throws(SIPParseError) -> Value {
        guard let position = self.position(of: key, from: 0) else {
            throw SIPParseError(.missing, in: key.id, at: self.index.headerOctets)
        }
        let octets = self.octets.span
        let range = self.index.fields[position].value.range
        let value = key.isList ? octets.firstElement(of: range, as: Value.self) : range
        return try Value(parsing: octets, in: value, field: key.id)
    }

    /// Every value of a field, in order, over all its lines.
    ///
    /// - Throws: `SIPParseError` when one is malformed.
    @inlinable
    public func requireAll<Value>(_ key: FieldKey<Value>) throws(SIPParseError) -> [Value] {
        let octets = self.octets.span
        var values: [Value] = []
        var position = self.position(of: key, from: 0)
        while let found = position {
            let range = self.index.fields[found].value.range
            if key.isList {
                try octets.forEachElement(of: range, as: Value.self) { (element) throws(SIPParseError) in
                    values.append(try Value(parsing: octets, in: element, field: key.id))
                }
            } else {
                values.append(try Value(parsing: octets, in: range, field: key.id))
            }
            position = self.position(of: key, from: found &+ 1)
        }
        return values
    }

    /// Whether the field occurs.
    public func has(_ id: HeaderID) -> Bool { self.index.has(id) }

    /// The values of the fields with this name, long or compact, in any case: one for each line, as text, line folds as
    /// single spaces.
    public func values(named name: String) -> [String] {
        let octets = self.octets.span
        let id = HeaderID(name: name)
        var values: [String] = []
        var position = self.position(of: id, name, from: 0)
        while let found = position {
            values.append(octets.unfolded(self.index.fields[found].value.range))
            position = self.position(of: id, name, from: found &+ 1)
        }
        return values
    }

    /// The position of the next line of a field, from `start` on.
    @inlinable
    func position<Value>(of key: FieldKey<Value>, from start: Int) -> Int? {
        guard let name = key.ownName else {
            return self.index.has(key.id) ? self.index.next(key.id, from: start) : nil
        }
        return self.position(of: key.id, name, from: start)
    }

    /// The same of a field that its name alone may identify.
    @usableFromInline
    func position(of id: HeaderID, _ name: String, from start: Int) -> Int? {
        let octets = self.octets.span
        var position = self.index.next(id, from: start)
        while let found = position {
            if id != .other || octets.string(self.index.fields[found].name).equals(ignoringCase: name) { return found }
            position = self.index.next(id, from: found &+ 1)
        }
        return nil
    }
}

extension Span where Element == UInt8 {
    /// The range of the first element of a list.
    @inlinable
    func firstElement<Value: FieldValue>(of range: Range<Int>, as type: Value.Type) -> Range<Int> {
        self.trimmingWhitespace(
            range.lowerBound..<Value.endOfElement(self, from: range.lowerBound, to: range.upperBound))
    }

    /// The text of a field value with each line fold as one space.
    func unfolded(_ range: Range<Int>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(range.count)
        var i = range.lowerBound
        while i < range.upperBound {
            guard self[i] == 0x0D || self[i] == 0x0A else {
                text.append(self[i])
                i += 1
                continue
            }
            while i < range.upperBound, self[i].isLinearWhitespace { i += 1 }
            while let last = text.last, last.isLinearWhitespace { text.removeLast() }
            text.append(0x20)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
