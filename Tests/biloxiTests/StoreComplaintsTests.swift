import Logging
import Persistence
import Synchronization
import Testing

@testable import biloxi

@Suite("The log while the database cannot be written")
struct StoreComplaintsTests {
    /// A log that keeps its lines.
    private final class Lines: LogHandler, Sendable {
        let texts = Mutex<[String]>([])

        func log(event: LogEvent) {
            let refused = event.metadata?["refused"].map { " \($0)" } ?? ""
            self.texts.withLock { $0.append("\(event.level) \(event.message)\(refused)") }
        }

        subscript(metadataKey _: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }
        var metadata: Logger.Metadata {
            get { [:] }
            set {}
        }
        var logLevel: Logger.Level {
            get { .trace }
            set {}
        }
    }

    @Test("It says so at once, every ten seconds with what was refused, and when it is over")
    func complains() {
        let lines = Lines()
        let complaints = StoreComplaints(logger: Logger(label: "test") { _ in lines })
        let start = ContinuousClock.now
        complaints.note(.committed, requests: 3, at: start)
        for second in 0..<25 {
            complaints.note(.failed(reason: "full"), requests: 2, at: start.advanced(by: .seconds(second)))
        }
        complaints.note(.committed, requests: 1, at: start.advanced(by: .seconds(26)))
        complaints.note(.committed, requests: 1, at: start.advanced(by: .seconds(27)))
        complaints.note(.failed(reason: "full"), requests: 1, at: start.advanced(by: .seconds(28)))
        #expect(
            lines.texts.withLock { $0 } == [
                "error the database could not be written 2", "error the database could not be written 22",
                "error the database could not be written 42", "notice the database is written again 50",
                "error the database could not be written 1",
            ])
    }
}
