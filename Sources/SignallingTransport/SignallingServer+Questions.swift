public import CallRouting
public import SIPMessages
public import ServerCore

/// What the operator may ask a running server. Any thread may call these.
extension SignallingServer {
    /// Where a request outside a dialog would go, by the settings that hold.
    ///
    /// - Parameters:
    ///   - uri: Its Request-URI.
    ///   - caller: Who calls.
    /// - Throws: `SIPParseError` when it is no URI.
    public func decide(_ uri: String, from caller: Route.Caller) throws(SIPParseError) -> RoutingDecision {
        let octets = Array(uri.utf8)
        let index = try URIIndex(parsing: octets.span, in: 0..<octets.count)
        return self.calls[0].run { $0.settings.decide(index, octets.span, from: caller) }
    }

    /// The devices of a user that can be reached, the preferred first.
    public func bindings(of aor: [UInt8]) -> [KnownBinding] {
        let shard = self.settings.locationShard(of: aor)
        return self.locations[shard].run { $0.bindings(of: aor, wall: SystemClock.wall()) }
    }

    /// How the trunks are, in the order of their names.
    public func trunkStatus() -> [TrunkStatus] { self.calls[0].run { $0.trunkStatus(at: SystemClock.now()) } }
}
