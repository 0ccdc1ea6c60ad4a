/// Appends the packets of an RTCP datagram (RFC 3550 §6).
///
///     RTCPWriter.report(from: ssrc, sender: info, blocks: [block], to: &octets)
///     RTCPWriter.canonicalName(name, of: ssrc, to: &octets)
public enum RTCPWriter {
    /// Appends a sender report, or a receiver report where nothing was sent.
    ///
    /// - Parameter block: What is known of the peer's source, where it has been heard.
    public static func report(
        from ssrc: UInt32, sender: SenderInfo?, block: ReportBlock?, to output: inout [UInt8]
    ) {
        self.packet(
            sender == nil ? .receiverReport : .senderReport, count: block == nil ? 0 : 1, to: &output
        ) { output in
            output.append(bigEndian: ssrc)
            sender?.append(to: &output)
            block?.append(to: &output)
        }
    }

    /// Appends the canonical name of a source; at most 255 octets of it (RFC 3550 §6.5.1).
    public static func canonicalName(_ name: [UInt8], of ssrc: UInt32, to output: inout [UInt8]) {
        self.packet(.sourceDescription, count: 1, to: &output) { output in
            output.append(bigEndian: ssrc)
            let name = name.prefix(255)
            output.append(1)
            output.append(UInt8(truncatingIfNeeded: name.count))
            output.append(contentsOf: name)
            output.append(contentsOf: repeatElement(0, count: 4 - (name.count + 2) % 4))
        }
    }

    /// Appends that a source leaves (RFC 3550 §6.6).
    public static func bye(from ssrc: UInt32, to output: inout [UInt8]) {
        self.packet(.bye, count: 1, to: &output) { $0.append(bigEndian: ssrc) }
    }

    /// Appends an extended report with one block of VoIP metrics (RFC 3611 §2, §4.7).
    public static func metrics(_ metrics: VoIPMetrics, from ssrc: UInt32, to output: inout [UInt8]) {
        self.packet(.extendedReport, count: 0, to: &output) { output in
            output.append(bigEndian: ssrc)
            metrics.append(to: &output)
        }
    }

    private static func packet(
        _ type: RTCPType, count: UInt8, to output: inout [UInt8], _ body: (inout [UInt8]) -> Void
    ) {
        let start = output.count
        output.append(0x80 | count)
        output.append(type.rawValue)
        output.append(bigEndian: UInt16(0))
        body(&output)
        let words = UInt16(truncatingIfNeeded: (output.count - start) / 4 - 1)
        output[start + 2] = UInt8(truncatingIfNeeded: words >> 8)
        output[start + 3] = UInt8(truncatingIfNeeded: words)
    }
}
