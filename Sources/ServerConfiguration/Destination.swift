/// Where a call goes.
public enum Destination: Hashable, Sendable, CustomStringConvertible {
    /// Out by the trunk of this name.
    case trunk(String)
    /// To a service of the server, such as `echo`.
    case service(String)
    /// To a SIP, SIPS or tel URI.
    case uri(String)

    /// The destination in this text; `nil` when it is none.
    public init?(_ text: String) {
        for (scheme, make) in [("trunk:", Destination.trunk), ("service:", Destination.service)]
        where text.hasPrefix(scheme) {
            let name = String(text.dropFirst(scheme.count))
            if name.isEmpty { return nil }
            self = make(name)
            return
        }
        guard TextForm.isCallableURI(text) else { return nil }
        self = .uri(text)
    }

    /// As it is written in the file.
    public var description: String {
        switch self {
        case .trunk(let name): "trunk:\(name)"
        case .service(let name): "service:\(name)"
        case .uri(let uri): uri
        }
    }
}
