import MediaKeying
import RTP
import SDP
import SIPMessages
import SRTP

/// What stands between the sockets of a stream and its sound: nothing, keys of the descriptions, or keys that a handshake on
/// the same path makes (RFC 3711, RFC 4568, RFC 5764).
///
/// While it has no keys that it should have, nothing passes in either direction.
struct PacketProtection: Sendable {
    /// How long the handshake may take.
    static let handshakeLimit = TimeSpan.seconds(15)

    /// What became of a datagram.
    enum Admission { case asItCame, opened, nothing }
    /// One to be sent.
    struct Outgoing: Sendable {
        var octets: [UInt8]
        var isControl: Bool
        var destination: SocketAddress
    }

    /// One of both paths, each with a handshake of its own (RFC 5764 §4.2); one for both where RTP and RTCP share a port.
    private struct Path: Sendable {
        var session: SRTPSession?
        var handshake: DTLSEndpoint?
        var destination: SocketAddress?
    }

    private(set) var keys = MediaKeys.clear
    /// Why there are no keys, or packets cannot be opened; `nil` when all is well.
    private(set) var problem: String?
    /// What has to be told: that there will be no keys.
    private(set) var failure: String?
    /// Packets that could not be opened.
    private(set) var unopened: UInt64 = 0
    private var media = Path(), control = Path()
    private var isShared = false
    private var began = MonotonicInstant.start
    private let identity: DTLSIdentity?

    init(_ identity: DTLSIdentity?) { self.identity = identity }

    /// Whether packets pass as they are.
    var isClear: Bool { self.keys == .clear }

    /// The suite and how its keys were agreed on, for people; empty while nothing protects.
    var description: String {
        guard let session = self.media.session else { return "" }
        let way = if case .agreed = self.keys { "SDES" } else { "DTLS" }
        return "\(way) \(session.agreement.suite.rawValue)"
    }

    /// Lets what was agreed on hold.
    ///
    /// - Parameter outgoing: What is to be sent at once is appended.
    mutating func apply(
        _ keys: MediaKeys, _ stream: NegotiatedStream, at now: MonotonicInstant, into outgoing: inout [Outgoing]
    ) {
        guard keys != self.keys || stream.hasRTCPMux != self.isShared else { return }
        self.isShared = stream.hasRTCPMux
        let before = self.keys
        (self.keys, self.problem, self.failure) = (keys, nil, nil)
        switch keys {
        case .clear: (self.media, self.control) = (Path(), Path())
        case .agreed(let agreement):
            do throws(SRTPError) {
                if case .agreed = before, let session = self.media.session {
                    try session.renew(agreement)
                } else {
                    self.media = Path(session: try SRTPSession(agreement))
                }
                self.control = self.media
            } catch {
                self.fail("SRTP: \(error)")
            }
        case .handshake(let isClient, let fingerprints):
            // Where only the port of RTCP has changed, the handshake of RTP holds on.
            if keys != before {
                self.began = now
                (self.media, self.control) = (Path(), Path())
                self.media = self.begin(isClient, fingerprints, stream.destination?.rtp.address, false, &outgoing)
            }
            if self.isShared {
                self.control = Path()
            } else if self.control.handshake == nil {
                self.control = self.begin(isClient, fingerprints, stream.destination?.rtcp.address, true, &outgoing)
            }
        }
    }

    private mutating func begin(
        _ isClient: Bool, _ fingerprints: [Fingerprint], _ destination: SocketAddress?, _ isControl: Bool,
        _ outgoing: inout [Outgoing]
    ) -> Path {
        guard let identity else {
            self.fail("DTLS: \(KeyingError.noCertificate)")
            return Path()
        }
        do throws(DTLSError) {
            // On the path of media every lost datagram is a piece of speech: the first wait is short (RFC 5764 §4.1.3).
            let handshake = try DTLSEndpoint(identity, isClient: isClient, firstWait: .milliseconds(250))
            handshake.expect(fingerprints)
            var datagrams: [[UInt8]] = []
            handshake.start(into: &datagrams)
            if let destination {
                outgoing += datagrams.map { Outgoing(octets: $0, isControl: isControl, destination: destination) }
            }
            return Path(handshake: handshake, destination: destination)
        } catch {
            self.fail("\(error)")
            return Path()
        }
    }

