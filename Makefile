# One command each: demo, up, test, check, bench. Everything is installed below .venv and node_modules.
# Needs Python 3.11 to 3.14 and make; works with GNU make 3.81 (macOS) and later.

SHELL := /bin/sh
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
            $$p -c '$(SUPPORTED)' >/dev/null 2>&1 && { echo $$p; break; }; done)
BIN := .venv/bin
UV := $(BIN)/uv
DONE := .venv/.done
ECHARTS := src/tongpan/console/static/vendor/echarts.min.js
# What only reads the code keeps its hands off the data directory of this clone.
SCRATCH := TONGPAN_DATA_DIR=$(CURDIR)/build/check DJANGO_SETTINGS_MODULE=tongpan.settings

.PHONY: help demo up test check fuzz bench install install-dev browser vendor lock clean

help:
	@echo "make demo     install, start, and load the demo company"
	@echo "make up       install and start without demo data"
	@echo "make test     install what the tests need and run all of them"
	@echo "make check    linters, types, floors, migrations, translations, links of the docs"
	@echo "make fuzz     many random requests for each operation of the API"
	@echo "make bench    how fast, against the hand-written limit of the same run"
	@echo "make install  .venv with Tongpan in it; make lock: renew the lock files; make clean: remove all but data"

demo: install
	@$(BIN)/tongpan demo

up: install
	@$(BIN)/tongpan up

# Browser tests skip where no Chromium is installed, and say how to get one; under CI=true nothing may skip.
test: install-dev browser
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

check: install-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(SCRATCH) $(BIN)/mypy src tools
	$(BIN)/lint-imports
	$(SCRATCH) $(BIN)/python -W ignore::RuntimeWarning -m django makemigrations --check --dry-run
	$(BIN)/python tools/messages.py check
	$(BIN)/python tools/check_links.py

# The API's own document against hundreds of requests for each operation; takes an hour or so.
fuzz: install-dev
	TONGPAN_FUZZ_EXAMPLES=$${TONGPAN_FUZZ_EXAMPLES:-300} $(BIN)/python -m pytest -n 3 tests/api/test_contract.py

bench: install-dev
	$(BIN)/python -m benchmarks

install: $(DONE)/core $(ECHARTS)

install-dev: $(DONE)/dev $(ECHARTS)

browser:
	@sh tools/browser.sh

vendor: $(ECHARTS)

lock: $(DONE)/uv
	printf 'uv==%s\n' "$$($(UV) --version | cut -d' ' -f2)" | $(LOCK) -o requirements-uv.txt -
	$(LOCK) --group install -o requirements.txt pyproject.toml
	$(LOCK) --group install --group dev -c requirements.txt -o requirements-dev.txt pyproject.toml
	$(LOCK) --group node -o requirements-node.txt
	npm install --package-lock-only --ignore-scripts

clean:
	rm -rf .venv node_modules build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf test-results src/tongpan/console/static/vendor
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
       --custom-compile-command "make lock"

# An interrupted step leaves no file behind in .venv/.done, so the next make does it again.
$(DONE)/venv:
	@test -n "$(PYTHON)" || { echo "Tongpan needs Python 3.11 to 3.14; none was found on the PATH." \
	  "Install one, or name it: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -c '$(SUPPORTED)' || { echo "Tongpan needs Python 3.11 to 3.14;" \
	  "$(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; exit 1; }
	@sh tools/venv.sh $(PYTHON)
	@mkdir -p $(DONE) && touch $@

$(DONE)/uv: requirements-uv.txt $(DONE)/venv
	@echo "Installing what Tongpan needs into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@touch $@

# The development lock holds everything of the core lock, at the same versions: whoever has it needs no other.
$(DONE)/core: requirements.txt pyproject.toml $(DONE)/uv
	@test -f $(DONE)/dev || $(UV) pip sync --quiet --require-hashes requirements.txt
	@test -f $(DONE)/dev || $(INSTALL_TONGPAN)
	@test ! -f $(DONE)/dev || $(MAKE) $(DONE)/dev
	@touch $@

$(DONE)/dev: requirements-dev.txt pyproject.toml $(DONE)/uv
	@echo "Installing what the tests need into .venv ..."
	@$(UV) pip sync --quiet --require-hashes requirements-dev.txt
	@$(INSTALL_TONGPAN)
	@touch $@

INSTALL_TONGPAN = $(UV) pip install --quiet --no-deps --no-build-isolation --editable .

$(ECHARTS): package-lock.json $(DONE)/uv
	@echo "Fetching ECharts ..."
	@sh tools/vendor.sh $@
