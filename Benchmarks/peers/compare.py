"""Apus against PyTorch, TensorFlow and ONNX Runtime on this machine, in turn, as medians of the ratios of pairs.

    make bench-peers

A round measures Apus and every setting of its peers one after the other, each in a process of its own that warms
up first; the next round goes the other way about. Everyone's batches lie in memory: those of the peers as floats,
those of Apus as bytes, which it loads and normalises (and in training shuffles) in its steps.

Two tables of Markdown: every setting, and each peer's best, which is the one that Apus gains least on.
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
PYTORCH = {
    "PyTorch": ["pytorch_training.py"],
    "PyTorch, channels last": ["pytorch_training.py", "--channels-last"],
    "PyTorch, compiled": ["pytorch_training.py", "--compile"],
    "PyTorch, compiled, channels last": ["pytorch_training.py", "--compile", "--channels-last"],
}
TENSORFLOW = {
    "TensorFlow": ["tensorflow_training.py"],
    "TensorFlow, XLA": ["tensorflow_training.py", "--xla"],
}
ONNX_RUNTIME = {
    "ONNX Runtime": ["onnxruntime_inference.py"],
    "ONNX Runtime, without its arena": ["onnxruntime_inference.py", "--no-arena"],
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
# glibc gives large blocks back to the system once they are freed, and the next step waits for new pages. The peers
# are faster where it keeps them.
ENVIRONMENT = {
    "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 36), "MALLOC_TOP_PAD_": str(1 << 30),
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


def report(*command, **environment):
    process = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, **environment})
    return json.loads(process.stdout)


def measure(case, name, options):
    """Images per second, peak memory in bytes, and what was measured."""
    work, batch, seconds, peers = case
    common = ["--batch", str(batch), "--threads", str(options.threads), "--rounds", "1", "--seconds", str(seconds)]
    if name == "Apus":
        found = report(options.binary, "--filter", f"network/{work}/", "--json", *common)
        network, = found["networks"]
        return network["imagesPerSecond"]["rates"][0], network["peakBytes"], found["header"]
    script, *flags = peers[name]
    found = report(sys.executable, HERE / script, "--model", work.split("/")[0], *common, *flags, **ENVIRONMENT)
    return found["imagesPerSecond"][0], found["peakBytes"], found["framework"]


def row(case, name, rounds):
    """Of a setting: what it is of, medians of rate and memory, and how Apus compares, round by round."""
    rates, memory, _ = zip(*(found[name] for found in rounds))
    return {
        "work": case[0], "batch": case[1], "name": name,
        "rate": statistics.median(rates), "megabytes": statistics.median(memory) / 1e6,
        "ratios": sorted(found["Apus"][0] / rate for found, rate in zip(rounds, rates)),
    }


def gain(row):
    return statistics.median(row["ratios"])


def comparison(row):
    return f"{gain(row):.2f}x ({row['ratios'][0]:.2f} to {row['ratios'][-1]:.2f})"


def best_of_each(peers):
    """The rows of each peer's best setting."""
    frameworks = dict.fromkeys(row["name"].split(",")[0] for row in peers)
    return [min((row for row in peers if row["name"].startswith(framework)), key=gain) for framework in frameworks]


def print_tables(cases):
    print("| work | batch | | images/s | Apus is faster | peak memory, MB |")
    print("|---|---|---|---|---|---|")
    for ours, *peers in cases:
        best = best_of_each(peers)
        print(f"| `{ours['work']}` | {ours['batch']} | Apus | {ours['rate']:,.0f} | | {ours['megabytes']:,.0f} |")
        for peer in peers:
            mark = "**" if peer in best else ""
            print(f"| | | {peer['name']} | {peer['rate']:,.0f} | {mark}{comparison(peer)}{mark} "
                  f"| {peer['megabytes']:,.0f} |")
    print("\n| work | batch | Apus, images/s | the best peer's | Apus is faster | peak memory, MB | the peer's |")
    print("|---|---|---|---|---|---|---|")
    for ours, *peers in cases:
        for peer in best_of_each(peers):
            print(f"| `{ours['work']}` | {ours['batch']} | {ours['rate']:,.0f} | {peer['rate']:,.0f}, {peer['name']} "
                  f"| **{comparison(peer)}** | {ours['megabytes']:,.0f} | {peer['megabytes']:,.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=".build/release/apus-benchmarks")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--filter", default="", help="do what has this in its name: 'lenet5/', 'infer'")
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
                print(f"round {number + 1} of {options.rounds}: {work}, batch {batch}, {name}", file=sys.stderr)
                found[name] = measure(case, name, options)
                versions[name.split(",")[0]] = found[name][2]
            rounds.append(found)
        cases.append([row(case, name, rounds) for name in names])
    if not cases:
        parser.error(f"no work has '{options.filter}' in its name: {', '.join(dict.fromkeys(c[0] for c in CASES))}")

    header = versions.pop("Apus")
    print(f"{header['processor']}, {header['instructionSet']}, {options.threads} threads; {header['blas']} "
          f"({header['blasCore']} kernels); {', '.join(versions.values())}; commit {header['commit']}; "
          f"rounds: {options.rounds}\n")
    print_tables(cases)


if __name__ == "__main__":
    main()
