import CallRouting
import SIPMessages
import ServerConfiguration

/// What `biloxi route` asks: where a call would go.
struct RouteQuestion: Codable, Hashable, Sendable {
    /// The URI that is called.
    var uri: String
    /// Who calls: an address-of-record, or `trunk:NAME`; `nil` is a stranger.
    var from: String?

    /// Who calls, as the dial plan sees him.
    ///
    /// - Throws: `CommandError` when it is neither.
    func caller(_ configuration: Configuration) throws(CommandError) -> Route.Caller {
        guard let from = self.from else { return .stranger }
        if from.hasPrefix("trunk:") {
            let name = String(from.dropFirst("trunk:".count))
            guard configuration.trunks.contains(where: { $0.name == name }) else {
                throw CommandError(.usage, "there is no trunk \"\(name)\": name one of the configuration with --from")
            }
            return .trunk(name)
        }
        let account = try Account(from, defaultDomain: configuration.domains.first ?? "")
        let isOurs = configuration.domains.contains(account.domain)
        return isOurs ? .user(account.user, domain: account.domain) : .stranger
    }

    /// The URI, made from a number or name where it is none.
    func fullURI(_ configuration: Configuration) -> String {
        if self.uri.contains(":") { return self.uri }
        let domain = configuration.domains.first ?? ""
        return self.uri.contains("@") ? "sip:\(self.uri)" : "sip:\(self.uri)@\(domain)"
    }
}
