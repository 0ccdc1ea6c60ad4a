public import CallRecords
public import LocationService
public import ProxyCore
import SIPAuthentication
public import SIPMessages
public import SIPTransactions

/// Which shard has something to do next.
public enum ShardAddress: BitwiseCopyable, Hashable, Sendable {
    /// A shard of calls, by Call-ID.
    case calls(Int)
    /// A shard of locations, by AOR.
    case locations(Int)
}

/// An event that one shard leaves for another. Octets it brings lie in the workspace's mailbox.
enum Post: BitwiseCopyable {
    /// The message at hand, to the shard of its Call-ID.
    case message(shard: Int)
    /// The REGISTER at hand, to the shard of its AOR.
    case register(shard: Int)
    /// Whether the nonce that a shard has issued for a domain was never used so before, for the message at hand, which waits
    /// in another shard for the same purpose.
    case useNonce(shard: ShardAddress, NonceUse, domain: Int, asker: ShardAddress)
    /// The message at hand once more, with the ruling on its nonce.
    case judged(ShardAddress)
    /// Find the bindings of the AOR in `key`, which is empty where only the hash is known.
    case lookUp(shard: Int, hash: UInt64, key: OctetRange, selection: Registrar.Selection, asker: Asker)
    /// The bindings that were asked for.
    case bindings(Asker, block: OctetRange)
    /// A call with the number in `number` wants to go by the trunk whose name lies in `trunk`.
    case seize(trunk: OctetRange, number: OctetRange, takesLine: Bool, Asker)
    /// What the desk says to that.
    case seized(trunk: OctetRange, number: OctetRange, TrunkGrant, Asker)
    /// A line of a trunk is free again.
    case release(trunk: OctetRange)
    /// What a call has learned of a target of a trunk.
    case report(trunk: OctetRange, target: Int, TargetReport)

    var address: ShardAddress {
        switch self {
        case .message(let shard): .calls(shard)
        case .bindings(let asker, _), .seized(_, _, _, let asker): .calls(asker.shard)
        case .seize, .release, .report: .calls(0)
        case .useNonce(let shard, _, _, _), .judged(let shard): shard
        case .register(let shard), .lookUp(let shard, _, _, _, _): .locations(shard)
        }
    }
}

/// The request for which bindings are looked up.
struct Asker: BitwiseCopyable {
    /// The shard of its call.
    var shard: Int
    /// Its transaction; none for an ACK.
    var server: TransactionID
    /// The Max-Breadth that it came with (RFC 5393 §5.3).
    var maxBreadth: UInt32?
    /// What is known of the request.
    var traits: RequestTraits
    /// Whether the bindings are those of a temporary GRUU, which is none any more when there are none (RFC 5627 §5.3).
    var isTemporary = false
    /// Where the AOR lies in the mail whose bindings are asked for.
    var aor = OctetRange.absent
    /// Whether the request has a Route of its own, in whose place no Path may come (RFC 5627 §6.1).
    var hasRoute = false
    /// The status of the answer that tells the caller the bindings; 0 lets the devices ring.
    var redirectStatus: UInt16 = 0
    /// Whether the bindings take the place of a contact that an answer has redirected to.
    var isRedirected = false
    /// Where the request lies in the mail that goes on without a transaction.
    var request = OctetRange.absent
    /// Whether it has asked for a line of a trunk, which is to be given back where it does not use it.
    var takesLine = false
    /// The targets that are tried besides those bindings.
    var otherTargets = OctetRange.absent

    init(shard: Int, server: TransactionID, maxBreadth: UInt32? = nil, traits: RequestTraits = []) {
        (self.shard, self.server, self.maxBreadth, self.traits) = (shard, server, maxBreadth, traits)
    }
}

