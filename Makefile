# make run | test | check | conformance | bench: each sets up what it needs in .venv and nothing outside it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STORE ?= $(or $(AAS_SERVER_STORE),sqlite:///aas.db)

.PHONY: run test check lint types imports conformance bench clean

run: $(VENV)/run.stamp
	$(BIN)/aas-server serve --store '$(STORE)' --examples --plant

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest -q -n auto

check: $(VENV)/check.stamp lint types imports test

lint: $(VENV)/check.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/check.stamp
	$(BIN)/mypy

imports: $(VENV)/check.stamp
	$(BIN)/lint-imports --no-logo

conformance: $(VENV)/test.stamp
	$(BIN)/python -m conformance

bench: $(VENV)/test.stamp
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis

# One environment grows with what is asked of it; pip does nothing where nothing is missing.
$(VENV)/python.stamp:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "aas-server needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV) || (echo "python venv is missing: on Debian and Ubuntu, apt install python3-venv" && exit 1)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

$(VENV)/run.stamp: $(VENV)/python.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[graph]'
	touch $@

$(VENV)/test.stamp: $(VENV)/python.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@ $(VENV)/run.stamp

$(VENV)/check.stamp: $(VENV)/python.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[test,check]'
	touch $@ $(VENV)/test.stamp $(VENV)/run.stamp
