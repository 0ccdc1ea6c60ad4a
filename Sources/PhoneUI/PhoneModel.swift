import TerminalUI

/// A telephone's screen as a value: what happens goes in, what is to be done comes out, and `PhoneView` draws what it is.
///
/// There is no terminal, clock, file or agent in here.
public struct PhoneModel: Sendable {
    /// The lists that share a pane.
    enum Tab: Int, CaseIterable, Hashable, Sendable {
        case history, contacts, messages, accounts, log

        var title: String {
            switch self {
            case .history: "History"
            case .contacts: "Contacts"
            case .messages: "Messages"
            case .accounts: "Accounts"
            case .log: "Log"
            }
        }
    }

    /// The panes.
    enum Pane: Int, CaseIterable, Hashable, Sendable { case calls, list, detail }

    /// What is shown for a while in the line above the keys.
    struct Notice: Hashable, Sendable {
        var text: String
        var isProblem: Bool
        var until: Int64
    }

    /// What a command of ours was for, until its outcome is known.
    enum Purpose: Hashable, Sendable {
        case call(String)
        case answer(String)
        case hold(String)
        case resume(String)
        case mute(String, Bool)
        case transfer(String)
        case record(String)
        case conference
        case register(String)
        case message(Int)
        case keys(String, String)
        /// Of the line of commands.
        case typed(String)
        case quiet
    }

    /// What there is at most of each.
    enum Limit {
        static let calls = 8, history = 500, messages = 1_000, traces = 2_000, log = 500, contacts = 2_000
    }

    // What the terminal is.
    var columns = 80, rows = 24
    var now = PhoneTime()
    // What the telephone has.
    var calls: [PhoneCall] = []
    var accounts: [PhoneAccount] = []
    var contacts: [PhoneContact] = []
    var history: [PhoneHistoryEntry] = []
    var messages: [PhoneMessage] = []
    var traces: [PhoneTrace] = []
    var log: [(time: String, text: String)] = []
    var listen: [String] = []
    // Where someone is.
    var pane = Pane.calls
    var tab = Tab.history
    var selectedCall: String?
    var selections: [Tab: Int] = [:]
    /// The message of the ladder that is selected; `nil` follows the newest.
    var selectedTrace: Int?
    var conversationScroll = 0
    var prompt: PhonePrompt?
    var overlay: PhoneOverlay?
    var notice: Notice?
    var missed = 0
    var unread: Set<String> = []
    var entered: [String] = []
    var lastClick: (x: Int, y: Int, at: Int64)?
    // What goes on.
    var purposes: [String: Purpose] = [:]
    var lastCommand = 0, lastCall = 0, lastMessage = 0
    var conference: String?
    var talking: Set<String> = []
    var lastRing: Int64 = 0
    let verbs: [PhoneVerb]
    /// The folder for recordings; empty where there is none.
    let recordings: String
    let followsTransfers: Bool

    /// A telephone with what it has kept.
    ///
    /// - Parameter followsTransfers: Whether it calls whom the other side of a call transfers it to: the policy that stands for
    ///   the user's approval (RFC 3515 §2.4.2).
    public init(
        verbs: [PhoneVerb], contacts: [PhoneContact] = [], history: [PhoneHistoryEntry] = [],
        messages: [PhoneMessage] = [], recordings: String = "", followsTransfers: Bool = true
    ) {
        (self.verbs, self.contacts, self.recordings) = (verbs, contacts, recordings)
        self.followsTransfers = followsTransfers
        self.history = Array(history.suffix(Limit.history))
        self.messages = Array(messages.suffix(Limit.messages))
    }

    /// Takes what has happened; returns what is to be done.
    public mutating func handle(_ event: PhoneEvent) -> [PhoneAction] {
        var actions: [PhoneAction] = []
        switch event {
        case .resized(let columns, let rows): (self.columns, self.rows) = (columns, rows)
        case .ticked(let time): self.tick(time, into: &actions)
        case .input(let input): self.handle(input, into: &actions)
        case .agent(let event): self.handle(event, into: &actions)
        }
        let talking = Set(self.calls.filter { $0.isActive && !$0.isHeld }.map(\.name))
        if talking != self.talking {
            self.talking = talking
            actions.append(.talk(with: talking))
        }
        return actions
    }

    private mutating func tick(_ time: PhoneTime, into actions: inout [PhoneAction]) {
        self.now = time
        if let notice, notice.until < time.uptime { self.notice = nil }
        // What is over stays to be read for a while.
        self.calls.removeAll { call in call.ended.map { $0.uptime + 8_000 < time.uptime } ?? false }
        self.mendSelection()
        if self.calls.contains(where: \.isIncoming), time.uptime - self.lastRing >= 3_000 {
            self.lastRing = time.uptime
            actions.append(.ring)
        }
    }

