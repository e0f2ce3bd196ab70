# `make demo` and `make test` do everything on a fresh machine with Python 3.11 or newer, pip and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= out
MINUTES ?= 10
RECORD ?= $(HOME)/.cache/sambench/chaos.jsonl
# Beside each other: tests, some of which wait, and what checks the code.
MAKEFLAGS += --jobs=3

# tests/shared/sample.py says what stays together in one process, and what begins.
PYTEST = $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder
# Four on two processors: some wait for clusters.
TESTS = $(PYTEST) -n 4 --durations=20
# Another processor's kernels in the numeric libraries: other rounding, and so another course of every training.
OTHER_PROCESSOR = ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE
# What compares numbers with other numbers than those that it has just computed in the same way.
NUMERIC = tests/sam tests/models/test_steps.py tests/models/test_same_network.py tests/data/test_data.py \
	tests/measures/test_sharpness.py tests/measures/test_features_and_attacks.py tests/train/test_training.py \
	tests/cluster/work/test_processes.py --ignore tests/sam/precision/test_device.py

.PHONY: demo docs test test-all test-fast test-numeric chaos lint lock bench bench-compare install share everything

demo: $(VENV)/.installed
	$(BIN)/sambench run sweeps/demo.yaml
	$(BIN)/sambench board sweeps/demo.yaml --cost
	$(BIN)/sambench board sweeps/demo.yaml --cost --format markdown --output $(OUT)/demo.md
	$(BIN)/sambench plot sweeps/demo.yaml --kind pareto --output $(OUT)/demo.png --output $(OUT)/demo.svg

# A share of the tests that are long and alike, another one every day, and the slowest twenty.
test: lint share

# Everything, before a release or after a change of what the tests stand on.
test-all: lint everything

share: $(VENV)/.installed-dev
	$(TESTS)

everything: $(VENV)/.installed-dev
	$(TESTS) --share all

# A minute, while one writes.
test-fast: $(VENV)/.installed-dev
	$(PYTEST) -n 2 --share small

# Once more on a processor that this one isn't.
test-numeric: $(VENV)/.installed-dev
	$(OTHER_PROCESSOR) $(PYTEST) --share small $(NUMERIC)

# Appends to the file in RECORD, which adds up over campaigns; CHAOS has options, such as `--kinds ray`.
chaos: $(VENV)/.installed-dev
	$(BIN)/python -m tests.chaos --minutes $(MINUTES) --record $(RECORD) $(CHAOS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy benchmarks/*.py

# requirements.lock: the newest packages that pyproject.toml admits, for experiments and the image.
lock: $(VENV)/.installed-dev
	$(BIN)/python -m tests.shared.lock

# Every claim of speed beside its goal, in ten minutes; JSON keeps it, and bench-compare puts two of them side by side.
bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/summary.py $(if $(JSON),--json $(JSON))

bench-compare: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/summary.py --compare $(EARLIER) $(LATER)

# The site, in out/site; strict: a link that leads nowhere is an error.
docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/mkdocs build

install: $(VENV)/.installed

# The pip that came with Python may be years old, and take twice as long to find what fits together.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sambench needs Python 3.11 or newer")'
	$(PYTHON) -m venv --upgrade-deps $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable .
	touch $@

# Without the byte code of all packages, which takes a minute: of those that the tests load it is made here.
$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --no-compile --editable '.[dev]'
	$(BIN)/python -W ignore -c 'import ray.tune, timm, torch._dynamo, torchvision'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable '.[docs]'
	touch $@
