# `make demo` and `make test` need only Python 3.11 or newer, pip and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= out
MINUTES ?= 10
RECORD ?= $(HOME)/.cache/sambench/chaos.jsonl
# Tests, some of which mostly wait, run in parallel with lint.
MAKEFLAGS += --jobs=3

# tests/shared/sample.py decides which tests share a process, and which start first.
PYTEST = $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder
# Four processes on two cores, because some wait for clusters.
TESTS = $(PYTEST) -n 4 --durations=20
# Another processor's kernels in the numeric libraries round differently, so every training takes another course.
OTHER_PROCESSOR = ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE
# Tests that compare numbers with stored or independently computed ones.
NUMERIC = tests/sam tests/models/test_steps.py tests/models/test_same_network.py tests/data/test_data.py \
	tests/measures/test_sharpness.py tests/measures/test_features_and_attacks.py tests/train/test_training.py \
	tests/cluster/work/test_processes.py --ignore tests/sam/precision/test_device.py

.PHONY: demo docs test test-all test-fast test-numeric chaos lint lock bench bench-compare install share everything

demo: $(VENV)/.installed
	$(BIN)/sambench run sweeps/demo.yaml
	$(BIN)/sambench board sweeps/demo.yaml --cost
	$(BIN)/sambench board sweeps/demo.yaml --cost --format markdown --output $(OUT)/demo.md
	$(BIN)/sambench plot sweeps/demo.yaml --kind pareto --output $(OUT)/demo.png --output $(OUT)/demo.svg

# A share of the tests that are long and alike, drawn by the day; prints the slowest twenty.
test: lint share

# Everything: before a release, or after changing what the tests rely on.
test-all: lint everything

share: $(VENV)/.installed-dev
	$(TESTS)

everything: $(VENV)/.installed-dev
	$(TESTS) --share all

# One minute, while you write.
test-fast: $(VENV)/.installed-dev
	$(PYTEST) -n 2 --share small

# Numeric tests again, as on another processor.
test-numeric: $(VENV)/.installed-dev
	$(OTHER_PROCESSOR) $(PYTEST) --share small $(NUMERIC)

# Appends to the file RECORD, which accumulates over campaigns; CHAOS takes options such as `--kinds ray`.
chaos: $(VENV)/.installed-dev
	$(BIN)/python -m tests.chaos --minutes $(MINUTES) --record $(RECORD) $(CHAOS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy benchmarks/*.py

# Writes requirements.lock: the newest packages that pyproject.toml allows, for experiments and the image.
lock: $(VENV)/.installed-dev
	$(BIN)/python -m tests.shared.lock

# Measures every claim of speed against its goal, in ten minutes; JSON saves it, and bench-compare compares two.
bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/summary.py $(if $(JSON),--json $(JSON))

bench-compare: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/summary.py --compare $(EARLIER) $(LATER)

# Builds the site in out/site; broken links are errors.
docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/mkdocs build

install: $(VENV)/.installed

# The pip that comes with Python may be years old and resolve dependencies half as fast.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sambench needs Python 3.11 or newer")'
	$(PYTHON) -m venv --upgrade-deps $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable .
	touch $@

# Compiling all packages takes a minute, so only those that the tests load are compiled.
$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --no-compile --editable '.[dev]'
	$(BIN)/python -W ignore -c 'import ray.tune, timm, torch._dynamo, torchvision'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable '.[docs]'
	touch $@
