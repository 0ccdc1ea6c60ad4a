import COpenSSL
public import MediaKeying
public import SIPMessages

/// Why a handshake has failed.
public enum DTLSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The peer's certificate is not the one of its description (RFC 5763 §5).
    case wrongFingerprint
    /// The description has no fingerprint of a hash that is safe.
    case noFingerprint
    /// The peer knows none of our protection profiles, or not the extension (RFC 5764 §4.1).
    case noProfile
    /// The handshake broke off, with OpenSSL's words.
    case handshake(String)
    /// OpenSSL refuses what is asked of it.
    case library(String)

    /// One line for people.
    public var description: String {
        switch self {
        case .wrongFingerprint: "the certificate of the DTLS handshake is not that of the peer's a=fingerprint"
        case .noFingerprint: "the peer's description has no a=fingerprint of SHA-256 or better"
        case .noProfile: "the peer knows none of our SRTP protection profiles"
        case .handshake(let reason): "the DTLS handshake failed: \(reason)"
        case .library(let name): "OpenSSL has no working \(name)"
        }
    }
}

/// Agrees on SRTP keys by a handshake of DTLS 1.2 on the path of the media (RFC 5763, RFC 5764).
///
/// Datagrams go in and come out; there is no socket. The peer's fingerprint may come later than its handshake: until it
/// has come there is no agreement, and no media is to be taken. Only the wait for retransmissions is OpenSSL's own: it
/// reads the clock of the system, and `retransmission` says when to call `wake`.
///
/// Invariant: its owner calls from one thread at a time, and nobody else has `tls`.
public final class DTLSEndpoint: @unchecked Sendable {
    /// How far it has come.
    public enum State: Hashable, Sendable {
        /// Datagrams go to and fro.
        case handshaking
        /// The handshake has ended, and the peer's fingerprint is not known yet.
        case unverified
        /// These are the keys.
        case agreed(SRTPAgreement)
        /// There will be none.
        case failed(DTLSError)
    }

    /// Octets of the longest datagram that is sent: what passes everywhere.
    public static let maximumOctets = 1_200

    /// How far it has come.
    public private(set) var state = State.handshaking
    private let context: OpaquePointer
    private let tls: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer
    private let isClient: Bool
    private let suites: [SRTPSuite]
    private let identity: DTLSIdentity
    private var fingerprints: [Fingerprint]?

    /// An end point of a handshake that has not begun.
    ///
    /// - Parameters:
    ///   - isClient: Whether we begin: our `a=setup` is active.
    ///   - suites: What may be agreed on, in the order of preference; what DTLS has no profile for is left out.
    ///   - firstWait: How long the first retransmission waits (RFC 6347 §4.2.4.1: one second); then twice as long each.
    public init(
        _ identity: DTLSIdentity, isClient: Bool,
        suites: [SRTPSuite] = [.aeadAES256GCM, .aeadAES128GCM, .aes128CMSHA1Tag80],
        firstWait: TimeSpan = .seconds(1)
    ) throws(DTLSError) {
        (self.identity, self.isClient, self.suites) = (identity, isClient, suites)
        guard let context = SSL_CTX_new(isClient ? DTLS_client_method() : DTLS_server_method()) else {
            throw .library("DTLS")
        }
        let profiles = suites.compactMap(\.profileName).joined(separator: ":")
        guard cossl_dtls12_only(context) == 1, SSL_CTX_use_certificate(context, identity.certificate) == 1,
            SSL_CTX_use_PrivateKey(context, identity.key) == 1,
            // 0 is success here.
            SSL_CTX_set_tlsext_use_srtp(context, profiles) == 0
        else {
            SSL_CTX_free(context)
            throw .library("DTLS-SRTP")
        }
        cossl_ask_for_certificate(context)
        guard let tls = SSL_new(context), let input = BIO_new(BIO_s_mem()), let output = BIO_new(BIO_s_mem()) else {
            SSL_CTX_free(context)
            throw .library("DTLS")
        }
        cossl_empty_is_retry(input)
        cossl_empty_is_retry(output)
        // From here on the BIOs are the SSL's.
        SSL_set_bio(tls, input, output)
        (self.context, self.tls, self.input, self.output) = (context, tls, input, output)
        cossl_set_mtu(tls, Self.maximumOctets)
        let microseconds = Swift.max(1, Swift.min(60_000_000, firstWait.nanoseconds / 1_000))
        cossl_set_first_wait(tls, UInt32(truncatingIfNeeded: microseconds))
        if isClient { SSL_set_connect_state(tls) } else { SSL_set_accept_state(tls) }
    }

    deinit {
        SSL_free(self.tls)
        SSL_CTX_free(self.context)
    }

    /// Whether a datagram that came to the port of media is one of DTLS (RFC 7983 §7).
    public static func isDTLS(_ octets: Span<UInt8>) -> Bool { octets.count > 0 && (20...63).contains(octets[0]) }

