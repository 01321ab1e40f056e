# `make demo` and `make test` do all set-up themselves, in .venv.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin

.PHONY: setup demo test lint wheel-test test-oldest clean

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --upgrade pip
	$(RUN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: setup
	$(RUN)/avprompt run souple --dataset toy

test: setup lint
	$(RUN)/pytest
	$(MAKE) wheel-test

lint: setup
	$(RUN)/ruff check
	$(RUN)/ruff format --check
	$(RUN)/mypy

# The built wheel in an environment without the checkout: everything that ships must be in it.
wheel-test: setup
	$(RUN)/python tests/wheel.py

# The oldest transformers, open_clip and timm that pyproject.toml allows, laid over .venv for one run.
test-oldest: setup
	$(RUN)/python tests/oldest.py

clean:
	rm -rf $(VENV) dist runs
