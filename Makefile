# `make` alone lists what there is. Everything lives in .venv and node_modules; nothing is installed outside this folder.

PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	$(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $(p))))
CHROMIUM ?= $(firstword $(foreach p,chromium chromium-browser google-chrome,$(shell command -v $(p) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DIST := src/tollkeeper/web/ui/static/dist
ASSET_INPUTS := package.json package-lock.json requirements/node.txt tools/build_assets.py $(shell \
	find src/tollkeeper/web -path '*/static' -prune -o -type f \( -name '*.html' -o -path '*/assets/*' \) -print 2>/dev/null)
# What is done leaves a stamp; done again only when something it was made from is newer.
MADE := $(VENV)/.made
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
ASSETS := $(DIST)/.built
SCANNERS_VENV := .venv-scanners
SCANNERS := $(SCANNERS_VENV)/.made
SAY = @printf '\033[1;36m==>\033[0m %s\n'

.DEFAULT_GOAL := help
.PHONY: help install up assets test check fix twin-gates bench proof scan lighthouse screenshots audit docs lock clean
.SUFFIXES:
.DELETE_ON_ERROR:

##@ Run
up: $(RUNTIME) $(ASSETS) ## set up what is missing, then serve on http://127.0.0.1:8000
	@exec $(BIN)/tollkeeper serve

install: $(DEV) $(ASSETS) ## set up everything: virtual environment, locked packages, pages' assets

assets: $(ASSETS) ## build styles, scripts, fonts and icons of the pages

##@ Develop
test: chromium check ## every check and every test; `make test T=tests/metering` runs a part
	$(SAY) "Tests"
	@$(BIN)/pytest $(T)

check: install ## format, lint, types, floors and generated pages, without running tests
	$(SAY) "Formatting and lint (ruff)"
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	$(SAY) "Types (mypy)"
	@$(BIN)/mypy
	$(SAY) "Floors and doors (import-linter)"
	@$(BIN)/lint-imports --no-logo
	$(SAY) "Generated pages (docs)"
	@$(BIN)/python tools/build_docs.py --check

fix: $(DEV) ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

twin-gates: $(DEV) ## the Stripe twin against recordings, as one table; STRIPE_RECORDINGS names their folder
	@$(BIN)/python tools/twin_gates.py
	@$(BIN)/python tools/old_shapes.py

bench: install ## the benchmarks, each beside its bare limit in the same run
	@$(BIN)/python -m bench $(B)

proof: install ## that the gate is exact, under kill, restart and reset; `make proof P=--short`, `P=--spool`
	@$(BIN)/python -m proof $(P)

scan: install $(SCANNERS) ## scanners on the running system, report in build/scan; `make scan S=--short`: within three minutes
	$(SAY) "Scanning (wapiti, sqlmap, testssl, schemathesis)"
	@PYTHONPATH=tests $(BIN)/python -m tools.scan --programs $(SCANNERS_VENV)/bin $(S)

lighthouse: install chromium ## Lighthouse on the main pages as a phone sees them, as one table; `make lighthouse L=usage`: one
	$(SAY) "Measuring pages (Lighthouse)"
	@PYTHONPATH=tests $(BIN)/python -m tools.lighthouse $(L)

screenshots: install chromium ## a picture of every page, light, dark and narrow, in build/screenshots
	$(SAY) "Taking pictures of pages"
	@PYTHONPATH=tests $(BIN)/python -m tools.screenshots $(S)

audit: $(DEV) ## known weaknesses of every pinned package; fails also on what it could not check
	@$(BIN)/python tools/audit.py

docs: $(DEV) ## write the generated pages: settings, errors, .env.example
	@$(BIN)/python tools/build_docs.py

lock: $(DEV) ## pin every package anew, with hashes and without download addresses
	@for name in requirements/*.in; do printf '==> %s\n' "$$name"; \
		$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
			--python-version 3.11 "$$name" -o "$${name%.in}.txt" || exit 1; done

clean: ## remove everything that was made here, except your data in .data
	rm -rf $(VENV) $(SCANNERS_VENV) node_modules tools/lighthouse/node_modules $(DIST) src/tollkeeper/web/site/packed build dist .mypy_cache .ruff_cache .import_linter_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n\033[1m%s\033[0m\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  \033[36m%-12s\033[0m %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo

# --- how it is made -------------------------------------------------------------------------------------------------

$(MADE):
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or newer is needed and was not found. On Debian or Ubuntu:" \
		"apt-get install python3 python3-venv. If it lies elsewhere: make PYTHON=/path/to/python3 ..." >&2; exit 1; fi
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) comes without venv. On Debian or Ubuntu:" \
		"apt-get install python3-venv" >&2; exit 1; }
	$(SAY) "Virtual environment in $(VENV) ($(shell $(PYTHON) --version 2>&1))"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUNTIME): $(MADE) requirements/runtime.txt requirements/build.txt pyproject.toml
	$(SAY) "Installing what Tollkeeper runs on (locked, with hashes; about a minute the first time)"
	@$(PIP) install --quiet --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): $(RUNTIME) requirements/dev.txt requirements/clickhouse.txt
	$(SAY) "Installing what development needs (locked, with hashes)"
	@$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@$(PIP) install --quiet --require-hashes -r requirements/clickhouse.txt
	@touch $@

# Scanners have a virtual environment of their own: what they stand on is not what we stand on.
$(SCANNERS): $(MADE) requirements/scanners.txt
	$(SAY) "Installing the scanners (locked, with hashes)"
	@$(PYTHON) -m venv $(SCANNERS_VENV)
	@$(SCANNERS_VENV)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/scanners.txt
	@touch $@

$(ASSETS): $(ASSET_INPUTS) | $(RUNTIME)
	$(SAY) "Building the pages' styles and scripts"
	@$(BIN)/python tools/build_assets.py
	@mkdir -p $(@D) && touch $@

.PHONY: chromium
chromium:
	@if [ -z "$(CHROMIUM)" ]; then echo "The browser tests need Chromium: apt-get install chromium" >&2; exit 1; fi
