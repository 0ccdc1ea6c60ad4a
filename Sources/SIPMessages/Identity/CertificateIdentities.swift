/// For which SIP domains a certificate speaks (RFC 5922 §7.1).
///
/// Whether the certificate is valid, leads to a trusted root and may be used for TLS (its extended key usage, RFC 5280
/// §4.2.1.12) is found out before, by the TLS library.
public struct CertificateIdentities: Hashable, Sendable {
    /// The SIP domains, in lower case, without a dot at the end.
    public let domains: [String]
    /// The IP addresses. They are no SIP domains, and identify a server whose URI has an address for a host.
    public let addresses: [IPAddress]

    /// The most names of a certificate that are read.
    public static let limit = 256

    /// Identities of these domains and addresses.
    public init(domains: [String], addresses: [IPAddress] = []) {
        self.domains = domains.map { Self.canonical($0) }
        self.addresses = addresses
    }

    /// The identities in a certificate.
    ///
    /// - Parameter octets: The whole certificate, DER.
    /// - Returns: `nil` when the octets are no certificate.
    public init?(certificate octets: Span<UInt8>) {
        guard let whole = DERValue(octets, in: OctetRange(0, octets.count)), whole.tag == DERValue.sequence,
            let toBeSigned = DERValue(octets, in: whole.content), toBeSigned.tag == DERValue.sequence,
            let parts = toBeSigned.parts(octets)
        else { return nil }
        // version [0] OPTIONAL, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, …
        let first = parts.first?.tag == 0xA0 ? 1 : 0
        guard parts.count >= first + 6 else { return nil }
        let extensions = parts.first { $0.tag == 0xA3 }
        if let extensions, let names = Self.alternativeNames(octets, in: extensions) {
            self = Self(alternativeNames: names, octets)
        } else {
            // If and only if there is no subjectAltName, the CN may count.
            self.init(domains: Self.commonName(octets, in: parts[first + 4]).map { [$0] } ?? [])
        }
    }

    /// Whether the certificate is one of `identity`: the domain that was asked for, before the DNS (RFC 5922 §7.3).
    ///
    /// Names compare whole and in any case; there are no wildcards (§7.2).
    public func prove(_ identity: Host) -> Bool {
        if let address = identity.address { return self.addresses.contains(address) }
        return self.domains.contains(Self.canonical(identity.name))
    }

    private static func canonical(_ name: String) -> String {
        let lowered = name.asciiLowercased
        return lowered.hasSuffix(".") ? String(lowered.dropLast()) : lowered
    }

    // MARK: Inside a certificate

    private static let subjectAltName: [UInt8] = [0x55, 0x1D, 0x11]
    private static let commonName: [UInt8] = [0x55, 0x04, 0x03]

    /// The names of the subjectAltName extension; `nil` when there is no such extension. A broken one has no names.
    private static func alternativeNames(_ octets: Span<UInt8>, in wrapped: DERValue) -> [DERValue]? {
        guard let list = DERValue(octets, in: wrapped.content), let extensions = list.parts(octets) else { return [] }
        for candidate in extensions {
            guard let fields = candidate.parts(octets), let name = fields.first, let value = fields.last else {
                return []
            }
            guard name.isIdentifier(Self.subjectAltName, octets) else { continue }
            guard value.tag == DERValue.octetString, let names = DERValue(octets, in: value.content),
                names.tag == DERValue.sequence
            else { return [] }
            return names.parts(octets, limit: Self.limit) ?? []
        }
        return nil
    }

    private init(alternativeNames names: [DERValue], _ octets: Span<UInt8>) {
        var (uris, hosts): ([String], [String]) = ([], [])
        var addresses: [IPAddress] = []
        for name in names {
            switch name.tag {
            case 0x86:  // uniformResourceIdentifier
                guard let host = Self.sipHost(octets, name.content) else { continue }
                if let address = host.address { addresses.append(address) } else { uris.append(host.name) }
            case 0x82:  // dNSName
                if let host = Self.domainName(octets, name.content) { hosts.append(host) }
            case 0x87:  // iPAddress
                if let address = Self.address(octets, name.content) { addresses.append(address) }
            default: break
            }
        }
        // A DNS name counts if and only if there is no SIP URI.
        self.init(domains: uris.isEmpty ? hosts : uris, addresses: addresses)
    }

    /// The host of a `sip` URI without user part; `nil` for other URIs, which are no SIP domain identities.
    private static func sipHost(_ octets: Span<UInt8>, _ range: OctetRange) -> Host? {
        guard let uri = try? URIIndex(parsing: octets, in: range.range), uri.scheme == .sip else { return nil }
        for i in range.range where octets[i] == 0x40 { return nil }
        if let address = uri.hostAddress(in: octets) { return Host(address) }
        return Self.domainName(octets, uri.host).map { Host($0) }
    }

    /// Labels of letters, digits, hyphens, and the asterisks that match only themselves, with dots between them and perhaps
    /// one behind; `nil` for anything else, in which a NUL could hide the end of another name.
    private static func domainName(_ octets: Span<UInt8>, _ range: OctetRange) -> String? {
        guard (1...253).contains(range.count) else { return nil }
        var previous: UInt8 = 0x2E
        for i in range.range {
            let octet = octets[i]
            guard octet != 0x2E || previous != 0x2E else { return nil }
            previous = octet
            guard octet.isAlpha || octet.isDigit || octet == 0x2D || octet == 0x2E || octet == 0x5F || octet == 0x2A
            else {
                return nil
            }
        }
        return octets.string(range)
    }

    private static func address(_ octets: Span<UInt8>, _ range: OctetRange) -> IPAddress? {
        guard range.count == 4 || range.count == 16 else { return nil }
        var (high, low) = (UInt64(0), UInt64(0))
        for i in range.range {
            high = high << 8 | low >> 56
            low = low << 8 | UInt64(octets[i])
        }
        return range.count == 4 ? IPAddress(v4: UInt32(truncatingIfNeeded: low)) : IPAddress(v6: high, low)
    }

    /// The last CN of a subject, where it is a domain name.
    private static func commonName(_ octets: Span<UInt8>, in subject: DERValue) -> String? {
        var found: String?
        for set in subject.parts(octets) ?? [] {
            for attribute in set.parts(octets) ?? [] {
                guard let fields = attribute.parts(octets), fields.count == 2,
                    fields[0].isIdentifier(Self.commonName, octets)
                else { continue }
                found = Self.domainName(octets, fields[1].content)
            }
        }
        return found
    }
}
