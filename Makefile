# Nextstroke · 下一笔: every command of the project. `make` alone lists them.
#
# ENVIRONMENT=path  use that Python environment instead of .venv, and leave it as it is
# TORCH_SPEC="…"    what pip is asked for in place of the pinned torch (README, "For a developer")
# PYTHON=python3.12 the interpreter that makes .venv
# ARGS="-k name"    further arguments for pytest

PYTHON ?= python3
ENVIRONMENT ?=
ARGS ?=
export TORCH_SPEC

BIN := $(or $(ENVIRONMENT),.venv)/bin
SET_UP := $(if $(ENVIRONMENT),@true,@$(PYTHON) resources/packaging/set_up.py)

.DEFAULT_GOAL := help
.PHONY: help run setup test check format format-check lint types contracts pytest test-long package clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

run: ## set up the application (first time: a few minutes) and open the window
	$(SET_UP) run
	@$(PYTHON) resources/packaging/open_window.py $(BIN)

setup: ## prepare .venv with everything the tests need
	$(SET_UP) test

test: setup format-check lint types contracts pytest ## everything: format, lint, types, import contracts, all tests

check: setup format-check lint types contracts ## the fast part of `make test`

format-check:
	$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }

lint:
	$(BIN)/ruff check --quiet --output-format concise .

types:
	$(BIN)/mypy

contracts:
	$(BIN)/lint-imports --no-logo

pytest:
	$(BIN)/python -m pytest -m "not long" $(ARGS)

test-long: setup ## the long tests: minutes to hours
	$(BIN)/python -m pytest -m long $(ARGS)

format: setup ## put the code into the project's format
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --fix --quiet .

package: ## build the packaged program in build/dist/nextstroke and test it
	$(SET_UP) package
	$(BIN)/python resources/packaging/build_package.py

clean: ## remove .venv and everything built
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis nextstroke.egg-info
	rm -f engine/kernels/_operators*
