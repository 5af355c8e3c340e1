import Foundation

/// Numbers written for people.
package enum HumanText {
    /// A span of time: `0.4s`, `42s`, `1m 23s`, `2h 05m`, `1d 03h`.
    package static func duration(seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "?" }
        if seconds < 9.95 { return String(format: "%.1fs", seconds) }
        let total = Int(seconds.rounded())
        let (minutes, hours, days) = (total / 60, total / 3600, total / 86_400)
        if minutes == 0 { return "\(total)s" }
        if hours == 0 { return String(format: "%dm %02ds", minutes, total % 60) }
        if days == 0 { return String(format: "%dh %02dm", hours, minutes % 60) }
        return String(format: "%dd %02dh", days, hours % 24)
    }

    /// Things per second, three digits: `84.2k images/s`.
    package static func rate(_ perSecond: Double, unit: String) -> String {
        "\(count(perSecond)) \(unit)/s"
    }

    /// A quantity in three digits with a decimal prefix: `7.25`, `312`, `84.2k`, `1.25M`.
    package static func count(_ value: Double) -> String {
        guard value.isFinite, value >= 0 else { return "?" }
        var scaled = value
        var prefixes = ["", "k", "M", "G", "T"][...]
        // 999.5 would be written as 1000.
        while scaled >= 999.5, prefixes.count > 1 {
            scaled /= 1000
            prefixes.removeFirst()
        }
        let decimals = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0
        return String(format: "%.\(decimals)f", scaled) + (prefixes.first ?? "")
    }
}

extension String {
    /// At most `width` characters, with an ellipsis where some were cut, and no control characters: names
    /// come from files, and must not move the cursor.
    func cut(to width: Int) -> String {
        let printable = String(map { $0.isControl ? "?" : $0 })
        if printable.count <= width { return printable }
        return width > 0 ? printable.prefix(width - 1) + "…" : ""
    }
}

extension Character {
    fileprivate var isControl: Bool {
        unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
}
