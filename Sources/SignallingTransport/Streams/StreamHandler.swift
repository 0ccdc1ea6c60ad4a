import NIOCore
import NIOTLS
import SIPMessages

/// Takes what comes over a connection of TCP or TLS apart into messages and runs them.
final class StreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let user: any StreamUser
    private let connection: StreamConnection
    private let waitsForTLS: Bool
    private var framer: StreamFramer
    private var isFailed = false

    init(_ user: any StreamUser, _ connection: StreamConnection, isOutgoing: Bool) {
        self.user = user
        self.connection = connection
        self.waitsForTLS = connection.flow.transport.isSecure
        self.framer = StreamFramer(
            keepAlive: isOutgoing ? .pongs : .pings, limits: user.streams.settings.messages)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.connection.writer = context
        if context.channel.isActive, !self.waitsForTLS { self.user.streams.opened(self.connection) }
    }

    func channelActive(context: ChannelHandlerContext) {
        if !self.waitsForTLS { self.user.streams.opened(self.connection) }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent,
            self.user.streams.identify(self.connection, context.pipeline.syncOperations)
        {
            self.user.streams.opened(self.connection)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isFailed, self.connection.isReady else { return }
        let now = SystemClock.now()
        self.connection.lastActivity = now
        self.connection.loop.noteReading(at: now)
        self.user.streams.heard(self.connection, self.user)
        let received = self.unwrapInboundIn(data)
        self.framer.append(received.readableBytesUInt8Span)
        while let event = self.framer.next() {
            self.connection.messageBegan = nil
            self.connection.hasSpoken = true
            switch event {
            case .message, .malformed:
                self.framer.withMessage { self.user.receive($0, over: self.connection) }
            case .ping:
                self.user.streams.pong(self.connection)
            case .pong:
                break
            case .failed(let error):
                self.fail(error)
                return
            }
        }
        if self.framer.isWithinMessage {
            if self.connection.messageBegan == nil { self.connection.messageBegan = now }
        } else {
            self.connection.messageBegan = nil
        }
    }

    /// The end of a message cannot be found: says so where that is possible, and closes (RFC 3261 §18.3).
    private func fail(_ error: SIPParseError) {
        self.isFailed = true
        self.framer.withHeader { self.user.refuse($0, error, over: self.connection) }
        self.connection.closeAfterFlush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.connection.flush() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.user.streams.ended(self.connection, self.user)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset, or a failed handshake: the connection is of no more use.
        self.user.streams.noteFailure(error, of: self.connection)
        context.close(promise: nil)
    }
}
