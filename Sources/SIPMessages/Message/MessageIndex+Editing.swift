/// Following what becomes of a message without reading it again.
extension MessageIndex {
    /// Becomes a copy of another index, in the memory that this one has.
    public mutating func assign(_ other: borrowing MessageIndex) {
        self.statusCode = other.statusCode
        self.method = other.method
        self.methodName = other.methodName
        self.requestURI = other.requestURI
        self.reasonPhrase = other.reasonPhrase
        self.fields.removeAll(keepingCapacity: true)
        self.fields.append(contentsOf: other.fields)
        self.body = other.body
        self.fault = other.fault
        self.contentLength = other.contentLength
        self.seen = other.seen
        self.startOfMessage = other.startOfMessage
        self.endOfStartLine = other.endOfStartLine
    }

    /// Where the line of a field begins; behind the last field, where the empty line does.
    public func startOfLine(_ position: Int) -> Int {
        position < self.fields.count ? self.fields[position].name.lower : self.headerOctets - 2
    }

    /// Becomes the index of the message without the lines of some fields, which follow each other.
    ///
    /// - Parameter positions: Their positions in `fields`.
    public mutating func removeFields(_ positions: Range<Int>) {
        guard !positions.isEmpty, positions.upperBound <= self.fields.count else { return }
        let octets = UInt32(
            truncatingIfNeeded: self.startOfLine(positions.upperBound) - self.startOfLine(positions.lowerBound))
        for i in positions.upperBound..<self.fields.count {
            var field = self.fields[i]
            field.name.moveUp(by: octets)
            field.value.moveUp(by: octets)
            self.fields[i - positions.count] = field
        }
        self.fields.removeLast(positions.count)
        self.body.moveUp(by: octets)
        self.seen = (0, 0)
        for i in self.fields.indices {
            let id = self.fields[i].id.rawValue
            let bit = UInt64(1) &<< UInt64(id & 63)
            if id < 64 { self.seen.0 |= bit } else { self.seen.1 |= bit }
        }
    }
}

extension OctetRange {
    fileprivate mutating func moveUp(by octets: UInt32) {
        self.start &-= octets
        self.end &-= octets
    }
}
