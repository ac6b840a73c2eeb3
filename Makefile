# Two commands do everything on a fresh machine with Python 3.11 and make:
#   make demo   virtual environment, install, three rounds against a real Label Studio
#   make test   the same installation, then lint, types, docs and tests
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: help demo test lint docs install clean

help:            ## show the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'

install: $(VENV)/.installed   ## make the virtual environment

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	@touch $@

demo: install    ## run three rounds on the examples, with scripted annotators
	$(BIN)/al-loop demo

lint: install    ## formatter, linter, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: install    ## generated parts of the docs are up to date
	$(BIN)/cog --check README.md docs/*.md

test: lint docs  ## everything that CI runs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

clean:           ## remove what the targets made
	rm -rf $(VENV) al-loop-demo .mypy_cache .pytest_cache .ruff_cache .hypothesis
