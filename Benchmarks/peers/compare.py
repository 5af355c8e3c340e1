"""Apus against PyTorch, on this machine: whole steps of training, in turn, as medians of the ratios of pairs.

    make bench-peers

Every round measures Apus, PyTorch, and PyTorch with channels last, one after the other, each in a process of
its own that warms up first. PyTorch's batches lie in memory as floats; Apus shuffles, loads and normalises
bytes in its steps.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
MODELS = {"lenet5": 64, "lenet5-keras": 128}


def run(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)


def apus(model, options):
    report = run([options.binary, "--filter", f"{model}/train", "--json", "--rounds", "1",
                  "--seconds", str(options.seconds), "--threads", str(options.threads)])
    return report["training"][0]["imagesPerSecond"]["rates"][0], report["header"]


def pytorch(model, options, *flags):
    report = run([sys.executable, str(HERE / "pytorch_lenet.py"), "--model", model, "--rounds", "1",
                  "--seconds", str(options.seconds), "--threads", str(options.threads), *flags])
    return report["median"], report["version"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=".build/release/apus-benchmarks")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a measurement")
    options = parser.parse_args()

    rows = []
    for model, batch in MODELS.items():
        pairs = []
        for number in range(options.rounds):
            print(f"\r{model}: round {number + 1}/{options.rounds}", end="", file=sys.stderr, flush=True)
            ours, header = apus(model, options)
            plain, version = pytorch(model, options)
            last, _ = pytorch(model, options, "--channels-last")
            pairs.append((ours, plain, last))
        print(file=sys.stderr)
        ours, plain, last = (statistics.median(column) for column in zip(*pairs))
        ratios = sorted(a / max(b, c) for a, b, c in pairs)
        rows.append((model, batch, ours, plain, last, statistics.median(ratios), ratios[0], ratios[-1]))

    print(f"{header['processor']}, {header['instructionSet']}, {options.threads} threads; {header['blas']} "
          f"({header['blasCore']} kernels); PyTorch {version}; commit {header['commit']}; "
          f"{options.rounds} rounds of {options.seconds} s\n")
    print("| training step | batch | Apus, images/s | PyTorch | PyTorch, channels last | Apus / best PyTorch |")
    print("|---|---|---|---|---|---|")
    for model, batch, ours, plain, last, ratio, least, greatest in rows:
        print(f"| `{model}` | {batch} | {ours:,.0f} | {plain:,.0f} | {last:,.0f} "
              f"| **{ratio:.2f}x** ({least:.2f} to {greatest:.2f}) |")


if __name__ == "__main__":
    main()
