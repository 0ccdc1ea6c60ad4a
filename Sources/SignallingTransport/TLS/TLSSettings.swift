/// Certificates of the server, and what it wants to see of others.
public struct TLSSettings: Hashable, Sendable {
    /// Whether clients show certificates.
    public enum ClientCertificates: Hashable, Sendable {
        /// They are not asked for.
        case notRequested
        /// What is shown must be valid; nothing need be shown.
        case verifiedIfShown
        /// A valid one must be shown.
        case required
    }

    /// Path of a PEM file: the certificate, followed by those between it and the root.
    public var certificateFile: String
    /// Path of a PEM file with the private key.
    public var keyFile: String
    /// What takes the place of both files: for a user agent that nobody has given a certificate.
    public var selfSigned: SelfSignedCertificate?
    /// Path of a PEM file with the roots that other certificates must lead to; `nil` for those of the system.
    public var trustRootsFile: String?
    /// What is wanted of clients.
    public var clientCertificates = ClientCertificates.notRequested
    /// Whether a server that we connect to must show a valid certificate for the domain that was asked for, or for the
    /// address where the URI names none (RFC 5922 §7.3); off, anybody on the way can pretend to be it.
    public var verifiesServers = true
    /// Whether we show our certificate to servers that ask for one.
    public var showsCertificateToServers = true

    /// Settings with the values that stand beside each.
    public init(certificateFile: String, keyFile: String) {
        (self.certificateFile, self.keyFile) = (certificateFile, keyFile)
    }

    /// Settings with a certificate of our own making.
    public init(selfSigned: SelfSignedCertificate) {
        self.init(certificateFile: "", keyFile: "")
        self.selfSigned = selfSigned
    }

    /// Reads the files, to see whether a server could use them.
    ///
    /// - Throws: `TransportError` that names the file at fault.
    public func check() throws(TransportError) { try TLSContexts.check(self) }
}
