import CallRouting
import SIPMessages
import Testing

@Suite("The dial plan")
struct DialPlanTests {
    private static let user = Route.Caller.user("alice", domain: "a.example")

    private func pattern(_ text: String) throws -> RoutePattern { try #require(RoutePattern(text)) }

    @Test("The first route that matches decides, whatever comes later")
    func order() throws {
        let plan = DialPlan([
            Route([try self.pattern("911")], to: .trunk("emergency")),
            Route([try self.pattern("9??")], to: .trunk("a")),
            Route([try self.pattern("*")], to: .refuse(404, "Nobody")),
        ])
        #expect(plan.match(try DialledAddress("sip:911@x"), from: Self.user)?.destination == .trunk("emergency"))
        #expect(plan.match(try DialledAddress("sip:912@x"), from: Self.user)?.position == 1)
        #expect(plan.match(try DialledAddress("sip:bob@x"), from: Self.user)?.destination == .refuse(404, "Nobody"))
    }

    @Test(
        "A number is stripped, prepended or rewritten by a template",
        arguments: [
            ("9*", NumberRewriting.edit(strip: 1, prepend: ""), "9123", "123"),
            ("00*", .edit(strip: 2, prepend: "+"), "004930", "+4930"), ("9*", .edit(strip: 9, prepend: "0"), "91", "0"),
            ("0049*", .template("+49$1"), "004930123", "+4930123"), ("0049*", .template("$0"), "00491", "00491"),
            ("*", .template("a$"), "1", "a$"), ("*", .template("$$1"), "1", "$1"), ("*", .template("$2"), "1", ""),
            ("*", .template("x$1y$1"), "1", "x1y1"), ("*", .none, "1", "1"),
        ])
    func rewriting(pattern: String, rewriting: NumberRewriting, dialled: String, number: String) throws {
        let plan = DialPlan([Route([try self.pattern(pattern)], to: .trunk("t"), rewriting: rewriting)])
        let match = try #require(plan.match(try DialledAddress("sip:\(dialled)@x"), from: Self.user))
        #expect(String(decoding: match.number, as: UTF8.self) == number)
    }

    @Test("What was dialled can be put into the destination, and cannot end the user part of a URI there")
    func templates() throws {
        let plan = DialPlan([Route([try self.pattern("8*")], to: .uri("sip:$1@gw.example"))])
        #expect(
            plan.match(try DialledAddress("sip:8bob@x"), from: .stranger)?.destination == .uri("sip:bob@gw.example"))
        #expect(
            plan.match(try DialledAddress("sip:8a%40evil.example@x"), from: .stranger)?.destination
                == .uri("sip:a%40evil.example@gw.example"))
    }

    @Test("At another domain only patterns for whole URIs count")
    func otherDomains() throws {
        let plan = DialPlan([
            Route([try self.pattern("9*")], to: .trunk("a")),
            Route([try self.pattern("sip:*@b.example")], to: .uri("sip:gw.example")),
        ])
        #expect(plan.match(try DialledAddress("sip:91@b.example", isLocal: false), from: Self.user)?.position == 1)
        #expect(plan.match(try DialledAddress("sip:91@c.example", isLocal: false), from: Self.user) == nil)
    }

    @Test(
        "A route that names callers is passed over for all others",
        arguments: [
            (Route.CallerPattern.users, Route.Caller.stranger, false), (.users, DialPlanTests.user, true),
            (.anyone, .stranger, true), (.user("alice"), DialPlanTests.user, true),
            (.user("alice@b.example"), DialPlanTests.user, false),
            (.trunk("pstn"), .trunk("pstn"), true), (.trunk("pstn"), .trunk("other"), false),
            (.users, .trunk("pstn"), false),
        ])
    func callers(wanted: Route.CallerPattern, caller: Route.Caller, isMatch: Bool) throws {
        let plan = DialPlan([Route([try self.pattern("*")], to: .service("echo"), from: [wanted])])
        #expect((plan.match(try DialledAddress("sip:1@x"), from: caller) != nil) == isMatch)
    }
}

@Suite("Redirections (RFC 3261 §8.3, §20.10)")
struct RedirectionTests {
    @Test(
        "A contact is written with q and expires",
        arguments: [
            (nil, nil, "Contact: <sip:a@b>\r\n"), (1000, nil, "Contact: <sip:a@b>;q=1\r\n"),
            (700, 60, "Contact: <sip:a@b>;q=0.7;expires=60\r\n"), (125, nil, "Contact: <sip:a@b>;q=0.125\r\n"),
            (0, 0, "Contact: <sip:a@b>;q=0;expires=0\r\n"), (20, nil, "Contact: <sip:a@b>;q=0.02\r\n"),
            (5, nil, "Contact: <sip:a@b>;q=0.005\r\n"),
        ] as [(UInt16?, UInt32?, String)])
    func contacts(q: UInt16?, expires: UInt32?, line: String) {
        var fields: [UInt8] = []
        Redirection(302, [.init("sip:a@b", q: q.map { QValue(thousandths: $0) }, expires: expires)]).writeContacts(
            into: &fields)
        #expect(String(decoding: fields, as: UTF8.self) == line)
    }
}
