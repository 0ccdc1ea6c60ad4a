public import SDP

/// What the payload types of a stream mean: which may come, and as which of the peer's they go back.
public struct PayloadTypeTable: Sendable {
    private static let unknown: UInt8 = 0xFF

    private var targets = InlineArray<128, UInt8>(repeating: PayloadTypeTable.unknown)
    private var clockRates = InlineArray<128, UInt32>(repeating: 8_000)

    /// A table of nothing.
    public init() {}

    /// The table of a stream that is agreed on. A payload type of ours stands for the peer's of the same encoding.
    public init(_ stream: NegotiatedStream) {
        for own in stream.receiveFormats {
            guard let peer = stream.sendFormats.first(where: { $0.isSameEncoding(as: own) }) else { continue }
            self.targets[Int(own.payloadType & 0x7F)] = peer.payloadType & 0x7F
            self.clockRates[Int(own.payloadType & 0x7F)] = own.map.clockRate
        }
    }

    /// The peer's payload type for one of ours; `nil` when that was not agreed on.
    public subscript(_ payloadType: UInt8) -> UInt8? {
        guard payloadType < 128 else { return nil }
        let target = self.targets[Int(payloadType)]
        return target == Self.unknown ? nil : target
    }

    /// Ticks in a second of a payload type of ours.
    public func clockRate(of payloadType: UInt8) -> UInt32 { self.clockRates[Int(payloadType & 0x7F)] }
}
