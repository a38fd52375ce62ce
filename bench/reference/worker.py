"""The reference side of a comparison: PyTorch and transformers.

Reads one JSON line with the task, then one line a turn, and answers each with one line.
"""

import json
import os
import resource
import sys
import time
from platform import python_version

answers = os.fdopen(os.dup(1), "w")  # whatever the libraries print goes to stderr
os.dup2(2, 1)

import peft  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402

from generate import prepare_generation  # noqa: E402
from load import prepare_loading  # noqa: E402
from multiply import prepare_product  # noqa: E402
from train import prepare_training  # noqa: E402

PREPARE = {
    "train": prepare_training,
    "generate": prepare_generation,
    "load": prepare_loading,
    "multiply": prepare_product,
}


def write(message):
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def peak_bytes():
    """The most memory this process ever had resident."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main():
    order = json.loads(sys.stdin.readline())
    torch.set_num_threads(order["threads"])
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    task = order["task"]
    run = PREPARE[task["kind"]](task)
    versions = {
        "Python": python_version(),
        "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__,
        "PEFT": peft.__version__,
    }
    write({"versions": versions, "device": "the CPU"})
    for line in sys.stdin:
        began = time.perf_counter()
        outcome = run(json.loads(line)["count"])
        write({"seconds": time.perf_counter() - began, "outcome": outcome, "peakBytes": peak_bytes()})


main()
