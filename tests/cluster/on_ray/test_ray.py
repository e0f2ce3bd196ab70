"""Ray clusters that are there already, trials on several nodes, and early stopping, on two real Ray nodes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch

from bench.store import Store, query
from bench.sweep import SpecError, load
from tests.cluster.drivers import holder_in_training
from tests.conftest import ROOT, command_environment
from tests.shared.timing import patience, wait_for
from tests.shared.training import deviation, trained

Command = Callable[..., "subprocess.CompletedProcess[str]"]
BASE = "dataset: digits, model: resnet8, optimizer: sgd, weight_decay: 5e-4, batch_size: 256"
EARLY = "early_stopping: {metric: val_accuracy, grace_epochs: 2, reduction: 3}\n"
SEARCH = f'title: "Search"\ngrid: {{{BASE}, epochs: 8, seed: 1, lr: [0.05, 1e-7]}}\nresources: {{max_parallel: 1}}\n'


SHORT = tempfile.gettempdir() if len(tempfile.gettempdir()) < 20 else "/tmp"
"""Paths of sockets have at most 107 characters, of which Ray takes 75."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a Ray cluster of two nodes, which must outlive every run."""
    folder = tempfile.mkdtemp(prefix="r-", dir=SHORT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}
    nodes = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.cluster.on_ray.nodes", folder],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert nodes.stdout is not None
        # Ray says things of its own there.
        yield next(line.strip() for line in nodes.stdout if re.fullmatch(r"[\d.]+:\d+\n", line))
        assert nodes.poll() is None
    finally:
        with suppress(subprocess.TimeoutExpired):
            nodes.communicate(timeout=20)
        with suppress(ProcessLookupError):
            os.killpg(nodes.pid, signal.SIGKILL)
        nodes.wait()
        shutil.rmtree(folder, ignore_errors=True)


def write(folder: Path, text: str) -> Path:
    file = folder / "sweep.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def attempts(folder: Path, columns: str = "*") -> list[dict[str, Any]]:
    store = Store.open(folder / "store")
    return list(query(store, f"SELECT {columns} FROM attempts ORDER BY started").to_pylist())


def at_once(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["started"] < other["ended"] and other["started"] < one["ended"])


@pytest.mark.share(1, of="on a Ray cluster")
def test_a_cluster_that_is_there_does_the_work_on_both_nodes(address: str, sambench: Command, tmp_path: Path) -> None:
    sweep = write(tmp_path, f'title: "Two nodes"\ngrid: {{{BASE}, epochs: 2, lr: 0.05, seed: 4}}\n')
    done = sambench("run", sweep, "--address", address)
    assert done.returncode == 0, done.stderr
    found = attempts(tmp_path)
    assert [each["outcome"] for each in found] == ["done"] * 4
    assert len({each["trial_id"] for each in found}) == 4
    # A node has one processor, so that two workers at the same time were on two nodes.
    assert any(at_once(one, other) for one in found for other in found if one["pid"] != other["pid"])


@pytest.mark.share(1, of="on a Ray cluster")
def test_an_interrupt_stops_the_trials_and_leaves_the_cluster(address: str, sambench: Command, tmp_path: Path) -> None:
    sweep = write(tmp_path, f'title: "Long"\ngrid: {{{BASE}, epochs: 60, lr: 0.05, seed: 2}}\n')
    command = [sys.executable, "-m", "bench", "run", str(sweep), "--address", address]
    run = subprocess.Popen(command, cwd=tmp_path, env=command_environment(tmp_path), stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: holder_in_training(tmp_path / "store"))
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=patience())
    finally:
        run.kill()
        run.communicate()
    assert run.returncode == 130
    assert "nothing is lost; resume with:" in said
    assert {each["outcome"] for each in attempts(tmp_path)} == {"preempted"}
    pids = [each["pid"] for each in attempts(tmp_path)]
    wait_for(lambda: not any(Path("/proc", str(pid)).exists() for pid in pids))
    host, _, port = address.partition(":")
    socket.create_connection((host, int(port)), timeout=5).close()


@pytest.mark.share(1, of="on a Ray cluster")
def test_one_trial_over_two_nodes_is_the_run_of_one_process(address: str, sambench: Command, tmp_path: Path) -> None:
    data = "dataset: 'fake:600x1x8x10', model: vit_mini, optimizer: sgd, weight_decay: 5e-4, batch_size: 128, epochs: 1"
    text = f'title: "Over two"\ngrid: {{{data}, lr: 0.05, augment: basic, m: 64, seed: 1}}\n'
    text += "methods: [{variant: sam, scope: only_norm, rho: 0.1}]\n"
    sweep = write(tmp_path, text + "resources: {nodes: 2}\n")
    done = sambench("run", sweep, "--address", address)
    store = Store.open(tmp_path / "store")
    (trial,) = load(sweep).trials
    assert done.returncode == 0, done.stderr + store.folder(trial.trial_id).log.read_text(encoding="utf-8")
    (found,) = attempts(tmp_path, "outcome, world_size, launcher")
    assert found == {"outcome": "done", "world_size": 2, "launcher": "ray"}
    weights = safetensors.torch.load_file(store.folder(trial.trial_id).weights)
    assert deviation(weights, trial, trained(trial)) < 1e-3
    write(tmp_path, text.replace("rho: 0.1", "rho: 0.2").replace("m: 64", "m: 32") + "resources: {nodes: 4}\n")
    refused = sambench("run", sweep, "--address", address)
    assert refused.returncode == 2
    assert "4 nodes of 1 CPU asked for per trial; Ray has 2 of 2 nodes" in refused.stderr


