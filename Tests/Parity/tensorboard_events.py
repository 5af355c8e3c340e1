"""A run's event files, read back by TensorBoard's own reader.

    make parity

A run is trained to its end, set back to the checkpoint of an earlier epoch as if its process had been killed there,
and resumed. TensorBoard must then find each step once, the later ones as the second process wrote them, and of every
epoch what the log says.
"""

import json
import pathlib
import shutil
import subprocess
import tempfile
import time

import numpy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

APUS = pathlib.Path(__file__).parents[2] / ".build/release/apus"
IMAGES, BATCH, EPOCHS, KEPT, EVERY = 300, 30, 4, 2, 4
STEPS = IMAGES // BATCH
TAGS = {
    "loss/train": "trainLoss", "loss/test": "testLoss", "accuracy/train": "trainAccuracy",
    "accuracy/test": "testAccuracy", "epoch/learning_rate": "learningRate",
    "epoch/images_per_second": "imagesPerSecond",
}


def apus(*arguments):
    subprocess.run([APUS, "train", "--quiet", *map(str, arguments)], check=True)


def check(is_true, what):
    if not is_true:
        raise SystemExit(f"TensorBoard's reader: {what}")


with tempfile.TemporaryDirectory() as temporary:
    run = pathlib.Path(temporary) / "run"
    apus("--data", f"synthetic={IMAGES}", "--batch-size", BATCH, "--epochs", EPOCHS, "--keep", EPOCHS,
         "--log-every", EVERY, "--output", run)
    first = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    shutil.copy(run / f"checkpoints/epoch-{KEPT:05}.apus", run / "checkpoint.apus")
    resumed = time.time()
    apus("--resume", "--output", run)

    check(len(list(run.glob("events.out.tfevents.*"))) == 2, "expected a file for each of two processes")
    events = EventAccumulator(str(run), size_guidance={"scalars": 0})
    events.Reload()
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    check([record["epoch"] for record in log] == list(range(1, EPOCHS + 1)), f"the log has {log}")
    check(first[:KEPT] == log[:KEPT], "the log has changed before the step it was resumed at")

    found = set(events.Tags()["scalars"])
    steps = {f"steps/{name}" for name in ("loss", "accuracy", "learning_rate", "images_per_second")}
    check(found == steps | set(TAGS), f"found the tags {sorted(found)}")
    for tag in sorted(found):
        scalars = events.Scalars(tag)
        expected = (range(EVERY, EPOCHS * STEPS + 1, EVERY) if tag in steps
                    else range(STEPS, EPOCHS * STEPS + 1, STEPS))
        check([scalar.step for scalar in scalars] == list(expected),
              f"{tag} has the steps {[scalar.step for scalar in scalars]}, expected {list(expected)}")
        for scalar in scalars:
            check((scalar.wall_time >= resumed) == (scalar.step > KEPT * STEPS),
                  f"{tag} at step {scalar.step} is of the wrong process")
        if tag in TAGS:
            values = [numpy.float32(record[TAGS[tag]]) for record in log]
            check([numpy.float32(scalar.value) for scalar in scalars] == values, f"{tag} is not the log's")
    print(f"TensorBoard reads {sum(len(events.Scalars(tag)) for tag in found)} scalars under {len(found)} tags back")
