import BiloxiKit

extension RunVerb {
    private static let accountKeys = [
        RunKey("account", .text, "its address: sip:alice@example.test; that of the command line unless given"),
        RunKey("password", .text, "its password"),
        RunKey("passwordFile", .text, "a file with the password in its first line"),
        RunKey("username", .text, "the user name of the password, where it is not that of the address"),
        RunKey("displayName", .text, "the name that others see"),
        RunKey("registrar", .text, "the registrar, where it is not the domain of the address"),
        RunKey("proxy", .text, "the server that all its requests pass first"),
        RunKey("expires", .time, "how long a registration lasts; it is refreshed in time"),
    ]

    static let accountVerbs: [RunVerb] = [
        RunVerb(
            "account", accountKeys,
            "makes an account known without registering it; the first one is who calls where none is named",
            done: "account"
        ) { session, agent, arguments in
            let account = try account(session, arguments)
            try agent.add(account)
            session.add(account)
            return ["account": .string(account.address)]
        },
        RunVerb(
            "register", accountKeys, "registers an account and keeps it registered until unregister or the end",
            done: "account, expires"
        ) { session, agent, arguments in
            let account = try account(session, arguments)
            // The password is not needed again where the account is known.
            let registration = try await agent.register(account)
            session.add(account)
            session.add(registration, account.address)
            let expires = registration.expires?.components.seconds ?? 0
            return ["account": .string(account.address), "expires": .number(Int(expires))]
        },
        RunVerb(
            "unregister", [RunKey("account", .text, "its address; that of the command line unless given")],
            "removes what register has made", done: "account"
        ) { session, _, arguments in
            let address = try address(session, arguments)
            guard let registration = session.takeRegistration(address) else {
                throw RunProblem("\(address) is not registered by this program")
            }
            await registration.unregister()
            return ["account": .string(address)]
        },
        RunVerb(
            "bindings", [RunKey("account", .text, "its address; that of the command line unless given")],
            "asks the registrar where an account is registered", done: "account, bindings: [{uri, expires}]"
        ) { session, agent, arguments in
            let address = try address(session, arguments)
            guard let account = session.account(address) else {
                throw RunProblem("\(address) is not known: begin with register or account")
            }
            return ["account": .string(address), "bindings": try await Bindings.ask(agent, account, []).value]
        },
    ]

    private static func address(_ session: RunSession, _ arguments: RunArguments) throws(RunProblem) -> String {
        guard let address = arguments.text("account") ?? session.ownAccount?.address else {
            throw RunProblem("name the account: \"account\":\"sip:alice@example.test\"")
        }
        return address
    }

    /// The account that is named, with what is known of it already.
    private static func account(
        _ session: RunSession, _ arguments: RunArguments
    ) throws -> BiloxiKit.Account {
        let address = try self.address(session, arguments)
        var account = session.account(address) ?? BiloxiKit.Account(address)
        if arguments.text("password") != nil, arguments.text("passwordFile") != nil {
            throw RunProblem("give \"password\" or \"passwordFile\", not both")
        }
        if let password = arguments.text("password") { account.password = password }
        if let file = arguments.text("passwordFile") {
            guard file != "-" else { throw RunProblem("\"passwordFile\" cannot be -: commands come from there") }
            account.password = try Password.given(file: file)
        }
        if let username = arguments.text("username") { account.username = username }
        if let displayName = arguments.text("displayName") { account.displayName = displayName }
        if let registrar = arguments.text("registrar") { account.registrar = registrar }
        if let proxy = arguments.text("proxy") { account.proxy = proxy }
        if let expires = arguments.time("expires") { account.expires = expires }
        return account
    }
}