    private mutating func fail(_ reason: String) {
        guard self.failure == nil else { return }
        (self.problem, self.failure) = (reason, reason)
    }

    /// Takes what has to be told, once.
    mutating func takeFailure() -> String? {
        defer { self.failure = nil }
        return self.failure
    }

    // MARK: Receiving

    /// Takes a datagram.
    ///
    /// - Parameters:
    ///   - isRTCP: Whether it came to the socket for RTCP.
    ///   - opened: Its plain octets, where they are others.
    mutating func admit(
        _ octets: Span<UInt8>, from source: SocketAddress, isRTCP: Bool, opened: inout [UInt8],
        into outgoing: inout [Outgoing]
    ) -> Admission {
        if self.isClear { return .asItCame }
        if DTLSEndpoint.isDTLS(octets) {
            self.shake(octets, from: source, isControl: isRTCP, &outgoing)
            return .nothing
        }
        let usesControl = isRTCP && !self.isShared
        guard let session = usesControl ? self.control.session : self.media.session else {
            self.unopened &+= 1
            return .nothing
        }
        opened.removeAll(keepingCapacity: true)
        for i in 0..<octets.count { opened.append(octets[i]) }
        do throws(SRTPError) {
            if isRTCP || (self.isShared && RTCPReader.isRTCP(octets)) {
                try session.unprotectControl(&opened)
            } else {
                try session.unprotect(&opened)
            }
            self.problem = nil
            return .opened
        } catch {
            self.unopened &+= 1
            // A packet that the network has doubled is no problem of the keys.
            if error != .replayed { self.problem = "\(error)" }
            return .nothing
        }
    }

    private mutating func shake(
        _ octets: Span<UInt8>, from source: SocketAddress, isControl: Bool, _ outgoing: inout [Outgoing]
    ) {
        let usesControl = isControl && !self.isShared
        var path = usesControl ? self.control : self.media
        guard let handshake = path.handshake else { return }
        // Once there are keys, nobody else is spoken to.
        guard path.session == nil || path.destination == source else { return }
        var datagrams: [[UInt8]] = []
        handshake.receive(octets, into: &datagrams)
        path.destination = source
        outgoing += datagrams.map { Outgoing(octets: $0, isControl: isControl, destination: source) }
        switch handshake.state {
        case .agreed(let agreement) where path.session == nil:
            do throws(SRTPError) { path.session = try SRTPSession(agreement) } catch { self.fail("SRTP: \(error)") }
        case .failed(let error): self.fail("\(error)")
        default: break
        }
        if usesControl { self.control = path } else { self.media = path }
    }

    // MARK: Sending

    /// Protects a packet; `false` when it must not be sent.
    mutating func protect(_ packet: inout [UInt8], isControl: Bool) -> Bool {
        if self.isClear { return true }
        guard let session = isControl && !self.isShared ? self.control.session : self.media.session else {
            return false
        }
        do throws(SRTPError) {
            if isControl { try session.protectControl(&packet) } else { try session.protect(&packet) }
            return true
        } catch {
            if error == .keyExhausted { self.fail("SRTP: \(error)") }
            return false
        }
    }

    /// Sends again what has not been answered.
    mutating func wake(at now: MonotonicInstant, into outgoing: inout [Outgoing]) {
        guard case .handshake = self.keys else { return }
        for (path, isControl) in [(self.media, false), (self.control, true)] {
            guard let handshake = path.handshake, path.session == nil else { continue }
            var datagrams: [[UInt8]] = []
            handshake.wake(into: &datagrams)
            if let destination = path.destination {
                outgoing += datagrams.map { Outgoing(octets: $0, isControl: isControl, destination: destination) }
            }
            if case .failed(let error) = handshake.state { self.fail("\(error)") }
        }
        guard self.media.session == nil, self.problem == nil, now.since(self.began) > Self.handshakeLimit else {
            return
        }
        let peer = self.media.destination.map { " with \($0)" } ?? ""
        self.fail("no DTLS handshake\(peer) within \(Self.handshakeLimit.nanoseconds / 1_000_000_000) s")
    }
}
