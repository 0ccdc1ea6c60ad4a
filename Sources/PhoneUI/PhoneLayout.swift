import TerminalUI

/// Where the panes are, by the size of the terminal.
struct PhoneLayout: Hashable, Sendable {
    /// Below this there is no telephone to be shown.
    static let smallest = (columns: 40, rows: 12)
    /// From here on panes stand side by side.
    static let wide = 72

    let header: Rectangle, notice: Rectangle, keys: Rectangle
    /// The panes; `nil` for one that is not shown.
    var calls: Rectangle?, list: Rectangle?, quality: Rectangle?, detail: Rectangle?

    init(columns: Int, rows: Int, pane: PhoneModel.Pane, calls count: Int) {
        self.header = Rectangle(x: 0, y: 0, width: columns, height: 1)
        self.notice = Rectangle(x: 0, y: rows - 2, width: columns, height: 1)
        self.keys = Rectangle(x: 0, y: rows - 1, width: columns, height: 1)
        let body = Rectangle(x: 0, y: 1, width: columns, height: rows - 3)
        let meter = 7
        guard columns >= Self.wide else {
            // One above the other: the calls always, and what someone looks at.
            let upper = Swift.min(Swift.max(4, 2 * count + 2), body.height / 2)
            let lower = Rectangle(x: 0, y: body.y + upper, width: columns, height: body.height - upper)
            self.calls = Rectangle(x: 0, y: body.y, width: columns, height: upper)
            switch pane {
            case .calls where lower.height >= meter: self.quality = lower
            case .detail: self.detail = lower
            default: self.list = lower
            }
            return
        }
        let left = Swift.min(Swift.max(34, columns * 2 / 5), 54)
        let upper = Swift.min(Swift.max(8, 2 * count + 2), body.height / 2)
        self.calls = Rectangle(x: 0, y: body.y, width: left, height: upper)
        self.list = Rectangle(x: 0, y: body.y + upper, width: left, height: body.height - upper)
        let (x, width) = (left, columns - left)
        let hasMeter = body.height >= 16
        if hasMeter { self.quality = Rectangle(x: x, y: body.y, width: width, height: meter) }
        let used = hasMeter ? meter : 0
        self.detail = Rectangle(x: x, y: body.y + used, width: width, height: body.height - used)
    }
}
