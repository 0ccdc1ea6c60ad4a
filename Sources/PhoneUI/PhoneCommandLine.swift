/// The line of commands: the verbs of `biloxi run`, with their members in order or by name, and some of the screen's own.
///
///     call bob                   dtmf 12#            transfer to=carol
///     message bob "see you"      reject status=486   {"do":"options","uri":"sip:bob@example.test"}
enum PhoneCommandLine {
    /// The verbs of the screen itself.
    static let ownVerbs: [(name: String, help: String)] = [
        ("quit", "hangs up, unregisters and ends"),
        ("swap", "holds who is talked with and goes on with who was held"),
        ("connect", "connects two calls with each other (attended transfer)"),
        ("contact", "keeps a contact: contact NAME ADDRESS"),
        ("keys", "shows the keys"),
    ]

    /// Why a line makes no sense.
    struct Problem: Error, Hashable { let reason: String }

    /// The words of a line; quotation marks hold together.
    static func words(_ line: String) throws(Problem) -> [String] {
        var (words, word, hasWord, isQuoted): ([String], String, Bool, Bool) = ([], "", false, false)
        var isEscaped = false
        for character in line {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if character == "\\", isQuoted {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
                hasWord = true
            } else if character == " ", !isQuoted {
                if hasWord { words.append(word) }
                (word, hasWord) = ("", false)
            } else {
                word.append(character)
                hasWord = true
            }
        }
        guard !isQuoted else { throw Problem(reason: "a quotation mark is not closed") }
        if hasWord { words.append(word) }
        return words
    }

    /// The members of a verb that words give: `name=value`, or values in the order of the members; `text` takes all that is
    /// left. The call may be left out: then it is the selected one.
    static func members(
        _ verb: PhoneVerb, _ words: ArraySlice<String>, call: String?
    ) throws(Problem) -> [String: PhoneCommand.Value] {
        var members: [String: PhoneCommand.Value] = [:]
        var open = verb.members.filter { !["call", "calls", "id", "do", "wait"].contains($0.name) }
        var rest = words
        while let word = rest.popFirst() {
            if let sign = word.firstIndex(of: "="),
                let member = verb.members.first(where: { $0.name == word[..<sign] })
            {
                members[member.name] = try Self.value(String(word[word.index(after: sign)...]), member)
                open.removeAll { $0.name == member.name }
                continue
            }
            guard !open.isEmpty else { throw Problem(reason: "\"\(word)\" is too much: \(Self.usage(verb))") }
            let member = open.removeFirst()
            guard member.name == "text" else {
                members[member.name] = try Self.value(word, member)
                continue
            }
            members[member.name] = .text(([word] + rest).joined(separator: " "))
            break
        }
        if verb.members.contains(where: { $0.name == "call" && $0.isRequired }), members["call"] == nil {
            guard let call else { throw Problem(reason: "there is no call: \(Self.usage(verb))") }
            members["call"] = .text(call)
        }
        for member in verb.members where member.isRequired && members[member.name] == nil && member.name != "calls" {
            throw Problem(reason: "\(member.name) is missing: \(Self.usage(verb))")
        }
        return members
    }

    private static func value(_ text: String, _ member: PhoneVerb.Member) throws(Problem) -> PhoneCommand.Value {
        switch member.kind {
        case .text: return .text(text)
        case .texts: return .texts(text.split(separator: ",").map(String.init))
        case .number:
            guard let number = Int(text) else {
                throw Problem(reason: "\(member.name) must be a number, not \"\(text)\"")
            }
            return .number(number)
        case .flag:
            if ["on", "yes", "true", "1"].contains(text.lowercased()) { return .flag(true) }
            if ["off", "no", "false", "0"].contains(text.lowercased()) { return .flag(false) }
            throw Problem(reason: "\(member.name) must be on or off, not \"\(text)\"")
        case .headers:
            guard let colon = text.firstIndex(of: ":") else {
                throw Problem(reason: "\(member.name) must be as \"Subject: lunch\"")
            }
            return .headers([String(text[..<colon]): String(text[text.index(after: colon)...].drop { $0 == " " })])
        case .object: throw Problem(reason: "\(member.name) is an object: write the command as JSON, in braces")
        }
    }

    /// How a verb is written: `call URI [call] …`.
    static func usage(_ verb: PhoneVerb) -> String {
        let members = verb.members.filter { !["id", "do", "wait"].contains($0.name) }
        return ([verb.name] + members.map { $0.isRequired && $0.name != "call" ? $0.name : "[\($0.name)]" }).joined(
            separator: " ")
    }
}

