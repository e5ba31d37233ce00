# Two commands: `make run` and `make test`. Both set up what they need; `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DAGSTER := -m alpha_pipeline.definitions

.DEFAULT_GOAL := help
.PHONY: help setup run test check docs live-check ui local-model lock bench bench-engine bench-proof clean

help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The lock names versions only. uv installs it in half a minute; where it cannot be had, pip does the same more slowly.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "Setting up .venv (two to three minutes, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' requirements.lock)" || true
	@if test -x $(BIN)/uv && $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --compile-bytecode -r requirements.lock; then :; \
	  else $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock; fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q alpha_pipeline assets resources
	@echo "Compiling kernels"
	@$(BIN)/python -m alpha_pipeline.kernels
	@touch $@

setup: $(READY) ## create .venv from the lock, compile bytecode and kernels

run: $(READY) ## one night of the whole graph on the embedded data and model
	@$(BIN)/alpha-pipeline run

test: $(READY) ## the tests: offline, deterministic
	@$(BIN)/python -m pytest -n auto

ui: $(READY) ## dg dev on the same data, http://127.0.0.1:3000
	@DAGSTER_HOME=$(CURDIR) $(BIN)/dg dev --host 127.0.0.1 --port 3000

live-check: $(READY) ## does every live vendor answer: two symbols, one finished day, door by door
	@$(BIN)/python -m alpha_pipeline.resources.tools.live_check

check: $(READY) ## linters, types, import arrows
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports

docs: $(READY) ## the documentation as a site: docs/_build/html/index.html; offline, warnings are errors
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

local-model: $(READY) ## assemble the optional better local model (about 1.1 GB), verified by hash
	@$(BIN)/python -m alpha_pipeline.resources.llm.local_model

lock: $(READY) ## renew requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --extra model --extra test --extra dev --extra docs \
	  --no-header --no-annotate pyproject.toml -o requirements.lock && sed -i "/sys_platform == 'never'/d" requirements.lock

bench: $(READY) ## wall time of a night by part, overhead per partition, lake reads
	@$(BIN)/python -m benchmarks.run_date

bench-engine: $(READY) ## the engine against its peers, which are installed first (KunQuant needs g++); half an hour
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-bench.lock
	@$(BIN)/python -m benchmarks.engine

bench-proof: $(READY) ## statistics and ledgers beside those of others, then a thousand factors scored; peers are installed first
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-peers.lock
	@$(BIN)/python -m benchmarks.agreement && $(BIN)/python -m benchmarks.scoring

clean: ## remove what runs produced (data/, .dagster/); keeps .venv
	@rm -rf data .dagster .tmp_dagster_home_*
