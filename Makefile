# Every target says what it does: `make help`.
VENV    ?= .venv
PYTHON  ?= python3
PY       = $(VENV)/bin/python
# Test processes, each with servers of its own.
WORKERS ?= auto
STAMP    = $(VENV)/.installed
ASSETS   = web/static/vendor/.installed

.DEFAULT_GOAL := help
.PHONY: help install assets demo dev test check sbom advisories drill bench lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(STAMP) assets ## Set up the virtual environment from the lock, and the pages' front-end files

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Packline needs Python 3.11 or newer; say which: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

assets: $(ASSETS) ## Fetch the pages' front-end files with npm, where there is one

$(ASSETS): package-lock.json
	@if command -v npm >/dev/null 2>&1; then \
	  npm ci --silent --no-audit --no-fund && $(PYTHON) web/assets.py && touch $@; \
	else \
	  echo "npm is not here: the pages stay plain, and work all the same."; \
	fi

demo: install ## Run the whole life of thirty orders against sandbox vendors (ONCE=1: end when all is done)
	$(PY) -m demo $(if $(ONCE),--once,)

dev: install ## Serve everything for development: sandbox, web, worker, clock, with a demo store
	$(PY) -m demo --no-orders

test: install ## Run the test suite (LONG=1: with the drills and lives that take minutes each)
	$(PY) -m pytest -n $(WORKERS) --maxprocesses 4 --dist worksteal $(if $(LONG),-m "long or not long",)

check: install ## Run every check that CI runs: format, lint, types, layers, security
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/bandit --quiet --configfile pyproject.toml --recursive app.py cli.py commands config web jobs orders records integrations sandbox demo drills

sbom: install ## Write what Packline is made of, with licences, as CycloneDX JSON (SBOM=file)
	$(PY) .ci/bill_of_materials.py $(or $(SBOM),.cache/sbom.json)

advisories: install ## Ask an advisory service about every pinned package; says so where none can be reached
	$(PY) .ci/advisories.py

drill: install ## Break every part on purpose and count what is lost, doubled or stuck (LONG=1: soak too, JSON=file)
	$(PY) -m drills $(if $(LONG),--long,) $(if $(JSON),--json $(JSON),) $(foreach name,$(ONLY),--only $(name))

bench: install ## Measure ingest, pipeline and reservations against the bare limits (JSON=file writes the numbers)
	$(PY) -m bench $(if $(JSON),--json $(JSON),)

lock: ## Resolve the dependencies anew, with hashes (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra forecast pyproject.toml -o requirements-forecast.lock

clean: ## Remove what was installed and built; records of the embedded database too
	rm -rf $(VENV) .cache node_modules web/static/vendor .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
