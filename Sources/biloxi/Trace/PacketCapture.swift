import BiloxiKit
import SIPMessages

/// Messages, and the packets of the sound, as a file of captured packets (pcapng), each in a datagram of its own whatever it
/// went over and whatever protected it: what came out of TLS can so be read too. Credentials are left out.
struct PacketCapture {
    /// The octets of the file.
    private(set) var octets: [UInt8] = []
    /// The most octets that a datagram holds.
    private static let longest = 65_535 - 20 - 8

    init() {
        // The block that begins a section, then an interface whose packets begin with their IP header.
        self.appendBlock(0x0A0D_0D0A) { block in
            Self.append(UInt32(0x1A2B_3C4D), to: &block)
            Self.append(UInt16(1), to: &block)
            Self.append(UInt16(0), to: &block)
            Self.append(UInt64.max, to: &block)  // The length of the section is not told.
        }
        self.appendBlock(1) { block in
            Self.append(UInt16(101), to: &block)  // LINKTYPE_RAW
            Self.append(UInt16(0), to: &block)
            Self.append(UInt32(0), to: &block)  // No limit.
        }
    }

    /// Adds a message. One whose addresses cannot be read is left out.
    mutating func append(_ message: TracedMessage) {
        let payload = Array(message.textWithoutSecrets.utf8.prefix(Self.longest))
        self.append(payload, isSent: message.isSent, message.local, message.peer, at: message.time)
    }

    /// Adds a packet of the sound.
    mutating func append(_ packet: TracedPacket) {
        self.append(packet.octets, isSent: packet.isSent, packet.local, packet.peer, at: packet.time)
    }

    private mutating func append(
        _ payload: [UInt8], isSent: Bool, _ local: String, _ peer: String, at milliseconds: Int64
    ) {
        guard let local = Self.address(local), let peer = Self.address(peer), local.ip.isIPv6 == peer.ip.isIPv6 else {
            return
        }
        let packet =
            isSent
            ? Self.packet(payload, from: local, to: peer) : Self.packet(payload, from: peer, to: local)
        self.appendBlock(6) { block in
            Self.append(UInt32(0), to: &block)
            let microseconds = UInt64(clamping: milliseconds) &* 1_000
            Self.append(UInt32(truncatingIfNeeded: microseconds >> 32), to: &block)
            Self.append(UInt32(truncatingIfNeeded: microseconds), to: &block)
            Self.append(UInt32(packet.count), to: &block)
            Self.append(UInt32(packet.count), to: &block)
            block += packet
        }
    }

    /// An address and port as they are shown: `192.0.2.1:5060`, `[2001:db8::1]:5060`.
    private static func address(_ text: String) -> SocketAddress? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            let ip = IPAddress(text[..<colon].drop { $0 == "[" }.prefix { $0 != "]" })
        else { return nil }
        return SocketAddress(ip, port)
    }

    /// A block: its type, its length before and after it, and its content to whole words.
    private mutating func appendBlock(_ type: UInt32, _ fill: (inout [UInt8]) -> Void) {
        var content: [UInt8] = []
        fill(&content)
        while content.count % 4 != 0 { content.append(0) }
        Self.append(type, to: &self.octets)
        Self.append(UInt32(content.count + 12), to: &self.octets)
        self.octets += content
        Self.append(UInt32(content.count + 12), to: &self.octets)
    }

    /// Numbers of the file itself, the lowest octet first.
    private static func append<Number: FixedWidthInteger>(_ number: Number, to octets: inout [UInt8]) {
        var rest = number
        for _ in 0..<Number.bitWidth / 8 {
            octets.append(UInt8(truncatingIfNeeded: rest))
            rest = rest >> 8
        }
    }

    // MARK: Packets

    /// A datagram with its headers (RFC 768; RFC 791, RFC 8200).
    static func packet(_ payload: [UInt8], from source: SocketAddress, to target: SocketAddress) -> [UInt8] {
        let length = UInt16(truncatingIfNeeded: payload.count + 8)
        let addresses = Self.octets(of: source.ip) + Self.octets(of: target.ip)
        var datagram = Self.big(source.port) + Self.big(target.port) + Self.big(length) + [0, 0] + payload
        // The checksum covers the addresses, the protocol and the length too.
        let sum = Self.checksum(addresses + [0, 17] + Self.big(length) + datagram)
        (datagram[6], datagram[7]) = sum == 0 ? (0xFF, 0xFF) : (UInt8(sum >> 8), UInt8(truncatingIfNeeded: sum))
        guard !source.ip.isIPv6 else { return [0x60, 0, 0, 0] + Self.big(length) + [17, 64] + addresses + datagram }
        var header: [UInt8] = [0x45, 0] + Self.big(length &+ 20) + [0, 0, 0x40, 0, 64, 17, 0, 0] + addresses
        let headerSum = Self.checksum(header)
        (header[10], header[11]) = (UInt8(headerSum >> 8), UInt8(truncatingIfNeeded: headerSum))
        return header + datagram
    }

    private static func big(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)] }

    private static func octets(of ip: IPAddress) -> [UInt8] {
        let all = [ip.high, ip.low].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
        return ip.isIPv6 ? all : Array(all.suffix(4))
    }

    /// The complement of the sum of all words in ones' complement (RFC 1071).
    private static func checksum(_ octets: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for (i, octet) in octets.enumerated() { sum &+= UInt32(octet) << (i % 2 == 0 ? 8 : 0) }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        return ~UInt16(truncatingIfNeeded: sum)
    }
}
