"""Training speed of PyTorch on the CPU: images per second of whole steps, printed as one line of JSON.

    pip install -r requirements.txt
    python pytorch_training.py --model lenet5 --batch 64 --threads 2

A step is forward, cross-entropy, backward and update, on batches already in memory. Subnormal numbers are
flushed to zero, and the update is the fused one where PyTorch has it for the CPU.
"""

import argparse
import itertools
import json
import platform
import statistics
import sys
import time

import torch
import torchvision
from torch import nn

MODELS = {
    "lenet5": lambda: nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    "lenet5-keras": lambda: nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(50, 50, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(200, 500), nn.ReLU(), nn.Linear(500, 10)),
    "squeezenet1_0": torchvision.models.squeezenet1_0,
    "squeezenet1_1": torchvision.models.squeezenet1_1,
}
OPTIMIZERS = {"lenet5-keras": lambda p: torch.optim.Adam(p, lr=1e-3, fused=True)}
BATCHES = {"lenet5": 64, "lenet5-keras": 128, "squeezenet1_0": 32, "squeezenet1_1": 32}


def gradient_descent(parameters):
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9, fused=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", choices=MODELS, default="lenet5")
    parser.add_argument("--batch", type=int, help=f"images of a step ({BATCHES})")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round, and of the warm-up")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true", help="torch.compile the model")
    return parser.parse_args()


def main():
    options = arguments()
    batch = options.batch or BATCHES[options.model]
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format

    model = MODELS[options.model]().to(memory_format=layout)
    optimizer = OPTIMIZERS.get(options.model, gradient_descent)(model.parameters())
    loss_function = nn.CrossEntropyLoss()
    shape, classes = ((1, 28, 28), 10) if options.model.startswith("lenet") else ((3, 224, 224), 1000)
    batches = [
        (torch.randn(batch, *shape).contiguous(memory_format=layout), torch.randint(classes, (batch,)))
        for _ in range(16 if classes == 10 else 2)
    ]
    forward = torch.compile(model) if options.compile else model
    endless = itertools.cycle(batches)

    def step():
        images, labels = next(endless)
        optimizer.zero_grad()
        loss = loss_function(forward(images), labels)
        loss.backward()
        optimizer.step()

    def round_of_steps(seconds):
        """Images per second over as many steps as fit."""
        steps, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            step()
            steps += 1
        return steps * batch / elapsed

    step()  # Compiling, where asked for, is no part of the warm-up.
    round_of_steps(options.seconds)
    rates = [round_of_steps(options.seconds) for _ in range(options.rounds)]
    json.dump({
        "framework": "pytorch", "version": torch.__version__, "machine": platform.machine(),
        "model": options.model, "batch": batch, "threads": options.threads,
        "channelsLast": options.channels_last, "compile": options.compile,
        "imagesPerSecond": [round(rate, 1) for rate in rates],
        "median": round(statistics.median(rates), 1), "best": round(max(rates), 1),
    }, sys.stdout)
    print()


if __name__ == "__main__":
    main()
