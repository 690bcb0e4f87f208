# Every target starts from `setup`, which fills .venv and does nothing when it is current.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.rotoshot-setup

.PHONY: setup test check demo app format clean

setup: $(STAMP)

$(STAMP): pyproject.toml packaging/setup.sh packaging/system-libraries.txt
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh packaging/setup.sh
	@touch $@

# A real X display where there is one to start, Qt's offscreen platform otherwise.
test: setup
	@if command -v xvfb-run >/dev/null 2>&1; then \
	  exec xvfb-run -a -s "-screen 0 1920x1200x24" $(BIN)/python -m pytest $(PYTEST_ARGS); \
	else QT_QPA_PLATFORM=offscreen exec $(BIN)/python -m pytest $(PYTEST_ARGS); fi

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

demo: setup
	$(BIN)/rotoshot demo -o out/demo

app: setup
	$(BIN)/rotoshot

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf build dist out *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
