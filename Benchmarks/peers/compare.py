"""Apus against PyTorch, on this machine: whole steps of training, in turn, as medians of the ratios of pairs.

    make bench-peers

Every round measures Apus, PyTorch, and PyTorch with channels last, one after the other, each in a process of
its own that warms up first. PyTorch's batches lie in memory as floats; Apus shuffles, loads and normalises
bytes in its steps.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
# Images of a step, and seconds of a measurement: some steps of the slowest.
MODELS = {
    "lenet5": (64, 2), "lenet5-keras": (128, 2), "squeezenet1_0": (32, 8), "squeezenet1_1": (32, 6),
}


def run(command):
    """What a command reports, and the most memory it held, in MB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return json.loads(text), usage.ru_maxrss / 1000


def apus(model, batch, seconds, options):
    report, memory = run([options.binary, "--filter", f"network/{model}/train", "--batch", str(batch), "--json",
                          "--rounds", "1", "--seconds", str(seconds), "--threads", str(options.threads)])
    return report["networks"][0]["imagesPerSecond"]["rates"][0], memory, report["header"]


def pytorch(model, seconds, options, *flags):
    report, memory = run([sys.executable, str(HERE / "pytorch_training.py"), "--model", model, "--rounds", "1",
                          "--seconds", str(seconds), "--threads", str(options.threads), *flags])
    return report["median"], memory, report["version"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=".build/release/apus-benchmarks")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    options = parser.parse_args()

    rows = []
    for model in options.models:
        batch, seconds = MODELS[model]
        pairs = []
        for number in range(options.rounds):
            print(f"\r{model}: round {number + 1}/{options.rounds}", end="", file=sys.stderr, flush=True)
            ours, our_memory, header = apus(model, batch, seconds, options)
            plain, plain_memory, version = pytorch(model, seconds, options)
            last, last_memory, _ = pytorch(model, seconds, options, "--channels-last")
            pairs.append((ours, plain, last, our_memory, min(plain_memory, last_memory)))
        print(file=sys.stderr)
        ratios = sorted(a / max(b, c) for a, b, c, *_ in pairs)
        rows.append((model, batch, *(statistics.median(column) for column in zip(*pairs)),
                     statistics.median(ratios), ratios[0], ratios[-1]))

    print(f"{header['processor']}, {header['instructionSet']}, {options.threads} threads; {header['blas']} "
          f"({header['blasCore']} kernels); PyTorch {version}; commit {header['commit']}; "
          f"{options.rounds} rounds\n")
    print("| training step | batch | Apus, images/s | PyTorch | PyTorch, channels last | Apus / best PyTorch "
          "| peak memory, MB | PyTorch's |")
    print("|---|---|---|---|---|---|---|---|")
    for model, batch, ours, plain, last, memory, its_memory, ratio, least, greatest in rows:
        print(f"| `{model}` | {batch} | {ours:,.0f} | {plain:,.0f} | {last:,.0f} "
              f"| **{ratio:.2f}x** ({least:.2f} to {greatest:.2f}) | {memory:,.0f} | {its_memory:,.0f} |")


if __name__ == "__main__":
    main()
