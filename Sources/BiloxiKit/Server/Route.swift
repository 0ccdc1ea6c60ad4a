/// What becomes of a request: what a handler of a ``SIPServer`` decides.
public enum Route: Hashable, Sendable {
    /// It is answered with this status, 200 to 699, and reason phrase.
    case answered(Int, String, fields: [String: String])
    /// It goes where its Request-URI says: to the devices of a user of ours, or to another domain.
    case relay
    /// It goes to the addresses of the first list; where nobody there accepts, or after this time, to those of the next.
    case forked([[String]], each: Duration?)

    /// It is answered with this status.
    ///
    /// - Parameters:
    ///   - status: 200 to 699.
    ///   - reason: The reason phrase; that of the status unless given.
    ///   - fields: More header lines.
    public static func reply(_ status: Int, _ reason: String = "", fields: [String: String] = [:]) -> Route {
        .answered(status, reason, fields: fields)
    }

    /// It goes to all of these addresses at once; the first who accepts has it. A user of the server's stands for all
    /// devices of his.
    public static func parallel(_ addresses: [String]) -> Route { .forked([addresses], each: nil) }

    /// It goes to these addresses one after the other until somebody accepts.
    ///
    /// - Parameters:
    ///   - addresses: The first one first.
    ///   - each: How long all but the last may ring; as long as they like unless given.
    public static func serial(_ addresses: [String], each: Duration? = nil) -> Route {
        .forked(addresses.map { [$0] }, each: each)
    }

    /// The caller is told to try these addresses itself: 302.
    public static func redirect(_ addresses: [String]) -> Route {
        .answered(
            302, "Moved Temporarily", fields: ["Contact": addresses.map { "<\($0)>" }.joined(separator: ", ")])
    }
}
