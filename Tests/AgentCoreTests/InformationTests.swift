import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("INFO and MESSAGE within a call (RFC 6086)")
struct InformationTests {
    private static func talking(packages: [String] = []) throws -> Stage {
        let stage = try Stage(bob: SimulatedAgent(configure: { $0.infoPackages = packages }))
        stage.bob.behaviour.answersAfter = .zero
        try stage.call()
        stage.world.run(for: .seconds(1))
        return stage
    }

    private static func inform(_ stage: Stage, _ package: String?) throws -> Bool {
        let call = stage.alice.calls[0]
        var isSent = false
        stage.perform("alice") { agent, now, outbox in
            isSent = agent.does(at: now, into: &outbox) {
                $0.inform(
                    call, Array("Signal=5".utf8), type: MediaType("application", "dtmf-relay"), package: package,
                    transactions: &$1, at: $2, into: &$3)
            }
        }
        stage.world.run(for: .seconds(1))
        return isSent
    }

    private static func received(_ stage: Stage) -> [SIPMessage] {
        stage.bob.events.compactMap { event in
            guard case .information(_, let message) = event else { return nil }
            return message
        }
    }

    @Test("A body of the time before packages goes at any time (RFC 6086 §4.1)")
    func legacy() throws {
        let stage = try Self.talking()
        #expect(try Self.inform(stage, nil))
        let info = try #require(Self.received(stage).first)
        #expect(String(decoding: info.body, as: UTF8.self) == "Signal=5" && !info.has(.infoPackage))
        #expect(stage.alice.events.contains(.informationAnswered(stage.alice.calls[0], 200)))
    }

    @Test("A package goes when the other side has said that it takes it (RFC 6086 §4.2.1)")
    func package() throws {
        let stage = try Self.talking(packages: ["trickle-ice"])
        #expect(try Self.inform(stage, "trickle-ice"))
        let info = try #require(Self.received(stage).first)
        #expect(info.first(.infoPackage)?.isToken("trickle-ice") == true)
        #expect(info.first(.contentDisposition)?.type == "Info-Package")
        #expect(try Self.inform(stage, "other") == false)
        #expect(Self.received(stage).count == 1)
    }

    @Test("A MESSAGE in a call is told with it (RFC 3428 §3)")
    func message() throws {
        let stage = try Self.talking()
        let (call, theirs) = (stage.alice.calls[0], stage.bob.calls[0])
        stage.perform("alice") { agent, now, outbox in
            _ = agent.does(at: now, into: &outbox) {
                $0.message(call, Array("hello".utf8), type: .plainText, transactions: &$1, at: $2, into: &$3)
            }
        }
        stage.world.run(for: .seconds(1))
        #expect(
            stage.bob.events.contains {
                guard case .message(theirs, let message) = $0 else { return false }
                return String(decoding: message.body, as: UTF8.self) == "hello"
            })
    }

    @Test("INFO in a dialog that the other side does not know ends the call (RFC 3261 §12.2.1.2)")
    func unknownDialog() throws {
        let stage = try Self.talking()
        stage.world.crash("bob")
        stage.world.restart("bob", running: SimulatedAgent())
        #expect(try Self.inform(stage, nil))
        #expect(stage.alice.ends == [.rejected(481, "Call/Transaction Does Not Exist")])
    }
}
