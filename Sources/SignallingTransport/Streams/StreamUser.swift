import SIPMessages

/// Whom connections belong to: a server, or an agent. Everything is called on the event loop of the connection.
protocol StreamUser: AnyObject, Sendable {
    /// The connections.
    var streams: StreamEngine { get }
    /// Takes a message that came over a connection.
    func receive(_ octets: Span<UInt8>, over connection: StreamConnection)
    /// Answers a request whose end cannot be found, as far as its header is there; the connection closes then.
    func refuse(_ header: Span<UInt8>, _ error: SIPParseError, over connection: StreamConnection)
    /// The end point of a local address at which a listener on all of them was reached.
    ///
    /// - Parameter listener: The number of the listener's first end point.
    func endpoint(of ip: IPAddress, at listener: UInt16, _ loop: StreamLoop) -> UInt16
    /// Whether connections of a source are accepted.
    func admits(_ source: IPAddress) -> Bool
    /// The connections of a loop have been looked at, which is done at regular times.
    func swept(_ loop: StreamLoop)
    /// Addresses of the machine have gone or are back.
    func addressesChanged()
    /// A connection is gone.
    ///
    /// - Parameter unsent: Messages that never left over it, and requests that may not have arrived.
    func ended(_ connection: StreamConnection, unsent: [Unreached])
}

extension StreamUser {
    // Who speaks from one address has no other to choose.
    func addressesChanged() {}
}
