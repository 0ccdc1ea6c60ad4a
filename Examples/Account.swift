import BiloxiKit
import Foundation

/// The account that the environment names: ACCOUNT=sip:alice@example.test PASSWORD=… and PROXY where one is needed.
func account() -> Account? {
    let environment = ProcessInfo.processInfo.environment
    guard let address = environment["ACCOUNT"] else { return nil }
    var account = Account(address, password: environment["PASSWORD"])
    account.proxy = environment["PROXY"]
    return account
}

/// Registers the account, where there is one.
func register(_ agent: UserAgent) async throws {
    if let account = account() { try await agent.register(account) }
    print("listening on \(agent.addresses.joined(separator: ", "))")
}
