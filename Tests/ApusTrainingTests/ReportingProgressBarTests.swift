import ApusTraining
import Testing

@Suite("Progress bar")
struct ReportingProgressBarTests {
    private func render(_ columns: Int, _ fraction: Double, _ glyphs: ProgressBar.Glyphs = .ascii) -> String {
        ProgressBar(columns: columns, glyphs: glyphs).render(
            fraction: fraction, label: "Epoch 3/10", rate: "84.2k images/s", remainingSeconds: 12)
    }

    @Test(
        "Where columns are few the time left goes first, then the rate, the bar, and the label's end",
        arguments: [
            (100, "Epoch 3/10 [====================>-------------------]  50%  84.2k images/s  12s left"),
            (60, "Epoch 3/10 [========>-------]  50%  84.2k images/s  12s left"),
            (52, "Epoch 3/10 [====>---]  50%  84.2k images/s  12s left"),
            (51, "Epoch 3/10 [========>--------]  50%  84.2k images/s"),
            (26, "Epoch 3/10 [====>---]  50%"),
            (25, "Epoch 3/10 50%"),
            (14, "Epoch 3/10 50%"),
            (8, "Epoch 3…"),
            (1, "…"),
            (0, ""),
        ])
    func narrowing(columns: Int, expected: String) {
        #expect(render(columns, 0.5) == expected)
    }

    @Test(
        "The bar goes before what is essential, and what is extra before all else",
        arguments: [
            (80, "Epoch 3/10 [======>------]  50%  loss 0.421  accuracy 0.842  rate 0.04  12s left"),
            (70, "Epoch 3/10 [=======>------]  50%  loss 0.421  accuracy 0.842  12s left"),
            (64, "Epoch 3/10 [====>---]  50%  loss 0.421  accuracy 0.842  12s left"),
            (63, "Epoch 3/10 [===========>-----------]  50%  loss 0.421  12s left"),
            (48, "Epoch 3/10 [====>---]  50%  loss 0.421  12s left"),
            (47, "Epoch 3/10 50%  loss 0.421  12s left"),
            (37, "Epoch 3/10 50%  loss 0.421  12s left"),
            (35, "Epoch 3/10 50%  loss 0.421"),
            (20, "Epoch 3/10 50%"),
        ])
    func importance(columns: Int, expected: String) {
        let line = ProgressBar(columns: columns, glyphs: .ascii).render(
            fraction: 0.5, label: "Epoch 3/10",
            details: [
                .init("loss 0.421", .essential), .init("accuracy 0.842", .useful), .init("rate 0.04", .extra),
                .init("12s left", .essential),
            ])
        #expect(line == expected)
    }

    @Test("No width and no fraction make the line wider than the terminal", arguments: -1...120)
    func neverWraps(columns: Int) {
        for glyphs in [ProgressBar.Glyphs.ascii, .blocks] {
            for fraction in [0, 0.001, 0.33, 0.5, 0.999, 1] {
                #expect(render(columns, fraction, glyphs).count <= max(columns, 0))
            }
        }
    }

    @Test(
        "The bar is empty at 0, full at 1, and takes senseless fractions for the nearest sense",
        arguments: [
            (0, "[>---------]   0%"), (0.999, "[=========>]  99%"), (1, "[==========] 100%"),
            (-3, "[>---------]   0%"), (7, "[==========] 100%"), (.nan, "[>---------]   0%"),
        ] as [(Double, String)])
    func ends(fraction: Double, expected: String) {
        #expect(ProgressBar(columns: 17, glyphs: .ascii).render(fraction: fraction, label: "") == expected)
    }

    @Test(
        "Blocks are drawn to an eighth of a column",
        arguments: [
            (0, "▕          ▏   0%"), (0.5, "▕█████     ▏  50%"), (0.515625, "▕█████▏    ▏  51%"),
            (0.9921875, "▕█████████▉▏  99%"), (1, "▕██████████▏ 100%"),
        ] as [(Double, String)])
    func blocks(fraction: Double, expected: String) {
        #expect(ProgressBar(columns: 17, glyphs: .blocks).render(fraction: fraction, label: "") == expected)
    }

    @Test("Blocks are for UTF-8 locales, of which LC_ALL says more than LANG")
    func locale() {
        #expect(ProgressBar.Glyphs(environment: ["LANG": "en_GB.UTF-8"]) == .blocks)
        #expect(ProgressBar.Glyphs(environment: ["LANG": "C.utf8", "LC_ALL": ""]) == .blocks)
        #expect(ProgressBar.Glyphs(environment: ["LANG": "en_GB.UTF-8", "LC_ALL": "C"]) == .ascii)
        #expect(ProgressBar.Glyphs(environment: [:]) == .ascii)
    }
}
