import NIOCore

/// Frames as a WebSocket server writes them: whole messages, not masked (RFC 6455 §5.1, §5.2).
enum WebSocketFraming {
    /// Appends the header of a frame that holds one SIP message: text where it is UTF-8, binary where not
    /// (RFC 7118 §4.2, §5).
    static func writeHeader(for octets: UnsafeBufferPointer<UInt8>, into buffer: inout ByteBuffer) {
        let isText = String(validating: octets, as: UTF8.self) != nil
        buffer.writeInteger(UInt8(0x80 | (isText ? 1 : 2)))
        switch octets.count {
        case ..<126: buffer.writeInteger(UInt8(octets.count))
        case ..<65_536:
            buffer.writeInteger(UInt8(126))
            buffer.writeInteger(UInt16(octets.count))
        default:
            buffer.writeInteger(UInt8(127))
            buffer.writeInteger(UInt64(octets.count))
        }
    }

    /// A text frame of at most 125 octets, for keep-alives.
    static func text(_ payload: [UInt8]) -> [UInt8] { Self.control(1, payload) }

    /// A control frame; its payload is cut after the 125 octets that it may have.
    static func control(_ opcode: UInt8, _ payload: some Sequence<UInt8>) -> [UInt8] {
        let payload = Array(payload.prefix(125))
        return [0x80 | opcode, UInt8(payload.count)] + payload
    }
}
