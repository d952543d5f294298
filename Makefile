# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

PYTHON ?= python3
RUN = @"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "'$(PYTHON)' is missing or older than Python 3.11. Name another: make PYTHON=python3.12 ..." >&2; exit 2; }; \
	PYTHONDONTWRITEBYTECODE=1 "$(PYTHON)" tests/tools/run.py
PARTS = unit sanity units integration coverage secrets load awx docs lint types

.DEFAULT_GOAL := help
.PHONY: help test $(PARTS) test-long test-matrix test-ends release-check format demo simulator picture changelog bench clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

test: ## everything below up to "types", with one summary at the end
	$(RUN) test

unit: ## unit tests: pytest from this clone
	$(RUN) test $@

sanity: ## ansible-test sanity
	$(RUN) test $@

units: ## ansible-test units
	$(RUN) test $@

integration: ## ansible-test integration, against the simulator of the API
	$(RUN) test $@

coverage: ## units and integration, then what they covered of plugins/ (lines and branches)
	$(RUN) test $@

secrets: ## everything that runs write, searched for secrets
	$(RUN) test $@

load: ## rollouts to many workspaces
	$(RUN) test $@

awx: ## credential types, jobs as AWX runs them, and the set-up playbook against a stand-in of a controller
	$(RUN) test $@

docs: ## lint the documentation, try its examples, and build the site: .work/docs/html/index.html
	$(RUN) test $@

lint: ## ruff, ansible-lint with yamllint, licences, changelog
	$(RUN) test $@

types: ## mypy, strict
	$(RUN) test $@

test-long: ## make test, with 2,000 examples of the property test and rollouts to 1,000 workspaces, in one job and in slices
	$(RUN) test properties-long load-long slices-long $(PARTS)

test-matrix: ## the tests with each supported ansible-core, Python and requests that is found here, and a table
	$(RUN) test-matrix $(CELLS)

test-ends: ## the same with the oldest and the newest of them, without sanity
	$(RUN) test-matrix ends

release-check: ## build the tarball, look through it, have galaxy-importer judge it, and run the demo from it
	$(RUN) test $@

format: ## let ruff format and repair the Python files
	$(RUN) exec test ruff check --fix-only --quiet
	$(RUN) exec test ruff format

demo: ## the real playbooks against the simulator, on loopback
	$(RUN) exec demo python -m tests.demo

simulator: ## leave a simulator of the API running, and print how to use it
	$(RUN) exec demo python -m tests.simulator --tls --workspaces tests/simulator/workspaces.yml

bench: ## measure tasks and rollouts, compared with other tools; options in BENCH="..."
	$(RUN) exec demo python -m tests.bench $(BENCH)

picture: ## draw the README's picture from a real run
	$(RUN) exec test python -m tests.docs.picture

changelog: ## write the changelog of the version in galaxy.yml from the fragments
	$(RUN) exec test antsibull-changelog release

clean: ## remove all that make has made
	rm -rf .work
