# `make demo` and `make test` do all set-up themselves, in .venv.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin

.PHONY: setup demo test test-extras lint wheel-test fresh-clone test-oldest docs clean

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --upgrade pip
	$(RUN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: setup
	$(RUN)/avprompt run souple-words --dataset toy

# A worker a core; one that has done its share takes tests from another's.
test: setup lint
	$(RUN)/pytest -n logical --dist worksteal
	$(MAKE) wheel-test

# What takes long or needs more than .venv: other environments, services, documents.
test-extras: docs fresh-clone test-oldest

lint: setup
	$(RUN)/ruff check
	$(RUN)/ruff format --check
	$(RUN)/mypy

# The built wheel in an environment without the checkout: everything that ships must be in it.
wheel-test: setup
	$(RUN)/python tests/wheel.py

# The README's commands in a fresh clone of this commit.
fresh-clone: setup
	$(RUN)/python tests/fresh_clone.py

# The oldest release of every dependency that pyproject.toml allows, in an environment of their own.
test-oldest: setup
	$(RUN)/python tests/oldest.py

# The documentation as a site in site/, warnings as errors; in an environment of its own.
docs: .venv-docs/ready
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

.venv-docs/ready: pyproject.toml
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --upgrade pip
	.venv-docs/bin/python -m pip install --quiet --group docs
	touch $@

clean:
	rm -rf $(VENV) .venv-docs site dist runs
