"""Inference speed of ONNX Runtime on the CPU: images per second, printed as one line of JSON.

    pip install -r requirements.txt
    python onnxruntime_inference.py --model squeezenet1_1 --batch 32 --threads 2

A step is forward, on batches already in memory. The model is torchvision's, exported for batches of this size
by a process of its own. All optimisations of the graph are on, and subnormal numbers count as zero.
"""

import itertools
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime

import steps

EXPORT = pathlib.Path(__file__).parent / "export_onnx.py"


def session_of(options):
    settings = onnxruntime.SessionOptions()
    settings.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    settings.intra_op_num_threads = options.threads
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    settings.enable_cpu_mem_arena = options.arena
    settings.add_session_config_entry("session.set_denormal_as_zero", "1")
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/{options.model}.onnx"
        subprocess.run([sys.executable, EXPORT, options.model, str(options.batch), file], check=True)
        return onnxruntime.InferenceSession(file, settings, providers=["CPUExecutionProvider"])


def main():
    parser = steps.parser(__doc__, ["squeezenet1_0", "squeezenet1_1"])
    parser.add_argument("--no-arena", dest="arena", action="store_false", help="take memory from malloc")
    options = parser.parse_args()
    session = session_of(options)
    random = np.random.default_rng(1)
    batches = itertools.cycle([
        {"images": random.standard_normal((options.batch, 3, 224, 224), dtype=np.float32)} for _ in range(2)
    ])
    framework = f"ONNX Runtime {onnxruntime.__version__}"
    steps.report(framework, lambda: session.run(None, next(batches)), options)


if __name__ == "__main__":
    main()
