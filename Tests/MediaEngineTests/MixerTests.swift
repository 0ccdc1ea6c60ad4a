import Testing

@testable import MediaEngine

@Suite("The mixer of a conference")
struct MixerTests {
    @Test("Each hears the others and not itself")
    func others() {
        var mixer = Mixer()
        var heard: [[Int16]] = []
        mixer.mix([[1, 2, 3], [10, 20, 30], [100, 200, 300]], into: &heard)
        #expect(heard == [[110, 220, 330], [101, 202, 303], [11, 22, 33]])
    }

    @Test("Two hear each other, one alone hears silence, nobody nothing")
    func few() {
        var mixer = Mixer()
        var heard: [[Int16]] = [[9], [9], [9], [9]]
        mixer.mix([[1, -2], [3]], into: &heard)
        #expect(heard == [[3, 0], [1, -2]])
        mixer.mix([[5, 5]], into: &heard)
        #expect(heard == [[0, 0]])
        mixer.mix([], into: &heard)
        #expect(heard.isEmpty)
    }

    @Test("What is too loud together does not wrap around, keeps its shape, and the level comes back")
    func loud() throws {
        var mixer = Mixer()
        var heard: [[Int16]] = []
        let tone = ToneTests.samples(Tone([400], level: 0), 800)
        mixer.mix([[], tone, tone, tone], into: &heard)
        let crossings = zip(heard[0], heard[0].dropFirst()).filter { ($0 < 0) != ($1 < 0) }.count
        #expect((78...81).contains(crossings))
        let peaks = heard[0].filter { abs(Int($0)) >= 32_700 }.count
        #expect(peaks > 0 && peaks < 200)
        for _ in 0..<20 { mixer.mix([[], [Int16](repeating: 100, count: 800)], into: &heard) }
        #expect(heard[0].last == 99 || heard[0].last == 100)
    }
}
