// Programs of a few lines, to begin one's own with. Each file stands for itself:
//
//     swift run biloxi-examples softphone sip:bob@example.test hello.wav

@main
enum Examples {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let rest = Array(arguments.dropFirst())
        switch (arguments.first, rest.count) {
        case ("softphone", 2): try await softphone(calling: rest[0], playing: rest[1])
        case ("ivr", 1): try await ivr(prompts: rest[0])
        case ("click-to-call", 2): try await clickToCall(rest[0], and: rest[1])
        case ("chat", 1): try await chat(with: rest[0])
        case ("voice-bot", 0): try await voiceBot()
        default:
            print(
                """
                softphone URI FILE     call someone and play a WAV file
                ivr FOLDER             a bank: menu.wav, pin.wav, ok.wav and wrong.wav in the folder
                click-to-call URI URI  connect two telephones with each other
                chat URI               send each line as a message, and print those that come
                voice-bot              answer calls and say back what was said
                The account comes from ACCOUNT and PASSWORD in the environment.
                """)
        }
    }
}
