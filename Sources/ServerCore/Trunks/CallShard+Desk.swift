import ProxyCore
public import SIPMessages
import SIPRouting
import SIPTransactions

/// The desk at work: probes (RFC 3261 §11) and registrations (§10.2) of our own.
extension CallShard {
    /// What owners of client transactions, payloads of timers and numbers of resolutions have that are the desk's.
    static let deskOwner: UInt64 = 1 << 62
    static let deskTimer: UInt64 = 1 << 50
    static let deskResolution: UInt64 = 1 << 63
    /// How long the DNS may take.
    private static let resolutionPatience: TimeSpan = .seconds(12)

    /// Begins what the trunks ask for, and ends what they do no longer: a registration that nobody wants is taken back.
    /// What stays goes on.
    mutating func manTheDesk(at now: MonotonicInstant) {
        guard self.number == 0, !self.settings.isStopping else { return }
        self.desk.apply(self.settings.trunks)
        var wanted: [TrunkTask] = []
        for trunk in self.settings.trunks {
            if let registration = trunk.registration, let uri = trunk.targets.first {
                wanted.append(self.task(trunk.name, target: nil, uri, registration))
            }
            guard trunk.probeInterval != nil else { continue }
            for (number, uri) in trunk.targets.enumerated() {
                wanted.append(self.task(trunk.name, target: number, uri, nil))
            }
        }
        for id in self.desk.tasks.keys.sorted() {
            guard let task = self.desk.tasks[id], !task.isLeaving else { continue }
            if let place = wanted.firstIndex(where: { task.isContinued(by: $0) }) {
                self.continueTask(id, as: wanted.remove(at: place), at: now)
            } else {
                self.endTask(id, at: now)
            }
        }
        for task in wanted { self.addTask(task, at: now) }
    }

    /// Ends all that the desk does by itself, and takes our registrations back (RFC 3261 §10.2.2).
    mutating func leaveTheDesk() {
        for id in self.desk.tasks.keys.sorted() where self.desk.tasks[id]?.isLeaving == false {
            self.endTask(id, at: .start)
        }
    }

    private mutating func task(
        _ trunk: String, target: Int?, _ uri: [UInt8], _ registration: TrunkSettings.Registration?
    ) -> TrunkTask {
        var callID: [UInt8] = []
        // Answers come to the shard of their Call-ID, which must be this one.
        repeat {
            callID = []
            callID.append(hexadecimal: self.transactions.randomNumber())
            callID.append(hexadecimal: self.transactions.randomNumber())
        } while self.settings.shard(
            of: SipHash13.hash(callID.span, 0..<callID.count, key: self.settings.hashKey)) != self.number
        return TrunkTask(
            trunk: trunk, target: target, uri: uri, registration: registration, callID: callID,
            tag: self.transactions.randomNumber(), expires: registration?.expires ?? 0)
    }

    private mutating func addTask(_ task: TrunkTask, at now: MonotonicInstant) {
        self.desk.taskSerial += 1
        let id = self.desk.taskSerial
        self.desk.tasks[id] = task
        // Not all at the same moment.
        self.setDeskTimer(id, after: .milliseconds(Int64(self.transactions.randomNumber() % 1000)), now)
    }

    /// Lets a task go on by new terms. Other terms of a registration hold from now on: the same contact is registered again,
    /// in the same call.
    private mutating func continueTask(_ id: UInt32, as other: TrunkTask, at now: MonotonicInstant) {
        guard var task = self.desk.tasks[id] else { return }
        (task.trunk, task.target) = (other.trunk, other.target)
        let isChanged = task.registration != other.registration
        task.registration = other.registration
        if isChanged {
            self.transactions.abandon(client: task.client)
            (task.phase, task.client, task.selection, task.answer) = (.idle, .none, nil, nil)
            (task.expires, task.failures) = (other.expires, 0)
        }
        self.desk.tasks[id] = task
        if isChanged { self.setDeskTimer(id, after: .zero, now) }
    }

