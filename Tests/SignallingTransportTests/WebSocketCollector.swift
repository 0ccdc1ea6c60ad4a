import NIOCore

/// Takes apart what a WebSocket server sends: the head of an HTTP response, then frames without a mask (RFC 6455 §5.2).
final class WebSocketCollector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let inbox: Inbox
    private var octets: [UInt8] = []
    private var isUpgraded = false

    init(_ inbox: Inbox) { self.inbox = inbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.octets += self.unwrapInboundIn(data).readableBytesView
        if !self.isUpgraded {
            guard let end = self.octets.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
            self.inbox.put(.message(String(decoding: self.octets[..<end.upperBound], as: UTF8.self)))
            self.octets.removeSubrange(..<end.upperBound)
            self.isUpgraded = true
        }
        while self.octets.count >= 2 {
            let (first, length) = (self.octets[0], Int(self.octets[1]))
            var start = 2
            var count = length
            if length == 126 {
                guard self.octets.count >= 4 else { return }
                count = Int(self.octets[2]) << 8 | Int(self.octets[3])
                start = 4
            }
            guard length < 127, self.octets.count >= start + count else { return }
            let payload = Array(self.octets[start..<start + count])
            self.octets.removeSubrange(..<(start + count))
            let isMessage = first & 0x7F <= 2 && payload.count > 4
            self.inbox.put(
                isMessage ? .message(String(decoding: payload, as: UTF8.self)) : .frame(opcode: first, payload))
        }
    }

    func channelInactive(context: ChannelHandlerContext) { self.inbox.put(.closed) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// What a WebSocket client sends.
enum WebSocketText {
    static func handshake(subprotocol: String? = "sip", origin: String? = nil) -> String {
        var lines = [
            "GET / HTTP/1.1", "Host: sip.test", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
        ]
        if let subprotocol { lines.append("Sec-WebSocket-Protocol: \(subprotocol)") }
        if let origin { lines.append("Origin: \(origin)") }
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// A frame with a mask (RFC 6455 §5.3).
    static func frame(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        var frame = [opcode | (isFinal ? 0x80 : 0)]
        if payload.count < 126 {
            frame.append(0x80 | UInt8(payload.count))
        } else {
            frame += [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        }
        return frame + mask + payload.enumerated().map { $0.element ^ mask[$0.offset % 4] }
    }

    static func text(_ text: String) -> [UInt8] { self.frame(1, Array(text.utf8)) }
}
