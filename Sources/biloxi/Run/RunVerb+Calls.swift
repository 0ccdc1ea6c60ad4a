import BiloxiKit

extension RunVerb {
    static let callVerbs: [RunVerb] = [
        RunVerb(
            "call",
            [
                RunKey("uri", .text, required: true, "whom: sip:bob@example.test, or bob alone with an account"),
                RunKey("call", .text, "the name of the call; one is chosen unless given"),
                RunKey("account", .text, "who calls; the first account unless given"),
                RunKey("timeout", .time, "how long it may ring, 60 s unless given"),
                RunKey("headers", .headers, "more header lines of the INVITE"),
            ], "calls someone; done when it is answered", done: "call, callID"
        ) { session, agent, arguments in
            let name = try session.reserve(
                arguments.text("call"), RunSession.Entry(command: arguments.number))
            do {
                let call = try await agent.call(
                    arguments.text("uri") ?? "", as: arguments.text("account"),
                    ringFor: arguments.time("timeout") ?? .seconds(60), fields: arguments.headers
                ) { session.began(name, $0) }
                var members: [String: JSONValue] = ["call": .string(name)]
                members["callID"] = call.callID.map { .string($0) }
                return members
            } catch {
                if (try? session.entry(name))?.call == nil { session.forget(name) }
                throw error
            }
        },
        RunVerb(
            "ring", [call, RunKey("status", .number, "180 unless given; 181 to 199")],
            "tells the caller that it rings"
        ) { session, _, arguments in
            let status = arguments.number("status") ?? 180
            guard (101...199).contains(status) else { throw RunProblem("\"status\" must be 101 to 199") }
            try session.invitation(arguments.text("call") ?? "").ring(status)
            return [:]
        },
        RunVerb(
            "early", [call], "lets the caller hear what is played before the call is answered (183)"
        ) { session, _, arguments in
            let name = arguments.text("call") ?? ""
            let early = try session.invitation(name).earlyMedia()
            session.change(name) { $0.call = early }
            return [:]
        },
        RunVerb("answer", [call], "answers a call that came; done when it stands") { session, _, arguments in
            let name = arguments.text("call") ?? ""
            let invitation = try session.invitation(name)
            let call = try await invitation.accept { call in session.change(name) { $0.call = call } }
            var members: [String: JSONValue] = [:]
            members["callID"] = call.callID.map { .string($0) }
            return members
        },
        RunVerb(
            "reject",
            [
                call, RunKey("status", .number, "300 to 699; 603 unless given"),
                RunKey("reason", .text, "the reason phrase"),
            ], "refuses a call that came"
        ) { session, _, arguments in
            let status = arguments.number("status") ?? 603
            guard (300...699).contains(status) else { throw RunProblem("\"status\" must be 300 to 699") }
            try session.invitation(arguments.text("call") ?? "").reject(status, arguments.text("reason"))
            return [:]
        },
        RunVerb(
            "redirect", [call, RunKey("to", .texts, required: true, "where the caller is to try")],
            "sends the caller elsewhere (302)"
        ) { session, _, arguments in
            try session.invitation(arguments.text("call") ?? "").redirect(to: arguments.texts("to"))
            return [:]
        },
        RunVerb(
            "hangup", [call], "ends a call in whatever state it is: BYE, CANCEL, or 480"
        ) { session, _, arguments in
            await session.hangUp(try session.entry(arguments.text("call") ?? ""))
            return [:]
        },
        RunVerb("hold", [call], "holds the other side; done when it has agreed") { session, _, arguments in
            try await session.call(arguments.text("call") ?? "").hold()
            return [:]
        },
        RunVerb("resume", [call], "goes on after hold; done when the other side has agreed") { session, _, arguments in
            try await session.call(arguments.text("call") ?? "").resume()
            return [:]
        },
        RunVerb(
            "mute", [call, RunKey("on", .flag, required: true, "whether silence goes out")],
            "sends silence in place of what is played, or does not any more"
        ) { session, _, arguments in
            try session.call(arguments.text("call") ?? "").isMuted = arguments.flag("on")
            return [:]
        },
        RunVerb(
            "transfer",
            [
                call, RunKey("to", .text, "whom the other side is to call"),
                RunKey("toCall", .text, "the call whose other side it is to be connected with (attended)"),
            ], "transfers the other side (REFER); done when it has its new call, and this one is over"
        ) { session, _, arguments in
            let call = try session.call(arguments.text("call") ?? "")
            switch (arguments.text("to"), arguments.text("toCall")) {
            case (let uri?, nil): try await call.transfer(to: uri)
            case (nil, let other?): try await call.transfer(to: session.call(other))
            default: throw RunProblem("\"transfer\" needs \"to\" or \"toCall\", and not both")
            }
            return [:]
        },
        RunVerb(
            "conference", [RunKey("calls", .texts, required: true, "the names of two calls or more")],
            "lets calls hear each other; done when only one of them is left, or at stop"
        ) { session, _, arguments in
            let names = Set(arguments.texts("calls")).sorted()
            guard (2...16).contains(names.count) else { throw RunProblem("\"calls\" must name 2 to 16 calls") }
            await conference(try names.map { try session.call($0) })
            try Task.checkCancellation()
            return [:]
        },
        RunVerb(
            "acceptTransfer",
            [
                RunKey("transfer", .text, required: true, "the name that transferRequested has told"),
                RunKey("call", .text, "the name of the new call; one is chosen unless given"),
                RunKey("follow", .flag, "whether the call itself goes on with the new other side: there is no new one"),
            ], "calls whom the other side wants us to call; done when that call is answered",
            done: "call, where there is a new one"
        ) { session, _, arguments in
            let transfer = try session.takeTransfer(arguments.text("transfer") ?? "")
            guard !arguments.flag("follow") else {
                try await transfer.follow()
                return [:]
            }
            let name = try session.reserve(arguments.text("call"), RunSession.Entry(command: arguments.number))
            do {
                _ = try await transfer.accept { session.began(name, $0) }
            } catch {
                if (try? session.entry(name))?.call == nil { session.forget(name) }
                throw error
            }
            return ["call": .string(name)]
        },
        RunVerb(
            "refuseTransfer",
            [RunKey("transfer", .text, required: true, "the name that transferRequested has told")],
            "does not do what the other side wants (603)"
        ) { session, _, arguments in
            try session.takeTransfer(arguments.text("transfer") ?? "").refuse()
            return [:]
        },
        RunVerb(
            "info",
            [
                call, RunKey("contentType", .text, required: true, "what the text is: application/dtmf-relay"),
                RunKey("text", .text, "the body"), RunKey("package", .text, "the package that it is of (RFC 6086)"),
            ], "sends an INFO in a call; done when it is taken"
        ) { session, _, arguments in
            try await session.call(arguments.text("call") ?? "").inform(
                arguments.text("text") ?? "", contentType: arguments.text("contentType") ?? "",
                package: arguments.text("package"))
            return [:]
        },
    ]
}
