# Everything runs in .venv, which each target makes when it is missing or older than the list of dependencies.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.DEFAULT_GOAL := help
PYTEST_QUICK := tests/ops tests/refine/terms tests/refine/test_refine_schedule.py tests/refine/test_refine_objective.py \
	tests/refine/test_refine_latent_optimizer.py tests/refine/test_refine_latents.py tests/refine/test_refine_starts.py \
	tests/detection/test_detection_placement.py tests/networks/test_networks_behaviour.py tests/runtime/test_runtime_fingerprint.py \
	tests/runtime/test_runtime_settings.py tests/runtime/test_runtime_store.py tests/training/test_training_phases.py \
	tests/training/test_training_ema.py tests/data/test_data_coco.py tests/data/test_data_share.py tests/cli/test_cli_seeds.py

.PHONY: help setup refine quick test test-all mutations lint types docs release-check bench clean

help: ## say what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: $(STAMP) ## install everything into .venv

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed; name one with make PYTHON=..."; exit 2; }
	@echo "installing into $(VENV) (once, a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

refine: $(STAMP) ## the main job: compose eight people from the embedded models
	@$(BIN)/python refine.py trunc=0.7

quick: $(STAMP) ## a subset of the tests that takes less than a minute
	@$(BIN)/python -m pytest -n 2 $(PYTEST_QUICK)

test: $(STAMP) ## the tests, offline, on two processes
	@$(BIN)/python -m pytest -n 2

test-all: $(STAMP) ## the tests with the slow ones
	@$(BIN)/python -m pytest -n 2 -m 'slow or not slow'

mutations: $(STAMP) ## defects of one line, each shown to its tests: which are not seen?
	@$(BIN)/python tests/mutations.py

lint: $(STAMP) ## style and layering
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: $(STAMP) ## mypy --strict on src
	@$(BIN)/mypy

docs: $(STAMP) ## the documentation as a site, in build/site; a link that leads nowhere ends it
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -c docs/site -b html . build/site
	@echo "build/site/index.html"

release-check: $(STAMP) ## build sdist and wheel, and try them in a fresh environment (docs/release.md)
	@$(BIN)/python tests/release_check.py dist

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
