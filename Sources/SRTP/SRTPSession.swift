public import MediaKeying

/// Protects what we send and unprotects what comes, of one RTP session (RFC 3711, RFC 6188, RFC 7714).
///
/// Packets are changed where they are. Sources are met as they come: one that was not heard before counts from a roll-over
/// counter of 0 as soon as one of its packets is authentic (RFC 4568 §6.4.1).
///
/// Invariant: its owner calls from one thread at a time.
public final class SRTPSession: @unchecked Sendable {
    /// Sources in each direction.
    public static let maximumSources = 32

    private struct Source {
        var sequence = SRTPSequence()
        var controlSequence = SRTPSequence()
        var packets: UInt64 = 0
        var controlIndex: UInt32 = 0
    }

    /// What was agreed on.
    public private(set) var agreement: SRTPAgreement
    private var local: (media: SRTPTransform, control: SRTPTransform)
    private var remote: (media: SRTPTransform, control: SRTPTransform)
    private var localIdentifier: [UInt8] { self.agreement.local.identifier }
    private var remoteIdentifier: [UInt8] { self.agreement.remote.identifier }
    private var localLifetime: UInt64 { self.agreement.local.lifetime ?? 1 << 48 }
    private var remoteLifetime: UInt64 { self.agreement.remote.lifetime ?? 1 << 48 }
    private var sent: [UInt32: Source] = [:]
    private var heard: [UInt32: Source] = [:]

    /// A session with the keys that were agreed on.
    public init(_ agreement: SRTPAgreement) throws(SRTPError) {
        self.local = try SRTPTransform.pair(agreement.suite, agreement.local)
        self.remote = try SRTPTransform.pair(agreement.suite, agreement.remote)
        self.agreement = agreement
    }

    /// Goes on with what was agreed on anew. A direction whose key stays goes on where it is: to count its packets from 0
    /// again would use the key stream a second time (RFC 3711 §9.1).
    public func renew(_ agreement: SRTPAgreement) throws(SRTPError) {
        let (before, suite) = (self.agreement, agreement.suite)
        if suite != before.suite || agreement.local.octets != before.local.octets {
            (self.local, self.sent) = (try SRTPTransform.pair(suite, agreement.local), [:])
        }
        if suite != before.suite || agreement.remote.octets != before.remote.octets {
            (self.remote, self.heard) = (try SRTPTransform.pair(suite, agreement.remote), [:])
        }
        self.agreement = agreement
    }

    private static func number(_ octets: [UInt8], at i: Int) -> UInt32 {
        UInt32(octets[i]) << 24 | UInt32(octets[i + 1]) << 16 | UInt32(octets[i + 2]) << 8 | UInt32(octets[i + 3])
    }

    private static func source(_ ssrc: UInt32, in sources: [UInt32: Source]) throws(SRTPError) -> Source {
        if let known = sources[ssrc] { return known }
        guard sources.count < Self.maximumSources else { throw .tooManySources }
        return Source()
    }

    /// Where the payload of a packet of RTP begins: what stands before is sent in the clear. Padding is within the
    /// payload (RFC 3711 §3.1).
    private static func payloadStart(_ packet: [UInt8], _ count: Int) throws(SRTPError) -> Int {
        guard count >= 12, packet[0] >> 6 == 2 else { throw .malformed }
        var start = 12 + 4 * Int(packet[0] & 0x0F)
        if packet[0] & 0x10 != 0 {
            guard start + 4 <= count else { throw .malformed }
            start += 4 + 4 * (Int(packet[start + 2]) << 8 | Int(packet[start + 3]))
        }
        guard start <= count else { throw .malformed }
        return start
    }

    // MARK: RTP

    /// Protects a packet of RTP.
    public func protect(_ packet: inout [UInt8]) throws(SRTPError) {
        let start = try Self.payloadStart(packet, packet.count)
        let ssrc = Self.number(packet, at: 8)
        var source = try Self.source(ssrc, in: self.sent)
        let index = source.sequence.index(of: UInt16(packet[2]) << 8 | UInt16(packet[3]))
        // The same index twice would tell both payloads (RFC 3711 §9.1).
        guard !source.sequence.isReplayed(index) else { throw .replayed }
        guard source.packets < self.localLifetime, index < 1 << 48 else { throw .keyExhausted }
        source.sequence.note(index)
        source.packets += 1
        self.sent[ssrc] = source
        let (count, transform) = (packet.count, self.local.media)
        let identifier = self.localIdentifier.count
        packet.append(contentsOf: repeatElement(0, count: transform.tagOctets + identifier))
        packet.withUnsafeMutableBufferPointer { buffer in
            guard let octets = buffer.baseAddress else { return }
            if transform.isAEAD {
                transform.seal(
                    octets + start, count - start, associated: UnsafeBufferPointer(start: octets, count: start),
                    ssrc: ssrc, index: index)
            } else {
                transform.crypt(octets + start, count - start, ssrc: ssrc, index: index)
                transform.authenticate(
                    octets, count, rollOver: UInt32(truncatingIfNeeded: index >> 16), tag: octets + count + identifier)
            }
        }
        // The identifier stands before a tag of HMAC, and behind one of GCM, which is part of the payload.
        let place = transform.isAEAD ? count + transform.tagOctets : count
        for (i, octet) in self.localIdentifier.enumerated() { packet[place + i] = octet }
    }

