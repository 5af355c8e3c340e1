import ApusFormats

/// A confusion matrix as a heat map: a table where classes are few, else a picture; and the most frequent confusions.
package struct ConfusionSection {
    private let report: ClassificationReport

    /// Shades of the map. A shade is by the square root of its share, so that rare confusions can be seen.
    private static let shades = 8
    private static let mostClassesInTable = 20
    private static let mostConfusions = 10

    package init(_ report: ClassificationReport) { self.report = report }

    private var names: [String] { report.perClass.map(\.name) }
    var isTable: Bool { names.count <= Self.mostClassesInTable }

    /// The shade of a share of a class: 0 for none at all, otherwise 1 to 8.
    static func shade(_ count: Int, of support: Int) -> Int {
        guard count > 0 else { return 0 }
        return max(1, Int((Double(count).divided(by: support).squareRoot() * Double(shades)).rounded(.up)))
    }

    package func add(to page: inout Markup) {
        page.element("h3", "Confusion matrix")
        if isTable { addTable(to: &page) } else { addPicture(to: &page) }
        page.element("p", ["class": "note scale"]) { page in
            page.add("Share of the actual class: ")
            for shade in 1...Self.shades {
                page.element("i", ["class": "h\(shade)"], "")
            }
            page.add(" 0 to 100 %, shaded by its square root")
        }
    }

    private func addTable(to page: inout Markup) {
        page.region("Confusion matrix") { page in
            page.element("table", ["class": "matrix"]) { page in
                page.element("caption", "A row for each actual class, a column for each predicted one.")
                page.element("thead") { page in
                    page.element("tr") { page in
                        page.element("td", "")
                        for name in names {
                            page.element("th", ["scope": "col", "title": name]) { $0.element("span", name) }
                        }
                    }
                }
                page.element("tbody") { page in
                    for (actual, row) in report.confusion.enumerated() {
                        page.element("tr") { page in
                            page.element("th", ["scope": "row", "title": names[actual]], names[actual])
                            for (predicted, count) in row.enumerated() {
                                let shade = Self.shade(count, of: report.perClass[actual].support)
                                page.element(
                                    "td",
                                    [
                                        "class": "h\(shade)",
                                        "title":
                                            "\(count) of \(names[actual]), predicted as \(names[predicted])",
                                    ], count == 0 ? "" : "\(count)")
                            }
                        }
                    }
                }
            }
        }
    }

    /// The map as a picture, a pixel for each pair of classes.
    private func addPicture(to page: inout Markup) {
        let samples = report.confusion.enumerated().flatMap { actual, row in
            row.flatMap { count in
                Self.colors[Self.shade(count, of: report.perClass[actual].support)]
            }
        }
        let image = PixelImage(height: names.count, width: names.count, channels: 3, samples: samples)
        page.element("figure", ["class": "map"]) { page in
            page.addImage(
                image, alt: "Confusion matrix of \(names.count) classes, as a picture", style: "heat")
            page.element(
                "figcaption",
                "A row for each of the \(names.count) actual classes, from above, a column for each predicted "
                    + "one, from the left.")
        }
    }

    /// The style sheet's shades on white.
    private static let colors: [[UInt8]] = [
        [255, 255, 255], [234, 241, 249], [212, 227, 243], [180, 209, 234], [140, 184, 221], [99, 157, 206],
        [53, 120, 178], [24, 90, 150], [8, 56, 106],
    ]

    /// What was taken for what, the most frequent first.
    package func addMostFrequent(to page: inout Markup) {
        let confusions = report.confusions.prefix(Self.mostConfusions)
        guard !confusions.isEmpty else { return }
        page.element("h3", "Most frequent confusions")
        page.element("table", ["class": "numbers few"]) { page in
            page.element("thead") { page in
                page.element("tr") { page in
                    for (title, style) in [
                        ("Actual", "name"), ("Predicted", "name"), ("Images", ""), ("Share", ""),
                    ] {
                        page.element("th", ["scope": "col", "class": style], title)
                    }
                }
            }
            page.element("tbody") { page in
                for confusion in confusions {
                    let actual = report.perClass[confusion.actual]
                    page.element("tr") { page in
                        page.element("th", ["scope": "row"], actual.name)
                        page.element("td", ["class": "name"], names[confusion.predicted])
                        page.element("td", confusion.count.grouped)
                        page.element(
                            "td",
                            "\((100 * Double(confusion.count).divided(by: actual.support)).decimals(1)) %")
                    }
                }
            }
        }
    }
}
