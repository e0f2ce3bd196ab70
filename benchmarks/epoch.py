"""An epoch of training, against a plain loop in the style of public CIFAR scripts.

    python benchmarks/epoch.py [--quick] [--model wrn16_4] [--images 2560] [--rounds 3]

The plain loop: torchvision's transforms on PIL images in a DataLoader with 2 workers, float32, contiguous. Ours: the
trainer as a worker runs it, exact and with `fast: true`, in a process with the memory settings of workers. All take
turns within one run; a ratio is the median over rounds. `waiting` is the share of training time without a batch.
`fast: true` computes in bfloat16 and is left out on a processor that emulates it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from claims import claim
from torch.nn.functional import cross_entropy

from bench import data, models
from bench.papers.sam_on.recipes import FAST_VALUES
from bench.resources import has_units_for
from bench.train.epoch import Epoch
from bench.train.training import Training
from bench.trial import Trial
from cluster.work.environment import worker_environment

THREADS = 2


def trial_of(model: str, images: int) -> Trial:
    """SGD on random images of CIFAR's size, with the paper's recipe."""
    return Trial(
        dataset=f"fake:{images}x3x32x10", model=model, augment="basic", optimizer="sgd", lr=0.1, weight_decay=5e-4,
        batch_size=128, epochs=1000, label_smoothing=0.1, settings=(("momentum", 0.9),), seed=0,
    )  # fmt: skip


def serve_ours(trial: Trial) -> None:
    """An epoch for every line read; prints its seconds and those spent waiting."""
    training = Training(trial, torch.device("cpu"))
    for epoch, _ in enumerate(sys.stdin, 1):
        training._epoch = Epoch(training.device)
        started = time.perf_counter()
        row = training._train_epoch(epoch)
        print(time.perf_counter() - started, row["waiting_seconds"], flush=True)


def serve_plain(trial: Trial) -> None:
    """The same by the plain loop."""
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms

    split = data.load(trial.dataset).train
    images, labels = split.take(torch.arange(len(split)))
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images]
    normalize = transforms.Normalize((0.5,) * 3, (0.29,) * 3)
    transform = transforms.Compose(
        [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), transforms.ToTensor(), normalize]
    )

    class Pictures(Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return len(pictures)

        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            return transform(pictures[index]), int(labels[index])

    loader = DataLoader(Pictures(), batch_size=128, shuffle=True, num_workers=2, persistent_workers=True)
    model = models.build(trial.model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    for _ in sys.stdin:
        started, waiting = time.perf_counter(), 0.0
        model.train()
        batches = iter(loader)
        while True:
            asked = time.perf_counter()
            batch = next(batches, None)
            waiting += time.perf_counter() - asked
            if batch is None:
                break
            optimizer.zero_grad()
            cross_entropy(model(batch[0]), batch[1], label_smoothing=0.1).backward()
            optimizer.step()
        print(time.perf_counter() - started, waiting, flush=True)


WAYS = ("plain", "ours, exact", "ours, fast", "ours, exact, basic+aa", "ours, fast, basic+aa")


def start(way: str, arguments: argparse.Namespace) -> subprocess.Popen[str]:
    """The process of one way, with the environment that belongs to it."""
    environment = dict(os.environ) | ({} if way == "plain" else worker_environment(THREADS))
    command = [sys.executable, __file__, "--serve", way, "--model", arguments.model, "--images", str(arguments.images)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment, cwd=Path(__file__).parent)


def epoch_of(process: subprocess.Popen[str]) -> tuple[float, float]:
    """Seconds of the next epoch of a process, and those of waiting."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    seconds, waiting = process.stdout.readline().split()
    return float(seconds), float(waiting)


def compare(arguments: argparse.Namespace) -> None:
    """Print the table."""
    ways = [way for way in WAYS if "fast" not in way or has_units_for("bfloat16")]
    processes = {way: start(way, arguments) for way in ways}
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(arguments.rounds + 1):
        for way, process in processes.items():
            found[way].append(epoch_of(process))
    for process in processes.values():
        process.communicate()
    plain = [seconds for seconds, _ in found["plain"][1:]]
    workload = f"{arguments.images} images of 3×32×32, batch 128, {THREADS} threads, {arguments.rounds} rounds"
    print(f"{arguments.model}, {workload}")
    print(f"{'':26}{'s/epoch':>9}{'faster':>9}{'at least':>10}{'waiting':>9}{'at most':>9}")
    for way, epochs in found.items():
        times = epochs[1:]
        ratio = statistics.median(theirs / ours for theirs, (ours, _) in zip(plain, times, strict=True))
        seconds = statistics.median(ours for ours, _ in times)
        share = statistics.median(waiting / ours for ours, waiting in times)
        if way != "plain":
            claim(f"waiting for data: {way}", 100 * share, at_most=2, unit=" %")
        if way == "ours, fast":
            claim("epoch: plain / ours, fast", ratio, at_least=2)
        least, most = "2.0" if way == "ours, fast" else "", "" if way == "plain" else "2 %"
        print(f"{way:26}{seconds:9.2f}{ratio:9.2f}{least:>10}{100 * share:7.2f} %{most:>9}")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="wrn16_4")
    parser.add_argument("--images", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="resnet20")
    parser.add_argument("--serve", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.model = "resnet20"
    if not arguments.serve:
        compare(arguments)
        return
    torch.set_num_threads(THREADS)
    trial = trial_of(arguments.model, arguments.images)
    if "basic+aa" in arguments.serve:
        trial = replace(trial, augment="basic+aa")
    if "fast" in arguments.serve:
        trial = replace(trial, **FAST_VALUES)
    (serve_plain if arguments.serve == "plain" else serve_ours)(trial)


if __name__ == "__main__":
    main()
