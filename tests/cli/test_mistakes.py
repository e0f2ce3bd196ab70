"""Bad input is one message that says what, where and what would be right, and exit code 2."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.store import Store
from bench.sweep import load
from tests.cli.conftest import Call
from tests.shared.command import ROOT
from tests.shared.store import finish
from tests.shared.timing import patience, wait_for

WITHOUT_STORE = {
    "run tiny.yaml --on slrum": "--on: unknown launcher 'slrum'; did you mean slurm; valid: ray, slurm, inline",
    "run tiny.yaml --on inline --profile here": "--profile: only for --on slurm, not for --on inline",
    "run tiny.yaml --on slurm --address here:1": "--address: only for --on ray, not for --on slurm",
    "run tiny.yaml --retry all": "--retry: unknown choice 'all'; valid: failed",
    "plan tinny.yaml": "tinny.yaml: no such file; did you mean tiny.yaml",
    "plan tinny": "tinny: no such file; did you mean tiny.yaml",
    "plan .": ".: is a folder; name a file in it: tiny.yaml",
    "plan tiny.yaml --max-trials 9": "stands for 10 trials, more than 9: scope 2 × rho 2 × seed 2 = 8; seed 2 = 2; ",
    "status tiny.yaml --max-trials 9": "stands for 10 trials, more than 9: scope 2 × rho 2 × seed 2 = 8; seed 2 = 2; ",
    "plan tiny.yaml --set lr=1 --set lr=2": "--set lr: is given twice; write several values as --set 'lr=[1, 2]'",
    "cancel tinny.yaml": "tinny.yaml: no such file; did you mean tiny.yaml",
    "plan elsewhere/tiny.yaml": "elsewhere/tiny.yaml: no such file, and no .yaml file in elsewhere/",
    "sweeps tiny.yaml": "tiny.yaml: isn't a folder",
    "plan tiny.yaml --set sede=1": "--set sede=1: unknown field 'sede'; did you mean seed",
    "plan tiny.yaml --set seed": "--set seed: write FIELD=VALUE",
    "board tiny.yaml --metric accuracy": "--metric: unknown measure 'accuracy'",
    "board tiny.yaml": "no store at",
    "board tiny.yaml --store tiny.yaml": "/tiny.yaml is a file, and a store is a folder: name another by --store",
    "plan tiny.yaml --store tiny.yaml": "/tiny.yaml is a file, and a store is a folder: name another by --store",
    "run tiny.yaml --on inline --store tiny.yaml": "/tiny.yaml is a file, and a store is a folder",
    "status tiny.yaml": "no store at",
    "measure tiny.yaml": "no store at",
    "measure tiny.yaml shapness": "unknown measure 'shapness'; did you mean sharpness",
    "measure tiny.yaml sharpness[roh=1]": "unknown setting of sharpness 'roh'; did you mean rho; valid: norm, ",
    "measure tiny.yaml sharpness[rho=-1]": "rho (radius ρ of the perturbation): input should be greater than 0, not -1",
    "measure tiny.yaml --on slurm": "--on: unknown way of measuring 'slurm'; valid: ray, inline",
    "measure tiny.yaml --on inline --address here:1": "--address: only for --on ray, not for --on inline",
    "board tiny.yaml --metric sharpness[roh=1]": "--metric: measure 'sharpness[roh=1]': unknown setting of sharpness",
    "plot tiny.yaml --output a.jpg": "--output a.jpg: unknown format 'jpg'",
    "query SELECT_1": "no store at",
    "logs abc": "no store at",
}
WITH_STORE = {
    "plot tiny.yaml --kind runtime --output tiny.yaml/a.png": "tiny.yaml/a.png: can't be written: ",
    "report tiny.yaml --output store": "store: can't be written: Is a directory",
    "query SELECT_1 --parquet store": "store: can't be written: Is a directory",
    "query SELECT_1 --csv --json": "--csv, --json and --parquet: choose one of them",
    "cancel tiny.yaml --where varant=sam": "--where: unknown field 'varant'; did you mean variant",
    "logs zz": "zz: neither a sweep nor a trial id (up to 16 hexadecimal digits)",
    "logs 0123456789abcdef0": "0123456789abcdef0: neither a sweep nor a trial id (up to 16 hexadecimal digits)",
    "cancel cifar100-resnet": " digits); did you mean cifar100-resnets",
    "show abcd": "nothing is called 'abcd', and no trial id begins so; ",
    "cancel abcd": "no trial id starts with 'abcd' in ",
    "cancel abcd --smoke": "--set, --smoke and --where: apply to the trials of a sweep, but abcd is a single trial",
}


GRID = "grid: {dataset: digits, model: resnet8, optimizer: sgd, lr: 0.1, weight_decay: 0, batch_size: 64, epochs: 1}"
WRITTEN = {
    "grid:\n  dataset: digits\n   model: resnet8": (
        "3:9: no valid YAML: mapping values are not allowed here; indent the line as those beside it, or quote a value "
        "that holds a colon"
    ),
    "grid:\n\tdataset: digits": "2:1: no valid YAML: found character '\\t' that cannot start any token; indent by",
    "grid:\ndataset: digits": "2:1: dataset: unknown key 'dataset' here: put it under grid",
    "methods: [{variant: sam, scope: only_norm[9]}]": (
        "but got '['; a value with brackets stands in quotes there, such as \"only_norm[2,3]\""
    ),
    f"{GRID}\nmethods: [{{variant: sam, scope: 'only_norm[9]', rho: 1, seed: 1}}]": (
        "methods[0].scope: resnet8 has stages 1 to 3, not 9"
    ),
    "grid:\n  dataset: digits\n model: resnet8": "3:2: no valid YAML: expected <block end>, but found '<block mapping "
    "start>'; indent the line as those beside it",
    "title: a\ntitle: b": "2:1: title: duplicate key: it stands above already; drop one of the two",
    "title: [a, b]": "1:8: title: takes one text, not a list: write it without brackets, or in quotes, instead of",
    "methods: {variant: sam}": "1:10: methods: takes a list, not a mapping: write [{variant: sam}]",
    f"{GRID}\nmethods: [{{seed: 10000000}}]": (
        "methods[0].seed: stands for 10,000,000 trials, more than 1,000,000: seed 10,000,000 = 10,000,000; shorten an "
        "axis, split the sweep, or allow it by --max-trials 10000000"
    ),
    "  title: a\ngrid: {}": "found ('<block mapping start>',); begin all keys of the top level in one column",
    "title: a\n---\ntitle: b": "but found another document; a file holds one sweep; drop the line ---",
    f"{GRID}\nmethods: [sam]": "methods[0]: takes a mapping, not a single value: write {KEY: VALUE} instead of 'sam'",
    "title: a\nmethods:": "methods: has no value: input should be a valid list",
    f"{GRID}\nmethods: [{{foo: 1}}]": "methods[0].foo: unknown field 'foo'; `sambench schema trials` lists them",
    f"{GRID}\nmethods: [{{variant: SAM, seed: 1}}]": "unknown variant 'SAM'; did you mean sam; `sambench list",
    "grid: {learning_rate: 0.1}": "grid.learning_rate: unknown field 'learning_rate'; did you mean lr; ",
    f"{GRID}\nmethods: [{{variant: sam, rho: '0.1'}}]": "not '0.1'; a number stands without quotes",
    f"{GRID}\nmethods:\n- {{variant: sam, seed: 1}}\n- rho: 0,1": "not '0,1'; a decimal number has a point: write 0.1",
    "grid: {lr: 0,05}": "grid.05: '05' is no field; if it's the end of a decimal number, that has a point: 0.05",
    f"{GRID}\nmethods: [{{variant: sam, rho: }}]": "methods[0].rho: has no value: a ρ is a number above 0, a list of ",
    "": "1:1: a sweep is a mapping with keys such as title, recipe, grid and methods",
}


@pytest.mark.parametrize("text", WRITTEN)
def test_what_is_wrong_in_a_file(tmp_path: Path, call: Call, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    told = call("plan", "mine.yaml")
    assert (told.code, told.out) == (2, "")
    assert f"mine.yaml:{WRITTEN[text]}" in told.err or WRITTEN[text] in told.err
    assert "Traceback" not in told.err


def test_a_sweep_changed_after_its_results(tiny_sweep: Path, store: Store, call: Call) -> None:
    for trial in load(tiny_sweep).trials[:3]:
        finish(store, trial, test_accuracy=90.0)
    told = call("status", tiny_sweep, "--set", "lr=0.06").out
    assert "3 done ones differ in lr alone (0.05 there)" in " ".join(told.split())
    assert "differ in" not in call("status", tiny_sweep).out
    assert "3 done ones differ in lr alone" in " ".join(call("plan", tiny_sweep, "--set", "lr=0.06").out.split())
    for command in ("board", "plot"):
        assert "3 done ones differ in lr alone" in call(command, tiny_sweep, "--set", "lr=0.06").err


@pytest.mark.parametrize("command", ["board", "plot", "plan", "status"])
def test_a_part_of_a_sweep_is_no_change_of_the_others(command: str, tiny_sweep: Path, store: Store, call: Call) -> None:
    for trial in load(tiny_sweep).trials:
        if trial.scope == "all":
            finish(store, trial, test_accuracy=90.0)
    told = call(command, tiny_sweep, "--where", "scope=only_norm")
    assert "differ in" not in told.out + told.err


def test_half_of_the_store_is_gone(tiny_sweep: Path, store: Store, call: Call) -> None:
    for trial in load(tiny_sweep).trials[:4]:
        finish(store, trial, test_accuracy=90.0)
    for folder in list(store.folders())[:2]:
        shutil.rmtree(folder.path)
    assert "10 trials: 2 done, 8 missing" in call("status", tiny_sweep).out
    assert call("board", tiny_sweep).code == 0
    shutil.rmtree(store.root / "trials")
    assert "10 trials: 10 missing" in call("status", tiny_sweep).out
    checked = call("store", "check")
    assert (checked.code, "trials: is gone, and with it all trials that weren't compacted" in checked.out) == (1, True)


def test_a_data_root_that_leads_nowhere(tiny_sweep: Path, call: Call, tmp_path: Path) -> None:
    """As one without permission, which the system administrator, who may run the tests, always has."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cifar-10-batches-py").symlink_to("cifar-10-batches-py")
    told = call("data", "check", "cifar10")
    assert told.code == 2
    assert "cifar-10-batches-py/data_batch_1: can't be read: Too many levels of symbolic links" in told.err


