"""No YAML document, however odd, is a traceback or runs away: each oddity is a fault with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.sweep import SpecError, load
from bench.sweep.file.source import Source

HEAD = 'title: "Test"\nrecipe: digits-resnet\ngrid: {model: resnet8, seed: 1}\n'
NINES = "9" * 10_000

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

CASES = {
    "methods: [{<<: {lr: 1}}]": "4:12: merge keys (<<) are not supported",
    "methods: &m [*m]": "4:10: methods[0]: an alias of what it is a part of",
    "methods: [&m {lr: [*m]}]": "4:11: methods[0].lr[0]: an alias of what it is a part of",
    "methods: [*m]": "4:11: no valid YAML: found undefined alias 'm'",
    "methods: [&m {lr: 1}, &m {lr: 2}]": "4:23: no valid YAML: a second anchor 'm'",
    LAUGHS: "more than 50,000 values: repeat less by aliases",
    "methods: [{lr: !!python/object:os.system x}]": "4:16: no valid YAML: the tag 'tag:yaml.org,2002:python/object:os.",
    "methods: [{lr: !!binary aGk=}]": "4:16: no valid YAML: the tag",
    "methods: !!set {lr}": "4:10: no valid YAML: the tag",
    "methods: [{lr: !!timestamp x}]": "4:16: no valid YAML: the tag",
    "methods: [{!!int lr: 1}]": "4:12: no valid YAML: the tag",
    "methods: [{lr: !mine 1}]": "4:16: no valid YAML: the tag '!mine'",
    "methods: [{lr: 2020-01-01}]": "4:16: methods[0].lr: input should be a valid number, not '2020-01-01'",
    "methods: [{lr: 2020-13-41}]": "4:16: methods[0].lr: input should be a valid number, not '2020-13-41'",
    "methods: [{lr: 1:30}]": "4:16: methods[0].lr: input should be a valid number, not '1:30'",
    "methods: [{lr: =}]": "4:16: methods[0].lr: input should be a valid number, not '='",
    "methods: [{tf32: no}]": "4:18: methods[0].tf32: input should be a valid boolean, not 'no'",
    "methods: [{tf32: 1}]": "4:18: methods[0].tf32: input should be a valid boolean, not 1",
    "methods: [{? [lr, m] : 1}]": "4:14: a key is a word, not a list or a mapping",
    "methods: [{? {lr: 1} : 1}]": "4:14: a key is a word, not a list or a mapping",
    ": 3": "4:1: a key is missing before the colon",
    "~: 3": "4:1: ~: unknown key '~'; valid: ",
    "blocks: 1": "4:9: blocks: takes a list, not a single value: write [1]",
    "1: 3": "4:1: 1: unknown key '1'; valid: ",
    "2020-01-01: 3": "4:1: 2020-01-01: unknown key '2020-01-01'; valid: ",
    "methods: " + "[" * 5000: "4:33: no valid YAML: more than 24 levels of nesting",
    "methods: " + "{lr: " * 5000: "no valid YAML: more than 24 levels of nesting",
    "- " * 5000: "no valid YAML: ",
    "methods:\n\t- {}": "5:1: no valid YAML: found character '\\t'",
    "---\ntitle: x": "4:1: no valid YAML: but found another document",
    f"methods: [{{epochs: {NINES}}}]": "4:20: methods[0].epochs: is no number of at most 64 bits: '9999",
    f"methods: [{{lr: -{NINES}}}]": "4:16: methods[0].lr: is no number of at most 64 bits: '-9999",
    f"methods: [{{epochs: 0x{NINES}}}]": "4:20: methods[0].epochs: is no number of at most 64 bits: '0x9999",
    "methods: [{lr: 1e999}]": "4:16: methods[0].lr: input should be a finite number, not inf",
    "early_stopping: {reduction: .inf}": "4:29: early_stopping.reduction: input should be a finite number",
    f"resources: {{time: {NINES}m}}": "4:19: resources.time: is longer than 4,096 characters",
    "resources: {time: 999999d}": "4:19: resources.time: a time is at most 3650d, not '999999d'",
    f"measures: ['sharpness[rho={'9' * 1000}]']": "4:12: measures[0]: measure 'sharpness[rho=999",
    'paper: "a\\0b"': "4:8: paper: holds the character '\\x00', which can't be shown",
    'paper: "\\e[31m"': "4:8: paper: holds the character '\\x1b', which can't be shown",
    'paper: "\\ud800"': "4:8: paper: holds the character '\\ud800', which can't be shown",
    'paper: "\\UFFFFFFFF"': "4:11: no valid YAML: Python int too large",
    "paper: \a": "4:8: no valid YAML: the character '\\x07' is not allowed",
    '"a\\nb": 1': "4:1: holds the character '\\n', which can't be shown",
    'methods: [{init_from: "~nobody-at-all/x"}]': "4:23: methods[0].init_from: weights ~nobody-at-all/x: ",
    "methods: [{init_from: /dev/zero}]": "4:23: methods[0].init_from: weights /dev/zero: Is no file",
    f"methods: [{{variant: sam, rho: {{choose: {'a' * 400}}}}}]": "4:31: methods[0].rho: unknown sweep 'aaa",
    "methods: [{variant: sam, rho: {choose: /}}]": "4:31: methods[0].rho: unknown sweep ''",
    "methods: [{variant: sam, rho: {choose: x, where: {model: []}}}]": "4:31: methods[0].rho: where: model: has no",
}

WHOLE = {
    b"\xff\xfea\x00": "can't be read: UTF-16, not UTF-8; save it as UTF-8",
    "title: é".encode("latin-1"): "1:8: can't be read: not UTF-8: byte 0xe9",
    b"title: x\ntitle\0: y": "2:6: no valid YAML: the character '\\x00' is not allowed",
    b"%YAML 1.1\n---\ntitle: x": "2:1: no valid YAML: a %YAML directive: files are YAML 1.2",
    b"%YAML 9.1\n---\ntitle: x": "1:1: no valid YAML: found incompatible YAML document",
    b'"\\UFFFFFFFF"': "1:4: no valid YAML: Python int too large",
    b"": "1:1: a sweep is a mapping",
    b"---\n...\n": "a sweep is a mapping",
    b"# x\n" * 20_000: "is larger than 64 KiB, which no sweep or profile needs",
    b"".join(b"k%d: 1\n" % number for number in range(400)): "stopped here: more than 200 faults",
}


def told(file: Path, overrides: dict[str, str] | None = None) -> str:
    with pytest.raises(SpecError) as caught:
        load(file, overrides)
    return str(caught.value).replace(f"{file}:", "")


@pytest.mark.parametrize("line", CASES, ids=range(len(CASES)))
def test_a_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(f"{HEAD}{line}\n", encoding="utf-8")
    assert CASES[line] in told(file)


@pytest.mark.parametrize("content", WHOLE, ids=range(len(WHOLE)))
def test_a_whole_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_bytes(content)
    assert WHOLE[content] in told(file)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("&a [*a]", "--set lr=&a [*a]: an alias of what it is a part of"),
        ("1\nepochs: 2", "write one value, or a list of them in brackets"),
        ("[", "no valid YAML"),
        ("!!int x", "no valid YAML: the tag"),
        ("", "--set lr=: has no value: input should be a valid number"),
    ],
)
def test_the_command_line(tmp_path: Path, value: str, message: str) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(HEAD, encoding="utf-8")
    assert message in told(file, {"lr": value})


@pytest.mark.parametrize("grid", ["~", "[1]", "x"])
def test_the_command_line_and_no_grid(tmp_path: Path, grid: str) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(f"title: x\nrecipe: digits-resnet\ngrid: {grid}\n", encoding="utf-8")
    problem = "has no value: input should be a mapping" if grid == "~" else "takes a mapping, not a"
    assert f"3:7: grid: {problem}" in told(file, {"lr": "1"})


def test_what_is_odd_and_sound(tmp_path: Path) -> None:
    """A byte-order mark, an end marker, an alias that ends, numbers in other bases, words of YAML 1.1."""
    file = tmp_path / "sweep.yaml"
    text = (
        f"{HEAD}methods: [{{lr: 1e-1}}, {{batch_size: 0o100, lr: .5}}]\nmeasures: [&t test_accuracy]\npaper: *t\n...\n"
    )
    file.write_text(text.replace('"Test"', "2020-01-01"), encoding="utf-8-sig")
    loaded = load(file)
    assert (loaded.title, loaded.paper) == ("2020-01-01", "test_accuracy")
    assert [(trial.lr, trial.batch_size) for trial in loaded.trials] == [(0.1, 64), (0.5, 64)]


def test_an_item_that_is_none_leaves_the_others_their_places(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(f"{HEAD}methods: [~, {{variant: samm, rho: 1}}]\nmeasures: [1, test_acc]\n", encoding="utf-8")
    assert [line.split(": ")[:2] for line in told(file).splitlines()] == [
        ["4:11", "methods[0]"],
        ["4:24", "methods[1].variant"],
        ["5:12", "measures[0]"],
        ["5:15", "measures[1]"],
    ]


def test_a_profile_is_read_by_the_same_rules() -> None:
    with pytest.raises(SpecError, match="profiles are a mapping of names"):
        Source.parse("[]", "profiles.yaml", "profiles are a mapping of names")