    /// Ends a task: at once, or when its registration has been taken back.
    private mutating func endTask(_ id: UInt32, at now: MonotonicInstant) {
        guard var task = self.desk.tasks[id] else { return }
        self.transactions.abandon(client: task.client)
        guard task.mayBeRegistered else {
            self.transactions.stopTimer(&task.timer)
            self.desk.tasks[id] = nil
            return
        }
        task.isLeaving = true
        (task.phase, task.client, task.selection, task.expires) = (.idle, .none, nil, 0)
        self.desk.tasks[id] = task
        self.setDeskTimer(id, after: .zero, now)
    }

    /// Forgets a task that is over.
    private mutating func removeTask(_ id: UInt32) {
        guard var timer = self.desk.tasks.removeValue(forKey: id)?.timer else { return }
        self.transactions.stopTimer(&timer)
    }

    private mutating func setDeskTimer(_ id: UInt32, after span: TimeSpan, _ now: MonotonicInstant) {
        guard var timer = self.desk.tasks[id]?.timer else { return }
        self.transactions.stopTimer(&timer)
        timer = self.transactions.setTimer(at: now.advanced(by: span), payload: Self.deskTimer | UInt64(id))
        self.desk.tasks[id]?.timer = timer
    }

    // MARK: Events

    /// A timer of the desk has fired.
    mutating func deskTimerFired(_ id: UInt32, _ workspace: inout Workspace) {
        guard let task = self.desk.tasks[id] else { return }
        self.desk.tasks[id]?.timer = -1
        switch task.phase {
        case .idle:
            // Both have the same contact: what is taken back late would take the new one along.
            if !task.isLeaving, let user = task.registration?.user,
                self.desk.tasks.values.contains(where: { $0.isLeaving && $0.registration?.user == user })
            {
                return self.setDeskTimer(id, after: .seconds(1), workspace.now)
            }
            self.startTask(id, &workspace)
        case .resolving, .waiting:
            self.transactions.abandon(client: task.client)
            self.taskFailed(id, retryAfter: nil, &workspace)
        }
    }

    private mutating func startTask(_ id: UInt32, _ workspace: inout Workspace) {
        guard let task = self.desk.tasks[id],
            let uri = try? URIIndex(parsing: task.uri.span, in: 0..<task.uri.count),
            let hop = NextHop(uri, task.uri.span)
        else { return self.taskFailed(id, retryAfter: nil, &workspace) }
        var actions: [ServerSelection.Action] = []
        let selection = ServerSelection(
            hop, capabilities: self.proxy.capabilities, seed: self.transactions.randomNumber(), at: workspace.now,
            memory: &self.desk.memory, into: &actions)
        self.desk.tasks[id]?.selection = selection
        self.desk.tasks[id]?.challenges = 0
        self.ask(actions, id, &workspace)
        self.advanceTask(id, &workspace)
    }

    private func ask(_ actions: [ServerSelection.Action], _ id: UInt32, _ workspace: inout Workspace) {
        for case .query(let number, let question) in actions {
            let asked = ProxyQuestion(resolution: Self.deskResolution | UInt64(id), id: number, question: question)
            workspace.questions.append((self.number, asked))
        }
    }

    /// The DNS has answered a question of the desk.
    mutating func deskAnswered(_ question: ProxyQuestion, _ answer: DNSAnswer, _ workspace: inout Workspace) {
        let id = UInt32(truncatingIfNeeded: question.resolution)
        guard var task = self.desk.tasks[id], var selection = task.selection else { return }
        var actions: [ServerSelection.Action] = []
        selection.handle(answer, to: question.id, at: workspace.now, memory: &self.desk.memory, into: &actions)
        task.selection = selection
        self.desk.tasks[id] = task
        self.ask(actions, id, &workspace)
        if case .resolving = task.phase { self.advanceTask(id, &workspace) }
    }

