# Two commands: `make lab` and `make test`. Everything else is a part of one of them.
PYTHON ?= python3
MESH ?= appmesh
V2_ERROR_RATE ?= 0
WORKSHOP ?= default
UNTIL ?= clean
RATE ?= 60
WORKSHOPS ?= 1
OBSERVE_FROM ?= 100

BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH)

# What the tools keep between runs stays in this folder.
export JSII_RUNTIME_PACKAGE_CACHE_ROOT := $(CURDIR)/.cache/jsii
export KUBECACHEDIR := $(CURDIR)/.cache/kube
export npm_config_cache := $(CURDIR)/.cache/npm
export CDK_HOME := $(CURDIR)/.cache/cdk
export MPLCONFIGDIR := $(CURDIR)/.cache/matplotlib

.PHONY: lab lab-up lab-down test check bench setup lock clean

lab: setup  ## bring the lab up, deploy, run one whole workshop under live load, report, bring it down
	@$(BIN)/python -m lab run --mesh "$(MESH)" --v2-error-rate "$(V2_ERROR_RATE)" \
		--workshop "$(WORKSHOP)" --until "$(UNTIL)" --rate "$(RATE)" --workshops "$(WORKSHOPS)" \
		--observe-from "$(OBSERVE_FROM)"

lab-up: setup  ## leave the lab standing, deployed
	@$(BIN)/python -m lab up --mesh "$(MESH)" --v2-error-rate "$(V2_ERROR_RATE)" --observe-from "$(OBSERVE_FROM)"

lab-down: setup  ## stop everything that lab-up started
	@$(BIN)/python -m lab down

test: setup check  ## every test
	@$(BIN)/python -m pytest -n 3 --no-loadscope-reorder

check: setup  ## what needs no run: style, types, import rules
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: setup  ## the canary beside other tools' rules; docs/bench.md
	@$(BIN)/python -m bench.canary

setup:
	@$(PYTHON) tools/bootstrap.py

lock: setup  ## resolve pyproject.toml and package.json again
	$(BIN)/uv pip compile -q --no-header --universal --python-version 3.11 --generate-hashes --group stacks --group lab --group cli --group bench --group test pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --no-header --universal --python-version 3.11 --generate-hashes -c requirements.txt pyproject.toml -o lambdas/requirements.txt
	$(BIN)/uv pip compile -q --no-header --universal --python-version 3.11 --generate-hashes --group node -o requirements-node.txt
	$(BIN)/uv pip compile -q --no-header --universal --python-version 3.13 --generate-hashes -c requirements.txt apps/demo/requirements.in -o apps/demo/requirements.txt
	$(BIN)/uv pip compile -q --no-header --universal --python-version 3.13 --generate-hashes -c requirements.txt apps/collector/requirements.in -o apps/collector/requirements.txt
	npm install --package-lock-only

clean:  ## remove what set-up and runs made
	rm -rf .venv .lab .cache cdk.out node_modules
