# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# "make NAME" runs the nox session NAME with a nox of its own, below the ignored folder .work/. ARGS="..." are the
# session's arguments, JOBS the number of sessions that run side by side.
PYTHON ?= python3
JOBS ?= 2
VERSION := $(shell "$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2] if sys.version_info >= (3, 11) else "")' 2>/dev/null)
VENV := .work/venv-$(VERSION)
NOX := $(VENV)/bin/python -m nox
# Also for pip and nox itself; tools/isolation.py says the same to the sessions.
export PYTHONPYCACHEPREFIX := $(CURDIR)/.work/cache/bytecode
unexport PYTHONDONTWRITEBYTECODE
# Installs nox, runs sessions, and counts their CPU time and tests.
COUNTED = rm -rf .work/cpu .work/junit; $(MAKE) --no-print-directory $(VENV)/.complete || exit; \
	$(NOX) --parallel $(JOBS) --report .work/report.json $(1); status=$$?; \
	times >.work/times; $(VENV)/bin/python -m tools.summary; exit $$status

.PHONY: help test ends clean FORCE
help: $(VENV)/.complete
	@echo "make test: run the sessions marked with * (five minutes). make ends: those tagged ends. make SESSION ARGS=...: one of them. make clean: remove .work."
	@$(NOX) --list

test:
	@$(call COUNTED)

ends:
	@$(call COUNTED,--tags ends)

clean:
	rm -rf .work

$(VENV)/.complete: tests/constraints.txt
	@test -n "$(VERSION)" || { echo "'$(PYTHON)' is missing or older than Python 3.11. Name another: make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "Installing nox in $(VENV)..."
	@"$(PYTHON)" -m venv --clear $(VENV)
	@PIP_CACHE_DIR="$(CURDIR)/.work/home/.cache/pip" $(VENV)/bin/python -m pip install -q --no-compile \
		--disable-pip-version-check -c tests/constraints.txt antsibull-nox 'nox[uv]'
	@touch $@

# These are not sessions.
Makefile tests/constraints.txt: ;
%: FORCE $(VENV)/.complete
	@$(NOX) --session $@ -- $(ARGS)
