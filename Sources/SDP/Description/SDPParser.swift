import SIPMessages

/// Cuts a description into its lines and reads those that it stands on: `v=`, `o=`, `c=` and `m=`.
enum SDPParser {
    static func parse(_ octets: Span<UInt8>, limits: SDPLimits) throws(SDPParseError) -> SessionDescription {
        guard octets.count <= limits.octets else { throw SDPParseError(.tooLong, line: 1) }
        let (lines, trailer) = try self.lines(of: octets, limits: limits)
        guard let version = lines.first else { throw SDPParseError(.empty, line: 1) }
        guard version.type == .line("v") else {
            throw SDPParseError(.versionMissing, type: version.type, line: 1)
        }
        try self.read(version, 1) { value throws(SDPParseError.Problem) in
            var reader = LineReader(value)
            guard try reader.number(maximum: 1 << 32) == 0 else { throw .init(.versionUnsupported) }
            try reader.expectEnd()
        }
        guard lines.count > 1, lines[1].type == .line("o") else {
            throw SDPParseError(.originMissing, type: lines.count > 1 ? lines[1].type : 0, line: 2)
        }
        let origin = try self.read(lines[1], 2) { value throws(SDPParseError.Problem) in try Origin(parsing: value) }
        var description = SessionDescription(
            version: version, origin: origin, originLine: lines[1], trailer: trailer)
        for (i, line) in lines.enumerated().dropFirst(2) {
            let number = i + 1
            switch line.type {
            case .line("m"):
                guard description.media.count < limits.media else {
                    throw SDPParseError(.tooManyMedia, type: line.type, line: number)
                }
                let media = try self.read(line, number) { value throws(SDPParseError.Problem) in
                    try MediaLine(parsing: value, limits: limits)
                }
                description.media.append(MediaDescription(line, media))
                continue
            case .line("c"):
                _ = try self.read(line, number) { value throws(SDPParseError.Problem) in
                    try ConnectionData(parsing: value)
                }
            default: break
            }
            if description.media.isEmpty {
                description.lines.append(line)
            } else {
                description.media[description.media.count - 1].lines.append(line)
            }
        }
        return description
    }

    private static func read<Value>(
        _ line: SDPLine, _ number: Int, _ body: ([UInt8]) throws(SDPParseError.Problem) -> Value
    ) throws(SDPParseError) -> Value {
        do {
            return try body(line.value)
        } catch {
            throw SDPParseError(error.rule, type: line.type, line: number)
        }
    }

    /// The lines, and the empty ones at the end.
    private static func lines(
        of octets: Span<UInt8>, limits: SDPLimits
    ) throws(SDPParseError) -> ([SDPLine], trailer: [UInt8]) {
        var lines: [SDPLine] = []
        var end = octets.count
        // Empty lines at the end: all but one line end.
        while end > 0, octets[end - 1] == 0x0A || octets[end - 1] == 0x0D { end -= 1 }
        if end < octets.count, octets[end] == 0x0D { end += 1 }
        if end < octets.count, octets[end] == 0x0A { end += 1 }
        var position = 0
        while position < end {
            let start = position
            while position < end, octets[position] != 0x0A { position += 1 }
            var (valueEnd, ending) = (position, SDPLine.Ending.none)
            if position < end {
                ending = .lf
                position += 1
                if valueEnd > start, octets[valueEnd - 1] == 0x0D { (valueEnd, ending) = (valueEnd - 1, .crlf) }
            }
            guard lines.count < limits.lines else { throw SDPParseError(.tooManyLines, line: lines.count + 1) }
            guard valueEnd - start >= 2, octets[start].isAlpha, octets[start + 1] == 0x3D else {
                throw SDPParseError(.malformedLine, line: lines.count + 1)
            }
            for i in start..<valueEnd where octets[i] == 0 || octets[i] == 0x0D {
                throw SDPParseError(.controlCharacter, type: octets[start], line: lines.count + 1)
            }
            lines.append(
                SDPLine(type: octets[start], value: octets.octets((start + 2)..<valueEnd), ending: ending))
        }
        return (lines, octets.octets(end..<octets.count))
    }
}
