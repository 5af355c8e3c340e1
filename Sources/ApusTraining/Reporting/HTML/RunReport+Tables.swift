import ApusNN

extension RunReport {
    func addScores(to page: inout Markup) {
        guard let report = outcome?.report else { return }
        let confusion = ConfusionSection(report)
        section("Classes", in: &page) { page in
            page.element("div", ["class": report.perClass.count <= 12 ? "pair" : "stack"]) { page in
                page.element("div") { confusion.add(to: &$0) }
                page.element("div") { page in
                    page.element("h3", "Scores")
                    addScoreTable(report, to: &page)
                }
            }
            confusion.addMostFrequent(to: &page)
        }
    }

    private func addScoreTable(_ report: ClassificationReport, to page: inout Markup) {
        page.region("Scores", style: "scroll tall") { page in
            page.element("table", ["class": "numbers"]) { page in
                addHead(["Class", "Precision", "Recall", "F1", "Support"], to: &page)
                page.element("tbody") { page in
                    for scores in report.perClass {
                        addRow(
                            scores.name, [scores.precision, scores.recall, scores.f1], scores.support,
                            to: &page
                        )
                    }
                }
                page.element("tfoot") { page in
                    for (name, scores) in [
                        ("Mean of classes", report.macroAverage),
                        ("Weighted by support", report.weightedAverage),
                    ] {
                        addRow(
                            name, [scores.precision, scores.recall, scores.f1], report.sampleCount, to: &page)
                    }
                }
            }
        }
    }

    private func addRow(_ name: String, _ scores: [Double], _ support: Int, to page: inout Markup) {
        page.element("tr") { page in
            page.element("th", ["scope": "row"], name)
            for score in scores { page.element("td", score.decimals(4)) }
            page.element("td", support.grouped)
        }
    }

    /// - Parameter names: how many columns, from the left, hold words.
    private func addHead(_ titles: [String], names: Int = 1, to page: inout Markup) {
        page.element("thead") { page in
            page.element("tr") { page in
                for (index, title) in titles.enumerated() {
                    page.element("th", ["scope": "col", "class": index < names ? "name" : ""], title)
                }
            }
        }
    }

    func addNetwork(to page: inout Markup) {
        section("Network", in: &page) { page in
            page.element(
                "p", ["class": "note"],
                "\(summary.parameters.grouped) parameters, \(summary.multiplyAdds.grouped) multiply-adds an image; "
                    + "\(summary.memory.totalBytes.bytes) to train on batches of "
                    + "\(summary.batchSize.counted("image")), without the optimiser's state.")
            page.region("Layers", style: "scroll tall") { page in
                page.element("table", ["class": "numbers layers"]) { page in
                    addHead(
                        ["Layer", "Kind", "Computed by", "Output", "Parameters", "Multiply-adds"], names: 3,
                        to: &page)
                    page.element("tbody") { page in
                        for layer in summary.layers {
                            page.element("tr", ["class": layer.isContainer ? "container" : ""]) { page in
                                let title = layer.path.isEmpty ? "network" : layer.path
                                page.element("th", ["scope": "row"], title)
                                page.element("td", ["class": "name"], layer.kind)
                                page.element("td", ["class": "name"], layer.howComputed)
                                page.element("td", layer.output.map(String.init).joined(separator: " × "))
                                for count in [layer.parameters, layer.multiplyAdds] {
                                    page.element("td", count == 0 ? "" : count.grouped)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The values that the curves show, for who wants them as numbers.
    func addEpochs(to page: inout Markup) {
        let history = progress.history
        guard !history.isEmpty else { return }
        page.element("section") { page in
            page.element("details") { page in
                page.element("summary", "All epochs as numbers")
                page.element("table", ["class": "numbers"]) { page in
                    addHead(
                        [
                            "Epoch", "Training loss", "Accuracy", "Test loss", "Accuracy", "Learning rate",
                            "Images/s", "Time",
                        ], to: &page)
                    page.element("tbody") { page in
                        for record in history {
                            page.element("tr") { page in
                                page.element("th", ["scope": "row"], "\(record.epoch)")
                                for text in [
                                    record.trainLoss.decimals(4), record.trainAccuracy.decimals(4),
                                    record.testLoss?.decimals(4) ?? "",
                                    record.testAccuracy?.decimals(4) ?? "",
                                    record.learningRate.digits(3), HumanText.count(record.imagesPerSecond),
                                    HumanText.duration(seconds: record.seconds),
                                ] {
                                    page.element("td", text)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

extension LayerSummary {
    /// The algorithm, or whose part the layer is.
    fileprivate var howComputed: String {
        switch placement {
        case .fused: "the layer before it"
        case .inPlace: [algorithm, "in place"].compactMap(\.self).joined(separator: ", ")
        case .view: "nothing: a view"
        case .own: algorithm ?? ""
        }
    }
}
