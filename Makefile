# Everything runs in .venv; `make demo` and `make test` do all the set-up they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check format docs bench lab lab-all clean

demo: $(VENV)/run.stamp
	$(BIN)/preflight demo

test: $(VENV)/dev.stamp
	$(BIN)/pytest

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/size_budget.py
	PATH="$(abspath $(BIN)):$$PATH" ansible-lint --offline -q roles playbooks inventory

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/dev.stamp
	$(BIN)/pytest tests/render --rewrite

bench: $(VENV)/dev.stamp .venv-bench/made.stamp
	BENCH_BIN=.venv-bench/bin $(BIN)/python bench/look.py

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "preflight needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

# An editable install keeps the probe as it was built: rebuild it when its sources change.
PROBE_SOURCES := hatch_build.py $(wildcard preflight/probe/*.py preflight/probe/ptx/*.ptx)

$(VENV)/run.stamp: pyproject.toml $(PROBE_SOURCES) $(VENV)/made.stamp
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/dev.stamp: pyproject.toml $(PROBE_SOURCES) $(VENV)/made.stamp
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/run.stamp

# Real hosts under systemd-nspawn with a real vLLM on the CPU: tests/lab/README.md says what it needs.
lab: $(VENV)/dev.stamp
	PREFLIGHT_LAB=ci $(BIN)/pytest -n 0 -rs tests/lab

lab-all: $(VENV)/dev.stamp
	PREFLIGHT_LAB=all $(BIN)/python -m tests.lab.record

# The tools that are compared with pin other versions of what we use.
.venv-bench/made.stamp:
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet ansible-core pyinfra
	touch $@

clean:
	rm -rf $(VENV) .venv-bench build dist preflight/probe.pyz .mypy_cache .ruff_cache .pytest_cache
