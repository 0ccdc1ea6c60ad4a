import SIPMessages

/// Who one is: an address, and what proves that it is one's own.
public struct Account: Sendable {
    /// The address others call: `sip:alice@example.test`.
    public var address: String
    /// The password; never written into a log or an error.
    public var password: String?
    /// The user name of the password, where it is not that of the address.
    public var username: String?
    /// The name that others see.
    public var displayName: String?
    /// The registrar, where it is not the domain of the address: `sip:registrar.example.test`.
    public var registrar: String?
    /// A proxy that all requests pass first: `sip:192.0.2.1:5060;transport=tcp`.
    public var proxy: String?
    /// How long a registration should last; it is refreshed in time.
    public var expires: Duration = .seconds(3600)

    /// An account.
    public init(_ address: String, password: String? = nil) { (self.address, self.password) = (address, password) }

    /// The parts of it that have been understood.
    struct Parsed: Sendable {
        let account: Account
        let aor: SIPURI
        let registrar: URI
        let route: NameAddress?

        var identity: NameAddress { NameAddress(self.aor, displayName: self.account.displayName) }
        var username: String { self.account.username ?? self.aor.user ?? "" }
    }

    func parsed() throws(SIPError) -> Parsed {
        let aor = try Self.uri(self.address, "the account")
        let domain = SIPURI(host: aor.host, port: aor.port, isSecure: aor.isSecure, parameters: aor.parameters)
        let registrar = try self.registrar.map { (text) throws(SIPError) in try Self.uri(text, "the registrar") }
        let route = try self.proxy.map { (text) throws(SIPError) in try Self.route(text) }
        return Parsed(account: self, aor: aor, registrar: .sip(registrar ?? domain), route: route)
    }

    /// The Route to a proxy (RFC 3261 §8.1.2).
    static func route(_ text: String) throws(SIPError) -> NameAddress {
        var uri = try Self.uri(text, "the proxy")
        if !uri.parameters.has("lr") { uri.parameters.append(URIParameter("lr")) }
        return NameAddress(uri)
    }

    /// A SIP URI as someone types it; a name alone is someone of an account's domain.
    static func uri(_ text: String, of account: Parsed?, _ what: String) throws(SIPError) -> SIPURI {
        guard !text.contains("@"), !text.hasPrefix("sip:"), !text.hasPrefix("sips:"), let account else {
            return try Self.uri(text, what)
        }
        var uri = SIPURI(user: text, host: account.aor.host, port: account.aor.port, isSecure: account.aor.isSecure)
        uri.parameters = account.aor.parameters
        return uri
    }

    /// A SIP URI as someone types it: the scheme may be left out.
    static func uri(_ text: String, _ what: String) throws(SIPError) -> SIPURI {
        let whole = text.hasPrefix("sip:") || text.hasPrefix("sips:") ? text : "sip:" + text
        do {
            return try SIPURI(whole)
        } catch {
            throw SIPError(.invalid, "\"\(text)\" is no address for \(what): write sip:alice@example.test (\(error))")
        }
    }
}
