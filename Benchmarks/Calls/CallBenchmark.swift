import BiloxiKit
import Glibc
import Synchronization

/// Holds calls with audio, and measures whoever else does.
///
///     biloxi-callbench hold PORT SOUND.wav [FOLDER]    answers all calls, plays to each, records each into the folder
///     biloxi-callbench call PORT OPTION...             calls a telephone at a port of loopback, and judges its packets
///
/// The options of `call` are those of `CallerOptions`.
@main
struct CallBenchmark {
    static func main() async {
        do {
            try await self.run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            print(error)
            exit(1)
        }
    }

    private static func run(_ arguments: [String]) async throws {
        // Each call has two sockets and a file.
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(7), &limit)  // RLIMIT_NOFILE
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(7), &limit)
        switch arguments.first {
        case "hold" where arguments.count >= 3:
            guard let port = UInt16(arguments[1]) else { throw WrongUse() }
            try await self.hold(port, sound: arguments[2], folder: arguments.dropFirst(3).first)
        case "call" where arguments.count >= 2:
            guard let port = UInt16(arguments[1]) else { throw WrongUse() }
            try Callers(CallerOptions(arguments.dropFirst(2), port: port)).run()
        default: throw WrongUse()
        }
    }

    /// Answers until it is ended from outside.
    private static func hold(_ port: UInt16, sound path: String, folder: String?) async throws {
        let number = Mutex(0)
        var settings = UserAgentSettings()
        settings.codecs = ["PCMU"]
        settings.mediaPorts = 20_000...29_999
        let handler: @Sendable (Invitation) async throws -> Void = { invitation in
            let call = try await invitation.accept()
            let own = number.withLock { number in
                number += 1
                return number
            }
            await withDiscardingTaskGroup { group in
                if let folder { group.addTask { try? await call.record(to: "\(folder)/\(own).wav") } }
                group.addTask { try? await call.play(.file(path), loops: true) }
            }
        }
        try await withUserAgent(.udp("127.0.0.1", port), settings: settings, answering: handler) { _ in
            print("ready")
            fflush(nil)
            while true { try await Task.sleep(for: .seconds(60)) }
        }
    }

    struct WrongUse: Error, CustomStringConvertible {
        let description =
            "usage: biloxi-callbench hold PORT SOUND.wav [FOLDER] | call PORT \(CallerOptions.usage)"
    }
}
