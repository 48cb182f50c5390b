# Two commands carry the project: `make solve` plans the medals of Tokyo 2020, `make test` proves the code.
# Both set up what they need: Python 3.11 or newer with pip, and make, are all that has to be there before.
#
#   make PYTHON=/path/to/python3.12 solve    another interpreter
#   make solve INSTANCE=instances/tiny.yaml  another instance
#   make test TESTS=tests/model JOBS=1       some tests, one after another
#   make test CASES=all COVERAGE=95          every random instance, not four of each test; with the branches that were run
#   make matrix CELLS="3.13-locked"          some environments

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
VENV ?= .venv
INSTANCE ?= instances/tokyo2020.yaml
TESTS ?= tests
JOBS ?= 2
CELLS ?=
COVERAGE ?=
CASES ?= sample
CAMPAIGNS ?= right_plans decomposed twins same_bytes units prices curves blends kills fuzz fuzz_journals fuzz_settlements fuzz_changes fuzz_workbooks differential saved_plans promises

bin := $(VENV)/bin
pip := $(bin)/python -m pip --disable-pip-version-check --no-input -qq
locked := --require-hashes --only-binary :all:
sources := $(shell find src -name __pycache__ -prune -o -print) pyproject.toml README.md LICENSE $(wildcard instances/*.yaml instances/tokyo2020/*.csv)

.PHONY: help solve test golden matrix lint docs docs-site bench campaigns develop lock clean distclean
.DELETE_ON_ERROR:

help: ## say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 18

solve: $(VENV)/.installed ## plan the medals of Tokyo 2020
	@$(bin)/medalopt solve $(INSTANCE)

test: $(VENV)/.installed $(VENV)/.tools ## run all tests against the installed package
	@$(bin)/python -m pytest --numprocesses=$(JOBS) --dist=worksteal $(if $(COVERAGE),--cov=medalopt --cov-branch --cov-fail-under=$(COVERAGE)) $(if $(filter all,$(CASES)),--all-cases) $(TESTS)

golden: $(VENV)/.installed $(VENV)/.tools ## write the golden files of the reports anew, after a report has been reworded
	@$(bin)/python -m tests.golden --write

matrix: $(VENV)/.lock ## install on Python 3.11 to 3.14 with locked, newest and lowest dependencies, and run a fast subset of the tests
	@$(bin)/python -m tests.matrix $(CELLS) --jobs=$(JOBS)

lint: $(VENV)/.installed $(VENV)/.tools ## style, types and who may import whom
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .
	@$(bin)/mypy
	@$(bin)/lint-imports --no-logo

docs: $(VENV)/.installed $(VENV)/.tools ## write anew the pages, the picture and the schema that are generated
	@$(bin)/python docs/generate.py $(PAGE)

docs-site: $(VENV)-docs/.installed ## build the documentation site into build/site: any warning or broken link fails
	@$(VENV)-docs/bin/python docs/site/build.py

bench: $(VENV)/.installed $(VENV)-bench/.installed ## measure against a bare solver, linopy and a bare command line
	@$(bin)/python benchmarks/run.py --peer $(VENV)-bench/bin/python

campaigns: $(VENV)/.installed $(VENV)/.tools ## run at scale what the tests run as samples: hours
	@for name in $(CAMPAIGNS); do $(bin)/python -m campaigns.$$name || exit 1; done

develop: $(VENV)/.tools ## let .venv use the sources in place: no build between an edit and a test
	@$(pip) install --no-index --no-deps --no-build-isolation --editable .

lock: $(VENV)/.lock ## pin all dependencies anew (make lock UPGRADE=--upgrade for the newest)
	@$(compile) pyproject.toml --all-extras --group build --output-file requirements/install.txt
	@$(compile) pyproject.toml --all-extras --group build --group develop --group test --group lint --constraints requirements/install.txt --output-file requirements/test.txt
	@$(compile) pyproject.toml --all-extras --group build --group bench --constraints requirements/install.txt --output-file requirements/bench.txt
	@$(compile) pyproject.toml --all-extras --group build --group develop --group test --group campaign --constraints requirements/test.txt --output-file requirements/campaign.txt
	@$(compile) --group site --output-file requirements/site.txt
	@$(compile) --group lock --output-file requirements/lock.txt

compile = $(bin)/uv pip compile --universal --fork-strategy fewest --generate-hashes --no-header --quiet $(UPGRADE)

clean: ## remove what was built and cached
	@rm -rf build dist .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests campaigns models benchmarks docs -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## likewise, and the environments
	@rm -rf $(VENV) $(VENV)-bench $(VENV)-docs .venv-matrix

# A new environment. Where the interpreter comes without ensurepip (Debian's python3 alone), its own pip fills it.
%/pyvenv.cfg:
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "medalopt needs Python 3.11 or newer, and found none as '$(PYTHON)': make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "setting up $* (about half a minute) with `'$(PYTHON)' --version`" >&2
	@'$(PYTHON)' -m venv '$*' >/dev/null 2>&1 || { rm -rf '$*' && '$(PYTHON)' -m venv --without-pip '$*' && \
		'$(PYTHON)' -m pip --python '$*/bin/python' install -qq $(locked) -r requirements/install.txt; }

$(VENV)/.locked: requirements/install.txt | $(VENV)/pyvenv.cfg
	@$(pip) install $(locked) -r $<
	@touch $@

$(VENV)/.tools: requirements/test.txt $(VENV)/.locked
	@$(pip) install $(locked) -r $<
	@touch $@

$(VENV)/.lock: requirements/lock.txt $(VENV)/.locked
	@$(pip) install $(locked) -r $<
	@touch $@

# The package as a user gets it: a wheel. What `make develop` installed is left as it is.
$(VENV)/.installed: $(sources) $(VENV)/.locked
	@grep -qs '"editable": *true' $(VENV)/lib/python*/site-packages/medalopt-*.dist-info/direct_url.json || \
		$(pip) install --no-index --no-deps --no-build-isolation --force-reinstall .
	@touch $@

$(VENV)-bench/.installed: requirements/bench.txt $(sources) | $(VENV)-bench/pyvenv.cfg
	@$(VENV)-bench/bin/python -m pip --disable-pip-version-check -qq install $(locked) -r requirements/bench.txt
	@$(VENV)-bench/bin/python -m pip --disable-pip-version-check -qq install --no-index --no-deps --no-build-isolation --force-reinstall .
	@touch $@

$(VENV)-docs/.installed: requirements/site.txt | $(VENV)-docs/pyvenv.cfg
	@$(VENV)-docs/bin/python -m pip --disable-pip-version-check -qq install $(locked) -r $<
	@touch $@
