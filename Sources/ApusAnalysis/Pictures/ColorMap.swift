/// Colours for numbers from 0 to 1.
public struct ColorMap: Sendable, Hashable {
    private let stops: [Color]

    /// A map that passes through `stops`, at equal distances, in straight lines.
    public init(_ stops: [Color]) {
        precondition(!stops.isEmpty, "a colour map without colours")
        self.stops = stops
    }

    /// From black by red and yellow to white: how much.
    public static let heat = ColorMap([
        Color(0x000000), Color(0x5B0A2E), Color(0xB41F24), Color(0xF0681A), Color(0xFBC13A), Color(0xFFFFE0),
    ])
    /// From blue by white to red: to which side of the middle.
    public static let diverging = ColorMap([
        Color(0x1F4E9C), Color(0x7FA8DB), Color(0xF7F7F7), Color(0xE89B84), Color(0xA61C28),
    ])
    /// From black to white.
    public static let grey = ColorMap([.black, .white])

    /// The colour of a number; that of 0 for less, or for none, that of 1 for more.
    public func color(_ value: Double) -> Color {
        guard value > 0 else { return stops[0] }
        let place = min(value, 1) * Double(stops.count - 1)
        let index = min(Int(place), max(0, stops.count - 2))
        return stops[index].mixed(with: stops[min(index + 1, stops.count - 1)], share: place - Double(index))
    }
}
