# `make run` starts everything on this machine; `make test` checks everything.
# Both do their own set-up, here and nowhere else than .venv, tests/browser/node_modules and the
# distribution's packages: ensurepip where it is missing and, for the tests, browsers, PostgreSQL and
# coturn (this one unpacked into .venv).

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Debian and Ubuntu keep ensurepip, which a virtual environment needs, in a package of its own.
define INSTALL_ENSUREPIP
as_root=; package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
if ! command -v apt-get >/dev/null; then :; \
elif [ "$$(id -u)" = 0 ] || { sudo -n true && as_root="sudo -n"; } 2>/dev/null; then \
	echo "Installing $$package"; \
	$$as_root apt-get update -qq; \
	$$as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $$package >/dev/null; \
fi; \
$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	echo "$(PYTHON) lacks ensurepip. Install its package, then run it again: $$package"; \
	echo "    sudo apt-get update && sudo apt-get install $$package"; \
	exit 1; \
}
endef

.PHONY: run test coverage proof warm-up lint setup setup-test format lock clean

run: setup
	$(BIN)/rodrun serve --demo --data-dir var

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python found. Install Python 3.11 or newer (package python3)."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is too old: rodrun needs Python 3.11 or newer. Name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(INSTALL_ENSUREPIP); }
	@$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup-test: setup
	@tests/install-browsers
	@tests/install-postgresql
	@tests/install-coturn

# The plane is compiled beside the checks of the source. Then two tests at a time share two cores,
# but for those with load and servers that are killed: these want the machine.
ALONE := $(addprefix tests/,benchmarks control/killing loadtest)

test: setup-test
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line warm-up lint
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --durations=12 $(addprefix --ignore=,$(ALONE))
	$(BIN)/python -m pytest --durations=12 $(ALONE)

# Measuring makes the rules' tests take two to three times as long. Compiled code does not count.
coverage: setup-test warm-up
	$(BIN)/python -m pytest --cov --cov-report=term

# What the node measures, held against an injected truth; then the load tests, on two cores.
proof: setup-test warm-up
	@mkdir -p var
	$(BIN)/python -m benchmarks.proof --json var/proof.json --table var/proof.md --plot var/proof.png
	$(BIN)/python -m benchmarks.load_tests --folder var/load-tests --pictures var/load-tests

warm-up: setup
	$(BIN)/rodrun warm-up

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: setup
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --extra dev --no-strip-extras --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) tests/browser/node_modules .mypy_cache .ruff_cache .pytest_cache
