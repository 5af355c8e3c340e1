/// A colour of a picture.
public struct Color: Sendable, Hashable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        (self.red, self.green, self.blue) = (red, green, blue)
    }

    public static func grey(_ value: UInt8) -> Color { Color(red: value, green: value, blue: value) }
    public static let black = grey(0)
    public static let white = grey(255)

    /// Colours that are told apart, the first eight by the colour-blind too (Okabe and Ito, 2008, "Color Universal
    /// Design", with a darker yellow, for white paper).
    public static let palette = [
        Color(0x0072B2), Color(0xE69F00), Color(0x009E73), Color(0xD55E00), Color(0x56B4E9), Color(0xCC79A7),
        Color(0x000000), Color(0xC9B800), Color(0x7F3C8D), Color(0x8C564B),
    ]

    /// The colour of one of `count` classes: of the palette, or where that has too few, of the rainbow.
    public static func ofClass(_ index: Int, of count: Int) -> Color {
        count <= palette.count ? palette[index % palette.count] : hue(Double(index) / Double(count))
    }

    /// A clear colour, `turn` of the way from red by green and blue back to red.
    private static func hue(_ turn: Double) -> Color {
        func sample(_ offset: Double) -> UInt8 {
            let place = (turn * 6 + offset).truncatingRemainder(dividingBy: 6)
            return UInt8((217 * max(0, min(1, min(place, 4 - place)))).rounded())
        }
        return Color(red: sample(2), green: sample(0), blue: sample(4))
    }

    init(_ hexadecimal: Int) {
        self.init(
            red: UInt8(hexadecimal >> 16 & 255), green: UInt8(hexadecimal >> 8 & 255),
            blue: UInt8(hexadecimal & 255))
    }

    /// This colour, or with a share of 1 and more the other, or one between.
    func mixed(with other: Color, share: Double) -> Color {
        let share = share > 0 ? min(share, 1) : 0
        func mix(_ from: UInt8, _ to: UInt8) -> UInt8 {
            UInt8((Double(from) + share * (Double(to) - Double(from))).rounded())
        }
        return Color(
            red: mix(red, other.red), green: mix(green, other.green), blue: mix(blue, other.blue))
    }
}
