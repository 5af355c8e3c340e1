import Foundation

extension Int {
    /// Digits in groups of three: `61,706`.
    package var grouped: String {
        let digits = String(magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return (self < 0 ? "-" : "") + text
    }

    /// An amount of memory in three digits: `640 B`, `94.1 kB`, `1.25 MB`; units go by thousands.
    package var bytes: String {
        if self < 1000 { return "\(self) B" }
        var value = Double(self)
        var units = ["B", "kB", "MB", "GB", "TB"][...]
        while value >= 999.5, units.count > 1 {
            value /= 1000
            units.removeFirst()
        }
        let decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
        return String(format: "%.\(decimals)f %@", value, units[units.startIndex])
    }

    /// `1 image`, `2 images`; `plural` where an `s` does not do.
    package func counted(_ noun: String, plural: String? = nil) -> String {
        "\(grouped) \(self == 1 ? noun : plural ?? noun + "s")"
    }
}

extension Double {
    package func decimals(_ count: Int) -> String { String(format: "%.\(count)f", self) }

    /// At most `count` digits, without zeros that say nothing: `0.05`, `1e-05`.
    package func digits(_ count: Int) -> String { String(format: "%.\(count)g", self) }

    /// A share as whole percents.
    package var percent: String { "\(Int((self * 100).rounded())) %" }
}
