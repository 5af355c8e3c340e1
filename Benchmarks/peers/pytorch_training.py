"""Training speed of PyTorch on the CPU: images per second of whole steps, printed as one line of JSON.

    pip install -r requirements.txt
    python pytorch_training.py --model lenet5 --batch 64 --threads 2 --channels-last

A step is forward, cross-entropy, backward and update, on batches already in memory. Subnormal numbers are
flushed to zero, and the update is the fused one. compare.py also has malloc keep freed memory,
but for one setting.
"""

import itertools

import torch
import torchvision
from torch import nn

import steps

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


def optimizer_for(name, parameters):
    if name == "lenet5-keras":
        return torch.optim.Adam(parameters, lr=1e-4, fused=True)
    return torch.optim.SGD(parameters, lr=1e-4, momentum=0.9, fused=True)


def main():
    parser = steps.parser(__doc__, list(MODELS))
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true", help="torch.compile the model with its loss")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format

    model = MODELS[options.model]().to(memory_format=layout)
    optimizer = optimizer_for(options.model, model.parameters())
    cross_entropy = nn.CrossEntropyLoss()
    shape, classes = ((1, 28, 28), 10) if options.model.startswith("lenet") else ((3, 224, 224), 1000)
    batches = itertools.cycle([
        (torch.randn(options.batch, *shape).contiguous(memory_format=layout),
         torch.randint(classes, (options.batch,)))
        for _ in range(16 if classes == 10 else 2)
    ])

    def loss(images, labels):
        return cross_entropy(model(images), labels)

    if options.compile:
        loss = torch.compile(loss)

    def step():
        optimizer.zero_grad()
        loss(*next(batches)).backward()
        optimizer.step()

    steps.report(f"PyTorch {torch.__version__}", step, options)


if __name__ == "__main__":
    main()
