import RTP
import SDP
import SIPMessages

/// Where RTCP of a stream goes: with RTP where both share a port, to where the peer's came from, or where its
/// description says (RFC 3605, RFC 5761, RFC 4961).
struct MediaControlAddress: Hashable, Sendable {
    private var isShared: Bool
    private var described: SocketAddress?
    private var learned: SocketAddress?

    init(_ stream: NegotiatedStream) {
        self.isShared = stream.hasRTCPMux
        self.described = stream.destination?.rtcp.address
    }

    mutating func update(_ stream: NegotiatedStream) {
        self.isShared = stream.hasRTCPMux
        guard self.described != stream.destination?.rtcp.address else { return }
        self.described = stream.destination?.rtcp.address
        self.learned = nil
    }

    /// Whether RTCP may come from an address: from the host of the stream, or the described one.
    func accepts(_ source: SocketAddress, _ latch: SymmetricLatch) -> Bool {
        source == self.described || source.ip == latch.destination?.ip
    }

    /// RTCP of the peer has come from here.
    mutating func learn(_ source: SocketAddress) { self.learned = source }

    /// Where to send.
    func destination(_ latch: SymmetricLatch) -> SocketAddress? {
        if self.isShared { return latch.destination }
        if let learned { return learned }
        // Behind a NAT the described address cannot be reached; the port above that of RTP may be.
        guard let source = latch.source, source.ip != self.described?.ip, source.port < 65_535 else {
            return self.described
        }
        return SocketAddress(source.ip, source.port + 1)
    }
}
