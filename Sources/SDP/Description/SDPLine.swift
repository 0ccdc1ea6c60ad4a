import SIPMessages

/// One line `type=value` of a session description, with the line end that it came with (RFC 8866 §5).
public struct SDPLine: Hashable, Sendable {
    /// How a line ends.
    public enum Ending: Hashable, Sendable {
        /// CR LF, as RFC 8866 §5 wants it.
        case crlf
        /// LF alone, which a parser accepts (RFC 8866 §5).
        case lf
        /// The last line of a description that has no line end.
        case none
    }

    /// The letter before the `=`, case-significant.
    public var type: UInt8
    /// What stands after the `=`; no NUL, CR or LF.
    public private(set) var value: [UInt8]
    /// How the line ends.
    public var ending: Ending

    /// A line as it was received.
    init(type: UInt8, value: [UInt8], ending: Ending) {
        (self.type, self.value, self.ending) = (type, value, ending)
    }

    /// A line of our own. NUL, CR and LF in the text are left out, so that no text can add a line.
    public init(_ type: Character, _ text: String) {
        self.type = type.asciiValue ?? 0x61
        self.value = text.utf8.filter { $0 != 0 && $0 != 0x0D && $0 != 0x0A }
        self.ending = .crlf
    }

    /// The value as text; what is not UTF-8 is repaired.
    public var text: String { String(decoding: self.value, as: UTF8.self) }

    /// Appends the line as it came.
    ///
    /// - Parameter isLast: Whether nothing follows; a line without an end gets one where something does.
    func write(to output: inout [UInt8], isLast: Bool = false) {
        output.append(self.type)
        output.append(0x3D)
        output.append(contentsOf: self.value)
        switch self.ending {
        case .crlf: output.append("\r\n")
        case .lf: output.append(0x0A)
        case .none: if !isLast { output.append("\r\n") }
        }
    }
}

extension UInt8 {
    /// The letter of a line.
    @inline(__always)
    static func line(_ letter: Unicode.Scalar) -> UInt8 { UInt8(truncatingIfNeeded: letter.value) }
}
