/// The tones that a caller hears in a country (ITU-T E.180, supplement 2).
public struct CountryTones: Hashable, Sendable {
    /// The tones of a network.
    public enum Signal: Hashable, Sendable, CaseIterable {
        /// The network waits for digits.
        case dial
        /// The telephone rings at the other end.
        case ringback
        /// The other end is in use.
        case busy
        /// The network cannot connect.
        case congestion
    }

    /// Each signal's tone.
    public var dial: Tone, ringback: Tone, busy: Tone, congestion: Tone

    /// The tone of a signal.
    public subscript(_ signal: Signal) -> Tone {
        switch signal {
        case .dial: self.dial
        case .ringback: self.ringback
        case .busy: self.busy
        case .congestion: self.congestion
        }
    }

    private init(
        _ dial: [Double], _ ringback: ([Double], [UInt32]), _ busy: ([Double], [UInt32]),
        _ congestion: ([Double], [UInt32])
    ) {
        self.dial = Tone(dial)
        self.ringback = Tone(ringback.0, cadence: ringback.1)
        self.busy = Tone(busy.0, cadence: busy.1)
        self.congestion = Tone(congestion.0, cadence: congestion.1)
    }

    private init(
        _ frequency: Double, ringback: [UInt32] = [1_000, 4_000], busy: [UInt32] = [500, 500],
        congestion: [UInt32] = [250, 250]
    ) {
        self.init([frequency], ([frequency], ringback), ([frequency], busy), ([frequency], congestion))
    }

    /// The countries of the table, by their code (ISO 3166-1).
    public static var countries: [String] { self.table.keys.sorted() }

    /// The tones of a country; those of ITU-T E.180 §3 (425 Hz) for one that is not in the table.
    public static func of(_ country: String) -> CountryTones {
        self.table[country.uppercased()] ?? CountryTones(425)
    }

    private static let table: [String: CountryTones] = [
        "AU": CountryTones(
            [413, 438], ([413, 438], [400, 200, 400, 2_000]), ([425], [375, 375]), ([425], [375, 375])),
        "BR": CountryTones(425, busy: [250, 250], congestion: [250, 250, 750, 250]),
        "CH": CountryTones(425, congestion: [200, 200]),
        "CN": CountryTones(450, busy: [350, 350], congestion: [700, 700]),
        "DE": CountryTones(425, busy: [480, 480], congestion: [240, 240]),
        "ES": CountryTones(
            425, ringback: [1_500, 3_000], busy: [200, 200], congestion: [200, 200, 200, 200, 200, 600]),
        "FR": CountryTones(440, ringback: [1_500, 3_500]),
        "GB": CountryTones(
            [350, 440], ([400, 450], [400, 200, 400, 2_000]), ([400], [375, 375]), ([400], [400, 350, 225, 525])),
        "IT": CountryTones(425, congestion: [200, 200]),
        "JP": CountryTones([400], ([384, 416], [1_000, 2_000]), ([400], [500, 500]), ([400], [500, 500])),
        "KR": CountryTones(
            [350, 440], ([440, 480], [1_000, 2_000]), ([480, 620], [500, 500]), ([480, 620], [300, 200])),
        "NL": CountryTones(425),
        "RU": CountryTones(425, ringback: [800, 3_200], busy: [400, 400], congestion: [200, 200]),
        "SE": CountryTones(425, ringback: [1_000, 5_000], busy: [250, 250], congestion: [250, 750]),
        "US": CountryTones(
            [350, 440], ([440, 480], [2_000, 4_000]), ([480, 620], [500, 500]), ([480, 620], [250, 250])),
    ]
}
