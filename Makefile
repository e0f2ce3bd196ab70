# `make demo` and `make test` do everything on a fresh machine with Python 3.11 or newer, pip and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= out
MINUTES ?= 10
RECORD ?= $(HOME)/.cache/sambench/chaos.jsonl

# Four on two processors: some wait for clusters. A file stays in one process, which makes its fixtures once.
TESTS = $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder
# Another processor's kernels in the numeric libraries: other rounding, and so another course of every training.
OTHER_PROCESSOR = ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE
NUMERIC = tests/sam tests/models tests/data tests/measures tests/train tests/cluster/work/test_processes.py

.PHONY: demo test test-all test-fast test-numeric chaos lint bench install

demo: $(VENV)/.installed
	$(BIN)/sambench run sweeps/demo.yaml
	$(BIN)/sambench board sweeps/demo.yaml
	$(BIN)/sambench board sweeps/demo.yaml --format markdown --output $(OUT)/demo.md
	$(BIN)/sambench plot sweeps/demo.yaml --output $(OUT)/demo.png --output $(OUT)/demo.svg

# A share of the tests that are long and alike, another one every day, and the slowest twenty.
test: lint
	$(TESTS) --durations=20

# Everything, before a release or after a change of what the tests stand on.
test-all: lint
	$(TESTS) --share all --durations=20

# Within a minute, while one writes.
test-fast: $(VENV)/.installed-dev
	$(TESTS) --share small

# Once more on a processor that this one isn't.
test-numeric: $(VENV)/.installed-dev
	$(OTHER_PROCESSOR) $(TESTS) --share small $(NUMERIC)

# Appends to the file in RECORD, which adds up over campaigns; CHAOS has options, such as `--kinds ray`.
chaos: $(VENV)/.installed-dev
	$(BIN)/python -m tests.chaos --minutes $(MINUTES) --record $(RECORD) $(CHAOS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/.installed-dev
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

install: $(VENV)/.installed

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sambench needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.installed
