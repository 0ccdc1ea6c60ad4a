import CLinuxIO
import NIOConcurrencyHelpers
import NIOSSL

/// The TLS contexts that are made from the files of a `TLSSettings`, and made anew when those change.
final class TLSContexts: @unchecked Sendable {
    // Invariant: `current` and `refused` are touched under `lock`.

    /// What tells one version of a file from another.
    private struct Version: Equatable {
        private let changed: Int64
        private let octets: Int64
        private let node: UInt64

        init(_ path: String?) {
            let version = path.map { cio_version_of($0) } ?? cio_file_version()
            (self.changed, self.octets, self.node) = (version.changed_nanoseconds, version.octets, version.node)
        }
    }

    private struct Contexts {
        var server: NIOSSLContext
        var client: NIOSSLContext
        var versions: [Version]
    }

    private let settings: TLSSettings
    private let lock = NIOLock()
    private var current: Contexts
    /// The files that were of no use when they had changed last.
    private var refused: [Version] = []
    private let report: @Sendable (TransportError) -> Void

    /// Reads the files.
    ///
    /// - Parameter report: Told when the files have changed and are of no use.
    /// - Throws: `TransportError` that names the file at fault.
    init(
        _ settings: TLSSettings, report: @escaping @Sendable (TransportError) -> Void
    ) throws(TransportError) {
        self.settings = settings
        self.report = report
        self.current = try Self.load(settings)
    }

    /// Whether what the other side of a connection shows has been verified.
    func isVerified(_ connection: StreamConnection) -> Bool {
        connection.isOutgoing ? self.settings.verifiesServers : self.settings.clientCertificates != .notRequested
    }

    /// The context of connections that come in.
    var server: NIOSSLContext { self.upToDate().server }
    /// The context of connections that we open.
    var client: NIOSSLContext { self.upToDate().client }

    /// While changed files cannot be read, half written say, what was read before stays.
    private func upToDate() -> Contexts {
        let versions = Self.versions(self.settings)
        return self.lock.withLock {
            guard versions != self.current.versions, versions != self.refused else { return self.current }
            do throws(TransportError) {
                self.current = try Self.load(self.settings)
            } catch {
                self.refused = versions
                self.report(error)
            }
            return self.current
        }
    }

    /// Reads the files, to see whether they are of use.
    ///
    /// - Throws: `TransportError` that names the file at fault.
    static func check(_ settings: TLSSettings) throws(TransportError) { _ = try Self.load(settings) }

    private static func versions(_ settings: TLSSettings) -> [Version] {
        [Version(settings.certificateFile), Version(settings.keyFile), Version(settings.trustRootsFile)]
    }

    private static func load(_ settings: TLSSettings) throws(TransportError) -> Contexts {
        let versions = Self.versions(settings)
        let chain = try Self.read(settings.certificateFile, "certificate") { path in
            let certificates =
                try settings.selfSigned.map { try NIOSSLCertificate.fromPEMBytes(Array($0.certificate.utf8)) }
                ?? NIOSSLCertificate.fromPEMFile(path)
            return certificates.map { NIOSSLCertificateSource.certificate($0) }
        }
        let key = try Self.read(settings.keyFile, "private key") { path in
            let key =
                try settings.selfSigned.map { try NIOSSLPrivateKey(bytes: Array($0.key.utf8), format: .pem) }
                ?? NIOSSLPrivateKey(file: path, format: .pem)
            return NIOSSLPrivateKeySource.privateKey(key)
        }
        let roots = try settings.trustRootsFile.map { (path) throws(TransportError) in
            try Self.read(path, "trust roots") { NIOSSLTrustRoots.certificates(try NIOSSLCertificate.fromPEMFile($0)) }
        }
        var server = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
        server.minimumTLSVersion = .tlsv12
        server.trustRoots = roots ?? .default
        switch settings.clientCertificates {
        case .notRequested: server.certificateVerification = .none
        case .verifiedIfShown: server.certificateVerification = .optionalVerification
        case .required: server.certificateVerification = .noHostnameVerification
        }
        var client = TLSConfiguration.makeClientConfiguration()
        client.minimumTLSVersion = .tlsv12
        client.trustRoots = roots ?? .default
        // For whom a certificate must be is SIP's affair: `StreamEngine.identify`.
        client.certificateVerification = settings.verifiesServers ? .noHostnameVerification : .none
        if settings.showsCertificateToServers { (client.certificateChain, client.privateKey) = (chain, key) }
        func contexts() throws -> Contexts {
            Contexts(
                server: try NIOSSLContext(configuration: server), client: try NIOSSLContext(configuration: client),
                versions: versions)
        }
        if let contexts = try? contexts() { return contexts }
        // A machine without the package ca-certificates has no roots, and NIOSSL no context for it. All else goes on there;
        // only that nobody can be verified.
        if roots == nil {
            (server.trustRoots, client.trustRoots) = (.certificates([]), .certificates([]))
            if let contexts = try? contexts() {
                guard settings.clientCertificates == .notRequested else {
                    throw TransportError(
                        "TLS: clients are to show certificates, and this machine has no roots to verify them with:"
                            + " install ca-certificates, or name a file with roots")
                }
                return contexts
            }
        }
        throw TransportError(
            "TLS: the key in \(settings.keyFile) is not that of the certificate in \(settings.certificateFile)")
    }

    private static func read<Value>(
        _ path: String, _ what: String, _ body: (String) throws -> Value
    ) throws(TransportError) -> Value {
        do {
            return try body(path)
        } catch {
            throw TransportError("TLS: there is no \(what) in PEM form in \(path), or it cannot be read")
        }
    }
}
