# `make audit` and `make test` set up what they need; nothing else has to be installed but Python 3.11 and make.
SHELL := /bin/sh
unexport PYTHONDONTWRITEBYTECODE   # set, it makes every start recompile all imports: ten seconds each
export DO_NOT_TRACK = 1
export PREFECT_SERVER_ANALYTICS_ENABLED = false
export GX_ANALYTICS_ENABLED = false

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

DEMO_HOME ?= var/demo
REAL_DATA ?= ../shared/data

.PHONY: help audit test test-real fuzz hostile mutation bench bench-prefecture simulate bench-ranking bench-ledger bench-import kill-proof lint constraints clean deploy-check coverage-proof attack-proof

help:            ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: set PYTHON=/path/to/python3.11"; exit 2; }
	@echo "Setting up $(VENV) (once, about two minutes) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

audit: $(STAMP)  ## the main job on a synthetic town: files in, ranked worklists out
	@$(BIN)/kokuho-audit demo --home $(DEMO_HOME)

test: $(STAMP)   ## all fast tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not real and not slow" tests

test-real: $(STAMP)  ## acceptance over real files where they are (never copied)
	@test -d "$(REAL_DATA)" || { echo "no folder $(REAL_DATA): set REAL_DATA"; exit 2; }
	@KOKUHO_AUDIT_REAL_DATA="$(abspath $(REAL_DATA))" $(BIN)/python -m pytest -m real tests

WORLDS ?= 100
PERSONS ?= 400
fuzz: $(STAMP)  ## rules against oracles written from the notes, over WORLDS=100 random worlds a family; prints the counts
	@ORACLE_WORLDS=$(WORLDS) ORACLE_PERSONS=$(PERSONS) $(BIN)/python -m pytest -m slow tests/oracle -q -s

hostile: $(STAMP)  ## 10,000 hostile strings through export, LibreOffice and import: no live formula, all unchanged (needs soffice)
	@$(BIN)/python -m pytest -m slow tests/worklists/test_readback_hostile.py -q -s

mutation: $(STAMP)  ## every number of the parameters moved by one step: does a test notice? (a minute or two)
	@$(BIN)/python -m tests.mutation

KILLS ?= 50
kill-proof: $(STAMP)  ## kill -9 at KILLS=50 random moments of publish and import, on SQLite and PostgreSQL: nothing lost, nothing double
	@$(BIN)/python -m tests.desk.kill $(KILLS)

coverage-proof: $(STAMP)  ## 2,000 simulated months a scenario: how often the 90 % intervals cover the truth (some minutes)
	@$(BIN)/python -m pytest -m slow tests/statistics/test_coverage_proof.py -q -s

attack-proof: $(STAMP)  ## twelve monthly public reports against linear programming (some minutes)
	@$(BIN)/python -m pytest -m slow tests/statistics/test_attack_proof.py -q -s

lint: $(STAMP)
	@$(BIN)/ruff check .

bench: $(STAMP)  ## a town month (100,000 insured): seconds, claims/s, memory, rivals; JSON in var/bench
	@$(BIN)/python -m tests.bench town

bench-prefecture: $(STAMP)  ## a prefecture month (1,450,000 insured, 5 months of history); long
	@$(BIN)/python -m tests.bench prefecture

bench-import: $(STAMP)  ## a filled-in list of 5,000 cases into the desk, as exported and as LibreOffice saved it
	@$(BIN)/python -m pytest -m slow tests/desk/test_worklist_import_speed.py -q -s

bench-ledger: $(STAMP)  ## a prefecture year on the desk (500,000 cases, 2 M events): seconds of its report; JSON in var/bench/ledger
	@$(BIN)/python -m tests.bench.ledger

bench-ranking: $(STAMP)  ## figures of the ranking over 20 towns, before and after learning; hours; page in var/bench
	@nice -n 10 $(BIN)/python -m tests.bench.ranking prepare history reporting
	@nice -n 10 $(BIN)/python -m tests.bench.ranking report

simulate: $(STAMP)  ## months of audit in fast motion (an hour; towns and seeds are kept): learning against not learning; page in var/simulation
	@$(BIN)/python -m models.simulation

deploy-check: $(STAMP)  ## a real Prefect server, deployment, worker: triggers the monthly deployment and waits for it
	@$(BIN)/python -m pytest -m prefect tests/flows -q

constraints:     ## pin all versions anew (needs uv)
	@{ printf '# Exact versions for reproducible installs; regenerate with `make constraints`. Names no index.\n'; \
	   uv pip compile pyproject.toml --all-extras --python-version 3.11 --no-emit-index-url --no-header --no-annotate -q; } > constraints.new
	@mv constraints.new constraints.txt

clean:
	@rm -rf var build .pytest_cache .ruff_cache .hypothesis
