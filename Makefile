# Everything runs in .venv, which each target makes when it is missing or older than the list of dependencies.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup refine test test-all lint types bench clean

help: ## say what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## install everything into .venv

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed; name one with make PYTHON=..."; exit 2; }
	@echo "installing into $(VENV) (once, a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

refine: $(STAMP) ## the main job: compose eight people from the embedded models
	@$(BIN)/python refine.py trunc=0.7

test: $(STAMP) ## the tests, offline, on two processes
	@$(BIN)/python -m pytest -n 2

test-all: $(STAMP) ## the tests with the slow ones
	@$(BIN)/python -m pytest -n 2 -m 'slow or not slow'

lint: $(STAMP) ## style and layering
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: $(STAMP) ## mypy --strict on src
	@$(BIN)/mypy

bench: $(STAMP) ## the speed tables of benchmarks/README.md
	@$(BIN)/python benchmarks/networks.py
	@$(BIN)/python benchmarks/refine.py
	@$(BIN)/python benchmarks/train.py
	@$(BIN)/python benchmarks/data.py
	@$(BIN)/python benchmarks/augment.py
	@$(BIN)/python benchmarks/evaluate.py

clean: ## remove the environment and what tools left behind; outputs/ stays
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