/// What a thread works with: the message at hand and its index, what is to be sent, and the events on their way from
/// shard to shard. One a thread; used again for every message, it allocates nothing.
public struct Workspace: Sendable {
    /// The index of the message at hand.
    public internal(set) var index = MessageIndex()
    /// Its topmost Via.
    var via = ViaIndex()
    /// The way the message at hand came.
    var flow = Flow(endpoint: 0, transport: .udp, remote: SocketAddress(.loopback, 0))
    /// What the certificate of the sender of the message at hand has proved; `nil` when it has shown none (RFC 5922 §7.4).
    var identities: CertificateIdentities?
    /// What the shard that issued its nonce says about the message at hand.
    var ruling: Authenticator.Ruling?
    /// Where else the connection of the message at hand leads to, as its sender has asked and may (RFC 5923 §8.2).
    public internal(set) var alias: SocketAddress?
    /// The address that the device says it has which has sent the REGISTER at hand, where that is not the one that the
    /// REGISTER came from: a NAT box lies between.
    public internal(set) var claimedAddress: SocketAddress?
    /// Which messages get work done.
    public var admission = Admission()
    /// What the message at hand has done wrong.
    public internal(set) var offence: Offence?
    /// Whether what it has done wrong shows that its sender is where he says: it answers a challenge that was sent there.
    public internal(set) var provesAddress = false
    /// Whether the message at hand has come to its end in reception, as it should.
    public internal(set) var isAbsorbed = false
    /// What is to be sent.
    public var outbox = Outbox()
    /// The present.
    public var now = MonotonicInstant.start
    /// The present on the calendar: milliseconds since 1970, UTC.
    public var wall: Int64 = 0
    /// Changes of bindings that are to be stored, each with the token of its REGISTER.
    public var changes: [(token: UInt64, change: BindingChange)] = []

    /// Records of calls that have been answered, to be stored before the caller learns of it: they stand if the server
    /// does not live to see the end.
    public var answeredCalls: [CallRecord] = []
    /// Records of calls that are over, to be stored.
    public var endedCalls: [CallRecord] = []

    /// Questions to the DNS, each with the shard of calls that wants the answer.
    public var questions: [(shard: Int, question: ProxyQuestion)] = []
    /// What calls of our own want of the media.
    public var media: [MediaRequest] = []

    /// Requests that wait for a decision, or wait no more.
    public var handlerQuestions: [HandlerQuestion] = []

    var posts: [Post] = []
    var nextPost = 0
    /// The octets that posts bring with them.
    var mail: [UInt8] = []
    var targets: [UInt8] = []

    /// An empty workspace.
    public init() {
        self.posts.reserveCapacity(16)
        self.mail.reserveCapacity(8192)
        self.targets.reserveCapacity(8192)
    }

    /// The shard that has something to do next; `nil` when all is done.
    public var next: ShardAddress? {
        // It changes nothing; a workspace that is only lent would be copied.
        mutating get { self.nextPost < self.posts.count ? self.posts[self.nextPost].address : nil }
    }

    /// Takes the next event.
    mutating func takePost() -> Post? {
        guard self.nextPost < self.posts.count else { return nil }
        defer { self.nextPost += 1 }
        return self.posts[self.nextPost]
    }

    /// Forgets the events that are done.
    public mutating func clearPosts() {
        self.posts.removeAll(keepingCapacity: true)
        self.mail.removeAll(keepingCapacity: true)
        self.nextPost = 0
        self.ruling = nil
    }

    /// Asks the shard that issued a nonce whether the message at hand may use it, and has it come again then.
    mutating func ask(_ shard: ShardAddress, about use: NonceUse, domain: Int, for asker: ShardAddress) {
        self.posts.append(.useNonce(shard: shard, use, domain: domain, asker: asker))
    }

    /// Where an answer to the request at hand goes (§18.2.2). With a maddr that is not where it came from.
    var replyAddress: SocketAddress {
        self.via.replyAddress(source: self.flow.remote, isReliable: self.flow.transport.isReliable)
    }

    /// Notes that the request at hand has brought wrong credentials.
    mutating func noteWrongCredentials(_ provesAddress: Bool) {
        (self.offence, self.provesAddress) = (.wrongCredentials, provesAddress)
    }

    /// Answers the request at hand without a transaction (§8.2.7).
    mutating func reply(
        _ octets: Span<UInt8>, _ status: UInt16, _ reason: StaticString, fields: [UInt8] = [], tag: UInt64
    ) {
        // Nothing is ever sent in answer to an ACK.
        guard self.index.method != .ack else { return }
        let start = self.outbox.octets.count
        // A Via that could not be read is given back as it came.
        let isViaRead = !self.via.whole.isEmpty
        self.index.writeResponse(
            status, reason, to: octets, via: self.via, source: isViaRead ? self.flow.remote : nil, toTag: tag,
            into: &self.outbox.octets)
        self.outbox.octets.append(contentsOf: fields)
        self.outbox.octets.endHeader()
        var flow = self.flow
        if isViaRead {
            flow.remote = self.replyAddress
        }
        self.outbox.send(from: start, over: flow)
    }
}
