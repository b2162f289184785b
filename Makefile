# Every target works from a clean clone. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN    := $(VENV)/.run-installed
DEV    := $(VENV)/.dev-installed

.DEFAULT_GOAL := help
.PHONY: help setup dev demo serve serve-production pool demo-pool test lint format bench faults lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

$(RUN): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Roost needs Python 3.11 or newer; this is %s. Name another one: make PYTHON=python3.12" % sys.version.split()[0] or 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what Roost runs on ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(DEV): $(RUN) tests/requirements.txt
	@echo "Installing what the tests need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
	@touch $@

setup: $(RUN) ## the virtual environment and the database
	@$(BIN)/python manage.py migrate --verbosity 0

demo: setup ## run the main job and show its result
	@$(BIN)/python manage.py demo

dev: setup $(DEV) ## what the tests and the linters need too

serve: setup ## web pages and background work in one process
	@$(BIN)/python manage.py serve

serve-production: setup ## web, couriers, worker and beat, on the PostgreSQL and Redis that are named (docs/operating.md)
	@$(BIN)/python manage.py supervise --migrate

pool: $(DEV) ## a real HTCondor pool on this machine, reached over SSH, until Ctrl-C (root, Debian)
	@tests/install_servers
	@$(BIN)/python -m tests.pool

demo-pool: $(DEV) ## the demo on a real HTCondor pool, over SSH (root, Debian)
	@tests/install_servers
	@$(BIN)/python -m tests.pool.demo

test: $(DEV) ## every test, real servers included
	@tests/install_servers
	@$(BIN)/python -m pytest

lint: $(DEV) ## style, types, layout
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(DEV) ## mend what can be mended by itself
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

bench: $(DEV) ## every figure, beside the peer's
	@$(BIN)/python -m benchmarks

faults: $(DEV) ## kill -9 at seeded places; a thousand faults of all kinds in a Roost at work (an hour)
	@tests/install_servers
	@$(BIN)/python -m pytest tests/faults --faults=all
	@$(BIN)/python -m tests.faults.soak --injections 1000 --file

lock: ## pin the dependencies anew (needs uv)
	for list in requirements tests/requirements benchmarks/peers; do \
	    uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	        --custom-compile-command "make lock" --no-emit-index-url --no-emit-find-links $$list.in -o $$list.txt \
	    || exit 1; \
	done

clean: ## remove the virtual environment (the data in .roost/ stays)
	rm -rf $(VENV)
