# Two commands matter: `make demo` and `make test`. Both make .venv where it is missing.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-quick test-all test-cluster faults reruns lint format schema nnunet clean

demo: .venv/run-installed
	$(BIN)/snakemake --cores all
	@echo "The results stand in results/demo/report/index.html"

test: .venv/test-installed lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --ignore tests/slurm -m "not long"

# With the ready studies at their small size and nnU-Net itself: half an hour more.
test-all: .venv/test-installed .venv-nnunet/installed lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --ignore tests/slurm

test-quick: .venv/test-installed
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --ignore tests/slurm -m "not slow and not long"

# Starts a real SLURM on this machine; wants root and tests/slurm/install_slurm.sh.
test-cluster: .venv/test-installed
	$(BIN)/python -m pytest tests/slurm

# Writes docs/faults.md from the tests that cause faults; wants what test-cluster wants.
faults: .venv/test-installed
	rm -f results/faults.jsonl
	mkdir -p results
	$(BIN)/python -m pytest -m fault --faults results/faults.jsonl
	$(BIN)/python tests/faults.py results/faults.jsonl docs/faults.md

# Writes docs/reruns.md from the tests that change a finished study.
reruns: .venv/test-installed
	rm -f results/reruns.jsonl
	mkdir -p results
	$(BIN)/python -m pytest tests/workflow/test_rerun_rows.py --reruns results/reruns.jsonl
	$(BIN)/python tests/reruns.py results/reruns.jsonl docs/reruns.md

lint: .venv/test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

format: .venv/test-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

schema: .venv/run-installed
	$(BIN)/python -m mribench.schema

# nnU-Net in an environment of its own, for the method `nnunet`.
nnunet: .venv-nnunet/installed

clean:
	rm -rf results .snakemake

.venv/run-installed: requirements/run.txt requirements/viewer.txt
	$(PYTHON) -c "import sys; sys.exit('mribench needs Python 3.11 or 3.12') if sys.version_info[:2] not in ((3, 11), (3, 12)) else None"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --quiet -r requirements/run.txt
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps -r requirements/viewer.txt
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	touch $@

.venv/test-installed: .venv/run-installed requirements/test.txt requirements/peers.txt
	$(BIN)/pip install --disable-pip-version-check --quiet -r requirements/test.txt
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps -r requirements/peers.txt
	touch $@

.venv-nnunet/installed: requirements/nnunet.txt
	$(PYTHON) -m venv .venv-nnunet
	.venv-nnunet/bin/pip install --disable-pip-version-check --quiet $$(grep '^torch==' $<)
	.venv-nnunet/bin/pip install --disable-pip-version-check --quiet --no-deps -r $<
	touch $@
