import ProxyCore
import SIPMessages

/// SIPS: every hop is TLS, and nothing turns a SIPS URI into a SIP URI or the other way round (RFC 5630, RFC 3261 §26.2.2).
extension CallShard {
    /// Checks what a SIPS URI asks of the request that has it; answers one that does not have it.
    mutating func validateSecurity(_ octets: Span<UInt8>, _ requestURI: URIIndex, _ workspace: inout Workspace) -> Bool
    {
        let isSecure = requestURI.scheme == .sips
        if isSecure, !self.settings.speaksTLS {
            self.refuse(octets, 416, "SIPS Is Not Supported", &workspace)
            return false
        }
        if isSecure, !workspace.flow.transport.isSecure {
            // Passing it on would let the callee believe that nobody has read it (RFC 5630 §5.3).
            self.refuse(octets, 400, "SIPS Over A Hop Without TLS", &workspace)
            return false
        }
        let route = workspace.index.value(.route).flatMap {
            URIIndex(firstAddressOf: octets, in: $0.range, field: .route)
        }
        guard isSecure || route?.scheme == .sips else { return true }
        // RFC 3261 §8.1.1.8; inconsistent URIs are a bad request (RFC 5630 §5.3).
        guard workspace.index.contactsAreSecure(octets) else {
            self.refuse(octets, 400, "SIPS Request With A SIP Contact", &workspace)
            return false
        }
        return true
    }

    /// What a callee answers of whom no contact may have a SIPS request (RFC 5630 §5.3).
    private static let notAllowed = Array("Warning: 380 biloxi \"SIPS Not Allowed\"\r\n".utf8)
    /// What he answers who can be reached over TLS alone, where that is gone (§5.3).
    private static let required = Array("Warning: 381 biloxi \"SIPS Required\"\r\n".utf8)

    /// Why none of a callee's contacts will do.
    static func unfitContacts(isSecure: Bool) -> (reason: StaticString, fields: [UInt8]) {
        isSecure ? ("SIPS Not Allowed", Self.notAllowed) : ("SIPS Required", Self.required)
    }
}

extension ServerSettings {
    /// Whether there is an end point of TLS.
    var speaksTLS: Bool { self.proxy.endpoints.contains { $0.transport.isSecure } }
}

extension MessageIndex {
    /// Whether no Contact is a SIP URI.
    func contactsAreSecure(_ octets: Span<UInt8>) -> Bool { !self.hasURI(.contact, of: .sip, octets) }

    /// Whether a field of addresses has a URI of this scheme among them. Values that cannot be read have none.
    func hasURI(_ field: HeaderID, of scheme: URIIndex.Scheme, _ octets: Span<UInt8>) -> Bool {
        var position = self.first(field)
        var address = AddressIndex()
        while let found = position {
            let value = self.fields[found].value
            var start: Int? = value.lower
            while let from = start {
                do {
                    start = try AddressIndex.parse(octets, in: from..<value.upper, field: field, into: &address)
                } catch {
                    break
                }
                if (try? URIIndex(parsing: octets, in: address.uri.range, field: field))?.scheme == scheme {
                    return true
                }
            }
            position = self.next(field, from: found + 1)
        }
        return false
    }
}

extension LocationShard {
    /// Checks that a SIPS Contact is registered by a SIPS REGISTER over TLS, along a Path of SIPS URIs: otherwise what must
    /// be secure would be bound to what is not (RFC 5630 §5.2). Answers a REGISTER where that is not so.
    func validateSecurity(_ octets: Span<UInt8>, _ workspace: inout Workspace, _ tag: UInt64) -> Bool {
        guard workspace.index.hasURI(.contact, of: .sips, octets) else { return true }
        let scheme = (try? URIIndex(parsing: octets, in: workspace.index.requestURI.range))?.scheme
        guard scheme == .sips, workspace.flow.transport.isSecure, !workspace.index.hasURI(.path, of: .sip, octets)
        else {
            workspace.reply(octets, 400, "SIPS Contact Needs A SIPS REGISTER Over TLS", tag: tag)
            return false
        }
        return true
    }
}