@pytest.mark.parametrize("variable", ["NO_COLOR=1", "COLUMNS=60", "TERM=dumb"])
def test_what_is_printed_without_a_terminal_is_plain(
    tiny_sweep: Path, store: Store, call: Call, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    finish(store, load(tiny_sweep).trials[0], test_accuracy=90.0)
    monkeypatch.setenv(*variable.split("="))
    for command in ("plan", "status", "board"):
        told = call(command, tiny_sweep)
        assert (told.code, "\x1b" in told.out + told.err, "…" in told.out) == (0, False, False)


@pytest.mark.parametrize("command", ["plan", "run", "status", "board", "report", "plot", "cancel"])
def test_a_pipe_or_folder_as_a_sweep(tiny_sweep: Path, call: Call, tmp_path: Path, command: str) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "weights").mkdir()
    told = call(command, "pipe.yaml")
    assert (told.code, "pipe.yaml: is no plain file" in told.err) == (2, True), told.err
    told = call(command, "weights")
    assert (told.code, "weights: is a folder; name a file" in told.err) == (2, True), told.err


@pytest.mark.parametrize("line", WITHOUT_STORE)
def test_without_a_store(tiny_sweep: Path, call: Call, tmp_path: Path, line: str) -> None:
    told = call(*line.split())
    assert told.code == 2
    assert WITHOUT_STORE[line] in told.err
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("line", WITH_STORE)
def test_with_a_store(tiny_sweep: Path, store: Store, call: Call, line: str) -> None:
    finish(store, load(tiny_sweep).trials[0], test_accuracy=90.0)
    told = call(*(word.replace("_", " ") if word.startswith("SELECT") else word for word in line.split()))
    assert told.code == 2
    assert WITH_STORE[line] in told.err


