import NIOCore
import NIOWebSocket
import SIPMessages

/// Runs the SIP messages that come over a WebSocket connection, one in each WebSocket message (RFC 7118 §5).
final class WebSocketHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    private let user: any StreamUser
    private let connection: StreamConnection
    private let limit: Int
    private var isClosing = false
    /// What has come of a message whose end is still to come.
    private var fragments: ByteBuffer?

    init(_ user: any StreamUser, _ connection: StreamConnection) {
        (self.user, self.connection) = (user, connection)
        self.limit = user.streams.settings.webSocketMessageOctets
    }

    func handlerAdded(context: ChannelHandlerContext) { self.user.streams.opened(self.connection) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isClosing else { return }
        let frame = self.unwrapInboundIn(data)
        self.connection.lastActivity = SystemClock.now()
        self.connection.loop.noteReading(at: self.connection.lastActivity)
        self.user.streams.heard(self.connection, self.user)
        self.connection.hasSpoken = true
        self.connection.messageBegan = self.fragments == nil ? nil : self.connection.messageBegan
        // A client masks whatever it sends (RFC 6455 §5.1); no extension was agreed on that could use the other bits.
        guard frame.maskKey != nil, !frame.rsv1, !frame.rsv2, !frame.rsv3 else { return self.close(.protocolError) }
        let octets = frame.unmaskedData
        switch frame.opcode {
        case .text, .binary:
            guard self.fragments == nil else { return self.close(.protocolError) }
            guard frame.fin else {
                self.fragments = octets
                self.connection.messageBegan = self.connection.lastActivity
                return
            }
            self.receive(octets)
        case .continuation:
            self.proceed(octets, isLast: frame.fin)
        case .ping:
            self.user.streams.send(
                control: WebSocketFraming.control(0xA, octets.readableBytesView), over: self.connection)
        case .pong:
            break
        case .connectionClose:
            self.close(.normalClosure)
        default:
            self.close(.protocolError)
        }
    }

    /// One more fragment of a message (RFC 6455 §5.4).
    private func proceed(_ octets: ByteBuffer, isLast: Bool) {
        guard var message = self.fragments else { return self.close(.protocolError) }
        self.fragments = nil
        guard message.readableBytes + octets.readableBytes <= self.limit else { return self.close(.messageTooLarge) }
        message.writeImmutableBuffer(octets)
        guard isLast else {
            self.fragments = message
            return
        }
        self.connection.messageBegan = nil
        self.receive(message)
    }

    private func receive(_ octets: ByteBuffer) {
        // The keep-alive of RFC 5626 §3.5.1 is usable here as well (RFC 7118 §6).
        if octets.readableBytes <= 4 {
            if octets.readableBytesView.elementsEqual([0x0D, 0x0A, 0x0D, 0x0A]) {
                self.user.streams.send(
                    control: WebSocketFraming.text([0x0D, 0x0A]), over: self.connection)
            }
            return
        }
        self.user.receive(octets.readableBytesUInt8Span, over: self.connection)
    }

    /// Says that the connection ends, and ends it (RFC 6455 §5.5.1, §7.1.1).
    private func close(_ code: WebSocketErrorCode) {
        self.isClosing = true
        let number = UInt16(webSocketErrorCode: code)
        let frame = WebSocketFraming.control(
            8, [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)])
        self.user.streams.send(control: frame, over: self.connection)
        self.connection.closeAfterFlush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.connection.flush() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !self.isClosing else { return }
        let isTooLarge = error as? NIOWebSocketError == .invalidFrameLength
        self.close(isTooLarge ? .messageTooLarge : .protocolError)
    }
}
