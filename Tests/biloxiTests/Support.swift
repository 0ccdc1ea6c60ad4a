import Foundation

/// A directory that goes with its owner.
final class TestDirectory: Sendable {
    let path: String

    init() throws {
        self.path = FileManager.default.temporaryDirectory.path + "/biloxi-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    /// Writes a file, and returns its path.
    func write(_ text: String, to name: String) throws -> String {
        let path = self.path + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }
}

/// The command as a process, as a user would start it.
final class RunningCommand {
    struct Result {
        var status: Int32
        var output: String
        var errors: String
        var lines: [String] { self.output.split(separator: "\n").map(String.init) }
        /// The objects of NDJSON output.
        var events: [[String: Any]] {
            self.lines.compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        }
    }

    private let process = Process()
    private let output = Pipe()
    private let inputPipe = Pipe()
    private let errorFile: String
    private let directory: TestDirectory
    private var pending: [UInt8] = []

    /// Starts the command. Nothing of this process's environment reaches it but the path.
    ///
    /// - Parameters:
    ///   - input: What it can read at once.
    ///   - isFed: Whether `write` gives it what it reads, instead.
    init(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil, isFed: Bool = false
    ) throws {
        self.directory = try TestDirectory()
        self.errorFile = try self.directory.write("", to: "errors")
        let bundle = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
        self.process.executableURL = bundle.deletingLastPathComponent().appendingPathComponent("biloxi")
        self.process.arguments = arguments
        self.process.environment = environment.merging(["HOME": self.directory.path]) { given, _ in given }
        self.process.standardOutput = self.output
        self.process.standardError = FileHandle(forWritingAtPath: self.errorFile)
        if isFed {
            self.process.standardInput = self.inputPipe
        } else {
            let file = try self.directory.write(input ?? "", to: "input")
            self.process.standardInput = FileHandle(forReadingAtPath: file)
        }
        try self.process.run()
    }

    /// A test that has failed leaves no server behind.
    deinit { if self.process.isRunning { kill(self.process.processIdentifier, SIGKILL) } }

    /// Runs a command to its end.
    static func run(
        _ arguments: String..., environment: [String: String] = [:], input: String? = nil
    ) throws -> Result {
        try RunningCommand(arguments, environment: environment, input: input).finish()
    }

    /// The process.
    var processID: Int32 { self.process.processIdentifier }

    /// Gives the command a line to read.
    func write(_ line: String) { try? self.inputPipe.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8)) }

    /// Ends what it can read.
    func endInput() { try? self.inputPipe.fileHandleForWriting.close() }

    /// Waits for the next line of standard output; `nil` at its end.
    func nextLine() -> String? {
        while true {
            if let end = self.pending.firstIndex(of: 0x0A) {
                let line = String(decoding: self.pending[..<end], as: UTF8.self)
                self.pending.removeSubrange(...end)
                return line
            }
            let data = self.output.fileHandleForReading.availableData
            if data.isEmpty { return nil }
            self.pending += data
        }
    }

    /// Waits for a line.
    func wait(for line: String) -> Bool {
        while let next = self.nextLine() {
            if next == line { return true }
        }
        return false
    }

    /// What has been written to standard error so far.
    var errors: String { (try? String(contentsOfFile: self.errorFile, encoding: .utf8)) ?? "" }

    /// Sends a signal, if there is one, and waits for the end.
    func finish(_ signal: Int32? = nil) -> Result {
        if let signal { kill(self.process.processIdentifier, signal) }
        var output = self.pending
        output += (try? self.output.fileHandleForReading.readToEnd()) ?? Data()
        self.process.waitUntilExit()
        return Result(
            status: self.process.terminationStatus, output: String(decoding: output, as: UTF8.self), errors: self.errors
        )
    }
}
