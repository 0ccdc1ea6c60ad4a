import TerminalUI

extension PhoneView {
    func calls(_ place: Rectangle, _ frame: inout PhoneFrame) {
        let count = self.model.calls.count(where: { !$0.isOver })
        let inner = self.pane(.calls, count == 0 ? "Calls" : "Calls \(count)", place, &frame)
        guard !self.model.calls.isEmpty else {
            frame.screen.put(" no call: d dials", in: inner.row(inner.height / 2), Theme.faint)
            return
        }
        let visible = Swift.max(1, inner.height / 2)
        let selected = self.model.calls.firstIndex { $0.name == self.model.selectedCall } ?? 0
        let first = Swift.max(0, Swift.min(selected - visible + 1, self.model.calls.count - visible))
        for (row, call) in self.model.calls.dropFirst(first).prefix(visible).enumerated() {
            let lines = Rectangle(
                x: inner.x, y: inner.y + 2 * row, width: inner.width, height: Swift.min(2, inner.height))
            self.call(call, lines, &frame)
            frame.add(.call(call.name), lines)
        }
    }

    private func call(_ call: PhoneCall, _ place: Rectangle, _ frame: inout PhoneFrame) {
        let isSelected = call.name == self.model.selectedCall
        let (state, style) = self.state(of: call)
        let width = TextWidth.columns(of: state)
        let name = (isSelected ? "▶ " : "  ") + self.model.name(of: call)
        frame.screen.put(TextWidth.fitted(name, to: place.width - width - 1), x: place.x, y: place.y, Theme.strong)
        frame.screen.put(state, x: place.x + place.width - width, y: place.y, style)
        if place.height > 1 {
            let below = place.row(1)
            frame.screen.put("  " + self.below(call), in: below, call.note.isEmpty ? Theme.faint : Theme.fair)
        }
        if isSelected, self.model.pane == .calls {
            frame.screen.restyle(place.row(0), Theme.selected)
        }
    }

    /// How a call stands, in a word or a time.
    private func state(of call: PhoneCall) -> (String, Style) {
        switch call.state {
        case .calling(let text): return ("◌ " + TextWidth.clipped(text, to: 16), Theme.fair)
        case .incoming: return ("↘ rings", Theme.bad)
        case .answering: return ("◌ answering", Theme.fair)
        case .over(let reason): return ("✕ " + TextWidth.clipped(reason, to: 16), Theme.faint)
        case .active:
            let length = PhoneTime.length(seconds: call.seconds(at: self.model.now))
            if call.isHeld { return ("‖ held \(length)", Theme.fair) }
            return (call.isInConference ? "● conf \(length)" : "● \(length)", Theme.good)
        }
    }

    /// What else there is to say of a call.
    private func below(_ call: PhoneCall) -> String {
        var words: [String] = []
        if call.isMuted { words.append("muted") }
        if call.recording != nil { words.append("REC") }
        if call.isHeldByPeer { words.append("holds us") }
        if !call.sentKeys.isEmpty { words.append("keys \(call.sentKeys.suffix(8))") }
        if !call.receivedKeys.isEmpty { words.append("got \(call.receivedKeys.suffix(8))") }
        // The address, unless it stands above already.
        let address = Address.short(call.peer)
        let origin = call.isOutgoing ? "we have called" : "has called us"
        let text = call.note.isEmpty ? (self.model.name(of: call) == address ? origin : address) : call.note
        return words.isEmpty ? text : words.joined(separator: " ") + "  " + text
    }

    // MARK: Quality

    func quality(_ place: Rectangle, _ frame: inout PhoneFrame) {
        let call = self.model.current
        let title = call.map { "Sound of \(self.model.name(of: $0))" } ?? "Sound"
        let inner = self.pane(nil, title, place, &frame)
        frame.add(.pane(PhoneModel.Pane.calls.rawValue), place)
        guard let call, let quality = call.quality, call.answered != nil else {
            let text = call == nil ? " no call" : " nothing to be heard yet"
            frame.screen.put(text, in: inner.row(inner.height / 2), Theme.faint)
            return
        }
        let label = 7
        let bar = Swift.max(6, Swift.min(30, inner.width - label - 26))
        self.meter("heard", quality.heardLevel, inner.row(0), label, bar, &frame)
        self.meter(
            call.isMuted ? "muted" : "sent", call.isMuted ? nil : quality.sentLevel, inner.row(1), label, bar, &frame)
        let right = inner.x + label + bar + 9
        let mos = quality.mos.map { "MOS \(Figures.decimal($0))" } ?? "MOS –"
        frame.screen.put(mos, x: right, y: inner.y, quality.mos.map { Theme.score($0).bold } ?? Theme.faint)
        let peer = quality.peerMOS.map { "there \(Figures.decimal($0))" } ?? "there –"
        frame.screen.put(peer, x: right, y: inner.y + 1, quality.peerMOS.map { Theme.score($0) } ?? Theme.faint)
        frame.screen.put(Self.figures(quality), in: inner.row(2))
        let codec = quality.codec.isEmpty ? "no sound" : quality.codec
        let safety = quality.encryption.isEmpty ? "not encrypted" : quality.encryption
        let x = inner.x + frame.screen.put(codec + "  ", x: inner.x, y: inner.y + 3, width: inner.width, Theme.accent)
        frame.screen.put(
            TextWidth.clipped(safety, to: inner.x + inner.width - x), x: x, y: inner.y + 3,
            quality.encryption.isEmpty ? Theme.faint : Theme.good)
        if inner.height > 4, let last = call.scores.last {
            let room = Swift.max(0, inner.width - 8)
            frame.screen.put("MOS", x: inner.x, y: inner.y + 4, Theme.faint)
            frame.screen.put(
                Figures.line(call.scores.suffix(room)), x: inner.x + label, y: inner.y + 4, Theme.score(last))
        }
    }

    private func meter(
        _ name: String, _ level: Double?, _ row: Rectangle, _ label: Int, _ bar: Int, _ frame: inout PhoneFrame
    ) {
        frame.screen.put(name, x: row.x, y: row.y, Theme.faint)
        // Speech is between 50 and 5 dB below the loudest.
        let share = level.map { ($0 + 55) / 55 } ?? 0
        let style = share > 0.93 ? Theme.bad : share > 0.8 ? Theme.fair : Theme.good
        frame.screen.put(
            Figures.bar(share, columns: bar), x: row.x + label, y: row.y, level == nil ? Theme.faint : style)
        let text = level.map { $0 > -90 ? "\(Figures.decimal($0, 0)) dB" : "silent" } ?? "–"
        frame.screen.put(TextWidth.fitted(text, to: 7, atEnd: true), x: row.x + label + bar + 1, y: row.y)
    }

    private static func figures(_ quality: PhoneQuality) -> String {
        var parts = ["loss \(Figures.decimal(quality.loss)) %"]
        if let loss = quality.peerLoss { parts[0] += " / \(Figures.decimal(loss)) %" }
        parts.append("jitter \(quality.jitter) ms")
        if let time = quality.roundTrip { parts.append("trip \(time) ms") }
        return parts.joined(separator: "  ")
    }
}
