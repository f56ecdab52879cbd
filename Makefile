# Every target sets up its own environment; a second run of one costs nothing.
# make PYTHON=python3.12 venv   chooses the interpreter (3.11 or newer).

.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OPA := .tools/bin/opa
TESTS ?= tests
ARGS ?=
# More than there are processors: most of what a test does is to wait.
WORKERS ?= 4
# Modules stay compiled: otherwise each of the thousands of processes compiles what it imports, most of its start.
unexport PYTHONDONTWRITEBYTECODE
PYTEST = $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help venv stubs lint lint-protos words format types test test-all test-frameworks bench bench-peers test-opa chaos model demo clients up down clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(READY) ## make the virtual environment and install everything into it

$(READY): pyproject.toml hatch_build.py phoenix_runtime/local/opa-engine.txt uv.lock deploy/make-venv
	@deploy/make-venv "$(PYTHON)" "$(VENV)"
	@echo "$(PYTHON)" > $@

# Another interpreter was asked for than the environment was made with.
ifeq ($(origin PYTHON),command line)
ifneq ($(shell cat $(READY) 2>/dev/null),$(PYTHON))
.PHONY: $(READY)
endif
endif

stubs: $(READY) ## generate phoenix_dma/v1 from the protos (only when they changed)
	@$(BIN)/python build_stubs.py

lint: stubs ## ruff, formatting, words, buf and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/codespell
	@$(BIN)/buf lint
	@$(BIN)/lint-imports --no-cache

lint-protos: $(READY) ## the contract alone: buf
	@$(BIN)/buf lint

words: $(READY) ## words that the glossary replaces (docs/words.txt)
	@$(BIN)/codespell

format: $(READY) ## let ruff repair and format
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

types: stubs ## mypy --strict
	@$(BIN)/mypy

test: stubs ## every tier, and one short pass of every robustness family (TESTS=tests/unit, ARGS="-k name")
	@$(PYTEST) -m "not long" $(TESTS) $(ARGS)

test-all: stubs ## every test, the long forms too: hours
	@$(PYTEST) $(TESTS) $(ARGS)

test-frameworks: stubs ## the adapters over the real frameworks, each in an environment of its own (ARGS="pydantic-ai -k denied")
	@$(BIN)/python -m tests.frameworks $(ARGS)

bench: stubs ## what it costs, beside neighbours; wants an idle machine (ARGS="--only discovery --json FILE", --list, --quick)
	@$(BIN)/python -m tests.benchmarks $(ARGS)

bench-peers: stubs ## build the neighbours that make bench compares with: etcd and Temporal, where Go is
	@$(BIN)/python -m tests.benchmarks.peers.build

$(OPA):
	@mkdir -p $(@D)
	@GOBIN="$(CURDIR)/$(@D)" go install github.com/open-policy-agent/opa@latest

test-opa: stubs ## the policy engines' contract against a real OPA server too (where Go is)
	@command -v go >/dev/null || test -x $(OPA) || { echo "test-opa: skipped, there is no Go here"; exit 0; }; \
	$(MAKE) --no-print-directory $(OPA) && PHOENIX_DMA_TEST_OPA="$(CURDIR)/$(OPA)" \
	$(BIN)/pytest tests/contract/engines/test_policy_engines.py tests/contract/engines/test_policy_bundles.py tests/contract/engines/test_opa_rest.py $(ARGS)

chaos: stubs ## faults under traffic for ten minutes, then judge what is left (ARGS="--seed 7 --minutes 30")
	@$(BIN)/python -m tests.robustness.chaos $(ARGS)

model: ## the Promela model of who holds a task: invariants, liveness, removed guards (where Spin is)
	@command -v spin >/dev/null && command -v gcc >/dev/null || \
	{ echo "model: skipped, there is no Spin here"; exit 0; }; $(PYTHON) docs/model/check.py $(ARGS)

demo: stubs ## play the paper's stewardship story on real records, then leave nothing running
	@$(BIN)/python -m examples.stewardship

clients: stubs ## build the clients in other languages; a task goes from one killed agent to the next (ARGS="go rust")
	@$(BIN)/python -m examples.clients $(ARGS)

up: stubs ## start the runtime and keep it running (ARGS="--ports free")
	@exec $(BIN)/phoenix-dma up $(ARGS)

down: $(READY) ## stop the runtime
	@$(BIN)/phoenix-dma down $(ARGS)

clean: ## remove environments, stubs and caches (not the data of a runtime)
	@rm -rf .venv .venv-stubs .proto-deps phoenix_dma/v1 .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
