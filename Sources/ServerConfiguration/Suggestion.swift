/// Finds what someone may have meant.
public enum Suggestion {
    /// `: did you mean "minExpires"?`, or the known words where none is near.
    static func text(for word: String, among known: [String]) -> String {
        if let nearest = self.nearest(to: word, among: known) { return ": did you mean \"\(nearest)\"?" }
        return known.isEmpty ? "" : ": known is \(Shape.enumeration(known))"
    }

    /// The known word that the fewest typing errors turn into `word`, unless these are more than a third of it.
    public static func nearest(to word: String, among known: [String]) -> String? {
        let limit = max(1, word.count / 3)
        let ranked = known.map { (word: $0, distance: self.distance($0.lowercased(), word.lowercased())) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= limit else { return nil }
        return best.word
    }

    /// How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`.
    static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a), Array(b))
        var rows = [Array(0...b.count)]
        for (i, x) in a.enumerated() {
            var row = [i + 1]
            for (j, y) in b.enumerated() {
                var best = min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + (x == y ? 0 : 1))
                if i > 0, j > 0, x == b[j - 1], a[i - 1] == y { best = min(best, rows[i - 1][j - 1] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