    /// Sends the request to the next server of its target, or waits for one, or gives up.
    private mutating func advanceTask(_ id: UInt32, _ workspace: inout Workspace) {
        while var selection = self.desk.tasks[id]?.selection {
            var actions: [ServerSelection.Action] = []
            let outcome = selection.next(at: workspace.now, memory: &self.desk.memory, into: &actions)
            self.desk.tasks[id]?.selection = selection
            self.ask(actions, id, &workspace)
            switch outcome {
            case .waiting:
                self.desk.tasks[id]?.phase = .resolving
                return self.setDeskTimer(id, after: Self.resolutionPatience, workspace.now)
            case .exhausted: return self.taskFailed(id, retryAfter: nil, &workspace)
            case .target(let server):
                self.desk.tasks[id]?.server = server
                if self.sendTask(id, to: server, &workspace) { return }
            }
        }
    }

    private mutating func sendTask(_ id: UInt32, to server: ServerAddress, _ workspace: inout Workspace) -> Bool {
        let method: Method.Code = self.desk.tasks[id]?.target == nil ? .register : .options
        guard
            let endpoint = self.settings.proxy.endpoint(
                for: server.transport, to: server.address.ip, preferred: 0),
            let client = self.transactions.openClient(method: method, owner: Self.deskOwner | UInt64(id))
        else { return false }
        self.desk.tasks[id]?.cseq += 1
        let start = workspace.outbox.octets.count
        var branch: [UInt8] = []
        self.transactions.writeBranch(client, loopHash: 0, into: &branch)
        if var task = self.desk.tasks[id] {
            let writer = TrunkRequest(
                endpoint: self.settings.proxy.endpoints[Int(endpoint)], branch: branch,
                domain: self.settings.domains.first ?? [], product: self.settings.product)
            writer.write(&task, into: &workspace.outbox.octets)
            self.desk.tasks[id] = task
        }
        let flow = Flow(endpoint: endpoint, transport: server.transport, remote: server.address)
        // The certificate must be for what was looked up, whatever the DNS has made of it (RFC 5922 §7.3).
        let isNamed = server.transport.isSecure && server.identity.address == nil
        guard
            self.transactions.sendRequest(
                client, over: flow, to: isNamed ? Array(server.identity.name.utf8) : [], from: start,
                at: workspace.now, into: &workspace.outbox)
        else { return false }
        self.desk.tasks[id]?.client = client
        self.desk.tasks[id]?.phase = .waiting
        if method == .options {
            // By then it has been sent five times.
            let patience = self.desk.tasks[id].flatMap { self.desk.states[$0.trunk]?.settings.patience }
            self.setDeskTimer(id, after: (patience ?? .seconds(4)) * 2, workspace.now)
        } else if var timer = self.desk.tasks[id]?.timer {
            self.transactions.stopTimer(&timer)
            self.desk.tasks[id]?.timer = timer
        }
        return true
    }

    /// A request of the desk had no answer, or did not go out: the next server of the same name may answer.
    mutating func deskUnanswered(_ owner: UInt64, _ client: TransactionID, _ workspace: inout Workspace) {
        let id = UInt32(truncatingIfNeeded: owner)
        guard let task = self.desk.tasks[id], task.client == client else { return }
        if let server = task.server { self.desk.memory.noteUnreachable(server, at: workspace.now) }
        self.advanceTask(id, &workspace)
    }

