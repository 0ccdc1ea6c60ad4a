import Foundation

/// A page that needs nothing but itself.
struct Page {
    private var body: [String] = []
    private let title: String

    init(title: String) { self.title = title }

    mutating func add(_ html: String) { self.body.append(html) }

    /// Adds a picture with its heading, where there is something to draw.
    mutating func add(_ plot: Plot, note: String = "") {
        guard let svg = plot.svg else { return }
        self.add("<section><h2>\(Self.escaped(plot.title))</h2>")
        if !note.isEmpty { self.add("<p class=\"note\">\(Self.escaped(note))</p>") }
        self.add(svg + "</section>")
    }

    /// Adds a table; cells are text.
    mutating func addTable(_ heading: String, _ columns: [String], _ rows: [[String]]) {
        guard !rows.isEmpty else { return }
        func cells(_ row: [String], _ tag: String) -> String {
            "<tr>" + row.map { "<\(tag)>\(Self.escaped($0))</\(tag)>" }.joined() + "</tr>"
        }
        self.add("<section><h2>\(Self.escaped(heading))</h2><table><thead>\(cells(columns, "th"))</thead><tbody>")
        for row in rows { self.add(cells(row, "td")) }
        self.add("</tbody></table></section>")
    }

    /// The page.
    var html: String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(Self.escaped(self.title))</title><style>\(Self.style)</style></head><body><main>
        \(self.body.joined(separator: "\n"))
        </main></body></html>

        """
    }

    /// Text within HTML.
    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1c2430;--soft:#5c6675;--line:#d9dee6;--back:#fff;--card:#f6f8fa;
        --c0:#2463c9;--c1:#1a8754;--c2:#c8323c;--c3:#8a4bbf}
        @media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa5b4;--line:#333c48;--back:#14181e;--card:#1d232b;
        --c0:#6ea1f2;--c1:#4cc38a;--c2:#f0717a;--c3:#bf94e8}}
        body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,"Helvetica Neue",Arial,sans-serif}
        main{max-width:860px;margin:0 auto;padding:28px 18px 60px}
        h1{font-size:1.5rem;line-height:1.25;margin:0 0 4px} h2{font-size:1.05rem;margin:0 0 4px}
        p.note,p.sub{color:var(--soft);margin:0 0 8px;font-size:.9rem}
        section{margin-top:30px} svg{width:100%;height:auto;display:block}
        svg text{fill:var(--soft);font-size:11px} .grid{stroke:var(--line);stroke-width:1} .axis{stroke:var(--soft);stroke-width:1}
        polyline{fill:none;stroke-width:1.8;stroke-linejoin:round}
        .l0{stroke:var(--c0)}.l1{stroke:var(--c1)}.l2{stroke:var(--c2)}.l3{stroke:var(--c3)}
        .f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}
        .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:10px;margin-top:18px}
        .figures div{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 12px}
        .figures b{display:block;font-size:1.3rem;line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums}
        .figures span{color:var(--soft);font-size:.82rem} .bad b{color:var(--c2)}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
        th,td{text-align:right;padding:4px 10px;border-bottom:1px solid var(--line)} th{color:var(--soft);font-weight:500}
        th:first-child,td:first-child{text-align:left}
        """
}
