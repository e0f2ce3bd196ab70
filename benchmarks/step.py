"""The cost of a sharpness-aware step relative to the base optimizer's, and to the published way of making it.

    python benchmarks/step.py [--quick] [--models wrn16_2 wrn28_2 vit_t4] [--rounds N] [--methods NAME …]

Methods take turns within one run, so that a drifting machine slows them alike; a ratio is the median over
rounds of the ratio to the plain step of the same round. On a CPU it is processor time, of one thread. The script
starts itself anew with the memory settings that workers run with; the published way runs in a process of its own, in
the environment that this script was called from.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

import torch
from claims import claim
from sam_step.methods import METHODS, Method, Step
from sam_step.workload import MODELS, THREADS, batch, now

from bench.resources import has_units_for
from cluster.work.environment import MEMORY_SETTINGS

FOLDER = Path(__file__).resolve().parent


def time_of(step: Step, device: str) -> float:
    """Seconds of one step."""
    start = now(device)
    step()
    return now(device) - start


def build_step(method: str, name: str, device: str) -> Step:
    """A step of `method` on a fresh network `name`."""
    torch.manual_seed(0)
    inputs, targets = (tensor.to(device) for tensor in batch())
    model = MODELS[name]().to(device).to(memory_format=torch.channels_last)
    return METHODS[method].build(model, inputs.to(memory_format=torch.channels_last), targets)


class Published:
    """The yardstick's process: one step on request."""

    def __init__(self, name: str) -> None:
        environment = {key: value for key, value in os.environ.items() if key not in MEMORY_SETTINGS}
        command = [sys.executable, "-m", "sam_step.published", name]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment, cwd=FOLDER)

    def seconds(self) -> float:
        """Make one step."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def ratios(order: list[str], name: str, rounds: int, device: str) -> tuple[dict[str, list[float]], float]:
    """Median ratio of each method to SGD and to what it stands beside, and seconds of SGD."""
    steps = {method: build_step(method, name, device) for method in order}
    seconds: dict[str, list[float]] = {method: [] for method in order}
    # The first round warms up allocators and caches of kernels. Each round starts with another method, since a
    # step is a little slower or faster after some methods than after others.
    for number in range(rounds + 1):
        for place in range(len(order)):
            method = order[(number + place) % len(order)]
            seconds[method].append(time_of(steps[method], device) / METHODS[method].steps)
    timed = {method: each[1:] for method, each in seconds.items()}
    found = {
        method: [_median_ratio(timed[method], timed[other]) for other in ("sgd", METHODS[method].beside)]
        for method in order
    }
    return found, statistics.median(timed["sgd"])


def ratio_to_published(name: str, rounds: int) -> float:
    """Median ratio of `only_norm` here to the published way in its process, which take turns."""
    step, published = build_step("only_norm", name, "cpu"), Published(name)
    ours, theirs = [], []
    for _ in range(rounds + 1):
        # Each process's first step after the other's finds the caches cold.
        step()
        ours.append(time_of(step, "cpu"))
        published.seconds()
        theirs.append(published.seconds())
    published.close()
    return _median_ratio(ours[1:], theirs[1:])


def _median_ratio(numerators: list[float], denominators: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def peak_memory(method: str, name: str, device: str) -> float:
    """MiB at the peak of two steps above what the built step holds; a process of its own measures it."""
    command = [sys.executable, __file__, "--peak", method, "--models", name, "--device", device]
    environment = {key: value for key, value in os.environ.items() if key not in MEMORY_SETTINGS}
    # Every tensor its own mapping: the peak is then that of the tensors, not of an allocator's free lists.
    environment["MALLOC_MMAP_THRESHOLD_"] = "65536"
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout)


def print_peak(method: str, name: str, device: str) -> None:
    """Measure this process."""
    step = build_step(method, name, device)
    before = memory_of(device, peak=False)
    for _ in range(2):
        step()
    print(memory_of(device, peak=True) - before)


def memory_of(device: str, *, peak: bool) -> float:
    if device == "cuda":
        return (torch.cuda.max_memory_allocated() if peak else torch.cuda.memory_allocated()) / 2**20
    # getrusage's peak would start from that of the process that started this one.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    key = "VmHWM:" if peak else "VmRSS:"
    return next(float(line.split()[1]) for line in lines if line.startswith(key)) / 2**10


def report(methods: list[str], name: str, rounds: int, device: str) -> None:
    """Print how long the steps on one network take."""
    found, base = ratios(methods, name, rounds, device)
    print(f"\n{name} on {device}: a step of SGD takes {1000 * base:.0f} ms (median of {rounds} rounds)")
    print(f"{'':42}{'time/SGD':>9}")
    for method in methods:
        ratio, beside = found[method]
        line = f"{method:42}{ratio:9.2f}"
        print(f"{line}  {_limit(method, METHODS[method], beside, name)}".rstrip(), flush=True)
    if device == "cpu":
        published = ratio_to_published(name, rounds)
        made = claim(f"{name}: only_norm / published", published, at_most=0.60)
        print(f"{'only_norm / the published way, untuned':42}{published:9.2f}  {made.verdict}", flush=True)


def report_memory(methods: list[str], name: str, device: str) -> None:
    """Print what the steps on one network hold at their peak."""
    memory = {method: peak_memory(method, name, device) for method in methods}
    print(f"\n{name} on {device}\n{'':42}{'peak MiB':>9}{'peak/SGD':>10}")
    for method, peak in memory.items():
        print(f"{method:42}{peak:9.0f}{peak / memory['sgd']:10.2f}", flush=True)


def _limit(name: str, method: Method, ratio: float, model: str) -> str:
    """What a method may cost, where it was promised: on wide ResNets."""
    if method.at_most is None or not model.startswith("wrn"):
        return ""
    made = claim(f"{model}: {name} / {method.beside}", ratio, at_most=method.at_most)
    return f"{ratio:.3f} × {method.beside}, {made.verdict}"


def _worthwhile() -> list[str]:
    """All methods but those in a type that this processor emulates, many times slower."""
    return [name for name in METHODS if "bf16" not in name or has_units_for("bfloat16")]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=["wrn16_2", "wrn28_2", "vit_t4"])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=_worthwhile())
    parser.add_argument("--quick", action="store_true", help="WRN-16-2 and what has a goal, ten rounds, no memory")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--peak", choices=METHODS, help="print one method's peak memory in MiB, nothing else")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    if arguments.peak:
        print_peak(arguments.peak, arguments.models[0], arguments.device)
        return
    if any(os.environ.get(key) != value for key, value in MEMORY_SETTINGS.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **MEMORY_SETTINGS})
    if arguments.quick:
        arguments.models, arguments.rounds = ["wrn16_2"], 10
        arguments.methods = [name for name, method in METHODS.items() if method.at_most]
    print(f"torch {torch.__version__}, {THREADS} threads, batch {len(batch()[0])}, 3×32×32, fp32, channels_last")
    # Others are told in terms of these.
    methods = [*dict.fromkeys(["sgd", "all", "only_norm", *arguments.methods])]
    for name in arguments.models:
        report(methods, name, arguments.rounds, arguments.device)
        if not arguments.quick:
            report_memory(methods, name, arguments.device)


if __name__ == "__main__":
    main()
