# Everything below works on a machine with nothing but Python 3.11 or newer and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo up test check bench lint format lock pictures reference wheel clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV), one to three minutes the first time."
	@$(BIN)/python -m pip install --quiet --no-deps --no-compile --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --disable-pip-version-check --no-build-isolation --editable .
	@# On every core; pip compiles one file after the other, and packages' tests too, which takes as long as all else.
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' $(VENV)/lib || true
	@touch $(INSTALLED)

demo: $(INSTALLED) ## Real data, a trained model, a real Airflow: backfill seven days and show the result
	@$(BIN)/daybreak local demo

up: $(INSTALLED) ## The same stack in the foreground, with Airflow's UI on localhost:8080
	@$(BIN)/daybreak local up --demo

test: $(INSTALLED) ## The whole test suite, on every core
	@$(BIN)/python -m pytest -n auto $(ARGS)

check: lint ## Between two edits: lint, types and the tests that start no server
	@$(BIN)/python -m pytest -n auto -m "not server" $(ARGS)

bench: $(INSTALLED) ## Speed and memory against the usual tutorial, side by side
	@$(BIN)/python tests/benchmarks/bench.py $(ARGS)

lint: $(INSTALLED) ## Lint, formatting, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHONPATH=plugins $(BIN)/lint-imports --no-logo --no-cache

format: $(INSTALLED) ## Format the code
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

# Each has a lock of what it adds, whose versions are those of all together.
EXTRAS := duckdb delta iceberg sqlite snowflake bigquery flightsql lightgbm xgboost catboost s3 gcs azure lineage telemetry alerts embedded demonstration storage-tests browser-tests
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: $(INSTALLED) ## Compile the locks anew: of everything, of what is installed by default, of MLflow's image
	@$(LOCK) --upgrade --all-extras pyproject.toml -o requirements-extras.txt
	@cp requirements-extras.txt requirements.txt
	@$(LOCK) --extra dev --extra embedded --extra demonstration pyproject.toml -o requirements.txt
	@for extra in $(EXTRAS); do \
		$(BIN)/python -c 'import sys, tomllib; \
			print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"][sys.argv[1]], sep="\n")' $$extra \
		| $(LOCK) --constraint requirements-extras.txt - -o requirements/$$extra.txt || exit 1; done
	@sed -n 's/^mlflow-skinny==\([^ ]*\).*/mlflow==\1/p' requirements.txt > .mlflow-version
	@$(LOCK) --upgrade --constraint .mlflow-version requirements-mlflow.in -o requirements-mlflow.txt; found=$$?; rm .mlflow-version; exit $$found
	@$(BIN)/python -c 'import re; print(*re.findall(r"^(?:apache-airflow|pandas|pyarrow|scikit-learn|sqlalchemy|great-expectations|mlflow-skinny)==.*$$", open("requirements.txt").read(), re.M), sep="\n")'

pictures: $(INSTALLED) ## Take the pictures of docs/pages.md from a stack that is up: ARGS="--partition 2026-11-20"
	@$(BIN)/python docs/make_pictures.py $(ARGS)

reference: $(INSTALLED) ## Make docs/reference.md from the docstrings of the public names
	@$(BIN)/python docs/make_reference.py

wheel: $(INSTALLED) ## Build the wheel for an Airflow that is already there, into dist/
	@$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir dist .
	@ls dist/*.whl

clean: ## Remove the virtual environment, the embedded database and everything made from them
	@test ! -x $(BIN)/daybreak || $(BIN)/daybreak local down
	rm -rf $(VENV) .daybreak include/*.egg-info build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
