extension RunReport {
    /// The page's style sheet: two palettes, a grid of 8 pixels, and paper. The heat map's shades are of a single hue and
    /// of steady steps in lightness, so that no kind of colour vision confuses them, nor a grey print.
    static let style = """
        :root {
          --paper: #fff; --ink: #1b1f24; --muted: #59626d; --rule: #dfe3e8; --tint: #f5f6f8;
          --train: #b4500b; --test: #0b62a8; --plain: #4a5560;
          --h0: transparent; --h1: #eaf1f9; --h2: #d4e3f3; --h3: #b4d1ea; --h4: #8cb8dd;
          --h5: #639dce; --h6: #3578b2; --h7: #185a96; --h8: #08386a;
          --on-pale: #1b1f24; --on-deep: #fff; --on-middle: #0c1116;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --paper: #14171a; --ink: #e6e9ec; --muted: #9aa4af; --rule: #2c3238; --tint: #1c2025;
            --train: #f0a05c; --test: #6db4f0; --plain: #a9b3bd;
            --h1: #1a2633; --h2: #1d3349; --h3: #214566; --h4: #265a86; --h5: #3b7cb2;
            --h6: #5f9dd2; --h7: #90bfe8; --h8: #c6e0f7;
            --on-pale: #e6e9ec; --on-deep: #0c1116; --on-middle: #06090c;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0; background: var(--paper); color: var(--ink);
          font: 15px/24px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
          font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
        }
        main { max-width: 1104px; margin: 0 auto; padding: 48px 32px 64px; }
        h1, h2, h3, p, dl, dd, figure, pre { margin: 0; }
        h1 { font-size: 32px; line-height: 40px; font-weight: 650; letter-spacing: -0.01em; overflow-wrap: anywhere; }
        h2 { font-size: 20px; line-height: 24px; font-weight: 650; margin-bottom: 16px; }
        h3 { font-size: 15px; line-height: 24px; font-weight: 600; }
        section { margin-top: 56px; }
        section h3 { margin: 0 0 8px; }
        .overline { color: var(--muted); font-size: 13px; letter-spacing: 0.04em; }
        .status { color: var(--muted); margin-top: 8px; }
        .note, caption { color: var(--muted); font-size: 13px; line-height: 20px; }
        .note { margin-top: 8px; max-width: 60em; }
        h2 + .note { margin: -8px 0 16px; }

        .figures {
          display: grid; grid-template-columns: repeat(auto-fit, minmax(136px, 1fr)); gap: 16px 24px;
          margin-top: 32px; padding: 16px 0; border: solid var(--rule); border-width: 1px 0;
        }
        .figures dt { color: var(--muted); font-size: 13px; line-height: 20px; }
        .figures b { display: block; font-size: 26px; line-height: 32px; font-weight: 600; letter-spacing: -0.01em; }
        .figures span { color: var(--muted); font-size: 13px; line-height: 20px; }

        .charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 32px; }
        .chart figcaption { display: flex; justify-content: space-between; align-items: baseline; }
        .chart h3 { margin: 0; }
        .legend { display: flex; gap: 16px; font-size: 13px; color: var(--muted); }
        .key::before {
          content: ""; display: inline-block; width: 16px; margin-right: 6px; vertical-align: 4px;
          border-top: 2px solid var(--color);
        }
        .key.train::before { border-top-style: dashed; }
        .train { --color: var(--train); } .test { --color: var(--test); } .plain { --color: var(--plain); }
        svg { display: block; width: 100%; height: auto; overflow: visible; }
        svg text { fill: var(--muted); font-size: 11.5px; }
        svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
        .grid { stroke: var(--rule); } .base { stroke: var(--muted); }
        polyline { fill: none; stroke: var(--color); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
        .train polyline { stroke-dasharray: 5 4; }
        circle { fill: var(--paper); stroke: var(--color); stroke-width: 1.6; }
        .spot rect { fill: transparent; }
        .tip { visibility: hidden; pointer-events: none; }
        .spot:hover .tip { visibility: visible; }
        .tip line { stroke: var(--muted); stroke-dasharray: 2 3; }
        .tip circle { fill: var(--color); r: 3.5px; }
        .tip text { fill: var(--ink); font-size: 12px; }

        .pair { display: grid; grid-template-columns: minmax(0, 1.3fr) minmax(0, 1fr); gap: 32px 48px; }
        .stack { display: grid; grid-template-columns: minmax(0, 1fr); gap: 32px; }
        .pair + h3, .stack + h3 { margin-top: 40px; }
        .scroll { overflow: auto; }
        .tall { max-height: 640px; }
        table { border-collapse: collapse; font-size: 13px; line-height: 20px; }
        caption { text-align: left; padding-bottom: 8px; }
        th { font-weight: 400; text-align: left; }
        .numbers { width: 100%; } .few { max-width: 640px; }
        .numbers th, .numbers td { padding: 5px 0 4px 16px; border-bottom: 1px solid var(--rule); vertical-align: top; }
        .numbers tr > :first-child { padding-left: 0; }
        .numbers td, .numbers thead th { text-align: right; white-space: nowrap; }
        .numbers thead th { color: var(--muted); border-color: var(--muted); position: sticky; top: 0; background: var(--paper); }
        .numbers .name, .numbers tbody th, .numbers tfoot th { text-align: left; white-space: normal; overflow-wrap: anywhere; }
        .numbers tbody th { min-width: 6em; }
        .numbers tfoot { color: var(--muted); }
        .layers { min-width: 640px; }
        .layers .container { color: var(--muted); }

        .matrix { border-collapse: separate; border-spacing: 2px; table-layout: fixed; }
        .matrix tbody th {
          padding-right: 8px; text-align: right; max-width: 168px; min-width: 64px;
          overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
        }
        .matrix thead th { vertical-align: bottom; padding-bottom: 6px; }
        .matrix thead span {
          display: block; writing-mode: vertical-rl; transform: rotate(180deg); max-height: 104px; margin: 0 auto;
          overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
        }
        .matrix tbody td { width: 40px; min-width: 36px; height: 32px; text-align: center; background: var(--tint); }
        .h1, .h2, .h3, .h4, .h5 { color: var(--on-pale); } .h5 { color: var(--on-middle); }
        .h6, .h7, .h8 { color: var(--on-deep); }
        .matrix .h1, .scale .h1 { background: var(--h1); } .matrix .h2, .scale .h2 { background: var(--h2); }
        .matrix .h3, .scale .h3 { background: var(--h3); } .matrix .h4, .scale .h4 { background: var(--h4); }
        .matrix .h5, .scale .h5 { background: var(--h5); } .matrix .h6, .scale .h6 { background: var(--h6); }
        .matrix .h7, .scale .h7 { background: var(--h7); } .matrix .h8, .scale .h8 { background: var(--h8); }
        .scale { margin-top: 12px; } .scale i { display: inline-block; width: 16px; height: 12px; vertical-align: -1px; }
        .map figcaption { color: var(--muted); font-size: 13px; line-height: 20px; margin-top: 8px; }
        .heat {
          display: block; width: 100%; max-width: 560px; height: auto; image-rendering: pixelated;
          border: 1px solid var(--rule);
        }

        .mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: 24px 16px; }
        .frame {
          display: flex; align-items: center; justify-content: center; aspect-ratio: 1; background: var(--tint);
          color: var(--muted); font-size: 12px;
        }
        .frame img { width: 100%; height: 100%; object-fit: contain; }
        .pixels { image-rendering: pixelated; }
        .mistakes figcaption { font-size: 12px; line-height: 18px; margin-top: 6px; }
        .mistakes span { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
        .actual { font-weight: 600; } .sure { color: var(--muted); }
        .filters { display: grid; grid-template-columns: repeat(auto-fill, 56px); gap: 8px; }
        .filters img { display: block; width: 56px; height: 56px; }

        .facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(264px, 1fr)); gap: 32px 48px; margin-bottom: 32px; }
        .facts dl { display: grid; grid-template-columns: minmax(88px, auto) minmax(0, 1fr); font-size: 13px; line-height: 20px; }
        .facts dt, .facts dd { padding: 5px 0 4px; border-bottom: 1px solid var(--rule); }
        .facts dt { color: var(--muted); padding-right: 16px; }
        .facts dd { overflow-wrap: anywhere; }
        pre {
          padding: 12px 16px; background: var(--tint); font: 13px/20px ui-monospace, Menlo, Consolas, "Liberation Mono", monospace;
          white-space: pre-wrap; overflow-wrap: anywhere;
        }
        summary { cursor: pointer; font-weight: 600; padding: 4px 0; }
        details table { margin-top: 8px; }
        :focus-visible { outline: 2px solid var(--test); outline-offset: 2px; }

        @media (max-width: 880px) {
          main { padding: 32px 16px 48px; }
          .charts, .pair { grid-template-columns: minmax(0, 1fr); }
        }
        @media (prefers-color-scheme: dark) {
          .heat { filter: invert(1) hue-rotate(180deg); }
        }
        @media print {
          :root {
            --paper: #fff; --ink: #000; --muted: #444; --rule: #ccc; --tint: #f3f3f3;
            --train: #b4500b; --test: #0b62a8; --plain: #444;
            --h1: #eaf1f9; --h2: #d4e3f3; --h3: #b4d1ea; --h4: #8cb8dd; --h5: #639dce; --h6: #3578b2;
            --h7: #185a96; --h8: #08386a; --on-pale: #000; --on-deep: #fff; --on-middle: #000;
          }
          @page { margin: 16mm; }
          body { font-size: 13px; line-height: 20px; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
          main { max-width: none; padding: 0; }
          section { margin-top: 32px; }
          .charts { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px 24px; }
          .pair { grid-template-columns: minmax(0, 1fr); gap: 24px; }
          .scroll { overflow: visible; max-height: none; }
          .numbers thead th { position: static; }
          .matrix tbody td { width: 36px; height: 26px; }
          .heat { filter: none; }
          figure, tr, .figures, pre { break-inside: avoid; }
          h2, h3 { break-after: avoid; }
          details:not([open]) { display: none; }
        }

        """
}
