import BiloxiKit

extension RunVerb {
    private static let soundKeys = [
        RunKey("file", .text, "a WAV file"),
        RunKey("tone", .text, "a tone in Hz: 440, or 440+480"),
        RunKey("ringback", .text, "what callers hear in a country: US, DE"),
    ]

    static let soundVerbs: [RunVerb] = [
        RunVerb(
            "dtmf",
            [
                call, RunKey("keys", .text, required: true, "0-9, *, #, A-D; a comma waits a second"),
                RunKey("pressed", .time, "how long each is pressed, 100 ms unless given"),
                RunKey("pause", .time, "how long nothing follows, 60 ms unless given"),
            ], "sends keys; done when the last one was sent"
        ) { session, _, arguments in
            let call = try session.call(arguments.text("call") ?? "")
            try await CallScript.send(
                arguments.text("keys") ?? "", in: call, pressed: arguments.time("pressed") ?? .milliseconds(100),
                pause: arguments.time("pause") ?? .milliseconds(60))
            return [:]
        },
        RunVerb(
            "play",
            [call] + soundKeys + [
                RunKey("loops", .flag, "whether it begins again after its end, until stop"),
                RunKey("for", .time, "how long at most"),
            ], "plays a sound; done at its end"
        ) { session, _, arguments in
            let call = try session.call(arguments.text("call") ?? "")
            guard let sound = try arguments.sound() else {
                throw RunProblem("\"play\" needs \"file\", \"tone\" or \"ringback\"")
            }
            let loops = arguments.flag("loops")
            guard let limit = arguments.time("for") else {
                try await call.play(sound, loops: loops)
                return [:]
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await call.play(sound, loops: loops) }
                group.addTask { try await Task.sleep(for: limit) }
                defer { group.cancelAll() }
                try await group.next()
            }
            return [:]
        },
        RunVerb(
            "record",
            [
                call, RunKey("file", .text, required: true, "the WAV file; one that is there is overwritten"),
                RunKey("rate", .number, "samples in a second, 8000 unless given"),
            ], "records what is heard; done at the end of the call, or at stop", done: "file"
        ) { session, _, arguments in
            let file = arguments.text("file") ?? ""
            let rate = arguments.number("rate") ?? 8_000
            guard (4_000...192_000).contains(rate) else { throw RunProblem("\"rate\" must be 4000 to 192000") }
            try await session.call(arguments.text("call") ?? "").record(to: file, sampleRate: rate)
            return ["file": .string(file)]
        },
        RunVerb(
            "echo", [call], "returns what is heard; done at the end of the call, or at stop"
        ) { session, _, arguments in
            let call = try session.call(arguments.text("call") ?? "")
            try await CallScript.untilEnd { try await call.echo() }
            return [:]
        },
        RunVerb(
            "collect",
            [call] + soundKeys + [
                RunKey("count", .number, required: true, "how many keys at most"),
                RunKey("timeout", .time, "how long to wait for each, 5 s unless given"),
                RunKey("terminator", .text, "the key that ends the input, # unless given; empty for none"),
            ], "collects keys, with a sound that the first one interrupts; done when they are there, or no more come",
            done: "keys"
        ) { session, _, arguments in
            let call = try session.call(arguments.text("call") ?? "")
            let terminator = arguments.text("terminator") ?? "#"
            let keys = try await call.collect(
                arguments.number("count") ?? 1, timeout: arguments.time("timeout") ?? .seconds(5),
                playing: arguments.sound(), terminator: terminator.first)
            return ["keys": .string(keys)]
        },
        RunVerb("quality", [call], "says how a call sounds so far", done: "the members of the event quality") {
            session, _, arguments in
            let entry = try session.entry(arguments.text("call") ?? "")
            let length = entry.answeredAt.map { .now - $0 } ?? Duration.zero
            return try session.call(arguments.text("call") ?? "").qualityReport(length: length).members
        },
    ]
}
