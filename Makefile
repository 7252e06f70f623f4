# Everything a person does here. `make gradcheck` and `make test` work on a fresh clone with Python 3.11+, pip and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
THREADS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.PHONY: gradcheck test test-browser test-frameworks soak lint types bench clean

gradcheck: $(VENV)/base
	$(THREADS) $(BIN)/python -m backprop_ref check

test: $(VENV)/dev
	$(THREADS) $(BIN)/python -m pytest -n auto -m "not soak"

test-browser: $(VENV)/browser
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || \
	  { echo "test-browser needs a browser: apt-get install chromium chromium-driver"; exit 2; }
	$(THREADS) $(BIN)/python -m pytest -rs tests/browser

test-frameworks: $(VENV)/frameworks
	$(THREADS) $(BIN)/python -m pytest -n auto -o norecursedirs='.*' tests/frameworks

soak: $(VENV)/dev
	$(THREADS) $(BIN)/python -m pytest -n auto -m soak

lint: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(VENV)/dev
	$(BIN)/mypy

bench: $(VENV)/peers
	$(THREADS) $(BIN)/python benchmarks/against_peers.py

$(VENV)/base: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; pass PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/dev: $(VENV)/base
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

$(VENV)/frameworks: $(VENV)/dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,frameworks]'
	touch $@

$(VENV)/browser: $(VENV)/dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,browser]'
	touch $@

$(VENV)/peers: $(VENV)/dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[peers]'
	touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
