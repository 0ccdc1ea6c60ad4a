/// A request method: `INVITE`, `REGISTER` or any other token (RFC 3261 §7.1). Methods are case-sensitive.
public struct Method: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The method as written on the wire.
    public let name: String

    /// The method with this name, which must be a token.
    public init(_ name: String) { self.name = name }
    /// The method of this name, which is a token.
    public init(stringLiteral name: String) { self.name = name }

    /// The method whose name lies in `range`.
    ///
    /// - Throws: `SIPParseError` when it is not a token.
    public init(parsing octets: Span<UInt8>, in range: Range<Int>, field: HeaderID) throws(SIPParseError) {
        guard !range.isEmpty else { throw SIPParseError(.tokenExpected, in: field, at: range.lowerBound) }
        for i in range where !octets[i].isToken { throw SIPParseError(.tokenExpected, in: field, at: i) }
        self.name = octets.string(range)
    }

    /// The name, in the case in which it came.
    public var description: String { self.name }

    /// INVITE: RFC 3261 §13.
    public static let invite = Method("INVITE")
    /// ACK: RFC 3261 §13.
    public static let ack = Method("ACK")
    /// BYE: RFC 3261 §15.
    public static let bye = Method("BYE")
    /// CANCEL: RFC 3261 §9.
    public static let cancel = Method("CANCEL")
    /// REGISTER: RFC 3261 §10.
    public static let register = Method("REGISTER")
    /// OPTIONS: RFC 3261 §11.
    public static let options = Method("OPTIONS")
    /// RFC 6086.
    public static let info = Method("INFO")
    /// RFC 3262.
    public static let prack = Method("PRACK")
    /// RFC 3311.
    public static let update = Method("UPDATE")
    /// RFC 6665.
    public static let subscribe = Method("SUBSCRIBE")
    /// RFC 6665.
    public static let notify = Method("NOTIFY")
    /// RFC 3515.
    public static let refer = Method("REFER")
    /// RFC 3428.
    public static let message = Method("MESSAGE")
    /// RFC 3903.
    public static let publish = Method("PUBLISH")

    /// A method in one octet, for where messages are routed; every unknown method is `.other`.
    public struct Code: BitwiseCopyable, RawRepresentable, Hashable, Sendable {
        /// The number that stands for it inside the program.
        public let rawValue: UInt8
        /// What the number stands for.
        @inlinable
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// A method without a code of its own.
        @inlinable public static var other: Code { Code(rawValue: 0) }
        /// INVITE: RFC 3261 §13.
        @inlinable public static var invite: Code { Code(rawValue: 1) }
        /// ACK: RFC 3261 §13.
        @inlinable public static var ack: Code { Code(rawValue: 2) }
        /// BYE: RFC 3261 §15.
        @inlinable public static var bye: Code { Code(rawValue: 3) }
        /// CANCEL: RFC 3261 §9.
        @inlinable public static var cancel: Code { Code(rawValue: 4) }
        /// REGISTER: RFC 3261 §10.
        @inlinable public static var register: Code { Code(rawValue: 5) }
        /// OPTIONS: RFC 3261 §11.
        @inlinable public static var options: Code { Code(rawValue: 6) }
        /// INFO: RFC 6086.
        @inlinable public static var info: Code { Code(rawValue: 7) }
        /// PRACK: RFC 3262.
        @inlinable public static var prack: Code { Code(rawValue: 8) }
        /// UPDATE: RFC 3311.
        @inlinable public static var update: Code { Code(rawValue: 9) }
        /// SUBSCRIBE: RFC 6665.
        @inlinable public static var subscribe: Code { Code(rawValue: 10) }
        /// NOTIFY: RFC 6665.
        @inlinable public static var notify: Code { Code(rawValue: 11) }
        /// REFER: RFC 3515.
        @inlinable public static var refer: Code { Code(rawValue: 12) }
        /// MESSAGE: RFC 3428.
        @inlinable public static var message: Code { Code(rawValue: 13) }
        /// PUBLISH: RFC 3903.
        @inlinable public static var publish: Code { Code(rawValue: 14) }

        /// The code of the method whose name lies in `range`.
        public init(_ octets: Span<UInt8>, _ range: Range<Int>) {
            guard range.count <= 9 else {
                self = .other
                return
            }
            // The last eight letters as one number, the last of them in the lowest place.
            var letters: UInt64 = 0
            for i in range { letters = letters &<< 8 | UInt64(octets[i]) }
            let code: Code =
                switch letters {
                case 0x494E_5649_5445: .invite
                case 0x41_434B: .ack
                case 0x42_5945: .bye
                case 0x4341_4E43_454C: .cancel
                case 0x5245_4749_5354_4552: .register
                case 0x4F_5054_494F_4E53: .options
                case 0x494E_464F: .info
                case 0x50_5241_434B: .prack
                case 0x5550_4441_5445: .update
                case 0x5542_5343_5249_4245: .subscribe
                case 0x4E4F_5449_4659: .notify
                case 0x52_4546_4552: .refer
                case 0x4D_4553_5341_4745: .message
                case 0x50_5542_4C49_5348: .publish
                default: .other
                }
            // SUBSCRIBE is the one of nine letters; its first is not in the number.
            let isWhole = (range.count == 9) == (code == .subscribe)
            self = isWhole && (code != .subscribe || octets[range.lowerBound] == 0x53) ? code : .other
        }

        private static let names: [StaticString] = [
            "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "INFO", "PRACK", "UPDATE", "SUBSCRIBE", "NOTIFY",
            "REFER", "MESSAGE", "PUBLISH",
        ]

        /// The method, unless it is `.other`.
        public var method: Method? {
            guard self.rawValue > 0, self.rawValue <= Self.names.count else { return nil }
            return Method(String(describing: Self.names[Int(self.rawValue) - 1]))
        }
    }

    /// The method's code.
    public var code: Code {
        let octets = Array(self.name.utf8)
        return Code(octets.span, 0..<octets.count)
    }
}