    // MARK: Saying something

    /// Says something for a while, and keeps it in the log.
    mutating func say(_ text: String, isProblem: Bool = false) {
        self.notice = Notice(text: text, isProblem: isProblem, until: self.now.uptime + (isProblem ? 10_000 : 5_000))
        self.note(text)
    }

    /// Keeps a line in the log.
    mutating func note(_ text: String) {
        self.log.append((self.now.clock, text))
        if self.log.count > Limit.log { self.log.removeFirst() }
    }

    // MARK: Commands

    /// A command with an id of its own.
    mutating func command(
        _ verb: String, _ purpose: Purpose, _ members: [String: PhoneCommand.Value] = [:]
    ) -> PhoneCommand {
        self.lastCommand += 1
        let id = "screen-\(self.lastCommand)"
        self.purposes[id] = purpose
        return PhoneCommand(verb, id: id, members)
    }

    // MARK: Calls

    func call(_ name: String?) -> PhoneCall? { name.flatMap { name in self.calls.first { $0.name == name } } }

    /// The call that keys are for: the selected one.
    var current: PhoneCall? { self.call(self.selectedCall) }

    mutating func change(_ name: String, _ body: (inout PhoneCall) -> Void) {
        guard let i = self.calls.firstIndex(where: { $0.name == name }) else { return }
        body(&self.calls[i])
    }

    /// Lets the selection be a call that there is.
    mutating func mendSelection() {
        if self.current == nil || self.current?.isOver == true {
            self.selectedCall = (self.calls.last { !$0.isOver } ?? self.calls.last)?.name
        }
    }

    /// What the other side of a call is called: as the contacts have it, as it says, or by its address.
    func name(of peer: String, saying displayName: String = "") -> String {
        let key = Address.key(peer)
        if let contact = self.contacts.first(where: { Address.key($0.address) == key }) { return contact.name }
        return displayName.isEmpty ? Address.short(peer) : displayName
    }

    func name(of call: PhoneCall) -> String { self.name(of: call.peer, saying: call.displayName) }

    // MARK: Lists

    /// The peers with messages, those of the newest first.
    var conversations: [String] {
        var (keys, peers): (Set<String>, [String]) = ([], [])
        for message in self.messages.reversed() where keys.insert(Address.key(message.peer)).inserted {
            peers.append(message.peer)
        }
        return peers
    }

    func count(of tab: Tab) -> Int {
        switch tab {
        case .history: self.history.count
        case .contacts: self.contacts.count
        case .messages: self.conversations.count
        case .accounts: self.accounts.count
        case .log: self.log.count
        }
    }

    /// Which line of a list is selected; history and log begin with the newest.
    func selection(of tab: Tab) -> Int { Swift.max(0, Swift.min(self.selections[tab] ?? 0, self.count(of: tab) - 1)) }

    var selectedHistory: PhoneHistoryEntry? {
        self.history.isEmpty ? nil : self.history[self.history.count - 1 - self.selection(of: .history)]
    }
    var selectedContact: PhoneContact? { self.contacts.isEmpty ? nil : self.contacts[self.selection(of: .contacts)] }
    var selectedAccount: PhoneAccount? { self.accounts.isEmpty ? nil : self.accounts[self.selection(of: .accounts)] }
    var selectedConversation: String? {
        let all = self.conversations
        return all.isEmpty ? nil : all[self.selection(of: .messages)]
    }

    /// Whether the detail is a conversation.
    var showsConversation: Bool { self.tab == .messages && self.pane != .calls }

    /// The messages of the call that the ladder is of: the selected one, or one of the history.
    var ladder: [PhoneTrace] {
        let callIDs = self.ladderCallIDs
        return self.traces.filter { callIDs.contains($0.callID) }
    }

    private var ladderCallIDs: [String] {
        if self.pane == .list, self.tab == .history { return self.selectedHistory?.callIDs ?? [] }
        return self.current?.callIDs ?? self.history.last?.callIDs ?? []
    }

    /// Whose messages the ladder shows.
    var ladderTitle: String {
        if self.pane == .list, self.tab == .history, let entry = self.selectedHistory {
            return self.name(of: entry.peer, saying: entry.name)
        }
        if let current { return self.name(of: current) }
        return self.history.last.map { self.name(of: $0.peer, saying: $0.name) } ?? ""
    }
}
