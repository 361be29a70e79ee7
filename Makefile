# Everything here needs Python 3.11 or newer (with venv) and make; the rest comes by pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEVELOPED := $(VENV)/.developed
DOCUMENTED := $(VENV)/.documented
SMOKE := build/smoke
# Of an environment with the wheel, its dependencies and pip; docs/how-to/install.md says what they are for.
MEGABYTES := 600

# What `make test-arm` runs: every operator and every golden network on each path for Arm.
ON_ARM := tests/conformance/test_compute_vectors.py tests/conformance/test_compute_operators.py

.PHONY: help develop demo check test test-full test-elsewhere test-arm lint format wheel-smoke site pictures clean

# What `make check` runs, less the tests marked slow: a minute on two cores, once kernels have been generated.
CHECKED := tests/unit tests/conformance/test_runtime_surface.py tests/conformance/test_numerics_vectors.py

help:
	@echo "make demo            compile a network for handwritten digits and run it on an emulated board"
	@echo "make develop         set up .venv with everything that the targets below need; they do it themselves"
	@echo "make check           linters and quick tests, about a minute: before every commit"
	@echo "make test            a seeded sample of every suite, at most five minutes"
	@echo "make test-full       the large counts"
	@echo "make test-elsewhere  the suites of the commands with another user, locale, terminal and TMPDIR"
	@echo "make test-arm        suites of the compute core on machine code for Arm, under QEMU; says what it needs"
	@echo "make lint            ruff, mypy, import-linter"
	@echo "make format          let ruff format and fix"
	@echo "make wheel-smoke     build the wheel, install it into a clean environment, run the demo there"
	@echo "make site            build the documentation site in build/site, strictly"
	@echo "make pictures        write docs/pictures, after a change of times or of what commands print"
	@echo "make clean           remove what the targets above made"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; say which with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@$(BIN)/axemu commands --install > /dev/null
	@touch $@

$(DEVELOPED): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,lint]'
	@$(BIN)/axemu commands --install > /dev/null
	@touch $(INSTALLED) $@

develop: $(DEVELOPED)

demo: $(INSTALLED)
	@$(BIN)/axemu demo

check: lint
	$(BIN)/python -m pytest --quiet -m 'not slow' --numprocesses 2 --dist worksteal $(CHECKED)

test: $(DEVELOPED)
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

test-full: $(DEVELOPED)
	AXEMU_FULL=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal --timeout 7200

test-elsewhere: $(DEVELOPED)
	.ci/elsewhere

test-arm: $(DEVELOPED)
	$(BIN)/python -m pytest -p no:xdist -p tests._arm.plugin $(ON_ARM)

lint: $(DEVELOPED)
	$(BIN)/ruff check .
	$(BIN)/ruff check --quiet --preview --select PLW1514 . # an encoding for every text file
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEVELOPED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel-smoke: $(BIN)/python
	rm -rf $(SMOKE) build/lib build/bdist.*
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(SMOKE) .
	$(PYTHON) -m venv $(SMOKE)/venv
	$(SMOKE)/venv/bin/python -m pip install --quiet --disable-pip-version-check $(SMOKE)/*.whl
	@size=$$(du -sm $(SMOKE)/venv/lib | cut -f1); echo "$$size MB"; \
		test $$size -lt $(MEGABYTES) || { echo "more than $(MEGABYTES) MB: see docs/how-to/install.md"; exit 1; }
	cd $(SMOKE) && venv/bin/axemu demo --output demo/1 && venv/bin/axemu commands --install && venv/bin/axdevice && venv/bin/axrunmodel demo/1 --seconds 1

$(DOCUMENTED): pyproject.toml constraints.txt | $(DEVELOPED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $(INSTALLED) $(DEVELOPED) $@

site: $(DOCUMENTED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

pictures: $(DEVELOPED)
	$(BIN)/python tools/pictures.py

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
