# Everything here works from a fresh clone: it first makes .venv (see tools/bootstrap.py).

PORT ?= 8000
HOST ?= 127.0.0.1
ARGS ?=
export DATABASE_URL

# Any Python that runs; bootstrap.py finds one that is new enough. (A pyenv shim may exist and fail.)
ANY_PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 /usr/bin/python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1 && echo "$$p" && break; done)
PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help venv run test check format bench seed demo shell messages requirements clean

help: ## list these targets
	@echo "make run               start Heed on this machine (PORT=$(PORT), HOST=$(HOST), DATABASE_URL=...)"
	@echo "make test              run all tests (ARGS='tests/optout -x', DATABASE_URL=...)"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r name help; do printf '%-22s %s\n' "$$name" "$$help"; done

venv:
	@if [ -z "$(ANY_PYTHON)" ]; then echo "Heed needs Python 3.12 or newer: install python3."; exit 2; fi
	@$(ANY_PYTHON) tools/bootstrap.py

run: venv
	@exec $(PYTHON) -m tools.run --host $(HOST) --port $(PORT) --with-parent

test: venv
	@$(PYTHON) -m tools.test $(ARGS)

check: venv ## format, lint, types, import rules, templates, migrations, translations
	@$(PYTHON) -m tools.check

format: venv ## put code and templates into shape
	@.venv/bin/ruff check --quiet --fix --exit-zero
	@.venv/bin/ruff format --quiet
	@find templates -name '*.html' -exec .venv/bin/djade --target-version 6.1 {} + || true

bench: venv ## measure requests, downloads and rows on this machine
	@$(PYTHON) -m benchmarks $(ARGS)

seed: venv ## load the demo (again) and print its addresses and sign-ins as JSON
	@$(PYTHON) manage.py seed_demo --json

demo: seed

shell: venv ## a Python prompt with the models loaded
	@$(PYTHON) manage.py shell

messages: venv ## collect what recipients read into the catalogs, and compile them (ARGS=de)
	@$(PYTHON) -m tools.messages $(ARGS)

# uv annotates its output with the address it was told to use; these options leave every address out.
COMPILE = $$uv pip compile --quiet --universal --no-emit-index-url --generate-hashes --no-header --no-annotate

requirements: venv ## compile requirements/*.txt anew (ARGS=--upgrade for newer versions)
	@uv=$$($(ANY_PYTHON) tools/bootstrap.py --uv) || { echo "$$uv"; exit 2; }; \
	set -e; cd requirements; \
	$(COMPILE) --python-version 3.12 $(ARGS) dev.in -o dev.txt; \
	$(COMPILE) --python-version 3.12 -c dev.txt base.in -o base.txt; \
	$(COMPILE) --python-version 3.12 -c dev.txt embedded.in -o embedded.txt; \
	$(COMPILE) --python-version 3.8 $(ARGS) uv.in -o uv.txt; \
	! grep -n '://' *.txt

clean: ## remove caches and .venv; your data in .heed stays
	@rm -rf .venv .venv-uv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache test-results
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@if [ -d .heed ]; then echo "Kept: .heed (database, keys). Remove it by hand to start from nothing."; fi
