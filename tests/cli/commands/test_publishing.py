"""What is published says what the store says, twice the same, whole or not at all, and is read like a store."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas
import pytest

import bench
from bench.errors import UserError
from bench.publish import destination
from bench.store import Store, StoreError, query
from bench.store.files import seal
from bench.store.files.staging import replace_in_two_steps
from tests.cli.conftest import Call
from tests.publish.made_up import HOSTS, SECRETS, fill
from tests.shared.command import sambench

SWEEPS = ("final.yaml", "searches/search.yaml")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sweeps, a store, and `bundle`, which was published from them, to be copied."""
    folder = tmp_path_factory.mktemp("made")
    fill(folder)
    told = sambench(folder, "publish", *SWEEPS, "--to", "bundle")
    assert (told.returncode, told.stderr) == (0, "bundle: 10 trials, 10 of them done, outputs of 1\n")
    return folder


@pytest.fixture
def folder(made: Path, call: Call, tmp_path: Path) -> Path:
    """The working directory with all that."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_bundle_says_what_its_store_says(folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    there = ("--store", "bundle")
    for asked in (
        ("board", "searches/search.yaml", "--format", "markdown"),
        ("board", "final.yaml", "--format", "json"),
        ("board", "final.yaml", "--against", "paper", "--format", "csv"),
        ("rank", "searches/search.yaml", "--format", "csv"),
        ("status", "searches/search.yaml"),
        (
            "query",
            "SELECT * EXCLUDE (lr) FROM history JOIN (SELECT trial_id, lr FROM results) USING (trial_id) ORDER BY 1, 2",
        ),
    ):
        ours, theirs = call(*asked), call(*asked, *there)
        assert (ours.code, theirs.code) == (0, 0), theirs.err
        assert ours.out == theirs.out
    beside = call("board", "searches/search.yaml", "--against", "bundle")
    assert "are equal to the last bit" in beside.out
    results = pandas.read_parquet(folder / "bundle" / "results.parquet")
    assert sorted(results.test_accuracy) == sorted(bench.open(folder / "store").results().pandas().test_accuracy)
    monkeypatch.chdir(folder / "bundle")
    told = call("board", "sweeps/final.yaml", "--store", ".", "--format", "markdown").out
    assert told == Path("boards/final.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_it_is_the_same_twice_and_names_nobody(folder: Path, call: Call) -> None:
    first = contents(folder / "bundle")
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder / "bundle", check=True)
    listed = (folder / "bundle" / "SHA256SUMS").read_text().count("\n")
    assert listed == len(first) - 1
    call("compact")
    assert call("publish", *SWEEPS, "--to", "again").code == 0
    assert contents(folder / "again") == first
    for name, data in first.items():
        assert not [secret for secret in (*SECRETS, str(folder).encode()) if secret in data], name
    rows = query(Store.open("bundle"), "SELECT DISTINCT host, pid FROM attempts ORDER BY 1").to_pylist()
    assert rows == [{"host": "host-1", "pid": None}, {"host": "host-2", "pid": None}]
    (said,) = query(Store.open("bundle"), "SELECT message FROM attempts WHERE outcome = 'crashed'")["message"]
    assert str(said) == f"host-{1 + sorted(HOSTS).index(HOSTS[0])}: can't read …/digits.npz"
    assert "Foret, Pierre" in first["citations.bib"].decode()


@pytest.mark.slow
def test_several_stores_and_updates(folder: Path, call: Call) -> None:
    fill(folder, "other")
    Store.create(folder / "empty")
    assert call("publish", "searches/search.yaml", "--to", "bundle", "--store", "empty", "--store", "other").code == 0
    assert not (folder / "bundle" / "sweeps" / "final.yaml").exists()
    assert Store.open("bundle").trial_ids() == Store.open("store").trial_ids()
    assert "nothing to publish" in call("publish", "searches/search.yaml", "--to", "new", "--store", "empty").err
    assert not [path for path in folder.iterdir() if path.name.startswith((".tmp", "new"))]


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("run", "searches/search.yaml", "--on", "inline"),
        ("compact",),
        ("measure", "searches/search.yaml", "nll"),
        ("store", "check", "--repair"),
        ("store", "forget", "searches/search.yaml", "--yes"),
        ("cancel", "searches/search.yaml"),
    ],
    ids=" ".join,
)
def test_a_bundle_is_not_written(folder: Path, call: Call, command: tuple[str, ...]) -> None:
    before = contents(folder / "bundle")
    told = call(*command, "--store", "bundle")
    assert (told.code, told.err) == (2, "bundle: is a bundle, which is only read; name another store\n")
    assert contents(folder / "bundle") == before


def test_what_else_is_there_is_never_replaced(folder: Path, call: Call) -> None:
    mine = folder / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("all of it")
    (folder / "bundle" / "notes.txt").write_text("by hand")
    for to, why in (
        ("mine", "has files and is no bundle"),
        ("store", "has files and is no bundle"),
        ("final.yaml", "is a file"),
        ("final.yaml/there", "can't be published there"),
        ("x" * 300, "can't be published there"),
        ("bundle", "has notes.txt, which isn't of the bundle there"),
    ):
        told = call("publish", "searches/search.yaml", "--to", to)
        assert (told.code, told.err.startswith(f"--to {to}: {why}"), told.err.count("\n")) == (2, True, 1)
    assert (mine / "thesis.tex").read_text() == "all of it"
    assert Store.open("bundle").trial_ids()


@pytest.mark.slow
def test_killed_in_the_middle(folder: Path, call: Call) -> None:
    before = contents(folder / "bundle")
    script = (
        "import os, signal, sys; from bench.publish.destination import put\n"
        "def fill(root):\n"
        "    (root / 'results.parquet').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "put(sys.argv[1], fill)"
    )
    ended = subprocess.run([sys.executable, "-c", script, "bundle"], cwd=folder, check=False)
    assert ended.returncode == -signal.SIGKILL
    left = [path for path in folder.iterdir() if path.name.startswith(".tmp-")]
    assert len(left) == 1
    assert contents(folder / "bundle") == before
    destination.put("another", lambda root: (root / "README.md").touch())
    assert not left[0].exists()


def test_where_two_folders_cannot_swap_their_names(tmp_path: Path) -> None:
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    replace_in_two_steps(tmp_path / "new", tmp_path / "old")
    assert contents(tmp_path) == {"old/file": b"new", "new/file": b"old"}
    with pytest.raises(FileNotFoundError):
        replace_in_two_steps(tmp_path / "gone", tmp_path / "old")
    assert contents(tmp_path) == {"old/file": b"new", "new/file": b"old"}


def test_what_came_while_a_bundle_was_filled_stays(tmp_path: Path) -> None:
    def fill(root: Path) -> None:
        (tmp_path / "bundle").mkdir()
        (tmp_path / "bundle" / "mine.txt").touch()

    with pytest.raises(UserError, match="has files and is no bundle"):
        destination.put(str(tmp_path / "bundle"), fill)  # type: ignore[arg-type]
    assert (tmp_path / "bundle" / "mine.txt").exists()


def damage(bundle: Path, how: str) -> None:
    part = next(bundle.glob("compact/*-results.parquet"))
    trial = next(bundle.glob("trials/*"))
    sums = bundle / "SHA256SUMS"
    if how == "changed":
        part.write_bytes(part.read_bytes()[:-1] + b"x")
    elif how == "missing":
        (trial / "trial.json").unlink()
    elif how == "added":
        (bundle / "trials" / "0123456789abcdef").mkdir()
        (bundle / "trials" / "0123456789abcdef" / "trial.json").write_text("{}")
    elif how == "link":
        (trial / "trial.json").unlink()
        (trial / "trial.json").symlink_to("/etc/passwd")
    elif how == "folder":
        shutil.move(bundle / "trials", bundle.parent / "elsewhere")
        (bundle / "trials").symlink_to(bundle.parent / "elsewhere")
    elif how == "outside":
        sums.write_text(sums.read_text() + f"{'0' * 64}  ../../etc/passwd\n")
    elif how == "absolute":
        sums.write_text(sums.read_text() + f"{'0' * 64}  /etc/passwd\n")
    elif how == "no sums":
        sums.unlink()
    else:
        (bundle / "bundle.json").write_bytes(seal.sealed_json({"bundle": 99}))
        digest = subprocess.check_output(["sha256sum", "bundle.json"], cwd=bundle, text=True)
        lines = [line for line in sums.read_text().splitlines() if not line.endswith("  bundle.json")]
        sums.write_text("\n".join([*lines, digest.strip()]) + "\n")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("changed", "-results.parquet: its checksum doesn't match its content: it isn't what was published"),
        ("missing", "/trial.json: is missing"),
        ("added", "trials/0123456789abcdef/trial.json: isn't listed in SHA256SUMS"),
        ("link", "/trial.json: is a link, which isn't followed"),
        ("folder", "trials: is a link, which isn't followed"),
        ("outside", "SHA256SUMS: line "),
        ("absolute", "SHA256SUMS: line "),
        ("no sums", "SHA256SUMS: is missing"),
        ("newer", "has schema 99, this sambench knows up to 1"),
    ],
)
def test_a_bundle_that_is_not_what_was_published(folder: Path, call: Call, how: str, said: str) -> None:
    damage(folder / "bundle", how)
    told = call("board", "searches/search.yaml", "--store", "bundle")
    assert (told.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert said in told.err
    with pytest.raises(StoreError):
        bench.open("bundle")
    if how != "newer":
        with pytest.raises(UserError, match="isn't as it was published"):
            destination.put("bundle", os.fspath)
