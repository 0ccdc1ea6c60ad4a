import NIOCore
import NIOHTTP1
import NIOWebSocket
import SIPMessages

/// The HTTP handshake of a SIP WebSocket server: RFC 6455 §4.2, RFC 7118 §4.1.
enum WebSocketUpgrade {
    /// Adds the handlers of the handshake to a connection that was accepted.
    static func configure(
        _ channel: any Channel, _ user: any StreamUser, _ connection: StreamConnection
    ) throws {
        let settings = user.streams.settings
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: settings.webSocketMessageOctets, automaticErrorHandling: false,
            shouldUpgrade: { channel, head in
                channel.eventLoop.makeSucceededFuture(Self.answer(to: head, origins: settings.webSocketOrigins))
            },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let refusal = try? pipeline.handler(type: PlainRequestHandler.self) {
                        pipeline.removeHandler(refusal, promise: nil)
                    }
                    try pipeline.addHandler(WebSocketHandler(user, connection))
                }
            })
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(ConnectionAnchor(user, connection))
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: false,
            withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }), withErrorHandling: true)
        try pipeline.addHandler(PlainRequestHandler())
    }

    /// The fields to add to a 101, or `nil` to refuse: the client must speak `sip` (RFC 7118 §4.1), and a browser must
    /// come from a page that may use the server (RFC 6455 §10.2).
    static func answer(to head: HTTPRequestHead, origins: WebSocketOrigins) -> HTTPHeaders? {
        guard head.method == .GET else { return nil }
        let offered = head.headers[canonicalForm: "Sec-WebSocket-Protocol"]
        guard offered.contains(where: { $0.lowercased() == "sip" }) else { return nil }
        if let origin = head.headers.first(name: "Origin") {
            guard origins.allow(origin, connectingTo: head.headers.first(name: "Host")) else { return nil }
        }
        return ["Sec-WebSocket-Protocol": "sip"]
    }
}

/// Refuses requests that do not end in a WebSocket connection, and closes.
final class PlainRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private var wantsWebSocket = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.wantsWebSocket = head.headers.contains(name: "Sec-WebSocket-Key")
        case .body:
            break
        case .end:
            // Who asks for WebSocket and gets no 101 lacks the subprotocol, or comes from a page that is not allowed.
            let status: HTTPResponseStatus = self.wantsWebSocket ? .forbidden : .upgradeRequired
            var headers = HTTPHeaders([("Content-Length", "0"), ("Connection", "close")])
            if !self.wantsWebSocket { headers.add(name: "Upgrade", value: "websocket") }
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
            context.write(self.wrapOutboundOut(.head(head)), promise: nil)
            let channel = context.channel
            context.writeAndFlush(self.wrapOutboundOut(.end(nil))).whenComplete { _ in
                channel.close(promise: nil)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // That the upgrade was refused is told at the end of the request.
        guard !(error is NIOWebSocketUpgradeError) else { return }
        context.close(promise: nil)
    }
}
