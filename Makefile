# `make demo` and `make test` do everything on a fresh machine with Python 3.11 or newer, pip and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= out
MINUTES ?= 10
RECORD ?= $(HOME)/.cache/sambench/chaos.jsonl

.PHONY: demo test chaos lint bench install

demo: $(VENV)/.installed
	$(BIN)/sambench run sweeps/demo.yaml
	$(BIN)/sambench board sweeps/demo.yaml
	$(BIN)/sambench board sweeps/demo.yaml --format markdown --output $(OUT)/demo.md
	$(BIN)/sambench plot sweeps/demo.yaml --output $(OUT)/demo.png --output $(OUT)/demo.svg

test: lint
	$(BIN)/pytest -n 4 --dist worksteal

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
