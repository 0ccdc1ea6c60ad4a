import Glibc
import MediaEngine

/// Sound in files.
enum AudioFile {
    /// Files beyond this are no prompts: an hour of telephone sound is 58 MB.
    static let maximumOctets = 1 << 28

    /// The octets of a file.
    ///
    /// - Throws: `SIPError`: `media`, with what the system says.
    static func read(_ path: String) throws(SIPError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.error(path) }
        defer { close(descriptor) }
        var octets: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            guard count >= 0 else { throw Self.error(path) }
            if count == 0 { return octets }
            octets += piece[..<count]
            guard octets.count <= Self.maximumOctets else {
                throw SIPError(.media, "\(path) is larger than \(Self.maximumOctets >> 20) MB")
            }
        }
    }

    static func error(_ path: String) -> SIPError { SIPError(.media, "\(path): \(String(cString: strerror(errno)))") }
}

/// A WAV file that grows while sound comes: PCM of 16 bits, one channel. It can be read at any time; its header says how
/// long it is once it is closed.
struct WAVWriter: ~Copyable {
    private let descriptor: Int32
    private let path: String
    private let rate: Int
    private var samples = 0

    /// Makes the file anew.
    ///
    /// - Throws: `SIPError`: `media`.
    init(_ path: String, rate: Int) throws(SIPError) {
        self.descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        self.path = path
        self.rate = rate
        guard self.descriptor >= 0 else { throw AudioFile.error(path) }
        try self.write(WAVFile(sampleRate: rate, samples: []).octets)
    }

    deinit {
        if self.descriptor >= 0 { close(self.descriptor) }
    }

    /// Appends samples.
    ///
    /// - Throws: `SIPError`: `media`, when the disk is full for example.
    mutating func append(_ samples: [Int16]) throws(SIPError) {
        var octets: [UInt8] = []
        octets.reserveCapacity(2 * samples.count)
        for sample in samples {
            octets.append(UInt8(truncatingIfNeeded: sample))
            octets.append(UInt8(truncatingIfNeeded: sample >> 8))
        }
        try self.write(octets)
        self.samples += samples.count
    }

    /// Writes the length into the header.
    mutating func finish() throws(SIPError) {
        for (offset, size) in [(off_t(4), 36 + 2 * self.samples), (40, 2 * self.samples)] {
            var octets: [UInt8] = []
            for shift in [0, 8, 16, 24] { octets.append(UInt8(truncatingIfNeeded: size >> shift)) }
            guard pwrite(self.descriptor, octets, 4, offset) == 4 else { throw AudioFile.error(self.path) }
        }
    }

    private func write(_ octets: [UInt8]) throws(SIPError) {
        var done = 0
        while done < octets.count {
            let count = octets.withUnsafeBytes { bytes in
                Glibc.write(self.descriptor, bytes.baseAddress?.advanced(by: done), octets.count - done)
            }
            guard count >= 0 else { throw AudioFile.error(self.path) }
            done += count
        }
    }
}
