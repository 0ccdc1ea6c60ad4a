public import CallRouting
public import SIPMessages

/// A gateway to another network, or several that take each other's place.
public struct TrunkSettings: Sendable {
    /// A user name and password.
    public struct Credentials: Sendable {
        /// The user name.
        public var user: String
        /// The password. It goes into digests only.
        public var password: String

        /// A user name and password.
        public init(user: String, password: String) { (self.user, self.password) = (user, password) }
    }

    /// How we register there.
    public struct Registration: Hashable, Sendable {
        /// The user part of our address there.
        public var user: String
        /// Its domain; `nil` for the host of the first target.
        public var domain: String?
        /// The password.
        public var password: String
        /// How long a registration is asked for, in seconds.
        public var expires: UInt32

        /// A registration.
        public init(user: String, domain: String? = nil, password: String, expires: UInt32 = 3600) {
            (self.user, self.domain, self.password, self.expires) = (user, domain, password, expires)
        }
    }

    /// The most targets of a trunk; what is beyond is never tried.
    public static let maximumTargets = 64

    /// Its name.
    public var name: String
    /// The gateways' URIs in the order they are tried.
    public var targets: [[UInt8]]
    /// The answers after which the next target is tried.
    public var failover: [ClosedRange<UInt16>] = [503...503, 500...599, 408...408]
    /// How long a target may be silent before the next is tried besides.
    public var patience: TimeSpan = .seconds(4)
    /// How many calls may use it at a time; `nil` for any number.
    public var lines: Int?
    /// When a call is forgotten whose end was not seen.
    public var longestCall: TimeSpan = .seconds(14_400)
    /// How often each target is asked whether it is there; `nil` for never.
    public var probeInterval: TimeSpan?
    /// How we register there, if we do.
    public var registration: Registration?
    /// How calls answer when a target asks for a password, if they can.
    public var credentials: Credentials?
    /// Where its calls come from.
    public var allow: [AddressBlock] = []
    /// The domains whose certificates its calls come with.
    public var domains: [String] = []
    /// Where its calls go, before the plan of all.
    public var inbound = DialPlan()

    /// A trunk with these targets; the rest has defaults.
    public init(_ name: String, targets: [String]) {
        self.name = name
        self.targets = targets.prefix(Self.maximumTargets).map { Array($0.utf8) }
    }

    /// Whether a call goes on to the next target after this answer.
    func failsOver(after status: UInt16) -> Bool { self.failover.contains { $0.contains(status) } }
}

extension ServerSettings {
    /// The URIs that a number is dialled with by a trunk, in the order they are tried.
    public func trunkURIs(_ name: String, number: [UInt8]) -> [String] {
        (self.trunk(named: name)?.targets ?? []).map { target in
            var uri: [UInt8] = []
            CallShard.appendURI(of: target, number: number[...], into: &uri)
            return String(decoding: uri, as: UTF8.self)
        }
    }
}