extension PhoneModel {
    /// Does what a line of commands says.
    mutating func run(_ line: String, into actions: inout [PhoneAction]) {
        guard !line.isEmpty else { return }
        if line.hasPrefix("{") { return actions.append(.line(line)) }
        do throws(PhoneCommandLine.Problem) {
            let words = try PhoneCommandLine.words(line)
            guard let first = words.first else { return }
            if try self.runOwn(first, words.dropFirst(), into: &actions) { return }
            guard let verb = self.verbs.first(where: { $0.name.lowercased() == first.lowercased() }) else {
                throw PhoneCommandLine.Problem(
                    reason: "there is no command \"\(first)\": Tab shows what there is, :help all")
            }
            let members = try PhoneCommandLine.members(verb, words.dropFirst(), call: self.current?.name)
            try self.run(verb, members, line, into: &actions)
        } catch {
            self.say(error.reason, isProblem: true)
        }
    }

    /// The verbs of the screen itself, and those of which it has its own idea.
    private mutating func runOwn(
        _ name: String, _ words: ArraySlice<String>, into actions: inout [PhoneAction]
    ) throws(PhoneCommandLine.Problem) -> Bool {
        switch name.lowercased() {
        case "quit", "q", "end": actions.append(.quit)
        case "swap": self.swap(into: &actions)
        case "keys": self.overlay = .help(scroll: 0)
        case "connect":
            guard let call = self.current, let other = self.partner(of: call), call.isActive else {
                throw PhoneCommandLine.Problem(reason: "connect needs two calls that stand")
            }
            let (first, second) = call.began.uptime <= other.began.uptime ? (call, other) : (other, call)
            self.connect(first.name, second.name, into: &actions)
        case "contact":
            guard words.count >= 2, let address = words.last else {
                throw PhoneCommandLine.Problem(reason: "write contact NAME ADDRESS")
            }
            let contact = PhoneContact(name: words.dropLast().joined(separator: " "), address: address)
            self.keep(contact, into: &actions)
        case "help": self.overlay = .text(title: "Commands", lines: self.commandHelp, scroll: 0)
        default: return false
        }
        return true
    }

    /// A verb of the telephone; those that change what is shown go the way of their keys.
    private mutating func run(
        _ verb: PhoneVerb, _ members: [String: PhoneCommand.Value], _ line: String, into actions: inout [PhoneAction]
    ) throws(PhoneCommandLine.Problem) {
        func text(_ name: String) -> String? { if case .text(let text)? = members[name] { text } else { nil } }
        let call = self.call(text("call") ?? self.selectedCall)
        switch verb.name {
        case "call" where Set(members.keys) == ["uri"]: self.dial(text("uri") ?? "", into: &actions)
        case "message" where Set(members.keys) == ["uri", "text"]:
            self.send(message: text("text") ?? "", to: self.resolved(text("uri") ?? ""), into: &actions)
        case "transfer" where text("to") != nil:
            if let call { self.transfer(call.name, to: text("to") ?? "", into: &actions) }
        case "answer", "hold", "resume", "hangup":
            guard let call else { throw PhoneCommandLine.Problem(reason: "there is no call of that name") }
            if verb.name == "answer" { return self.answer(call, into: &actions) }
            if verb.name == "hangup" { return self.hangUp(call, into: &actions) }
            guard call.isActive, call.isHeld == (verb.name == "resume") else {
                throw PhoneCommandLine.Problem(
                    reason: "the call is not \(verb.name == "hold" ? "one to hold" : "held")")
            }
            self.hold(call, into: &actions)
        case "mute":
            let purpose = call.map { Purpose.mute($0.name, members["on"] == .flag(true)) } ?? .quiet
            actions.append(.perform([self.command("mute", purpose, members)]))
        case "dtmf": if let call { self.send(keys: text("keys") ?? "", in: call, into: &actions) }
        case "conference" where members["calls"] == nil: self.toggleConference(into: &actions)
        case "register" where text("account") != nil:
            let address = text("account") ?? ""
            if !self.accounts.contains(where: { $0.address == address }) {
                self.accounts.append(PhoneAccount(address, .registering))
            }
            actions.append(.perform([self.command("register", .register(address), members)]))
        default: actions.append(.perform([self.command(verb.name, .typed(Self.shown(line, verb)), members)]))
        }
    }

    /// A line as it may be shown: of one that may hold a password no more than its verb.
    private static func shown(_ line: String, _ verb: PhoneVerb) -> String {
        verb.members.contains { $0.name == "password" } ? verb.name : line
    }

    /// All commands, a line each.
    private var commandHelp: [String] {
        let own = PhoneCommandLine.ownVerbs.map { (usage: $0.name, help: $0.help) }
        let all = own + self.verbs.map { (usage: PhoneCommandLine.usage($0), help: $0.help) }
        return all.sorted { $0.usage < $1.usage }.flatMap { ["\($0.usage)", "    \($0.help)"] }
    }
}
