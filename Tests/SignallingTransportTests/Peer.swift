import Dispatch
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import SIPMessages

@testable import SignallingTransport

/// What a peer saw.
enum Seen: Equatable {
    case message(String)
    /// A WebSocket frame that holds no SIP message.
    case frame(opcode: UInt8, [UInt8])
    /// A datagram that holds no SIP message.
    case datagram([UInt8])
    case pong
    case closed
}

struct TimedOut: Error {}

/// A queue of what was seen; who waits for the next waits ten seconds at most.
final class Inbox: @unchecked Sendable {
    // Invariant: `events` is touched under `lock`.
    private let lock = NIOLock()
    private let count = DispatchSemaphore(value: 0)
    private var events: [Seen] = []

    func put(_ event: Seen) {
        self.lock.withLock { self.events.append(event) }
        self.count.signal()
    }

    func next() throws -> Seen {
        guard self.count.wait(timeout: .now() + 10) == .success else { throw TimedOut() }
        return self.lock.withLock { self.events.removeFirst() }
    }

    /// The next message, which must be what comes next.
    func message() throws -> String {
        let event = try self.next()
        guard case .message(let text) = event else { throw UnexpectedEvent(event: event) }
        return text
    }

    /// The next datagram, which must be what comes next and hold no message.
    func datagram() throws -> [UInt8] {
        let event = try self.next()
        guard case .datagram(let octets) = event else { throw UnexpectedEvent(event: event) }
        return octets
    }

    /// The messages up to the first whose start line begins so, that one included.
    func messages(until prefix: String) throws -> [String] {
        var messages: [String] = []
        repeat { messages.append(try self.message()) } while !(messages.last ?? "").hasPrefix(prefix)
        return messages
    }
}

struct UnexpectedEvent: Error {
    var event: Seen
}

private final class StreamCollector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let inbox: Inbox
    private var framer = StreamFramer(keepAlive: .pongs)

    init(_ inbox: Inbox) { self.inbox = inbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = self.unwrapInboundIn(data)
        self.framer.append(Array(buffer.readableBytesView))
        while let event = self.framer.next() {
            if event == .pong { self.inbox.put(.pong) }
            self.framer.withMessage { octets in
                guard !octets.isEmpty else { return }
                let text = octets.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
                self.inbox.put(.message(text))
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) { self.inbox.put(.closed) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

private final class DatagramCollector: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    private let inbox: Inbox
    private let source: NIOLockedValueBox<SIPMessages.SocketAddress?>

    init(_ inbox: Inbox, _ source: NIOLockedValueBox<SIPMessages.SocketAddress?>) {
        (self.inbox, self.source) = (inbox, source)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let datagram = self.unwrapInboundIn(data)
        self.source.withLockedValue { $0 = SIPMessages.SocketAddress(datagram.remoteAddress) }
        let octets = Array(datagram.data.readableBytesView)
        let isMessage = (octets.first ?? 0) > 0x20
        self.inbox.put(isMessage ? .message(String(buffer: datagram.data)) : .datagram(octets))
    }
}

/// A user agent of few words: an end of a connection, or a UDP socket, on loopback.
final class Peer: Sendable {
    let inbox = Inbox()
    let local: SIPMessages.SocketAddress
    private let channel: any Channel
    private let server: NIOCore.SocketAddress?
    private let source = NIOLockedValueBox<SIPMessages.SocketAddress?>(nil)

    /// Where the last datagram came from.
    var lastSource: SIPMessages.SocketAddress? { self.source.withLockedValue { $0 } }

    /// Connects, over TLS with `tls`.
    ///
    /// - Parameter isWebSocket: Whether an HTTP response and then WebSocket frames are expected.
    init(
        connectingTo address: SIPMessages.SocketAddress, from localIP: IPAddress? = nil, tls: NIOSSLContext? = nil,
        isWebSocket: Bool = false
    ) throws {
        let inbox = self.inbox
        let source = try localIP.map { try NIOCore.SocketAddress(ipAddress: $0.description, port: 0) }
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: nil))
                    }
                    if isWebSocket {
                        try channel.pipeline.syncOperations.addHandler(WebSocketCollector(inbox))
                    } else {
                        try channel.pipeline.syncOperations.addHandler(StreamCollector(inbox))
                    }
                }
            }
        self.channel = try (source.map { bootstrap.bind(to: $0) } ?? bootstrap)
            .connect(host: address.ip.description, port: Int(address.port)).wait()
        self.local = Self.local(self.channel)
        self.server = nil
    }

    /// Opens a UDP socket.
    init(udpTo address: SIPMessages.SocketAddress, localIP: IPAddress = .loopback) throws {
        let (inbox, source) = (self.inbox, self.source)
        self.channel = try DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramCollector(inbox, source))
                }
            }
            .bind(host: localIP.description, port: 0).wait()
        self.local = Self.local(self.channel)
        self.server = try NIOCore.SocketAddress(ipAddress: address.ip.description, port: Int(address.port))
    }

    /// The channel's own address; port 0 when it is closed already.
    private static func local(_ channel: any Channel) -> SIPMessages.SocketAddress {
        guard let address = channel.localAddress, let local = SIPMessages.SocketAddress(address) else {
            return SIPMessages.SocketAddress(.loopback, 0)
        }
        return local
    }

    func send(_ text: String) throws { try self.send(octets: Array(text.utf8)) }

    func send(octets: [UInt8]) throws {
        let buffer = ByteBuffer(bytes: octets)
        if let server = self.server {
            try self.channel.writeAndFlush(AddressedEnvelope(remoteAddress: server, data: buffer)).wait()
        } else {
            try self.channel.writeAndFlush(buffer).wait()
        }
    }

    /// The certificate that the other side has shown, DER.
    func shownCertificate() throws -> [UInt8]? {
        try self.channel.eventLoop.submit { [channel = self.channel] in
            try channel.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self).peerCertificate?.toDERBytes()
        }.wait()
    }

    /// Sends without waiting for it; `false` when the connection is closed.
    func offer(_ text: String) -> Bool {
        guard self.channel.isActive else { return false }
        if self.channel.isWritable { self.channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }
        return true
    }

    /// Stops reading, or goes on.
    func setReading(_ isReading: Bool) throws {
        try self.channel.setOption(.autoRead, value: isReading).wait()
    }

    func close() { self.channel.close(promise: nil) }

    func closeAndWait() throws { try self.channel.close().wait() }
}

/// Waits for connections that the server opens.
final class ListeningPeer: Sendable {
    let inbox = Inbox()
    let local: SIPMessages.SocketAddress
    private let channel: any Channel
    private let children = NIOLockedValueBox<[any Channel]>([])

    init() throws {
        let (inbox, children) = (self.inbox, self.children)
        self.channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    children.withLockedValue { $0.append(channel) }
                    try channel.pipeline.syncOperations.addHandler(StreamCollector(inbox))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        guard let port = self.channel.localAddress?.port, let port = UInt16(exactly: port) else { throw TimedOut() }
        self.local = SIPMessages.SocketAddress(.loopback, port)
    }

    var connectionCount: Int { self.children.withLockedValue { $0.count } }

    /// Sends over the connection that came last.
    func send(_ text: String) throws {
        guard let child = self.children.withLockedValue({ $0.last }) else { throw TimedOut() }
        try child.writeAndFlush(ByteBuffer(string: text)).wait()
    }

    func close() { self.channel.close(promise: nil) }

    /// Ends the connections that have come.
    func closeConnections() {
        for child in self.children.withLockedValue({ $0 }) { child.close(promise: nil) }
    }
}
