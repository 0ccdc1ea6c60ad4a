import BiloxiKit
import Foundation

/// Sound as octets: samples of 16 bits, the low octet first, one channel.
extension Call {
    /// Returns what is heard, until the task is cancelled or the call is over.
    func echo() async throws {
        let back = self.audioOutput()
        for await frame in self.audio() { try await back.write(frame.samples) }
    }

    /// Sends what a file or pipe gives, as it comes; returns when the last of it was sent.
    func play(_ file: InputFile, rate: Int) async throws {
        let voice = self.audioOutput(sampleRate: rate)
        var odd: UInt8?
        while let piece = await file.next() {
            let octets = (odd.map { [$0] } ?? []) + piece
            odd = octets.count % 2 == 1 ? octets.last : nil
            try await voice.write(
                (0..<octets.count / 2).map {
                    Int16(bitPattern: UInt16(octets[2 * $0]) | UInt16(octets[2 * $0 + 1]) << 8)
                })
        }
        try Task.checkCancellation()
        try await voice.finish()
    }

    /// Writes what is heard, until the task is cancelled or the call is over.
    func write(to file: OutputFile, rate: Int) async throws {
        for await frame in self.audio(sampleRate: rate) {
            var octets: [UInt8] = []
            octets.reserveCapacity(2 * frame.samples.count)
            for sample in frame.samples {
                octets.append(UInt8(truncatingIfNeeded: sample))
                octets.append(UInt8(truncatingIfNeeded: sample >> 8))
            }
            guard await file.write(octets) else {
                throw CommandError(
                    .failed, "what is heard cannot be written: whoever reads it has gone, or the disk is full")
            }
        }
    }
}
