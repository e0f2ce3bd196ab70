"""A bundle at an address: sent, fetched once, verified, and one sentence in seconds where the network fails."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

import bench
from bench.errors import UserError
from bench.publish import destination
from bench.store import remote
from tests.cli.conftest import Call
from tests.publish.made_up import fill
from tests.shared.command import sambench

BOARD = ("board", "searches/search.yaml", "--format", "csv")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sweeps, a store, and `bundle`, which was published from them, to be copied."""
    folder = tmp_path_factory.mktemp("made")
    fill(folder)
    assert sambench(folder, "publish", "searches/search.yaml", "--to", "bundle").returncode == 0
    return folder


@pytest.fixture
def folder(made: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory with all that, and a cache of its own."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def send(address: str) -> None:
    """Put the bundle there as `publish` does once it is made."""
    destination.put(address, lambda root: shutil.copytree("bundle", root, dirs_exist_ok=True))


@pytest.mark.share(2, of="a bundle at an address")
@pytest.mark.slow
def test_there_and_back(folder: Path, call: Call, on_s3: str) -> None:
    address = "s3://bucket/paper/supplement"
    told = call("publish", "final.yaml", "--to", address)
    assert (told.code, told.err.splitlines()[-1]) == (0, f"{address}: 10 trials, 10 of them done, outputs of 1")
    # Published anew, what isn't of it any more goes.
    send(address)
    ours = call(*BOARD)
    assert call(*BOARD, "--store", address).out == ours.out
    assert "6 are equal to the last bit" in call("board", BOARD[1], "--against", address).out
    assert bench.open(address).results().arrow().num_rows == 10
    assert not list((folder / "cache" / "sambench" / "published").iterdir())
    (fetched,) = (folder / "cache" / "sambench" / "bundles").iterdir()
    assert not (fetched / "sweeps" / "final.yaml").exists()
    told = call("publish", "final.yaml", "--to", f"{address}/sweeps")
    assert (told.code, "has files and is no bundle" in told.err) == (2, True)


@pytest.mark.share(2, of="a bundle at an address")
@pytest.mark.slow
def test_what_is_wrong_there_is_one_sentence(folder: Path, call: Call, on_s3: str) -> None:
    address = "s3://bucket/damaged"
    send(address)
    urlopen(Request(f"http://{on_s3}/bucket/damaged/README.md", data=b"more", method="PUT"), timeout=10).close()
    urlopen(Request(f"http://{on_s3}/bucket/foreign/a.txt", data=b"mine", method="PUT"), timeout=10).close()
    for arguments, said in (
        ((*BOARD, "--store", address), "can't be read as a bundle: README.md: its checksum doesn't match its content"),
        ((*BOARD, "--store", "s3://bucket/none"), "can't be read as a bundle: nothing is there"),
        (("publish", "final.yaml", "--to", "s3://bucket/foreign"), "has files and is no bundle"),
        (("publish", "final.yaml", "--to", "s3://nobody/here"), "NO_SUCH_BUCKET"),
        (("run", BOARD[1], "--on", "inline", "--store", address), "what was published is only read"),
    ):
        told = call(*arguments)
        assert (told.code, said in told.err, told.err.count("\n")) == (2, True, 1), told.err
    assert not (folder / "cache" / "sambench" / "bundles").exists() or not list(
        (folder / "cache" / "sambench" / "bundles").iterdir()
    )


@pytest.mark.share(2, of="a bundle at an address")
@pytest.mark.slow
def test_the_hub(folder: Path, call: Call, hub: Path) -> None:
    address = "hf://datasets/lab/paper/supplement"
    (hub / ".gitattributes").write_text("* -text")
    (hub / "supplement").mkdir()
    send(address)
    assert call(*BOARD, "--store", address).out == call(*BOARD).out
    (hub / "supplement" / "notes.txt").write_text("by hand")
    told = call("publish", "final.yaml", "--to", address)
    assert (told.code, "has notes.txt, which isn't of the bundle there" in told.err) == (2, True)
    (hub / "supplement" / "notes.txt").unlink()
    # What isn't of the bundle any more goes with the same commit.
    destination.put(address, lambda root: shutil.copytree("bundle/boards", root / "boards"))
    left = sorted(path.relative_to(hub).as_posix() for path in hub.rglob("*") if path.is_file())
    assert left == [".gitattributes", "supplement/boards/search.csv", "supplement/boards/search.md"]


@pytest.mark.share(2, of="a bundle at an address")
@pytest.mark.slow
def test_any_file_system(folder: Path, call: Call) -> None:
    address = f"file://{folder}/shared/bundle"
    send(address)
    assert call(*BOARD, "--store", address).out == call(*BOARD).out


@pytest.mark.parametrize("kind", ["refused", "silent"])
@pytest.mark.parametrize("address", ["s3://bucket/x", "hf://datasets/lab/paper/x"])
@pytest.mark.slow
@pytest.mark.share(2)
def test_without_a_network(
    folder: Path, call: Call, silent: str, kind: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = f"http://{silent if kind == 'silent' else '127.0.0.1:9'}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", there)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", there)
    template = f"{there}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 2)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_ETAG_TIMEOUT", 2)
    begun = time.monotonic()
    told = call(*BOARD, "--store", address)
    assert (told.code, told.err.count("\n")) == (2, 1)
    assert told.err.startswith(f"{address}: can't be read as a bundle: ")
    assert time.monotonic() - begun < 40
    if kind == "refused":
        told = call("publish", BOARD[1], "--to", address)
        assert (told.code, told.err.count("\n")) == (2, 1)
        assert told.err.startswith(f"{address}: can't be published there: ")


def test_addresses() -> None:
    assert remote.address_of(Path("s3://bucket/a/b")) == "s3://bucket/a/b"
    assert remote.address_of(Path("file:///tmp/a")) == "file:///tmp/a"
    assert [remote.address_of(place) for place in ("store", "/s3/a", "./s3:/a", "../x")] == [None] * 4
    for wrong, said in (("hf://datasets/lab", "names no repository"), ("s4://b/x", "write s3://, hf://, gs://")):
        with pytest.raises(UserError, match=said):
            remote.filesystem(wrong)
