"""Documents near ours, drawn at random: the shipped sweeps with parts of them replaced, moved, repeated or mangled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

SWEEPS = [file.read_text(encoding="utf-8") for file in sorted((Path(__file__).parents[2] / "sweeps").glob("*.yaml"))]
SMALL = """title: "T"
recipe: digits-resnet
grid: {model: resnet8, seed: [1, 2], lr: 0.1}
methods:
  - {}
  - {variant: sam, rho: [0.1, 1]}
exclude: [{seed: 1, variant: sam}]
"""

WORDS = (
    "title", "recipe", "grid", "zip", "methods", "blocks", "exclude", "measures", "resources", "retries", "time",
    "early_stopping", "paper", "model", "seed", "rho", "variant", "scope", "lr", "m", "fast", "dataset", "init_from",
    "resnet8", "vit_mini", "sam", "all", "only_norm[1]", "digits", "cifar100", "fake:1x1x8x2", "folder:x", "timm/x",
    "choose", "where", "by", "test_accuracy", "sharpness[rho=1]", "paper-grid", "sgd", "imagenet", "gpus", "momentum",
)  # fmt: skip
SCALARS = (
    "0", "1", "-1", "1.5", "1e-3", "1e999", ".inf", "-.inf", ".nan", "0o17", "0x1F", "1_000", "1:30", "~", "null",
    "true", "no", "''", '"\\0"', '"\\ud800"', '"\\UFFFFFFFF"', "2020-01-01", "2020-99-99", "=", "<<", "9" * 30,
    "9" * 5000, "x" * 5000, "é", "\u2028", "0.1", "0.10000000000000001", "1000000000", "9223372036854775807",
)  # fmt: skip
TAGS = (
    "!!python/object:os.system ",
    "!!binary ",
    "!!set ",
    "!!int ",
    "!!float ",
    "!!str ",
    "!x ",
    "! ",
    "!!timestamp ",
)
ODD = (
    "\t",
    "\0",
    "\a",
    "\ufeff",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "%TAG ! x\n",
    "? ",
    ": ",
    "- ",
    "|\n",
    ">",
    "@",
    "`",
)

_scalars = st.sampled_from(WORDS + SCALARS) | st.floats().map(str) | st.integers().map(str)
_anchored = st.sampled_from(("", "", "", "", "&a ", "&b ", *TAGS))


def _collections(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    keys = st.sampled_from(WORDS) | _scalars | inner.map(lambda text: f"? {text} ")
    lists = st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
    maps = st.lists(st.tuples(keys, inner), max_size=4).map(
        lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items) + "}"
    )
    return st.tuples(_anchored, lists | maps).map("".join)


values = st.recursive(_scalars | st.sampled_from(("*a", "*b")), _collections, max_leaves=12)
"""A value in flow style."""

_generated = st.lists(st.tuples(st.sampled_from(WORDS) | _scalars, values), max_size=6).map(
    lambda items: "".join(f"{key}: {value}\n" for key, value in items)
)


@st.composite
def mutated(draw: Callable[..., object]) -> str:
    """A sweep with a few of its words, marks or lines changed."""
    text = draw(st.sampled_from([SMALL, SMALL, *SWEEPS]))
    assert isinstance(text, str)
    for _ in range(draw(st.integers(1, 4))):  # type: ignore[call-overload]
        start = draw(st.integers(0, len(text)))
        length = draw(st.sampled_from((0, 0, 1, 2, 5, 20)))
        new = draw(values | st.sampled_from(ODD) | st.just(text[start : start + 60]))
        assert isinstance(start, int)
        assert isinstance(length, int)
        text = f"{text[:start]}{new}{text[start + length :]}"
    return text


documents = mutated() | _generated | st.tuples(st.just(SMALL), _generated).map("".join) | st.text(max_size=60)