    /// The fingerprints of the peer's description have come.
    public func expect(_ fingerprints: [Fingerprint]) {
        self.fingerprints = fingerprints
        if self.state == .unverified { self.verify() }
    }

    /// Begins, on the side that does.
    ///
    /// - Parameter datagrams: Those to send are appended.
    public func start(into datagrams: inout [[UInt8]]) {
        guard self.isClient else { return }
        self.proceed(into: &datagrams)
    }

    /// Takes a datagram of the peer.
    public func receive(_ datagram: Span<UInt8>, into datagrams: inout [[UInt8]]) {
        if case .failed = self.state { return }
        let written = datagram.withUnsafeBufferPointer {
            BIO_write(self.input, $0.baseAddress, Int32(truncatingIfNeeded: $0.count))
        }
        guard written > 0 else { return }
        self.proceed(into: &datagrams)
    }

    /// How long to wait before `wake` is to be called; `nil` while nothing waits for an answer.
    public var retransmission: TimeSpan? {
        let microseconds = cossl_timeout(self.tls)
        guard self.state == .handshaking, microseconds >= 0 else { return nil }
        return TimeSpan(nanoseconds: Int64(microseconds) * 1_000)
    }

    /// Sends again what has not been answered, when its time has come.
    public func wake(into datagrams: inout [[UInt8]]) {
        guard self.state == .handshaking else { return }
        if cossl_handle_timeout(self.tls) < 0 { self.state = .failed(.handshake("the peer does not answer")) }
        self.collect(into: &datagrams)
    }

    private func proceed(into datagrams: inout [[UInt8]]) {
        ERR_clear_error()
        let result = SSL_do_handshake(self.tls)
        if result == 1 {
            if self.state == .handshaking { self.verify() }
            // What comes after the handshake is a retransmission or an alert: OpenSSL answers it while it reads.
            var octet: UInt8 = 0
            _ = SSL_read(self.tls, &octet, 1)
        } else if self.state == .handshaking {
            let code = SSL_get_error(self.tls, result)
            if code != SSL_ERROR_WANT_READ && code != SSL_ERROR_WANT_WRITE {
                self.state = .failed(.handshake(Self.reason()))
            }
        }
        self.collect(into: &datagrams)
    }

    private static func reason() -> String {
        let code = ERR_get_error()
        guard code != 0, let text = ERR_reason_error_string(code) else { return "the peer has closed it" }
        return String(cString: text)
    }

    /// Compares the peer's certificate with its description, and takes the keys out.
    private func verify() {
        guard let fingerprints else {
            self.state = .unverified
            return
        }
        let deciding = Fingerprint.deciding(fingerprints)
        guard let hash = deciding.first?.hash else {
            self.state = .failed(.noFingerprint)
            return
        }
        guard let certificate = SSL_get0_peer_certificate(self.tls),
            let found = DTLSIdentity.fingerprint(of: certificate, hash: hash), deciding.contains(found)
        else {
            self.state = .failed(.wrongFingerprint)
            return
        }
        guard let profile = SSL_get_selected_srtp_profile(self.tls),
            let suite = self.suites.first(where: { $0.profileName == String(cString: profile.pointee.name) })
        else {
            self.state = .failed(.noProfile)
            return
        }
        let (key, salt) = (suite.keyOctets, suite.saltOctets)
        var octets = [UInt8](repeating: 0, count: 2 * (key + salt))
        let label = "EXTRACTOR-dtls_srtp"
        guard SSL_export_keying_material(self.tls, &octets, octets.count, label, label.utf8.count, nil, 0, 0) == 1
        else {
            self.state = .failed(.library("key export"))
            return
        }
        // The client's key, the server's, the client's salt, the server's (RFC 5764 §4.2).
        let client = SRTPMasterKey(Array(octets[0..<key] + octets[(2 * key)..<(2 * key + salt)]))
        let server = SRTPMasterKey(Array(octets[key..<(2 * key)] + octets[(2 * key + salt)...]))
        self.state = .agreed(
            SRTPAgreement(suite, local: self.isClient ? client : server, remote: self.isClient ? server : client))
    }

    /// Takes out what is to be sent: whole records, as many as a datagram has room for.
    private func collect(into datagrams: inout [[UInt8]]) {
        var octets: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while case let count = BIO_read(self.output, &buffer, Int32(buffer.count)), count > 0 {
            octets.append(contentsOf: buffer.prefix(Int(count)))
        }
        var (start, position) = (0, 0)
        while position + 13 <= octets.count {
            let end = position + 13 + (Int(octets[position + 11]) << 8 | Int(octets[position + 12]))
            if end - start > Self.maximumOctets, position > start {
                datagrams.append(Array(octets[start..<position]))
                start = position
            }
            position = Swift.min(end, octets.count)
        }
        if position > start { datagrams.append(Array(octets[start..<position])) }
    }
}
