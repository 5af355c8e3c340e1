"""Apus against PyTorch, TensorFlow and ONNX Runtime on this machine, as medians of the ratios of pairs.

    make bench-peers

A round measures Apus and every setting of its peers one after the other, each in a process of its own that
warms up first; the next round goes the other way about. Everyone's batches lie in memory: those of the peers
as floats, those of Apus as bytes, which it loads and normalises (and in training shuffles) in its steps.

Two tables of Markdown: every setting, and each peer's best, which is the one that Apus gains least on.
"""

import argparse
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
# glibc gives large blocks back to the system once they are freed, and the next step waits for new pages. The
# peers are faster where it keeps them, as it does here but for settings of this name: theirs is the rate, and the
# memory, that one finds without having looked for it.
AS_IT_COMES = "malloc as it comes"
KEPT_MEMORY = {
    "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 36), "MALLOC_TOP_PAD_": str(1 << 30),
}
PYTORCH = {
    "PyTorch": ["pytorch_training.py"],
    "PyTorch, channels last": ["pytorch_training.py", "--channels-last"],
    "PyTorch, compiled": ["pytorch_training.py", "--compile"],
    "PyTorch, compiled, channels last": ["pytorch_training.py", "--compile", "--channels-last"],
    f"PyTorch, channels last, {AS_IT_COMES}": ["pytorch_training.py", "--channels-last"],
}
TENSORFLOW = {
    "TensorFlow": ["tensorflow_training.py"],
    "TensorFlow, XLA": ["tensorflow_training.py", "--xla"],
    f"TensorFlow, {AS_IT_COMES}": ["tensorflow_training.py"],
}
ONNX_RUNTIME = {
    "ONNX Runtime": ["onnxruntime_inference.py"],
    "ONNX Runtime, without its arena": ["onnxruntime_inference.py", "--no-arena"],
    f"ONNX Runtime, {AS_IT_COMES}": ["onnxruntime_inference.py"],
}
# What a network does, images of a batch, seconds of a measurement (some steps of the slowest), and the peers.
CASES = [
    ("lenet5/train", 64, 2, PYTORCH | TENSORFLOW),
    ("lenet5-keras/train", 128, 2, PYTORCH | TENSORFLOW),
    ("squeezenet1_0/train", 32, 8, PYTORCH),
    ("squeezenet1_1/train", 32, 6, PYTORCH),
    ("squeezenet1_1/infer", 32, 3, ONNX_RUNTIME),
    ("squeezenet1_1/infer", 1, 2, ONNX_RUNTIME),
]


def report(*command, **environment):
    process = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, **environment})
    return json.loads(process.stdout)


def measure(case, name, options):
    """Images per second, peak memory in bytes, and what was measured."""
    work, batch, seconds, peers = case
    common = ["--batch", str(batch), "--threads", str(options.threads),
              "--rounds", "1", "--seconds", str(seconds)]
    if name == "Apus":
        found = report(options.binary, "--filter", f"network/{work}/", "--json", *common)
        network, = found["networks"]
        return network["imagesPerSecond"]["rates"][0], network["peakBytes"], found["header"]
    script, *flags = peers[name]
    model = work.split("/")[0]
    memory = {} if name.endswith(AS_IT_COMES) else KEPT_MEMORY
    found = report(
        sys.executable, HERE / script, "--model", model, *common, *flags, TF_CPP_MIN_LOG_LEVEL="2", **memory)
    return found["imagesPerSecond"][0], found["peakBytes"], found["framework"]


def row_of(case, name, rounds):
    """Of a setting: what it is of, medians of rate and memory, and how Apus compares, round by round."""
    rates, peaks, _ = zip(*(found[name] for found in rounds))
    return {
        "work": case[0], "batch": case[1], "name": name,
        "rate": statistics.median(rates), "bytes": statistics.median(peaks),
        "ratios": sorted(found["Apus"][0] / found[name][0] for found in rounds),
    }


def gain(row):
    return statistics.median(row["ratios"])


def comparison(row, bold):
    mark = "**" if bold else ""
    return f"{mark}{gain(row):.2f}x{mark} ({row['ratios'][0]:.2f} to {row['ratios'][-1]:.2f})"


def best_of_each(peers):
    """The rows of each peer's best setting."""
    settings = itertools.groupby(peers, key=lambda row: framework(row["name"]))
    return [min(rows, key=gain) for _, rows in settings]


def framework(name):
    return name.split(",")[0]


def print_tables(cases):
    print_row("work", "batch", "", "images/s", "Apus / it", "peak memory, MB")
    print_row(*["---"] * 6)
    for ours, *peers in cases:
        print_row(f"`{ours['work']}`", ours["batch"], "Apus", rate(ours), "", memory(ours))
        for peer in peers:
            bold = peer in best_of_each(peers)
            print_row("", "", peer["name"], rate(peer), comparison(peer, bold), memory(peer))
    print()
    print_row("work", "batch", "Apus, images/s", "peer", "its images/s", "Apus / peer", "peak memory, MB",
              "the peer's")
    print_row(*["---"] * 8)
    for ours, *peers in cases:
        for peer in best_of_each(peers):
            print_row(f"`{ours['work']}`", ours["batch"], rate(ours), peer["name"], rate(peer),
                      comparison(peer, bold=True), memory(ours), memory(peer))


def print_row(*cells):
    print("|", " | ".join(str(cell) for cell in cells), "|")


def rate(row):
    return f"{row['rate']:,.0f}"


def memory(row):
    return f"{row['bytes'] / 1e6:,.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=".build/release/apus-benchmarks")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--filter", default="", help="measure what has this in its name, as 'infer'")
    options = parser.parse_args()

    cases = []
    versions = {}
    for case in CASES:
        work, batch, _, peers = case
        if options.filter not in work:
            continue
        names = ["Apus", *peers]
        rounds = []
        for number in range(options.rounds):
            found = {}
            for name in names[::-1 if number % 2 else 1]:
                print(f"{work}, batch {batch}, round {number + 1}: {name}", file=sys.stderr)
                found[name] = measure(case, name, options)
                versions[framework(name)] = found[name][2]
            rounds.append(found)
        cases.append([row_of(case, name, rounds) for name in names])
    if not cases:
        works = ", ".join(dict.fromkeys(work for work, *_ in CASES))
        parser.error(f"'{options.filter}' is in none of {works}")

    header = versions.pop("Apus")
    print(f"{header['processor']}, {header['instructionSet']}, {options.threads} threads; {header['blas']} "
          f"({header['blasCore']} kernels); {', '.join(versions.values())}; commit {header['commit']}; "
          f"rounds: {options.rounds}\n")
    print_tables(cases)


if __name__ == "__main__":
    main()
