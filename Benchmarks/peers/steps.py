"""What the peers' scripts share: their options, and how steps are timed and reported."""

import argparse
import json
import resource
import time


def parser(description, models):
    """The options of all peers. `description` is a script's docstring, of which help shows the first line."""
    options = argparse.ArgumentParser(description=description.split("\n")[0])
    options.add_argument("--model", choices=models, default=models[0])
    options.add_argument("--batch", type=int, default=64, help="images of a step")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--seconds", type=float, default=2.0, help="length of a round, and of the warm-up")
    return options


def report(framework, step, options):
    """Times steps, and prints a line of JSON: images per second of each round, and the peak memory."""

    def rate():
        steps, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < options.seconds:
            step()
            steps += 1
        return steps * options.batch / elapsed

    step()  # What compiles does so here, before the warm-up.
    rate()
    rates = [rate() for _ in range(options.rounds)]
    # Linux counts in KiB; this process alone, without compilers it has started.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    found = {"framework": framework, **vars(options), "imagesPerSecond": rates, "peakBytes": peak}
    print(json.dumps(found))