@pytest.mark.share(1, of="on a Ray cluster")
def test_a_hopeless_trial_is_pruned_until_a_sweep_wants_it_done(
    address: str, sambench: Command, tmp_path: Path
) -> None:
    sweep = write(tmp_path, SEARCH + EARLY)
    searched = sambench("run", sweep, "--address", address)
    assert searched.returncode == 0, searched.stderr
    assert "2 trials: 1 done, 1 pruned" in searched.stderr
    found = attempts(tmp_path, "outcome, message, epochs")
    assert [each["outcome"] for each in found] == ["done", "pruned"]
    assert re.fullmatch(r"stopped early: val_accuracy \d+\.\d\d after epoch 2 is .*", found[1]["message"])
    assert 2 <= found[1]["epochs"] < 8
    again = sambench("run", sweep, "--on", "inline")
    assert "early_stopping: --on inline runs every trial to its end" in again.stderr
    assert len(attempts(tmp_path)) == 2
    board = sambench("board", sweep)
    assert "1 pruned" in board.stdout
    write(tmp_path, SEARCH)
    assert sambench("run", sweep, "--on", "inline").returncode == 0
    (resumed,) = attempts(tmp_path, "outcome, attempt, first_epoch, epochs")[2:]
    assert (resumed["outcome"], resumed["attempt"], resumed["epochs"]) == ("done", 2, 8)
    assert resumed["first_epoch"] == found[1]["epochs"]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:1", "no Ray cluster at 127.0.0.1:1: [Errno 111] Connection refused"),
        ("ray://head:10001", "write host:port"),
    ],
)
def test_no_cluster_at_the_address_is_said_before_ray_is_asked(
    sambench: Command, tmp_path: Path, address: str, reason: str
) -> None:
    sweep = write(tmp_path, SEARCH)
    refused = sambench("run", sweep, "--address", address)
    assert refused.returncode == 2
    assert reason in refused.stderr
    assert not (tmp_path / "store").exists()
    assert sambench("run", sweep, "--on", "inline", "--address", address).returncode == 2


def test_a_server_that_is_no_cluster_is_known_for_it() -> None:
    from cluster.launcher import LaunchError
    from cluster.on_ray.reachable import check_address

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            client, _ = server.accept()
            with client:
                client.recv(100)
                client.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(LaunchError, match="something else answers there"):
            check_address(f"127.0.0.1:{port}")
        thread.join()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "early_stopping: {metrik: val_accuracy}",
            r":4:18: early_stopping.metrik: unknown key 'metrik'; did you mean metric",
        ),
        ("early_stopping: {metric: train_loss}", r":4:26: early_stopping.metric: .*'test_accuracy' or 'val_bleu'"),
        ("early_stopping: {reduction: 1}", r":4:29: early_stopping.reduction: .* greater than 1, not 1"),
        ("early_stopping: {grace_epochs: 8}", r":4:32: early_stopping.grace_epochs: stops no trial"),
    ],
)
def test_what_is_wrong_with_early_stopping_is_said_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(SpecError) as raised:
        load(write(tmp_path, SEARCH + text))
    assert re.search(fault, str(raised.value)), raised.value


def test_a_node_that_does_not_see_the_store_or_runs_other_code_is_named(tmp_path: Path) -> None:
    from cluster.job import Job
    from cluster.on_ray.measure import measure_here
    from cluster.on_ray.worker import TrialActor
    from cluster.work.environment import CODE

    job = Job(store=tmp_path)
    config = {"job": job, "code": CODE, "processes": 1, "task": ("0" * 16, 0)}
    actor = TrialActor.__new__(TrialActor)
    actor.setup(config)
    unseen = f"{tmp_path} is not visible on node {socket.gethostname()}; the store must lie on a shared file system"
    assert actor.step() == {"unseen": unseen, "done": True}
    assert str(measure_here(job, CODE, "0" * 16, ())) == unseen
    other = tmp_path / "code"
    (other / "cluster").mkdir(parents=True)
    (other / "cluster" / "__init__.py").touch()
    actor.setup({**config, "code": other})
    unseen = f"node {socket.gethostname()} runs the sambench of {CODE}, not that of {other}"
    assert actor.step() == {"unseen": unseen, "done": True}
    assert str(measure_here(job, other, "0" * 16, ())) == unseen
