/// An encoding of sound: how RTP names and counts it, and what its samples are.
public struct AudioEncoding: Hashable, Sendable {
    /// The name in `a=rtpmap`.
    public var name: String
    /// Ticks of the RTP timestamp in a second. That of G.722 is 8000 by an old mistake (RFC 3551 §4.5.2), that of Opus
    /// 48000 at every rate of its sound (RFC 7587 §4.1).
    public var clockRate: UInt32
    /// Channels in `a=rtpmap`; Opus always says 2 (RFC 7587 §7). The sound here has one.
    public var channels: UInt8
    /// Samples in a second of the sound that goes in and comes out.
    public var sampleRate: Int
    /// Milliseconds of the frames that a packet is made of; 0 where a packet is one frame, of any length.
    public var frameMilliseconds: Int
    /// The times that a packet may cover, in milliseconds, ascending.
    public var packetTimes: [Int]
    /// The longest payload of a packet, in octets.
    public var maximumOctets: Int
    /// How losses sound.
    public var quality: CallQuality.Encoding

    /// An encoding.
    public init(
        _ name: String, clockRate: UInt32 = 8_000, channels: UInt8 = 1, sampleRate: Int = 8_000,
        frameMilliseconds: Int = 0, packetTimes: [Int] = [10, 20, 30, 40, 50, 60], maximumOctets: Int,
        quality: CallQuality.Encoding = .g711
    ) {
        (self.name, self.clockRate, self.channels) = (name, Swift.max(1, clockRate), channels)
        (self.sampleRate, self.frameMilliseconds) = (Swift.max(1, sampleRate), frameMilliseconds)
        (self.packetTimes, self.maximumOctets, self.quality) = (packetTimes, maximumOctets, quality)
    }

    /// The time that packets cover when a peer wants one (`a=ptime`): the longest that is not longer; 20 ms, or what is
    /// nearest, when it says nothing (RFC 3551 §4.2).
    public func packetMilliseconds(wanted: UInt16? = nil) -> Int {
        let wanted = wanted.map(Int.init) ?? 20
        return self.packetTimes.last { $0 <= wanted } ?? self.packetTimes.first ?? 20
    }

    /// Samples of a number of ticks.
    @inline(__always)
    public func samples(ticks: Int) -> Int { ticks * self.sampleRate / Int(self.clockRate) }

    /// Ticks of a number of samples.
    @inline(__always)
    public func ticks(samples: Int) -> Int { samples * Int(self.clockRate) / self.sampleRate }
}
