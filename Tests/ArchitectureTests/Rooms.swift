/// A target under `Sources`: its ring, and what its files may import (`docs/ARCHITECTURE.md`).
struct Room {
    /// The rings from the inside out. A room sees its own ring and those within.
    enum Ring: Int, Comparable {
        case types, core, roles, drivers, kit, programs

        static func < (left: Ring, right: Ring) -> Bool { left.rawValue < right.rawValue }
    }

    let name: String
    let ring: Ring
    /// Other rooms that its files may import.
    let rooms: Set<String>
    /// Modules from outside that its files may import.
    let foreign: Set<String>

    init(_ name: String, _ ring: Ring, _ rooms: Set<String> = [], foreign: Set<String> = []) {
        (self.name, self.ring, self.rooms, self.foreign) = (name, ring, rooms, foreign)
    }

    /// Every folder under `Sources`.
    static let all: [Room] = [
        Room("SIPMessages", .types),
        // An atomic value is how a struct says that it must not be copied (`InPlace`).
        Room("Containers", .types, foreign: ["Synchronization"]),
        Room("SDP", .types, ["SIPMessages"]),
        Room("RTP", .types, ["SIPMessages"]),
        Room("MediaKeying", .types),
        Room("TerminalUI", .types),
        Room("PhoneUI", .roles, ["TerminalUI"]),
        Room("SIPTransactions", .core, ["SIPMessages", "Containers"]),
        Room("SIPRouting", .core, ["SIPMessages"]),
        // Hashing is the one thing that a protocol room takes from outside.
        Room("SIPAuthentication", .core, ["SIPMessages", "Containers"], foreign: ["Crypto"]),
        Room("CallRouting", .roles, ["SIPMessages"]),
        Room("SIPDialogs", .core, ["SIPMessages"]),
        Room("AgentCore", .roles, ["SIPMessages", "SIPTransactions", "SIPDialogs"]),
        Room("LoadCore", .roles, ["SIPMessages", "Containers", "SIPTransactions"]),
        Room("ProxyCore", .roles, ["SIPMessages", "Containers", "SIPTransactions", "SIPRouting"]),
        Room("LocationService", .roles, ["SIPMessages", "Containers", "SIPTransactions"]),
        Room("CallRecords", .roles, ["SIPMessages", "Containers"]),
        Room(
            "ServerCore", .roles,
            [
                "SIPMessages", "Containers", "SIPTransactions", "SIPRouting", "SIPAuthentication", "ProxyCore",
                "LocationService", "AgentCore", "CallRouting", "CallRecords",
            ]),
        Room("MediaEngine", .roles, ["SIPMessages", "SDP", "RTP"]),
        Room("CLinuxIO", .drivers),
        Room("CAVCodec", .drivers),
        Room("CPortAudio", .drivers),
        Room("CTerminal", .drivers),
        Room("CBCG729", .drivers),
        Room(
            "AudioCodecs", .drivers, ["SDP", "MediaEngine", "CAVCodec", "CBCG729"], foreign: ["COpus", "CSpanDSP"]),
        Room("SRTP", .drivers, ["SIPMessages", "MediaKeying"], foreign: ["COpenSSL"]),
        Room("SystemSockets", .drivers, ["SIPMessages", "CLinuxIO"], foreign: ["Glibc", "Synchronization"]),
        Room(
            "MediaTransport", .drivers,
            ["SIPMessages", "SDP", "RTP", "MediaKeying", "MediaEngine", "SRTP", "CLinuxIO", "SystemSockets"],
            foreign: ["Glibc", "Synchronization"]),
        Room("SystemLibraries", .drivers),
        Room(
            "SignallingTransport", .drivers,
            [
                "SIPMessages", "SIPTransactions", "SIPRouting", "SIPAuthentication", "ProxyCore", "LocationService",
                "AgentCore", "ServerCore", "CallRouting", "CallRecords", "LoadCore", "CLinuxIO", "SystemSockets",
            ],
            foreign: [
                "CCAres", "Crypto", "Glibc", "NIOConcurrencyHelpers", "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL",
                "NIOTLS",
                "NIOWebSocket", "Synchronization",
            ]),
        Room(
            "Persistence", .drivers, ["SIPMessages", "LocationService", "CallRecords"],
            foreign: ["Foundation", "GRDB", "GRDBSQLite", "Glibc", "Musl", "Synchronization"]),
        Room("ServerConfiguration", .drivers, ["SIPMessages", "CallRouting"], foreign: ["Yams"]),
        Room(
            "OperationsHTTP", .drivers,
            foreign: ["Glibc", "HTTPTypes", "Hummingbird", "Logging", "NIOCore"]),
        Room(
            "BiloxiKit", .kit,
            [
                "SIPMessages", "SIPTransactions", "SIPRouting", "SIPAuthentication", "SDP", "RTP", "AgentCore",
                "ProxyCore", "LocationService", "ServerCore", "MediaKeying", "MediaEngine", "MediaTransport",
                "SignallingTransport", "AudioCodecs",
            ], foreign: ["Glibc", "Synchronization"]),
        Room(
            "biloxi", .programs,
            [
                "SIPMessages", "SIPTransactions", "SIPAuthentication", "ProxyCore", "LocationService", "AgentCore",
                "CallRouting", "ServerCore", "SignallingTransport", "MediaTransport", "SDP", "Persistence",
                "ServerConfiguration", "CallRecords", "OperationsHTTP", "BiloxiKit", "LoadCore", "TerminalUI",
                "PhoneUI",
                "CTerminal", "CPortAudio",
            ], foreign: ["ArgumentParser", "Foundation", "Glibc", "Logging", "Synchronization", "Yams"]),
        Room(
            "SIPSimulation", .programs,
            [
                "SIPMessages", "Containers", "SIPTransactions", "SIPAuthentication", "AgentCore",
                "ProxyCore", "LocationService", "ServerCore",
            ]),
        Room(
            "ServerSimulation", .programs,
            [
                "SIPMessages", "SIPTransactions", "SIPRouting", "SIPSimulation", "ProxyCore", "LocationService",
                "AgentCore",
                "ServerCore", "CallRecords",
            ]),
    ]
}
