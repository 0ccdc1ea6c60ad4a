import Foundation

/// How the command ends: a contract with scripts.
enum ExitStatus: Int32 {
    case done = 0
    case failed = 1
    case usage = 2
    case rejected = 3
    case authentication = 4
    case timeout = 5
    case busy = 6
    case unreachable = 7
    case mediaExpectation = 8
    case serverError = 9
    case interrupted = 130

    /// Ends the program.
    static func exit(_ status: ExitStatus) -> Never { Foundation.exit(status.rawValue) }
}

/// An error that ends a command, with what to do about it in one line.
struct CommandError: Error {
    let status: ExitStatus
    /// Written to standard error; nothing when empty.
    let message: String

    init(_ status: ExitStatus, _ message: String = "") {
        self.status = status
        self.message = message
    }
}
