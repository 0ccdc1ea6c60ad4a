import Glibc

/// What a process uses, as the system tells it.
struct ProcessUse {
    let pid: Int

    /// Processor time so far in seconds, of all threads; 0 of a process that has ended.
    var processorSeconds: Double {
        // The name in parentheses may hold anything; 12 fields behind it comes the time as user.
        guard let text = Self.read("/proc/\(self.pid)/stat"), let end = text.lastIndex(of: ")") else { return 0 }
        let fields = text[end...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Proportional set size and anonymous memory, in KiB.
    var memory: (proportional: Int, anonymous: Int) {
        guard let text = Self.read("/proc/\(self.pid)/smaps_rollup") else { return (0, 0) }
        func value(_ name: String) -> Int {
            for line in text.split(separator: "\n") where line.hasPrefix(name) {
                return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            }
            return 0
        }
        return (value("Pss:"), value("Anonymous:"))
    }

    private static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var octets = [UInt8](repeating: 0, count: 8_192)
        let count = Glibc.read(descriptor, &octets, octets.count)
        return count > 0 ? String(decoding: octets.prefix(count), as: UTF8.self) : nil
    }
}
