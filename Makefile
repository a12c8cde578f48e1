# Needs Python 3.11 or newer with venv, make, and a way to the package registry.
PYTHON ?= python3
BIN := .venv/bin
PYTEST_WORKERS ?= auto

.PHONY: demo serve test check format faults bench bench-large lock clean

demo: .venv/ready
	$(BIN)/newsletter demo demo

serve: .venv/ready
	@test -f demo/newsletter.toml || $(BIN)/newsletter demo demo
	$(BIN)/newsletter serve --site demo

test: check
	$(BIN)/pytest -n $(PYTEST_WORKERS) --cov --cov-report=term

check: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Several machines (network namespaces): needs root and the command ip.
faults: .venv/ready
	$(BIN)/pytest -n 0 -m machines

bench: .venv/ready
	$(BIN)/python benchmarks/merge.py
	$(BIN)/python benchmarks/import_subscribers.py
	$(BIN)/python benchmarks/workers.py
	$(BIN)/python benchmarks/smtp_client.py
	$(BIN)/python benchmarks/freeze.py
	$(BIN)/python benchmarks/dispatch_smtp.py
	$(BIN)/python benchmarks/dispatch_sendgrid.py

# A million people: about ten minutes and 2 GB of disk.
bench-large: .venv/ready
	$(BIN)/python benchmarks/freeze.py --people 1000000
	$(BIN)/python benchmarks/dispatch_smtp.py --people 100000 --rounds 1 --only-ours
	$(BIN)/python benchmarks/dispatch_sendgrid.py 10000 100000 1000000

# Pins everything anew; the lock holds names, versions and hashes, and no address.
lock: .venv/ready
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-strip-extras \
		--no-header --python-version 3.11 --all-extras --group test --group bench pyproject.toml -o requirements.lock

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

clean:
	rm -rf .venv demo dist build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
