/// Splitting a field value into the elements of its list (RFC 3261 §7.3.1).
extension Span where Element == UInt8 {
    /// The offset of the first comma outside quoted strings and angle brackets in `start..<end`, or `end`.
    func endOfListElement(from start: Int, to end: Int) -> Int {
        var position = start
        while position < end {
            switch self[position] {
            case 0x2C: return position
            case 0x22: position = self.skippingQuotedString(from: position, to: end)
            case 0x3C:
                // One that is never closed hides the rest, so that each octet is looked at once.
                while position < end, self[position] != 0x3E { position &+= 1 }
            default: position &+= 1
            }
        }
        return end
    }

    /// The offset after the quoted string that opens at `start`, or `end` when it is never closed.
    func skippingQuotedString(from start: Int, to end: Int) -> Int {
        var position = start &+ 1
        while position < end {
            switch self[position] {
            case 0x22: return position &+ 1
            case 0x5C: position &+= 2
            default: position &+= 1
            }
        }
        return end
    }

    /// The range without white space at its ends.
    @usableFromInline
    func trimmingWhitespace(_ range: Range<Int>) -> Range<Int> {
        var (lower, upper) = (range.lowerBound, range.upperBound)
        while lower < upper, self[lower].isLinearWhitespace { lower &+= 1 }
        while upper > lower, self[upper &- 1].isLinearWhitespace { upper &-= 1 }
        return lower..<upper
    }

    /// Calls `body` with the range of each element of a list of `Value`s. An empty field has no elements; an element
    /// that is empty is handed on like any other.
    @inlinable
    func forEachElement<Value: FieldValue, Failure: Error>(
        of range: Range<Int>, as type: Value.Type, _ body: (Range<Int>) throws(Failure) -> Void
    ) throws(Failure) {
        let whole = self.trimmingWhitespace(range)
        guard !whole.isEmpty else { return }
        var start = whole.lowerBound
        while true {
            let end = Value.endOfElement(self, from: start, to: whole.upperBound)
            try body(self.trimmingWhitespace(start..<end))
            guard end < whole.upperBound else { return }
            start = end &+ 1
        }
    }
}
