import CLinuxIO
public import MediaEngine
import SDP
public import SIPMessages
import SRTP
import Synchronization

/// The media of all calls of a program: ports, threads, and the end points that use them.
///
///     let media = try MediaServer(MediaSettings())
///     let echo = media.makeEcho(at: local) { hangUp() }
///     switch echo.answer(offer) { … }
///     echo.stop()
public final class MediaServer: Sendable {
    /// What sockets may use.
    public let settings: MediaSettings

    private let observer: TappedPacket.Observer?
    private let threads: [MediaThread]
    private let ports: Mutex<PortAllocator>
    private let certificate = Mutex<(identity: DTLSIdentity, until: MonotonicInstant)?>(nil)
    /// How long calls get the same certificate: it lets them be told to be of one program (RFC 5763 §8.1).
    private static let certificateLifetime = TimeSpan.seconds(3_600)

    /// Starts the threads.
    ///
    /// - Parameter observer: Shown every packet of the audio of calls; echoes are not shown.
    /// - Throws: `MediaError`.
    public init(_ settings: MediaSettings, observer: TappedPacket.Observer? = nil) throws(MediaError) {
        (self.settings, self.observer) = (settings, observer)
        self.ports = Mutex(try PortAllocator(settings.ports))
        var threads: [MediaThread] = []
        for _ in 0..<Swift.max(1, settings.threads) { threads.append(try MediaThread()) }
        self.threads = threads
        for thread in threads { try thread.start() }
    }

    /// Stops the threads and closes all sockets.
    public func stop() {
        for thread in self.threads { thread.stop() }
    }

    /// Streams that are open.
    public var streamCount: Int { self.threads.reduce(0) { $0 + $1.count } }

    /// Opens the sockets of a stream and gives them to the thread that has fewest.
    func open(at ip: IPAddress) throws(MediaError) -> SocketPair {
        guard self.streamCount < self.settings.maximumStreams else {
            throw MediaError("\(self.settings.maximumStreams) media streams are open: no more are allowed")
        }
        let opened = self.ports.withLock { ports -> Result<SocketPair, MediaError> in
            Result { () throws(MediaError) in try ports.open(at: ip) }
        }
        var pair = try opened.get()
        pair.observer = self.observer
        return pair
    }

    /// The thread that has fewest streams.
    func quietestThread() -> MediaThread? { self.threads.min { $0.count < $1.count } }

    /// The certificate for handshakes of calls that begin now; `nil` where OpenSSL makes none.
    var identity: DTLSIdentity? {
        let now = MonotonicInstant(nanoseconds: cio_monotonic_nanoseconds())
        return self.certificate.withLock { certificate in
            if let certificate, now < certificate.until { return certificate.identity }
            certificate = (try? DTLSIdentity()).map { ($0, now.advanced(by: Self.certificateLifetime)) }
            return certificate?.identity
        }
    }

    /// An end point that returns what it hears; it opens its sockets when it has something to answer.
    ///
    /// - Parameters:
    ///   - local: The address of ours that the peer's signalling came to, where it can reach us.
    ///   - silent: Called once from a thread of the server when nothing has come for `MediaSettings.silence`. The call
    ///     should then be ended.
    public func makeEcho(at local: IPAddress, silent: @escaping @Sendable () -> Void = {}) -> EchoEndpoint {
        EchoEndpoint(self, local, silent)
    }

    /// The audio of a call; it opens its sockets when it has something to describe.
    ///
    /// - Parameters:
    ///   - local: The address of ours where the peer can reach us.
    ///   - formats: The encodings, the preferred first.
    ///   - told: Told what happens, on a thread of the server.
    public func makeAudio(
        at local: IPAddress, formats: [AudioFormat] = AudioFormat.standard,
        told: @escaping @Sendable (AudioEvent) -> Void = { _ in }
    ) -> AudioEndpoint {
        AudioEndpoint(self, local, formats, told)
    }
}
