import CLinuxIO
import MediaKeying
import SDP
import SIPMessages
import SRTP

/// What an end point runs on its thread once something is agreed on.
protocol MediaSession: PacketHandler {
    /// Offer and answer have changed what is agreed on.
    func update(_ stream: NegotiatedStream, _ keys: MediaKeys, at now: MonotonicInstant)
    /// Tells the peer that our source leaves.
    func leave(at now: MonotonicInstant)
}

/// What every end point has: its descriptions, its sockets from the first description that needs them on, and its session
/// while something is agreed on.
struct EndpointState<Session: MediaSession>: Sendable {
    var negotiation: Negotiation
    private(set) var sockets: SocketPair?
    private(set) var session: Session?
    private var thread: MediaThread?
    private var number: UInt32 = 0
    private(set) var isStopped = false
    private let server: MediaServer
    private let local: IPAddress
    let identity: DTLSIdentity?

    init(_ server: MediaServer, _ local: IPAddress, _ formats: [MediaFormat]) {
        (self.server, self.local) = (server, local)
        self.identity = server.identity
        self.negotiation = Negotiation(
            formats, host: server.settings.advertise ?? Host(local), isIPv6: local.isIPv6,
            keying: server.settings.keying, fingerprint: self.identity?.fingerprint)
    }

    /// What we want of the one stream that we have, with a port for it.
    mutating func stream(
        _ formats: [MediaFormat], _ direction: MediaDirection = .sendrecv
    ) throws(MediaError) -> LocalStream {
        guard !self.isStopped else { throw MediaError("the call has ended") }
        let sockets: SocketPair
        if let open = self.sockets {
            sockets = open
        } else {
            sockets = try self.server.open(at: self.local)
            self.sockets = sockets
        }
        return LocalStream(
            host: self.negotiation.machine.identity.host, port: sockets.rtp.local.port,
            rtcpPort: sockets.rtcp.local.port, allowsRTCPMux: true, formats: formats, direction: direction)
    }

    /// Lets what is agreed on hold.
    ///
    /// - Parameter make: Makes the session of the first agreement.
    /// - Returns: The session that has ended with it.
    mutating func apply(
        _ make: (NegotiatedStream, MediaKeys, SocketPair, MonotonicInstant) -> Session
    ) -> Session? {
        guard !self.isStopped, let stream = self.negotiation.stream, let sockets = self.sockets else {
            return self.close()
        }
        let now = MonotonicInstant(nanoseconds: cio_monotonic_nanoseconds())
        let keys = self.negotiation.keys
        if let session = self.session {
            session.update(stream, keys, at: now)
            return nil
        }
        guard let thread = self.server.quietestThread() else { return nil }
        let session = make(stream, keys, sockets, now)
        (self.session, self.thread) = (session, thread)
        self.number = thread.add(sockets, session)
        return nil
    }

    /// Closes the sockets for good; returns the session that has ended.
    mutating func stop() -> Session? {
        self.isStopped = true
        return self.close()
    }

    private mutating func close() -> Session? {
        let session = self.session
        session?.leave(at: MonotonicInstant(nanoseconds: cio_monotonic_nanoseconds()))
        self.thread?.remove(self.number)
        (self.thread, self.session, self.sockets) = (nil, nil, nil)
        return session
    }
}
