import Glibc
import NIOSSL
import SIPMessages
import Testing

@testable import SignallingTransport

/// A certificate of its own in a directory that goes with it.
final class Certificate: Sendable {
    let directory: String
    var certificateFile: String { self.directory + "/certificate.pem" }
    var keyFile: String { self.directory + "/key.pem" }

    private let domains: [String]
    private let addresses: [IPAddress]

    init(domains: [String] = ["sip.test"], addresses: [IPAddress] = [.loopback]) throws {
        (self.domains, self.addresses) = (domains, addresses)
        var template = Array("/tmp/biloxi-tls-XXXXXX".utf8CString)
        guard let path = mkdtemp(&template) else { throw TimedOut() }
        self.directory = String(cString: path)
        try SelfSignedCertificate.make(
            certificateFile: self.certificateFile, keyFile: self.keyFile, domains: self.domains,
            addresses: self.addresses)
    }

    deinit {
        unlink(self.certificateFile)
        unlink(self.keyFile)
        rmdir(self.directory)
    }

    /// Puts another certificate in the place of this one.
    func renew() throws {
        unlink(self.certificateFile)
        unlink(self.keyFile)
        try SelfSignedCertificate.make(
            certificateFile: self.certificateFile, keyFile: self.keyFile, domains: self.domains,
            addresses: self.addresses)
    }

    /// Leaves a file that holds no certificate.
    func spoil() throws { try #require(truncate(self.certificateFile, 10) == 0) }

    /// Who may do what with the key.
    var keyMode: mode_t {
        var status = stat()
        return stat(self.keyFile, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    var settings: TLSSettings { TLSSettings(certificateFile: self.certificateFile, keyFile: self.keyFile) }

    /// What a client needs that trusts this certificate only.
    func clientContext(
        minimum: TLSVersion = .tlsv12, maximum: TLSVersion? = nil, showsCertificate: Bool = false,
        showing shown: Certificate? = nil
    ) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(self.certificateFile))
        configuration.minimumTLSVersion = minimum
        configuration.maximumTLSVersion = maximum
        if let shown = shown ?? (showsCertificate ? self : nil) {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(shown.certificateFile).map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: shown.keyFile, format: .pem))
        }
        return try NIOSSLContext(configuration: configuration)
    }
}
