# `make` says what there is. Every target makes its own environment first; PYTHON=python3.13 chooses another interpreter.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
VENV := $(if $(PYTHON),.venv-$(patsubst python%,%,$(notdir $(PYTHON))),.venv)
BIN := $(VENV)/bin
STEP_BY_STEP := $(addprefix tests/unit/,client/test_interrupted_threads.py client/test_leading.py core/test_check_first.py core/test_flows.py)
BY_FILE := --dist loadfile --no-loadscope-reorder
# Thousands of processes are started here, each of which would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv demo test chaos check fuzz bench figures bench-against bench-peers test-real clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv:  ## the environment that the others use (the first time, and when pyproject.toml changes)
	@bash .ci/venv "$(VENV)" "$(PYTHON)"

demo: venv  ## a census of real Python code on four engines, and what else engineroom does
	@$(BIN)/python examples/census.py $(ARGS)

test: venv  ## all tests but those that need real servers (ARGS='-k name' chooses)
	@$(BIN)/python -m pytest --ignore=tests/real -n 3 $(BY_FILE) $(ARGS)

fuzz: venv  ## the tests with random examples, new ones in each round, and lying peers, for 5 minutes (MINUTES=60: for an hour)
	@end=$$((SECONDS + 60 * $(or $(MINUTES),5))); \
	for ((round = 1; SECONDS < end; round++)); do \
	  echo "round $$round"; \
	  $(BIN)/python -m pytest --ignore=tests/real -m hypothesis --hypothesis-profile=fresh -q -n 2 $(BY_FILE) $(ARGS); \
	  $(BIN)/python -m pytest tests/fuzz tests/simulation $(STEP_BY_STEP) -m "not hypothesis" \
	    --hypothesis-profile=fresh -q $(ARGS); \
	done

chaos: venv  ## kill, stop and cut off a cluster at random while tasks run, for 5 minutes (MINUTES=60, ARGS='--seed=7')
	@$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),5) $(ARGS)

check: venv  ## style, types, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy compat/ipyparallel/src
	@$(BIN)/lint-imports --no-logo

bench: venv  ## the figures that engineroom is held to, each beside its reference (ARGS='noop' chooses rows)
	@$(BIN)/python -m benchmarks $(ARGS)

figures: venv  ## measure everything, and put it into docs/figures.md, its picture and README.md; an hour on a quiet machine
	@$(BIN)/python -m benchmarks --docs; $(BIN)/python -m benchmarks.peers --readme; $(BIN)/python -m benchmarks.flames

bench-against: venv  ## the same figures of the code at REV and of this code, in turns (REV=HEAD~5 ARGS='noop map')
	@$(BIN)/python -m benchmarks.against $(REV) $(ARGS)

bench-peers: venv  ## the same cases on ipyparallel, dask, ray and two pools, each in an environment of its own
	@$(BIN)/python -m benchmarks.peers $(ARGS)

test-real:  ## tests on real servers and networks: needs root and ENGINEROOM_REAL=1, may install packages
	@if [ "$$(id -u)" != 0 ] || [ "$${ENGINEROOM_REAL:-}" != 1 ]; then \
	  echo "make test-real makes network namespaces and users: run it as root, with ENGINEROOM_REAL=1. Nothing was run."; \
	else bash .ci/venv "$(VENV)" "$(PYTHON)" libraries; $(BIN)/python -m pytest tests/real --timeout=900 -n 3 $(BY_FILE) $(ARGS); fi

clean:  ## remove what the other targets made
	@rm -rf build dist .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
