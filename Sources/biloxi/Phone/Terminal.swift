import CTerminal
import Foundation
import TerminalUI

/// The terminal of this program, taken as a whole: `CTerminal` gives it back whatever happens.
final class Terminal: Sendable {
    /// What comes from a terminal.
    enum Event: Hashable, Sendable {
        case input(TerminalInput)
        case resized
        /// Somebody asks the program to stop for a while.
        case stopped
        /// It has gone.
        case closed
    }

    let abilities: TerminalAbilities
    private let signals: Int32

    /// Looks at the terminal without taking it.
    ///
    /// - Throws: `CommandError` when there is none that a screen can be drawn on.
    init(environment: [String: String]) throws(CommandError) {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else {
            throw CommandError(
                .usage,
                "biloxi phone needs a terminal: for programs and pipes there is biloxi run, for one call biloxi call")
        }
        guard let abilities = TerminalAbilities(environment: environment) else {
            let term = environment["TERM"].map { "TERM=\($0)" } ?? "no TERM"
            throw CommandError(
                .usage,
                "biloxi phone needs a terminal that can place its cursor, not \(term): set TERM, or use biloxi call and answer"
            )
        }
        self.abilities = abilities
        self.signals = ct_signals()
    }

    /// Takes it.
    ///
    /// - Throws: `CommandError` when it cannot be had.
    func take() throws(CommandError) {
        guard ct_take(STDOUT_FILENO) == 0 else {
            throw CommandError(.failed, "the terminal cannot be used: \(String(cString: strerror(errno)))")
        }
    }

    func giveBack() { ct_give_back() }

    /// Gives it back, stops the program until somebody lets it go on, and takes it again.
    func stop() {
        self.giveBack()
        ct_stop()
        _ = ct_take(STDOUT_FILENO)
    }

    /// Columns and rows.
    var size: (columns: Int, rows: Int) {
        var (columns, rows): (Int32, Int32) = (80, 24)
        _ = ct_size(STDOUT_FILENO, &columns, &rows)
        return (Int(columns), Int(rows))
    }

    /// Writes octets, all of them.
    func write(_ octets: [UInt8]) {
        var rest = octets[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// How long an Escape waits for the rest of a sequence, in milliseconds.
    private static let escape: Int32 = 40
    /// How often it is looked whether anybody still listens.
    private static let idle: Int32 = 500

    /// Tells what comes, on a thread of its own, until the terminal has gone or `told` says that it is enough.
    func read(_ told: @escaping @Sendable (Event) -> Bool) {
        let signals = self.signals
        let thread = Thread {
            var parser = KeyParser()
            var buffer = [UInt8](repeating: 0, count: 4_096)
            while true {
                let ready = ct_wait(STDIN_FILENO, signals, parser.isWaiting ? Self.escape : Self.idle)
                var events: [Event] = []
                if ready == 0 { events = parser.flush().map { .input($0) } }
                if ready & 2 != 0 {
                    let count = Foundation.read(signals, &buffer, buffer.count)
                    for octet in Set(buffer[..<Swift.max(0, count)]) {
                        events.append(octet == 0x77 ? .resized : .stopped)
                    }
                }
                if ready & 1 != 0 {
                    let count = Foundation.read(STDIN_FILENO, &buffer, buffer.count)
                    if count == 0 || count < 0 && errno != EINTR && errno != EAGAIN { events.append(.closed) }
                    events += parser.feed(Array(buffer[..<Swift.max(0, count)])).map { .input($0) }
                }
                for event in events where !told(event) || event == .closed { return }
                // Whether anybody still listens; a change of size that no signal has told is found so too.
                if events.isEmpty, !told(.resized) { return }
            }
        }
        thread.name = "terminal"
        thread.start()
    }
}
