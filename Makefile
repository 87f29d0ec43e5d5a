# Needs GNU make and Python 3.11 or newer; everything else is installed into .venv.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
PYTHON = $(VENV)/bin/python
# Extra arguments for the command behind a target: make test ARGS="-k handshake -n0"
ARGS ?=

# A changed requirement changes the stamp's name, and the next target installs again.
fingerprint = $(shell cat $(1) | cksum | cut -d ' ' -f 1)
STAMP := $(VENV)/.installed-$(call fingerprint,requirements.txt constraints.txt)
DEV_STAMP := $(VENV)/.installed-dev-$(call fingerprint,requirements.txt requirements-dev.txt constraints.txt)
PIP_INSTALL = $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-input --only-binary :all:

.PHONY: help demo run test bench lint format messages check clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

demo: $(STAMP) ## Start everything with demo data and simulated stations that charge
	@exec $(PYTHON) -u manage.py demo $(ARGS)

run: $(STAMP) ## Start everything: portal and API on 8080, OCPP on 8081
	@exec $(PYTHON) -u manage.py up $(ARGS)

test: $(DEV_STAMP) ## Run the whole test suite (ARGS="-k word" for a part)
	@exec $(PYTHON) -m pytest $(ARGS)

bench: $(DEV_STAMP) ## Compare this server with bare ones (ARGS="--quick")
	@exec $(PYTHON) -m tests.bench $(ARGS)

lint: $(DEV_STAMP) ## Check style, types, migrations and project rules
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	DJANGO_SETTINGS_MODULE=tests.settings $(PYTHON) manage.py makemigrations --check --dry-run
	DJANGO_SETTINGS_MODULE=tests.settings $(PYTHON) manage.py check
	$(PYTHON) -m pytest -q -n0 tests/test_house_rules.py

format: $(DEV_STAMP) ## Format the code and mend what can be mended
	$(PYTHON) -m ruff check --fix-only .
	$(PYTHON) -m ruff format .

messages: $(DEV_STAMP) ## Bring the German catalog up to date with the source, and compile it
	@exec $(PYTHON) -m tests.support.catalog

check: lint test ## lint, then test

clean: ## Remove the environment and all caches; data/ stays
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis staticfiles tests/interop/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Without a working interpreter (none yet, or an upgrade removed the one it pointed to) the environment is made anew.
ifeq ($(wildcard $(VENV)/bin/python),)
.PHONY: $(VENV)/.created
endif
$(VENV)/.created:
	@set -e; \
	for candidate in "$${PYTHON3:-}" python3.11 python3 python3.12 python3.13; do \
		if [ -n "$$candidate" ] && "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			found=$$candidate; break; \
		fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
		echo "Python 3.11 or newer is needed and was not found. On Debian or Ubuntu: sudo apt-get install python3.11 python3.11-venv" >&2; exit 2; \
	fi; \
	version=$$("$$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	if ! "$$found" -c 'import venv, ensurepip' 2>/dev/null; then \
		echo "Python $$version here cannot create environments. On Debian or Ubuntu: sudo apt-get install python$$version-venv" >&2; exit 2; \
	fi; \
	$(PYTHON) -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || "$$found" -m venv --clear $(VENV); \
	touch $@

$(STAMP): $(VENV)/.created
	@echo "Installing what the product needs (about a minute, once) ..."
	@$(PIP_INSTALL) -r requirements.txt
	@rm -f $(VENV)/.installed-[0-9]*; touch $@

$(DEV_STAMP): $(VENV)/.created
	@echo "Installing what development and tests need (about a minute, once) ..."
	@$(PIP_INSTALL) -r requirements.txt -r requirements-dev.txt
	@rm -f $(VENV)/.installed-*; touch $@ $(STAMP)