def test_done_without_the_metric_is_not_taken_for_not_done(tiny_sweep: Path, store: Store, call: Call) -> None:
    finish(store, load(tiny_sweep).trials[0], test_accuracy=90.0)
    board = call("board", tiny_sweep, "--metric", "val_accuracy")
    assert (board.code, "No trial has a val_accuracy: 1 of 10 are done and lack it." in board.out) == (0, True)
    plot = call("plot", tiny_sweep, "--metric", "val_accuracy")
    assert (plot.code, plot.err) == (0, "nothing to plot yet: no trial of tiny has a val_accuracy\n")


@pytest.mark.slow
def test_a_store_without_results_is_no_mistake(tiny_sweep: Path, store: Store, call: Call, tmp_path: Path) -> None:
    assert "none of 10 has a test_accuracy" in call("board", tiny_sweep).out
    assert "nothing to plot yet" in call("plot", tiny_sweep).err
    assert "10 missing" in call("status", tiny_sweep).out
    assert call("report", tiny_sweep).code == 0
    assert "10 missing" in (tmp_path / "out/report.html").read_text(encoding="utf-8")


def test_a_data_root_that_may_not_be_looked_into(tmp_path: Path) -> None:
    """By a user who is bound by permissions, as the system administrator, who may run the tests, isn't."""
    (tmp_path / "data/cifar-10-batches-py").mkdir(parents=True)
    (tmp_path / "data").chmod(0)
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    environment = os.environ | {"SAMBENCH_DATA": str(tmp_path / "data")}
    command = [*bound, sys.executable, "-m", "bench", "show", "cifar10"]
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    (tmp_path / "data").chmod(0o755)
    assert (told.returncode, "not readable by you" in told.stdout) == (0, True), told.stderr


def test_control_c_while_the_store_is_asked(store: Store) -> None:
    """DuckDB sees to it rarely, or not at all."""
    sql = "SELECT count(*) FROM range(3000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3"
    command = [sys.executable, "-m", "bench", "query", sql, "--store", str(store.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asking:
        # Until then it imports.
        wait_for(lambda: processor_time(asking.pid) > 2)
        asking.send_signal(signal.SIGINT)
        told = asking.communicate(timeout=patience(20))
    assert (asking.returncode, *told) == (-signal.SIGINT, "", "")


def processor_time(pid: int) -> float:
    """Seconds that a process, a child of this one, has worked."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
