import Foundation
import Synchronization

/// A file or pipe that is read piece by piece as somebody asks for it, so that a writer that is faster waits.
final class InputFile: Sendable {
    private struct State: Sendable {
        var waiter: CheckedContinuation<Void, Never>?
        /// What was read and not taken, because whoever asked for it has gone.
        var piece: [UInt8]?
        var isReading = false
        var isCancelled = false
    }

    private let state = Mutex(State())
    private let descriptor: Int32
    private let isOwned: Bool
    private let queue = DispatchQueue(label: "input")

    /// What comes from an open file, which stays open.
    convenience init(_ descriptor: Int32) { self.init(descriptor, isOwned: false) }

    private init(_ descriptor: Int32, isOwned: Bool) { (self.descriptor, self.isOwned) = (descriptor, isOwned) }

    deinit {
        if self.isOwned { close(self.descriptor) }
    }

    /// Opens a file; `nil` when it cannot be read.
    convenience init?(path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        self.init(descriptor, isOwned: true)
    }

    /// The next octets, at least one; `nil` at the end, or when the task is cancelled. One task may wait at a time.
    func next() async -> [UInt8]? {
        let isThere = self.state.withLock { state in
            state.isCancelled = false
            if state.piece != nil { return true }
            if !state.isReading {
                state.isReading = true
                self.queue.async { self.read() }
            }
            return false
        }
        if !isThere {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isOver = self.state.withLock { state in
                        if state.piece != nil || state.isCancelled { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isOver { continuation.resume() }
                }
            } onCancel: {
                self.state.withLock { state in
                    state.isCancelled = true
                    defer { state.waiter = nil }
                    return state.waiter
                }?.resume()
            }
        }
        return self.state.withLock { state in
            guard let piece = state.piece, !piece.isEmpty else { return nil }
            state.piece = nil
            return piece
        }
    }

    /// Reads once; an empty piece is the end.
    private func read() {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var count = Foundation.read(self.descriptor, &buffer, buffer.count)
        while count < 0, errno == EINTR { count = Foundation.read(self.descriptor, &buffer, buffer.count) }
        let piece = Array(buffer[..<Swift.max(0, count)])
        self.state.withLock { state in
            (state.piece, state.isReading) = (piece, false)
            defer { state.waiter = nil }
            return state.waiter
        }?.resume()
    }
}

/// A file or pipe that is written to without holding up anything else: whoever reads it may take his time.
final class OutputFile: Sendable {
    private let descriptor: Int32
    private let isOwned: Bool
    private let queue = DispatchQueue(label: "output")

    /// What is open already, and stays open.
    convenience init(_ descriptor: Int32) { self.init(descriptor, isOwned: false) }

    private init(_ descriptor: Int32, isOwned: Bool) { (self.descriptor, self.isOwned) = (descriptor, isOwned) }

    deinit {
        if self.isOwned { close(self.descriptor) }
    }

    /// Makes a file anew; `nil` when it cannot be written.
    convenience init?(path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return nil }
        self.init(descriptor, isOwned: true)
    }

    /// Writes octets.
    ///
    /// - Returns: Whether all of them were written.
    func write(_ octets: [UInt8]) async -> Bool {
        await withCheckedContinuation { continuation in
            self.queue.async {
                var rest = octets[...]
                while !rest.isEmpty {
                    let count = rest.withUnsafeBytes { Foundation.write(self.descriptor, $0.baseAddress, $0.count) }
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { break }
                    rest = rest.dropFirst(count)
                }
                continuation.resume(returning: rest.isEmpty)
            }
        }
    }
}

/// The lines of a file.
struct InputLines {
    /// A line, or what is in its place.
    enum Line {
        case text([UInt8])
        /// It is longer than a line may be; its octets are gone.
        case tooLong
    }

    /// The longest line, in octets.
    static let limit = 1 << 20

    private let file: InputFile
    private var pending: [UInt8] = []
    private var isSkipping = false

    init(_ file: InputFile) { self.file = file }

    /// The next line, without its end; `nil` after the last one, and when the task is cancelled.
    mutating func next() async -> Line? {
        while true {
            if let end = self.pending.firstIndex(of: 0x0A) {
                let line = Array(self.pending[..<end])
                self.pending.removeSubrange(...end)
                if self.isSkipping {
                    self.isSkipping = false
                    return .tooLong
                }
                return .text(line)
            }
            if self.pending.count > Self.limit {
                self.isSkipping = true
                self.pending = []
            }
            guard let piece = await self.file.next() else {
                // The last line may have no end.
                guard !self.pending.isEmpty || self.isSkipping, !Task.isCancelled else { return nil }
                defer { (self.pending, self.isSkipping) = ([], false) }
                return self.isSkipping ? .tooLong : .text(self.pending)
            }
            self.pending += piece
        }
    }
}
