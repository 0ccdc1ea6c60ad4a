import TerminalUI

extension PhoneModel {
    /// How long after a click another one at the same place makes it double.
    private static let doubleClick: Int64 = 500

    mutating func handle(_ mouse: Mouse, into actions: inout [PhoneAction]) {
        if self.overlay != nil { return self.handleOverlay(mouse, into: &actions) }
        let target = PhoneView(self).frame().target(x: mouse.x, y: mouse.y)
        switch mouse.action {
        case .released: return
        case .wheelUp, .wheelDown:
            if let pane = target?.pane { self.pane = pane }
            self.move(by: mouse.action == .wheelUp ? -1 : 1)
        case .pressed:
            guard mouse.button == 0, let target else { return }
            let isDouble = self.lastClick.map { last in
                last.x == mouse.x && last.y == mouse.y && self.now.uptime - last.at <= Self.doubleClick
            }
            self.lastClick = isDouble == true ? nil : (mouse.x, mouse.y, self.now.uptime)
            self.click(target, isDouble: isDouble == true, into: &actions)
        }
    }

    private mutating func click(_ target: PhoneFrame.Target, isDouble: Bool, into actions: inout [PhoneAction]) {
        switch target {
        case .key(let key): return self.handle(key, into: &actions)
        case .tab(let number): return self.choose(Tab(rawValue: number) ?? .history)
        case .call(let name): (self.pane, self.selectedCall, self.selectedTrace) = (.calls, name, nil)
        case .row(let number):
            self.pane = .list
            self.selections[self.tab] = number
            self.readConversation()
        case .trace(let number): (self.pane, self.selectedTrace) = (.detail, number)
        case .pane(let number): self.pane = Pane(rawValue: number) ?? .calls
        }
        if isDouble { self.open(into: &actions) }
    }

    private mutating func handleOverlay(_ mouse: Mouse, into actions: inout [PhoneAction]) {
        switch mouse.action {
        case .released: break
        case .wheelUp: self.overlay = self.overlay?.scrolled(by: -3)
        case .wheelDown: self.overlay = self.overlay?.scrolled(by: 3)
        case .pressed:
            if case .question? = self.overlay {
                // Its answers are keys; beside them nothing happens.
                if case .key(let key)? = PhoneView(self).frame().target(x: mouse.x, y: mouse.y) {
                    self.handle(key, into: &actions)
                }
                return
            }
            self.overlay = nil
        }
    }
}
