import NIOCore
import NIOTLS

/// Stands between the socket, or TLS, and the handlers of HTTP and WebSocket: octets are written here, and here the end
/// of the connection is seen, whatever becomes of the handlers after it.
final class ConnectionAnchor: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let user: any StreamUser
    private let connection: StreamConnection

    init(_ user: any StreamUser, _ connection: StreamConnection) {
        (self.user, self.connection) = (user, connection)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.connection.writer = context }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            self.user.streams.identify(self.connection, context.pipeline.syncOperations)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.user.streams.noteFailure(error, of: self.connection)
        context.fireErrorCaught(error)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Until a frame is complete nothing of it is seen further on.
        if self.connection.messageBegan == nil { self.connection.messageBegan = SystemClock.now() }
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.user.streams.ended(self.connection, self.user)
        context.fireChannelInactive()
    }
}
