import Glibc
import NIOSSL
import SIPMessages

@testable import SignallingTransport

/// A certificate of its own in a directory that goes with it.
final class Certificate: Sendable {
    let directory: String
    var certificateFile: String { self.directory + "/certificate.pem" }
    var keyFile: String { self.directory + "/key.pem" }

    init() throws {
        var template = Array("/tmp/biloxi-tls-XXXXXX".utf8CString)
        guard let path = mkdtemp(&template) else { throw TimedOut() }
        self.directory = String(cString: path)
        try SelfSignedCertificate.make(
            certificateFile: self.certificateFile, keyFile: self.keyFile, domains: ["sip.test"], addresses: [.loopback])
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
            certificateFile: self.certificateFile, keyFile: self.keyFile, domains: ["sip.test"], addresses: [.loopback])
    }

    var settings: TLSSettings { TLSSettings(certificateFile: self.certificateFile, keyFile: self.keyFile) }

    /// What a client needs that trusts this certificate only.
    func clientContext(minimum: TLSVersion = .tlsv12, maximum: TLSVersion? = nil) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(self.certificateFile))
        configuration.minimumTLSVersion = minimum
        configuration.maximumTLSVersion = maximum
        return try NIOSSLContext(configuration: configuration)
    }
}
