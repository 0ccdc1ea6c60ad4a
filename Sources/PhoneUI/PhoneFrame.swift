public import TerminalUI

/// A picture of the telephone, and what lies where for the mouse.
public struct PhoneFrame: Sendable {
    /// What a place stands for.
    enum Target: Hashable, Sendable {
        case key(Key)
        case tab(Int)
        case call(String)
        case row(Int)
        case trace(Int)
        case pane(Int)

        /// The pane that it is in.
        var pane: PhoneModel.Pane? {
            switch self {
            case .key: nil
            case .call: .calls
            case .tab, .row: .list
            case .trace: .detail
            case .pane(let number): PhoneModel.Pane(rawValue: number)
            }
        }
    }

    /// The picture.
    public internal(set) var screen: Screen
    var targets: [(place: Rectangle, target: Target)] = []

    init(columns: Int, rows: Int) { self.screen = Screen(columns: columns, rows: rows) }

    mutating func add(_ target: Target, _ place: Rectangle) { self.targets.append((place, target)) }

    /// What is at a place: what was drawn last lies above.
    func target(x: Int, y: Int) -> Target? { self.targets.last { $0.place.contains(x: x, y: y) }?.target }
}
