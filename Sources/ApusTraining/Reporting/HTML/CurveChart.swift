/// Curves over the epochs of a run, as SVG that shows the values of the epoch under the pointer.
package struct CurveChart {
    package struct Curve {
        let name: String
        /// The class that the style sheet colours it by.
        let style: String
        let points: [(epoch: Int, value: Double)]

        package init(name: String, style: String, points: [(epoch: Int, value: Double)]) {
            self.name = name
            self.style = style
            self.points = points
        }
    }

    let title: String
    let curves: [Curve]
    let axis: Axis
    let lastEpoch: Int
    let format: (Double) -> String

    private static let (width, height) = (520.0, 236.0)
    private static let (left, right, top, bottom) = (50.0, 14.0, 24.0, 30.0)
    /// With more epochs than these points are too close to be seen as such,
    private static let mostDots = 40
    /// and those that answer to the pointer are spread.
    private static let mostSpots = 150

    package init(
        _ title: String, _ curves: [Curve], epochs lastEpoch: Int, beginsAtZero: Bool = false,
        limit: Double = .infinity, format: @escaping (Double) -> String
    ) {
        self.title = title
        self.curves = curves.filter { !$0.points.isEmpty }
        self.lastEpoch = lastEpoch
        self.format = format
        axis = Axis(
            holding: curves.flatMap { $0.points.map(\.value) }, beginsAtZero: beginsAtZero, limit: limit)
    }

    /// Where an epoch lies, in the picture's own units.
    func x(_ epoch: Double) -> Double {
        let share = lastEpoch > 1 ? (epoch - 1) / Double(lastEpoch - 1) : 0.5 + (epoch - 1)
        return Self.left + share * (Self.width - Self.left - Self.right)
    }

    /// Where a value lies.
    func y(_ value: Double) -> Double {
        Self.top + (1 - axis.share(value)) * (Self.height - Self.top - Self.bottom)
    }

    package func add(to page: inout Markup) {
        page.element("figure", ["class": "chart"]) { page in
            page.element("figcaption") { page in
                page.element("h3", title)
                if curves.count > 1 {
                    page.element("span", ["class": "legend"]) { page in
                        for curve in curves {
                            page.element("span", ["class": "key \(curve.style)"], curve.name)
                        }
                    }
                }
            }
            page.element(
                "svg",
                ["viewBox": "0 0 \(Self.width.short) \(Self.height.short)", "role": "img"]
            ) { svg in
                svg.element("title", summary)
                addAxes(to: &svg)
                curves.forEach { add($0, to: &svg) }
                addSpots(to: &svg)
            }
        }
    }

    /// What the picture shows, for who does not see it.
    private var summary: String {
        let ends = curves.compactMap { curve in
            curve.points.last.map { "\(curve.name) \(format($0.value))" }
        }
        return "\(title) over \(lastEpoch.counted("epoch")), at the end \(ends.joined(separator: ", "))"
    }

    private func addAxes(to svg: inout Markup) {
        let right = (Self.width - Self.right).short
        svg.element("g", ["class": "axes"]) { svg in
            for tick in axis.ticks {
                let y = y(tick)
                let style = tick == axis.ticks[0] ? "base" : "grid"
                svg.element(
                    "line",
                    ["class": style, "x1": Self.left.short, "x2": right, "y1": y.short, "y2": y.short], "")
                svg.element(
                    "text", ["x": (Self.left - 8).short, "y": (y + 3.5).short, "class": "end"],
                    axis.label(tick))
            }
            for epoch in Axis.epochTicks(upTo: lastEpoch) {
                svg.element(
                    "text",
                    [
                        "x": x(Double(epoch)).short, "y": (Self.height - Self.bottom + 17).short,
                        "class": "middle",
                    ], "\(epoch)")
            }
        }
    }

    private func add(_ curve: Curve, to svg: inout Markup) {
        let points = curve.points.map { "\(x(Double($0.epoch)).short),\(y($0.value).short)" }
        svg.element("g", ["class": curve.style]) { svg in
            svg.element("polyline", ["points": points.joined(separator: " ")], "")
            guard curve.points.count <= Self.mostDots else { return }
            for point in curve.points { addDot(point, to: &svg) }
        }
    }

    private func addDot(_ point: (epoch: Int, value: Double), to svg: inout Markup) {
        svg.element(
            "circle", ["cx": x(Double(point.epoch)).short, "cy": y(point.value).short, "r": "2.5"], "")
    }

    /// Stripes that show the values of their epoch while the pointer is over them; no script is needed.
    private func addSpots(to svg: inout Markup) {
        let step = (lastEpoch + Self.mostSpots - 1) / Self.mostSpots
        // The last epoch is among them.
        for epoch in stride(from: lastEpoch, through: 1, by: -step) {
            let found = curves.compactMap { curve in
                curve.points.last { $0.epoch == epoch }.map { (curve, $0) }
            }
            guard !found.isEmpty else { continue }
            let half = Double(step) / 2
            let start = max(x(Double(epoch) - half), Self.left)
            let end = min(x(Double(epoch) + half), Self.width - Self.right)
            let middle = x(Double(epoch)).short
            svg.element("g", ["class": "spot"]) { svg in
                svg.element(
                    "rect",
                    [
                        "x": start.short, "y": "0", "width": (end - start).short,
                        "height": Self.height.short,
                    ], "")
                svg.element("g", ["class": "tip"]) { svg in
                    svg.element(
                        "line",
                        [
                            "x1": middle, "x2": middle, "y1": Self.top.short,
                            "y2": (Self.height - Self.bottom).short,
                        ], "")
                    for (curve, point) in found {
                        svg.element("g", ["class": curve.style]) { addDot(point, to: &$0) }
                    }
                    let values = found.map { curve, point in
                        curves.count > 1 ? "\(curve.name) \(format(point.value))" : format(point.value)
                    }
                    svg.element(
                        "text", ["x": (Self.width - Self.right).short, "y": "12", "class": "end"],
                        "epoch \(epoch): \(values.joined(separator: ", "))")
                }
            }
        }
    }
}

extension Double {
    /// A coordinate to a tenth, without a zero that says nothing.
    var short: String {
        let text = decimals(1)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
