# Two commands matter: `make demo` and `make test`. Both need Python 3.11, make and PyPI alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint types interop soak protos clean

demo: $(STAMP)
	$(BIN)/blindplate demo

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not soak" --cov --cov-report=
	$(BIN)/coverage report --include='core/blindplate/core/*' --fail-under=95
	$(BIN)/coverage report --include='core/blindplate/psi/*' --fail-under=95

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/mypy
	$(BIN)/pyright

# Others' code: the protos are linted, and a ledger's files read by Go's and npm's own verifiers. Installs what it needs
# from Debian and npm itself.
GOCODE := /usr/share/gocode
interop: $(STAMP)
	command -v npm >/dev/null || (apt-get update -qq && apt-get install -y -qq nodejs npm)
	(command -v go && test -d $(GOCODE)/src/golang.org/x/mod/sumdb) >/dev/null || \
		(apt-get update -qq && apt-get install -y -qq golang-go golang-golang-x-mod-dev)
	command -v strace >/dev/null || (apt-get update -qq && apt-get install -y -qq strace)
	command -v mosquitto >/dev/null || (apt-get update -qq && apt-get install -y -qq mosquitto)
	npm install --prefix tests/interop --no-package-lock --no-audit --no-fund --silent
	tests/interop/node_modules/.bin/buf lint
	set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(BIN)/python tests/interop/write_ledger.py "$$folder"; \
	GO111MODULE=off GOPATH=$(GOCODE) go run tests/interop/check_ledger.go "$$folder"; \
	node tests/interop/check_ledger.mjs "$$folder"
	$(BIN)/python -m tests.interop.ledger_faults
	$(BIN)/python -m tests.interop.mosquitto

# Long runs: thousands of seeds, kill loops.
soak: $(STAMP)
	$(BIN)/python -m pytest -m soak -q

protos: $(STAMP)
	$(BIN)/python tools/generate_protos.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
