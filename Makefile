# molgen's tasks. `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-slurm lint format bench clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODE := molgen workflows tests benchmarks

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## make .venv with molgen and every pinned dependency

# Runs again only when the pins or the package's metadata have changed.
$(READY): requirements.lock pyproject.toml
	@python=; for name in python3.11 python3; do \
	  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "molgen needs Python 3.11 or newer, and neither python3.11 nor python3 is one; install python3.11 (with its venv module)" >&2; \
	  exit 2; \
	fi; \
	[ -x $(BIN)/python ] || $$python -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $(READY)

demo: setup ## run the whole workflow on a part of ZINC250k
	@$(BIN)/snakemake --configfile workflows/config/demo.yaml --workflow-profile workflows/profiles/local all
	@echo "The report: results/demo/report.html"

test: setup ## run the tests, a process a core (those of more than ten seconds are in test-slow)
	@$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile

test-slow: setup ## run every test
	@$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile -m ''

test-slurm: setup ## run the tests on a Slurm that they start here (root, Debian's slurmctld slurmd slurmdbd munge mariadb-server)
	@MOLGEN_TEST_SLURM=1 $(BIN)/python -m pytest -m slurm tests/cluster

lint: setup ## ruff and mypy
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/mypy

format: setup ## let ruff put the code in order
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

bench: setup ## measure speed and memory (docs/benchmarks.md)
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file; done

clean: ## remove .venv, caches and unfinished builds; results stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
