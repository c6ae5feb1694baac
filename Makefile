# The commands for new users. Each target can be repeated; what is done already is not done again.
#
#   make quickstart   environment, generated benchmark, the quickstart study: tables and figures
#   make check        before every commit: lint, import contracts, types and the fast tests
#   make test         all tests
#   make docs         the documentation in site/
#   make bench        all benchmarks; some of them: python -m benchmarks NAME…
#
# A machine without a GPU takes torch's CPU build with
#   PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make quickstart

PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: quickstart check test lint contracts docs bench hooks clean

quickstart: $(VENV)/.installed
	$(BIN)/sd4match data shapes data/shapes
	$(BIN)/study launch quickstart

check: $(VENV)/.installed-lint contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy sd4match study
	$(BIN)/python -m pytest -q -m "not slow" --durations 5 --durations-min 2

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-lint contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

contracts: $(VENV)/.installed-lint
	$(BIN)/lint-imports

docs: $(VENV)/.installed-lint
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks all

hooks: $(VENV)/.installed-lint
	$(BIN)/pre-commit install

# Each is one installation, and holds those above it.
$(VENV)/.installed: EXTRAS :=
$(VENV)/.installed-test: EXTRAS := [test,docs]
$(VENV)/.installed-lint: EXTRAS := [test,docs,lint]
$(VENV)/.installed-test: HOLDS := $(VENV)/.installed
$(VENV)/.installed-lint: HOLDS := $(VENV)/.installed $(VENV)/.installed-test

$(VENV)/.installed $(VENV)/.installed-test $(VENV)/.installed-lint: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".$(EXTRAS)"
	touch $(HOLDS) $@

clean:
	rm -rf $(VENV) data/shapes results/quickstart
	git clean -fdXq results/store  # the records of results/sample stay