    /// A request of the desk was answered.
    mutating func deskReceived(_ octets: Span<UInt8>, owner: UInt64, _ workspace: inout Workspace) {
        let id = UInt32(truncatingIfNeeded: owner)
        let status = workspace.index.statusCode
        guard status >= 200, let task = self.desk.tasks[id] else { return }
        var retryAfter: UInt32?
        if let value = workspace.index.value(.retryAfter) {
            retryAfter = (try? RetryAfter(parsing: octets, in: value.range, field: .retryAfter))?.seconds
        }
        guard task.target == nil else {
            // Whatever it answers, it is there; but 503 says that it takes no calls, and 408 that another one is not.
            if status == 503 || status == 408 { return self.taskFailed(id, retryAfter: retryAfter, &workspace) }
            let interval = self.desk.states[task.trunk]?.settings.probeInterval
            return self.taskSucceeded(id, after: interval ?? .seconds(60), &workspace)
        }
        switch status {
        case 200..<300 where task.isLeaving: return self.removeTask(id)
        case 200..<300:
            let granted = workspace.index.grantedExpires(octets) ?? task.expires
            self.desk.tasks[id]?.isRegistered = true
            self.desk.tasks[id]?.failures = 0
            // A tenth before the end, and half a minute at least where there is so much.
            let early = Swift.max(granted / 10, Swift.min(30, granted / 2))
            self.taskSucceeded(id, after: .seconds(Int64(Swift.max(granted - early, 1))), &workspace)
        case 401, 407:
            guard let registration = task.registration, task.challenges < 2 else { break }
            let credentials = TrunkSettings.Credentials(user: registration.user, password: registration.password)
            let answer = ChallengeAnswer(
                octets, workspace.index, credentials, cnonce: self.transactions.randomNumber())
            // Refused once more with a fresh nonce, the password is wrong.
            guard let answer, task.challenges == 0 || answer.isStale, let server = task.server else { break }
            self.desk.tasks[id]?.answer = answer
            self.desk.tasks[id]?.challenges += 1
            if self.sendTask(id, to: server, &workspace) { return }
        case 423 where !task.isLeaving:
            guard let value = workspace.index.value(.minExpires), let server = task.server,
                let least = try? UInt32(parsing: octets, in: value.range, field: .minExpires), least > task.expires,
                task.challenges < 2
            else { break }
            self.desk.tasks[id]?.expires = least
            self.desk.tasks[id]?.challenges += 1
            if self.sendTask(id, to: server, &workspace) { return }
        default: break
        }
        if status >= 300 { self.taskFailed(id, retryAfter: retryAfter, &workspace) }
    }

    private mutating func taskSucceeded(_ id: UInt32, after span: TimeSpan, _ workspace: inout Workspace) {
        guard let task = self.desk.tasks[id] else { return }
        if let target = task.target { self.desk.report(task.trunk, target: target, .answered, at: workspace.now) }
        self.rest(id, for: span, workspace.now)
    }

    private mutating func taskFailed(_ id: UInt32, retryAfter: UInt32?, _ workspace: inout Workspace) {
        guard let task = self.desk.tasks[id] else { return }
        // Whoever could not be told forgets the binding when it has expired.
        if task.isLeaving { return self.removeTask(id) }
        if let target = task.target {
            if let retryAfter {
                self.desk.report(task.trunk, target: target, .refused(seconds: retryAfter), at: workspace.now)
            } else {
                self.desk.report(task.trunk, target: target, .missed, at: workspace.now)
            }
            let interval = self.desk.states[task.trunk]?.settings.probeInterval ?? .seconds(60)
            return self.rest(id, for: interval, workspace.now)
        }
        let pause = task.pause(random: self.transactions.randomNumber())
        self.desk.tasks[id]?.isRegistered = false
        self.desk.tasks[id]?.answer = nil
        self.desk.tasks[id]?.failures += 1
        let asked = TimeSpan.seconds(Int64(retryAfter ?? 0))
        self.rest(id, for: Swift.max(pause, asked), workspace.now)
    }

    private mutating func rest(_ id: UInt32, for span: TimeSpan, _ now: MonotonicInstant) {
        self.desk.tasks[id]?.phase = .idle
        self.desk.tasks[id]?.client = .none
        self.desk.tasks[id]?.selection = nil
        self.setDeskTimer(id, after: span, now)
    }

    /// How the trunks are; of the shard with the number 0.
    public func trunkStatus(at now: MonotonicInstant) -> [TrunkStatus] { self.desk.status(at: now) }
}

extension MessageIndex {
    /// For how many seconds the answer to a REGISTER says that the one contact in it lasts (§10.2.4).
    func grantedExpires(_ octets: Span<UInt8>) -> UInt32? {
        if let value = self.value(.contact) {
            var address = AddressIndex()
            let isRead = (try? AddressIndex.parse(octets, in: value.range, field: .contact, into: &address)) != nil
            if isRead, let expires = octets.parameter("expires", in: address.parameters)?.value,
                let seconds = UInt32(octets.string(expires))
            {
                return seconds
            }
        }
        return self.value(.expires).flatMap { try? UInt32(parsing: octets, in: $0.range, field: .expires) }
    }
}
