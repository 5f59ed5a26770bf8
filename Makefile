# Two commands are enough: `make demo` and `make test`. Each sets up what it needs in .venv, from Python 3.11 alone.
#
# Standard output belongs to the command that is run (the last line of `make demo ARGS="--once --json"` is one JSON
# object); the talk of setting up goes to standard error.
#
# A stamp carries the hash of what it was made from in its name, so a second run does nothing, whatever git or a copy
# did to the times of the files.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
# What pip keeps of its downloads is kept in .venv as well, not in the home folder.
export PIP_CACHE_DIR ?= $(CURDIR)/$(VENV)/cache/pip
# No "Entering directory" on standard output. GNU make before 4.4 hears this too late where another make, or
# `make -C`, is the caller: there it is the caller who says --no-print-directory.
MAKEFLAGS += --no-print-directory

hash = $(shell cat $(1) 2>/dev/null | sha256sum | cut -c1-16)
# Everything a compiled form depends on: the sheets, and the code that compiles them.
FORM_SOURCES := $(sort $(wildcard field_forms/*.py field_forms/verifikasi_keluarga/* field_forms/perubahan/* schemas/*.py))
# What the tablet app is built from; packages come by npm, as package-lock.json pins them.
TABLET_SOURCES := $(sort $(shell find field_forms/tablet -name node_modules -prune -o -type f -print 2>/dev/null))

ENVIRONMENT := $(STAMPS)/environment
RUNTIME := $(STAMPS)/runtime-$(call hash,requirements/lock.txt)
DEVELOPMENT := $(STAMPS)/development-$(call hash,requirements/lock-dev.txt)
# With the folder's own path: the command remembers where it was installed, and a folder can be moved.
PROJECT := $(STAMPS)/project-$(call hash,pyproject.toml hatch_build.py)-$(shell pwd | sha256sum | cut -c1-8)
AREAS := $(STAMPS)/areas-$(call hash,field_forms/areas/build.py)
FORMS := $(STAMPS)/forms-$(call hash,$(FORM_SOURCES))
TABLET := $(STAMPS)/tablet-$(call hash,$(TABLET_SOURCES))
TABLET_DEVELOPMENT := $(STAMPS)/tabletdev-$(call hash,field_forms/tablet/package-lock.json)

.PHONY: demo test setup setup-dev browser lint bench proof lock docs dist clean help
.DELETE_ON_ERROR:
.NOTPARALLEL:

help:
	@echo 'make demo [ARGS="--once --json"]  the whole way on a sample campaign'
	@echo 'make test [ARGS="-k nik"]         every test; what could not run is counted'
	@echo 'make lint                         ruff, mypy, import-linter, the types of the tablet app'
	@echo 'make proof                        the properties with 2,000 examples each'
	@echo 'make bench [ARGS=--quick]         the benchmarks beside their yardsticks'
	@echo 'make docs                         the tables in docs/ that are drawn from the code'
	@echo 'make dist                         a release in dist/: the wheel, and the lock that goes with it'
	@echo 'make lock                         new lock files from pyproject.toml'
	@echo 'make clean                        removes .venv, field_forms/built, node_modules and var/demo; says so first'

demo: setup
	@$(BIN)/padan demo $(ARGS)

# Tests that share something costly stay on one worker: mark them xdist_group.
test: setup-dev
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadgroup $(ARGS)

proof: setup-dev
	@PADAN_TEST_PROFILE=proof $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadgroup tests/sync $(ARGS)

# PostgreSQL comes with the tools of development; Kinto and PouchDB Server get environments of their own in .venv.
bench: setup-dev
	@$(BIN)/python -m benchmarks $(ARGS)

lint: setup-dev
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m field_forms.tablet.build --check

# What is drawn from the code in docs/: settings, problems, commands; the exchanges and the worked hash of protocol.md.
docs: setup-dev
	@$(BIN)/python tests/repository/drawn.py
	@$(BIN)/python tests/server/api/exchanges.py
	@$(BIN)/python tests/server/api/hash_steps.py

# The system's Chromium, for the tests that drive one.
browser:
	@.ci/get-browser

# A release: docs/pasang.md installs from these two files.
dist: setup-dev
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist . >&2
	@cp requirements/lock.txt dist/lock.txt
	@ls -l dist >&2

setup: $(PROJECT) $(AREAS) $(FORMS) $(TABLET)

setup-dev: $(DEVELOPMENT) $(TABLET_DEVELOPMENT) setup browser

# An environment whose Python has gone (the system's was replaced) counts for nothing, whatever its stamps say.
ifneq ($(shell test -x $(BIN)/python && echo there),there)
$(shell rm -rf $(STAMPS))
endif

$(ENVIRONMENT):
	@.ci/make-venv $(PYTHON) $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(RUNTIME): | $(ENVIRONMENT)
	@echo 'Installing the libraries (requirements/lock.txt).' >&2
	@$(PIP) install --require-hashes -r requirements/lock.txt >&2
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/runtime-* && touch $@

$(DEVELOPMENT): | $(RUNTIME)
	@echo 'Installing the tools of development (requirements/lock-dev.txt).' >&2
	@$(PIP) install --require-hashes -r requirements/lock-dev.txt >&2
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/development-* && touch $@

$(PROJECT): | $(RUNTIME)
	@$(PIP) install --no-deps --no-build-isolation --editable . >&2
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/project-* && touch $@

# What is built lies outside .venv and can be deleted on its own: then its stamps count for nothing.
ifeq ($(wildcard field_forms/built/areas/areas.tsv.gz),)
$(shell rm -f $(STAMPS)/areas-* $(STAMPS)/forms-*)
endif

$(AREAS): | $(PROJECT)
	@$(BIN)/python -m field_forms.areas.build >&2
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/areas-* && touch $@

$(FORMS): | $(AREAS)
	@$(BIN)/padan form build >&2
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/forms-* && touch $@

ifeq ($(wildcard field_forms/built/tablet/index.html),)
$(shell rm -f $(STAMPS)/tablet-*)
endif
ifeq ($(wildcard field_forms/tablet/node_modules),)
$(shell rm -f $(STAMPS)/tabletdev-*)
endif

$(TABLET): | $(PROJECT)
	@$(BIN)/python -m field_forms.tablet.build >&2
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/tablet-* && touch $@

$(TABLET_DEVELOPMENT): | $(PROJECT)
	@$(BIN)/python -m field_forms.tablet.build --dev >&2
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/tabletdev-* && touch $@

# Hashes, and no address: where packages come from is the machine's own setting.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links

# The build requirements are locked too (and what hatchling wants for an editable install): setting up builds nothing
# in isolation, so nothing unlocked is fetched.
lock: $(ENVIRONMENT)
	@test -x $(BIN)/uv || $(PIP) install uv >&2
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], "editables", sep="\n")' \
		> $(VENV)/build-requires.in
	@$(COMPILE) $(UPGRADE) -o requirements/lock.txt pyproject.toml $(VENV)/build-requires.in
	@$(COMPILE) $(UPGRADE) -o requirements/lock-dev.txt --extra dev -c requirements/lock.txt pyproject.toml $(VENV)/build-requires.in
	@$(COMPILE) $(UPGRADE) -o requirements/lock-yardsticks.txt benchmarks/yardsticks/kinto.in

# Everything here comes back by itself. var/padan.db is not touched.
CLEANED := $(VENV) field_forms/built field_forms/tablet/node_modules var/demo dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

clean:
	@.ci/remove $(CLEANED)
