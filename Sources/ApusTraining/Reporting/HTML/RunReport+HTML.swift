import Foundation

extension RunReport {
    /// The page.
    public var html: String {
        var page = Markup()
        page.addVerbatim("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        page.void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
        page.void("meta", ["name": "color-scheme", "content": "light dark"])
        page.element("title", "\(title): training report")
        page.element("style") { $0.addVerbatim("\n" + Self.style) }
        page.addVerbatim("</head>\n<body>\n<main>\n")
        addHeader(to: &page)
        addCurves(to: &page)
        addScores(to: &page)
        addMistakes(to: &page)
        addFilters(to: &page)
        addNetwork(to: &page)
        addFacts(to: &page)
        addEpochs(to: &page)
        page.addVerbatim("</main>\n</body>\n</html>\n")
        return page.text
    }

    private var title: String { description.title ?? "" }
    private var history: [EpochRecord] { progress.history }

    func section(_ title: String, in page: inout Markup, _ body: (inout Markup) -> Void) {
        page.element("section") { page in
            page.element("h2", title)
            body(&page)
        }
    }

    private func addHeader(to page: inout Markup) {
        page.element("header") { page in
            page.element("p", ["class": "overline"], "Training report")
            page.element("h1", title)
            page.element("p", ["class": "status"], "\(status) Written on \(dateText).")
            page.element("dl", ["class": "figures"]) { page in
                for (name, value, remark) in figures {
                    page.element("div") { page in
                        page.element("dt", name)
                        page.element("dd") { page in
                            page.element("b", value)
                            page.element("span", remark)
                        }
                    }
                }
            }
        }
    }

    private var status: String {
        let (done, all) = (history.count, progress.epochs)
        if done < all, progress.isComplete { return "Stopped early after epoch \(done) of \(all)." }
        if progress.isComplete { return "Complete after \(done.counted("epoch"))." }
        if done == 0 { return "No epoch of \(all) is complete yet." }
        return "Not complete: after epoch \(done) of \(all)."
    }

    private var dateText: String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "yyyy-MM-dd 'at' HH:mm 'UTC'"
        return formatter.string(from: date)
    }

    /// The few numbers that are asked for first.
    private var figures: [(name: String, value: String, remark: String)] {
        var figures: [(name: String, value: String, remark: String)] = []
        if let report = outcome?.report {
            figures.append(
                (
                    "Test accuracy", report.accuracy.decimals(4), "on \(report.sampleCount.counted("image"))"
                ))
            if let loss = report.loss { figures.append(("Test loss", loss.decimals(4), "mean")) }
        }
        if let best = history.best, let accuracy = best.testAccuracy {
            figures.append(("Best accuracy", accuracy.decimals(4), "after epoch \(best.epoch)"))
        }
        if let last = history.last {
            let seconds = history.reduce(0) { $0 + $1.seconds }
            let time = HumanText.duration(seconds: seconds)
            figures.append(("Trained for", time, history.count.counted("epoch")))
            figures.append(("Throughput", HumanText.count(last.imagesPerSecond), "images/s"))
        }
        figures.append(("Parameters", HumanText.count(Double(summary.parameters)), "of the network"))
        return figures
    }

    private func addCurves(to page: inout Markup) {
        guard let last = history.last?.epoch else { return }
        func curve(_ name: String, _ style: String, _ value: (EpochRecord) -> Double?) -> CurveChart.Curve {
            CurveChart.Curve(
                name: name, style: style,
                points: history.compactMap { record in
                    value(record).flatMap { $0.isFinite ? (epoch: record.epoch, value: $0) : nil }
                })
        }
        let charts = [
            CurveChart(
                "Loss", [curve("training", "train") { $0.trainLoss }, curve("test", "test") { $0.testLoss }],
                epochs: last, format: { $0.decimals(4) }),
            CurveChart(
                "Accuracy",
                [curve("training", "train") { $0.trainAccuracy }, curve("test", "test") { $0.testAccuracy }],
                epochs: last, limit: 1, format: { $0.decimals(4) }),
            CurveChart(
                "Learning rate", [curve("learning rate", "plain") { $0.learningRate }], epochs: last,
                beginsAtZero: true, format: { $0.digits(3) }),
            CurveChart(
                "Images a second", [curve("images a second", "plain") { $0.imagesPerSecond }], epochs: last,
                beginsAtZero: true, format: { HumanText.count($0) }),
        ]
        section("Course of the run", in: &page) { page in
            page.element("div", ["class": "charts"]) { page in charts.forEach { $0.add(to: &page) } }
            page.element(
                "p", ["class": "note"],
                "By epochs. Training values are means over the epoch, as its images were seen; test values are "
                    + "of its end."
            )
        }
    }

    private func addMistakes(to page: inout Markup) {
        guard let outcome else { return }
        section("Worst mistakes", in: &page) { page in
            guard !examples.isEmpty else {
                page.element("p", "None: every test image was predicted right.")
                return
            }
            page.element(
                "p", ["class": "note"],
                "Test images whose actual class was thought least likely, worst first: actual and predicted "
                    + "class, with the probability of the latter."
            )
            let names = outcome.report.perClass.map(\.name)
            page.element("div", ["class": "mistakes"]) { page in
                for example in examples { add(example, names, to: &page) }
            }
        }
    }

    private func add(_ example: Example, _ names: [String], to page: inout Markup) {
        let mistake = example.mistake
        let (actual, predicted) = (names[mistake.actual], names[mistake.predicted])
        let title =
            "Test image \(mistake.image): \(actual), predicted as \(predicted), loss \(mistake.loss.decimals(2))"
        page.element("figure") { page in
            page.element("div", ["class": "frame"]) { page in
                if let picture = example.picture {
                    let isSmall = max(picture.height, picture.width) <= 64
                    page.addImage(
                        picture, alt: "Test image \(mistake.image)", style: isSmall ? "pixels" : "photo")
                } else {
                    page.element("span", "cannot be read")
                }
            }
            page.element("figcaption", ["title": title]) { page in
                page.element("span", ["class": "actual"], actual)
                page.element("span", ["class": "predicted"], "→ \(predicted)")
                page.element("span", ["class": "sure"], "\((100 * mistake.confidence).decimals(1)) %")
            }
        }
    }

    private func addFilters(to page: inout Markup) {
        guard let filters else { return }
        section("First filters", in: &page) { page in
            page.element(
                "p", ["class": "note"],
                "What \(filters.name) looks for. Zero is the middle grey; the greatest weight of all is black "
                    + "or white.")
            page.element("div", ["class": "filters"]) { page in
                for (index, image) in filters.filters.joined().enumerated() {
                    page.addImage(image, alt: "Filter \(index)", style: "pixels")
                }
            }
        }
    }

    private func addFacts(to page: inout Markup) {
        guard !description.facts.isEmpty || description.command != nil else { return }
        section("How it was made", in: &page) { page in
            page.element("div", ["class": "facts"]) { page in
                for facts in description.facts where !facts.rows.isEmpty {
                    page.element("div") { page in
                        page.element("h3", facts.title)
                        page.element("dl") { page in
                            for row in facts.rows {
                                page.element("dt", row.name)
                                page.element("dd", row.text)
                            }
                        }
                    }
                }
            }
            if let command = description.command {
                page.element("h3", "Command to repeat the run")
                page.element("pre", ["tabindex": "0"], command)
            }
        }
    }
}
