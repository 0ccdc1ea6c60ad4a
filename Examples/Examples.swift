import BiloxiKit
import Foundation

// Programs of a few lines, to begin one's own with. Each file stands for itself:
//
//     swift run biloxi-examples softphone sip:bob@example.test hello.wav

@main
enum Examples {
    static func main() async {
        do {
            try await Self.run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            say("failed: \(error)")
            exit(1)
        }
    }

    private static func run(_ arguments: [String]) async throws {
        let rest = Array(arguments.dropFirst())
        switch (arguments.first, rest.count) {
        case ("softphone", 2): try await softphone(calling: rest[0], playing: rest[1])
        case ("ivr", 2): try await ivr(prompts: rest[0], human: rest[1])
        case ("click-to-call", 2): try await clickToCall(rest[0], and: rest[1])
        case ("chat", 1): try await chat(with: rest[0])
        case ("voice-bot", 0): try await voiceBot()
        case ("proxy", 1): try await proxy(rest[0], users: Self.users)
        default:
            print(
                """
                softphone URI FILE     call someone and play a WAV file
                ivr FOLDER URI         a bank: menu, number, pin, ok and wrong .wav in the folder; URI is its human
                click-to-call URI URI  connect two telephones with each other
                chat URI               send each line as a message, and print those that come
                voice-bot              answer calls and say back what was said
                proxy DOMAIN           a registrar and proxy with routes of its own, for USERS=alice:secret,bob:secret
                The account comes from ACCOUNT, PASSWORD and PROXY in the environment, where to listen from LISTEN.
                """)
        }
    }

    private static var users: [String: String] {
        let pairs = (ProcessInfo.processInfo.environment["USERS"] ?? "").split(separator: ",")
        return Dictionary(
            pairs.map { $0.split(separator: ":", maxSplits: 1).map(String.init) }.map { ($0[0], $0.last ?? "") }
        ) { $1 }
    }
}
