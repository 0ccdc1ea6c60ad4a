import NIOCore
import NIOTLS
import SIPMessages
import ServerCore

/// Takes what comes over a connection of TCP or TLS apart into messages and runs them.
final class StreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let server: SignallingServer
    private let connection: StreamConnection
    private let waitsForTLS: Bool
    private var framer: StreamFramer
    private var isFailed = false

    init(_ server: SignallingServer, _ connection: StreamConnection, isOutgoing: Bool) {
        self.server = server
        self.connection = connection
        self.waitsForTLS = connection.flow.transport.isSecure
        self.framer = StreamFramer(
            keepAlive: isOutgoing ? .pongs : .pings, limits: server.streams.settings.messages)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.connection.writer = context
        if context.channel.isActive, !self.waitsForTLS { self.server.streams.opened(self.connection) }
    }

    func channelActive(context: ChannelHandlerContext) {
        if !self.waitsForTLS { self.server.streams.opened(self.connection) }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent,
            self.server.streams.identify(self.connection, context.pipeline.syncOperations)
        {
            self.server.streams.opened(self.connection)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isFailed, self.connection.isReady else { return }
        let loop = self.connection.loop
        loop.worker.setTime()
        let now = loop.worker.workspace.now
        self.connection.lastActivity = now
        let received = self.unwrapInboundIn(data)
        self.framer.append(received.readableBytesUInt8Span)
        while let event = self.framer.next() {
            self.connection.messageBegan = nil
            self.connection.hasSpoken = true
            switch event {
            case .message, .malformed:
                self.framer.withMessage { self.server.receive($0, over: self.connection, &loop.worker) }
            case .ping:
                self.server.streams.pong(self.connection)
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
        let loop = self.connection.loop
        self.framer.withHeader {
            self.server.refuse($0, error, over: self.connection.flow, &loop.worker)
        }
        self.connection.closeAfterFlush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.connection.flush() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.server.streams.ended(self.connection, self.server)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset, or a failed handshake: the connection is of no more use.
        self.server.streams.noteFailure(error, of: self.connection)
        context.close(promise: nil)
    }
}
