PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench torture soak pictures evidence clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("pywats-client needs Python 3.11 or newer; set PYTHON=" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[emulator,formats,http,tui,dev]'
	@touch $@

demo: $(VENV)/installed ## see it work: 25 files from a folder to a server, in half a minute
	@$(BIN)/pywats-client demo

test: $(VENV)/installed ## run the whole test suite
	@$(BIN)/pytest -n 3 --dist worksteal

check: $(VENV)/installed ## format, lint, types, import directions, dead code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture --min-confidence 61
	@! $(BIN)/vulture | grep -Ev 'unused (variable|attribute)|(formats|examples)/.*unused class'

format: $(VENV)/installed ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/installed ## measure speed and memory, as ratios in one run
	@$(BIN)/python -m tests.benchmarks

torture: $(VENV)/installed ## prove that nothing is lost: SECONDS=600 KILLS=200 SEED=1
	@SECONDS=$(or $(SECONDS),600) KILLS=$(or $(KILLS),200) SEED=$(or $(SEED),1) $(BIN)/python -m tests.torture
	@$(BIN)/python -m tests.torture.machine FILES=20000

soak: $(VENV)/installed ## ten minutes of load and faults: SECONDS=600 FILES=20000 SEED=1
	@$(BIN)/python -m tests.torture.soak SECONDS=$(or $(SECONDS),600) FILES=$(or $(FILES),20000) SEED=$(or $(SEED),1)

pictures: $(VENV)/installed ## draw the README's pictures of the dashboard anew
	@PYTHONPATH=. $(BIN)/python tests/tui/pictures.py

evidence: $(VENV)/installed ## run the suite, and write down in tests/README.md what it has shown
	@$(BIN)/pytest -n 3 --dist worksteal --evidence
	@$(BIN)/python -m tests.evidence

clean: ## remove what make has made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
