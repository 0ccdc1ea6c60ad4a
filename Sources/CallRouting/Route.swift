import SIPMessages

/// A line of the dial plan.
public struct Route: Hashable, Sendable {
    /// Where a call goes.
    public enum Destination: Hashable, Sendable {
        /// Out by the trunk of this name.
        case trunk(String)
        /// To a service of the server, such as `echo`.
        case service(String)
        /// To a user of the server: `bob`, which belongs to the first domain, or `bob@biloxi.example`; wildcards may be
        /// filled in.
        case user(String)
        /// To a SIP, SIPS or tel URI, in which wildcards may be filled in. Where it has no user part, it gets the number.
        case uri(String)
        /// To the number at a host: the URI that was dialled with another host, and port.
        case host(String)
        /// Nowhere: the caller is to try there.
        case redirect(Redirection)
        /// Nowhere: refused with a status from 400 to 699 and a reason phrase.
        case refuse(UInt16, String)
    }

    /// The names of the services that a server has.
    public static let services = ["echo"]

    /// Who calls.
    public enum Caller: Hashable, Sendable {
        /// A user who has proved to be one, by user part and domain in lower case.
        case user(String, domain: String)
        /// A gateway, by the name of its trunk.
        case trunk(String)
        /// Anyone else.
        case stranger
    }

    /// Which callers a route is for.
    public enum CallerPattern: Hashable, Sendable {
        /// All.
        case anyone
        /// Users of the server.
        case users
        /// One user, by name, or by `name@domain`.
        case user(String)
        /// The gateways of a trunk.
        case trunk(String)

        func matches(_ caller: Caller) -> Bool {
            switch (self, caller) {
            case (.anyone, _), (.users, .user): true
            case (.user(let wanted), .user(let user, let domain)): wanted == user || wanted == "\(user)@\(domain)"
            case (.trunk(let wanted), .trunk(let name)): wanted == name
            case (.users, _), (.user, _), (.trunk, _): false
            }
        }
    }

    /// What was dialled; one of them must match.
    public var match: [RoutePattern]
    /// Whom it is for; empty for all who may go where it leads.
    public var from: [CallerPattern]
    /// How the number is changed.
    public var rewriting: NumberRewriting
    /// Where the call goes.
    public var destination: Destination

    /// A route for all callers, without rewriting.
    public init(
        _ match: [RoutePattern], to destination: Destination, from: [CallerPattern] = [],
        rewriting: NumberRewriting = .none
    ) {
        (self.match, self.from, self.rewriting, self.destination) = (match, from, rewriting, destination)
    }
}