    /// Unprotects a packet of RTP. One that throws changes nothing of the session.
    public func unprotect(_ packet: inout [UInt8]) throws(SRTPError) {
        let transform = self.remote.media
        let identifier = self.remoteIdentifier.count
        let end = packet.count - transform.tagOctets - identifier
        let start = try Self.payloadStart(packet, Swift.max(0, end))
        let place = transform.isAEAD ? packet.count - identifier : end
        guard packet[place..<(place + identifier)].elementsEqual(self.remoteIdentifier) else { throw .notAuthentic }
        let ssrc = Self.number(packet, at: 8)
        var source = try Self.source(ssrc, in: self.heard)
        let index = source.sequence.index(of: UInt16(packet[2]) << 8 | UInt16(packet[3]))
        guard !source.sequence.isReplayed(index) else { throw .replayed }
        guard source.packets < self.remoteLifetime else { throw .keyExhausted }
        let isAuthentic = packet.withUnsafeMutableBufferPointer { buffer -> Bool in
            guard let octets = buffer.baseAddress else { return false }
            if transform.isAEAD {
                return transform.open(
                    octets + start, end - start, associated: UnsafeBufferPointer(start: octets, count: start),
                    ssrc: ssrc, index: index)
            }
            let rollOver = UInt32(truncatingIfNeeded: index >> 16)
            guard transform.isAuthentic(octets, end, rollOver: rollOver, tag: octets + end + identifier) else {
                return false
            }
            transform.crypt(octets + start, end - start, ssrc: ssrc, index: index)
            return true
        }
        guard isAuthentic else { throw .notAuthentic }
        packet.removeLast(packet.count - end)
        source.sequence.note(index)
        source.packets += 1
        self.heard[ssrc] = source
    }

    // MARK: RTCP

    private static let controlHeader = 8
    private static let isEncrypted: UInt32 = 1 << 31

    /// Protects an RTCP datagram (RFC 3711 §3.4).
    public func protectControl(_ packet: inout [UInt8]) throws(SRTPError) {
        guard packet.count >= Self.controlHeader, packet[0] >> 6 == 2 else { throw .malformed }
        let ssrc = Self.number(packet, at: 4)
        var source = try Self.source(ssrc, in: self.sent)
        let index = source.controlIndex
        guard index < 1 << 31, UInt64(index) < self.localLifetime else { throw .keyExhausted }
        source.controlIndex += 1
        self.sent[ssrc] = source
        let (count, transform) = (packet.count, self.local.control)
        let word = index | Self.isEncrypted
        let tag = transform.tagOctets
        if transform.isAEAD { packet.append(contentsOf: repeatElement(0, count: tag)) }
        for shift: UInt32 in [24, 16, 8, 0] { packet.append(UInt8(truncatingIfNeeded: word >> shift)) }
        packet.append(contentsOf: self.localIdentifier)
        if !transform.isAEAD { packet.append(contentsOf: repeatElement(0, count: tag)) }
        let identifier = self.localIdentifier.count
        packet.withUnsafeMutableBufferPointer { buffer in
            guard let octets = buffer.baseAddress else { return }
            let (payload, length) = (octets + Self.controlHeader, count - Self.controlHeader)
            if transform.isAEAD {
                transform.seal(
                    payload, length, associated: UnsafeBufferPointer(start: octets, count: Self.controlHeader),
                    trailer: word, ssrc: ssrc, index: UInt64(index))
            } else {
                transform.crypt(payload, length, ssrc: ssrc, index: UInt64(index))
                transform.authenticate(octets, count + 4, rollOver: nil, tag: octets + count + 4 + identifier)
            }
        }
    }

    /// Unprotects an RTCP datagram. One that throws changes nothing of the session.
    public func unprotectControl(_ packet: inout [UInt8]) throws(SRTPError) {
        let transform = self.remote.control
        let (tag, identifier) = (transform.tagOctets, self.remoteIdentifier.count)
        let end = packet.count - tag - identifier - 4
        guard end >= Self.controlHeader, packet[0] >> 6 == 2 else { throw .malformed }
        let place = transform.isAEAD ? end + tag : end
        guard packet[(place + 4)..<(place + 4 + identifier)].elementsEqual(self.remoteIdentifier) else {
            throw .notAuthentic
        }
        let word = Self.number(packet, at: place)
        let (index, isEncrypted) = (UInt64(word & ~Self.isEncrypted), word & Self.isEncrypted != 0)
        let ssrc = Self.number(packet, at: 4)
        var source = try Self.source(ssrc, in: self.heard)
        guard !source.controlSequence.isReplayed(index) else { throw .replayed }
        // Unencrypted RTCP was not agreed on (RFC 4568 §6.3.2).
        guard isEncrypted else { throw .notAuthentic }
        let isAuthentic = packet.withUnsafeMutableBufferPointer { buffer -> Bool in
            guard let octets = buffer.baseAddress else { return false }
            let (payload, length) = (octets + Self.controlHeader, end - Self.controlHeader)
            if transform.isAEAD {
                return transform.open(
                    payload, length, associated: UnsafeBufferPointer(start: octets, count: Self.controlHeader),
                    trailer: word, ssrc: ssrc, index: index)
            }
            guard transform.isAuthentic(octets, end + 4, rollOver: nil, tag: octets + end + 4 + identifier) else {
                return false
            }
            transform.crypt(payload, length, ssrc: ssrc, index: index)
            return true
        }
        guard isAuthentic else { throw .notAuthentic }
        packet.removeLast(packet.count - end)
        source.controlSequence.note(index)
        self.heard[ssrc] = source
    }
}
