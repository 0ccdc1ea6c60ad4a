/// A multipart body: `multipart/mixed`, `alternative`, `related` (RFC 2046 §5.1, RFC 5621).
public struct Multipart: Hashable, Sendable {
    /// What a multipart body may hold at most.
    public struct Limits: Hashable, Sendable {
        /// Parts of one multipart body.
        public var parts: Int
        /// Multipart bodies within each other, the outermost counted.
        public var depth: Int

        /// Limits; RFC 5621 §3.2 foresees few levels.
        public init(parts: Int = 32, depth: Int = 4) { (self.parts, self.depth) = (parts, depth) }
    }

    /// The parts in their order, at least one.
    public var parts: [BodyPart]
    /// How many more levels may be within this one.
    private var limits: Limits

    /// A multipart body of these parts.
    public init(_ parts: [BodyPart]) { (self.parts, self.limits) = (parts, Limits()) }

    /// Splits a body at the boundary that its type names. Preamble and epilogue are dropped.
    ///
    /// - Throws: `SIPParseError` when there is no boundary, a part is malformed, the last boundary is missing, or a
    ///   limit is passed.
    public init(parsing body: [UInt8], type: MediaType, limits: Limits = Limits()) throws(SIPParseError) {
        guard type.type.equals(ignoringCase: "multipart"), let boundary = type.parameters["boundary"],
            (1...70).contains(boundary.utf8.count)
        else { throw SIPParseError(.malformed, in: .contentType, at: 0) }
        guard limits.depth > 0 else { throw SIPParseError(.tooDeep, in: .body, at: 0) }
        self.limits = Limits(parts: limits.parts, depth: limits.depth - 1)
        self.parts = []
        let delimiter = [0x2D, 0x2D] + Array(boundary.utf8)
        var partStart: Int?
        var position = 0
        while let found = Self.delimiter(delimiter, in: body.span, from: position) {
            if let partStart {
                guard self.parts.count < limits.parts else { throw SIPParseError(.tooLong, in: .body, at: partStart) }
                // The line end before a delimiter belongs to it; an empty part has none of its own.
                self.parts.append(try BodyPart(parsing: Array(body[partStart..<Swift.max(partStart, found.start)])))
            }
            if found.isLast {
                guard !self.parts.isEmpty else { throw SIPParseError(.empty, in: .body, at: found.start) }
                return
            }
            partStart = found.end
            // The line end after a delimiter may also be the one before the next.
            position = found.end - 2
        }
        throw SIPParseError(.noEmptyLine, in: .body, at: body.count)
    }

    /// The multipart body that a part holds, when it holds one.
    ///
    /// - Throws: `SIPParseError`, `.tooDeep` beyond the limit.
    public func nested(in part: BodyPart) throws(SIPParseError) -> Multipart? {
        guard part.type.type.equals(ignoringCase: "multipart") else { return nil }
        return try Multipart(parsing: part.body, type: part.type, limits: self.limits)
    }

    /// Finds `[CRLF] "--" boundary ["--"] *LWSP CRLF` at the start of a line; a last one may end without CRLF.
    private static func delimiter(
        _ delimiter: [UInt8], in body: Span<UInt8>, from start: Int
    ) -> (start: Int, end: Int, isLast: Bool)? {
        var line = start
        var isLineStart = start == 0
        while line < body.count {
            if !isLineStart {
                while line < body.count, body[line] != 0x0D { line &+= 1 }
                guard line &+ 1 < body.count else { return nil }
                guard body[line &+ 1] == 0x0A else {
                    line &+= 1
                    continue
                }
                line &+= 2
            }
            isLineStart = false
            var position = line &+ delimiter.count
            guard position <= body.count else { return nil }
            guard body.equals(line..<position, delimiter.span, 0..<delimiter.count) else { continue }
            var isLast = false
            if position &+ 1 < body.count, body[position] == 0x2D, body[position &+ 1] == 0x2D {
                isLast = true
                position &+= 2
            }
            while position < body.count, body[position] == 0x20 || body[position] == 0x09 { position &+= 1 }
            let hasLineEnd =
                position &+ 1 < body.count && body[position] == 0x0D && body[position &+ 1] == 0x0A
            if hasLineEnd || (isLast && position == body.count) {
                return (Swift.max(line &- 2, 0), hasLineEnd ? position &+ 2 : position, isLast)
            }
        }
        return nil
    }

    /// Writes the body and its type. The boundary is lengthened until it occurs in no part.
    ///
    /// - Parameters:
    ///   - subtype: Of `multipart`, as in `multipart/mixed`.
    ///   - boundary: 1-40 letters and digits that the caller made up.
    public func write(subtype: String = "mixed", boundary: String) -> (body: [UInt8], type: MediaType) {
        var unique = String(decoding: boundary.utf8.filter { $0.isAlpha || $0.isDigit }.prefix(40), as: UTF8.self)
        var number = 0
        while unique.isEmpty || self.parts.contains(where: { $0.octets.contains(sequence: Array("--\(unique)".utf8)) })
        {
            number += 1
            unique = "\(boundary.utf8.count)b\(number)x" + unique.prefix(40)
        }
        var body: [UInt8] = []
        for part in self.parts {
            body.append("--")
            body.append(text: unique)
            body.append("\r\n")
            body.append(contentsOf: part.octets)
            body.append("\r\n")
        }
        body.append("--")
        body.append(text: unique)
        body.append("--\r\n")
        return (body, MediaType("multipart", subtype, parameters: ["boundary": unique]))
    }
}

extension [UInt8] {
    fileprivate func contains(sequence: [UInt8]) -> Bool {
        guard let first = sequence.first, self.count >= sequence.count else { return false }
        for start in 0...(self.count - sequence.count) where self[start] == first {
            if self[start..<(start + sequence.count)].elementsEqual(sequence) { return true }
        }
        return false
    }
}

extension SIPMessage {
    /// The parts of a multipart body; `nil` when the body is of another type.
    ///
    /// - Throws: `SIPParseError`.
    public func multipart(limits: Multipart.Limits = Multipart.Limits()) throws(SIPParseError) -> Multipart? {
        guard let type = self.contentType, type.type.equals(ignoringCase: "multipart") else { return nil }
        return try Multipart(parsing: self.body, type: type, limits: limits)
    }
}
