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
    public func first<Value>(_ key: FieldKey<Value>) -> Value? {
        guard let field = self.fields(key).first else { return nil }
        let octets = self.octets.span
        let value = key.isList ? octets.firstElement(of: field.range, as: Value.self) : field.range
        return try? Value(parsing: octets, in: value, field: key.id)
    }

    /// Every value of a field, in order, over all its lines; what is malformed is left out.
    public func all<Value>(_ key: FieldKey<Value>) -> [Value] {
        let octets = self.octets.span
        var values: [Value] = []
        for field in self.fields(key) {
            guard key.isList else {
                if let value = try? Value(parsing: octets, in: field.range, field: key.id) { values.append(value) }
                continue
            }
            octets.forEachElement(of: field.range, as: Value.self) { element in
                if let value = try? Value(parsing: octets, in: element, field: key.id) { values.append(value) }
            }
        }
        return values
    }

    /// The first value of a field that must be there.
    ///
    /// - Throws: `SIPParseError`: `.missing`, or what is wrong with the value.
    public func require<Value>(_ key: FieldKey<Value>) throws(SIPParseError) -> Value {
        guard let field = self.fields(key).first else {
            throw SIPParseError(.missing, in: key.id, at: self.index.headerOctets)
        }
        let octets = self.octets.span
        let value = key.isList ? octets.firstElement(of: field.range, as: Value.self) : field.range
        return try Value(parsing: octets, in: value, field: key.id)
    }

    /// Every value of a field, in order, over all its lines.
    ///
    /// - Throws: `SIPParseError` when one is malformed.
    public func requireAll<Value>(_ key: FieldKey<Value>) throws(SIPParseError) -> [Value] {
        let octets = self.octets.span
        var values: [Value] = []
        for field in self.fields(key) {
            guard key.isList else {
                values.append(try Value(parsing: octets, in: field.range, field: key.id))
                continue
            }
            try octets.forEachElement(of: field.range, as: Value.self) { (element) throws(SIPParseError) in
                values.append(try Value(parsing: octets, in: element, field: key.id))
            }
        }
        return values
    }

    /// Whether the field occurs.
    public func has(_ id: HeaderID) -> Bool { self.index.has(id) }

    /// The values of the fields with this name, long or compact, in any case: one for each line, as text, line folds as
    /// single spaces.
    public func values(named name: String) -> [String] {
        let octets = self.octets.span
        return self.fields(HeaderID(name: name), name).map { octets.unfolded($0.range) }
    }

    /// Where the values of a field lie, one for each line.
    private func fields<Value>(_ key: FieldKey<Value>) -> [OctetRange] { self.fields(key.id, key.name) }

    private func fields(_ id: HeaderID, _ name: String) -> [OctetRange] {
        guard id == .other || self.index.has(id) else { return [] }
        let octets = self.octets.span
        var ranges: [OctetRange] = []
        for field in self.index.fields where field.id == id {
            if id == .other, !octets.string(field.name).equals(ignoringCase: name) { continue }
            ranges.append(field.value)
        }
        return ranges
    }
}

extension Span where Element == UInt8 {
    /// The range of the first element of a list.
    fileprivate func firstElement<Value: FieldValue>(of range: Range<Int>, as type: Value.Type) -> Range<Int> {
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
