# Everything a newcomer types. Each target can be repeated; what is done already is not done again.
#
#   make quickstart   environment, generated benchmark, the quickstart study: tables and figures
#   make test         environment and the tests
#   make docs         environment and the documentation in site/
#
# A machine without a GPU and outside our workplace takes torch's CPU build with
#   PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make quickstart

PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: quickstart test lint docs bench clean

quickstart: $(VENV)/.installed
	$(BIN)/sd4match data shapes data/shapes
	$(BIN)/study launch quickstart

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-lint
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

bench: $(VENV)/.installed-test
	$(BIN)/python benchmarks/matching.py
	$(BIN)/python benchmarks/evaluator.py
	$(BIN)/python benchmarks/sharing.py
	$(BIN)/python benchmarks/prediction_cost.py
	$(BIN)/python benchmarks/prediction_memory.py
	$(BIN)/python benchmarks/dataset_index.py
	$(BIN)/python benchmarks/plan_size.py
	$(BIN)/python benchmarks/bootstrap.py
	$(BIN)/python benchmarks/nano.py
	$(BIN)/python benchmarks/factorial.py
	$(BIN)/python benchmarks/search.py
	$(BIN)/python benchmarks/answers.py
	$(BIN)/python benchmarks/bad_input.py
	$(BIN)/python benchmarks/store_load.py
	$(BIN)/python benchmarks/engine_overhead.py
	$(BIN)/python benchmarks/scaling.py
	$(BIN)/python benchmarks/chaos.py
	$(BIN)/python benchmarks/report.py

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test,docs]"
	touch $@

$(VENV)/.installed-lint: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test,lint,docs]"
	touch $@

clean:
	rm -rf $(VENV) data/shapes results/quickstart results/store
