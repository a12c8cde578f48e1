# Needs Python 3.11 or newer with venv, make, and a way to the package registry.
PYTHON ?= python3
BIN := .venv/bin
# Two for each processor: the tests wait for servers and processes half of their time.
PYTEST_WORKERS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

.PHONY: demo serve test suite check format corpus words pictures faults fuzz mutants bench bench-large email-check gallery lock clean

demo: .venv/ready
	$(BIN)/newsletter demo demo

serve: .venv/ready
	@test -f demo/newsletter.toml || $(BIN)/newsletter demo demo
	$(BIN)/newsletter serve --site demo

# The checks beside the tests, which leave processors idle.
test: .venv/ready
	$(MAKE) --jobs=2 suite check

# Where Python may not keep what it compiled, each process of the tests compiles the product anew.
suite: export PYTHONDONTWRITEBYTECODE =
suite: .venv/ready
	rm -rf .coverage
	$(BIN)/pytest -p tests.covered -n $(PYTEST_WORKERS) --dist worksteal
	$(BIN)/slipcover --merge .coverage/*.json --out .coverage/all.json --fail-under 95

check: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# How much of the sample bulletins is read right; fails below the aim.
corpus: .venv/ready
	$(BIN)/python -m tests.corpus

# Puts new fixed words of mails into the catalogue of every language, to be translated there.
words: .venv/ready
	$(BIN)/python -m tests.catalogues

# The pictures of the how-to, made by the product itself.  Needs Chromium.
pictures: .venv/ready
	$(BIN)/python docs/pictures.py

# What is done to it on purpose, in full: about twenty minutes; ends with a table for the page.
# FULL=nightly kills ten times as often; SEED runs the same again.  Several machines (network namespaces) need root and the command ip.
FULL ?= full
ifndef SEED
SEED := $(shell od -An -N3 -tu4 /dev/urandom | tr -d ' ')
endif
faults: .venv/ready
	@echo "The same again: make faults FULL=$(FULL) SEED=$(SEED)"
	FAULTS=$(FULL) FAULTS_SEED=$(SEED) $(BIN)/pytest -m fault -n $(PYTEST_WORKERS) --dist worksteal --hypothesis-seed=$(SEED); \
	one=$$?; $(BIN)/pytest -n 0 -m machines && exit $$one

# Files changed at random, for each kind that is read: so many seconds each.  What was found stays
# in fuzz/ for the next run; a crash leaves its bytes there.  Linux, Python 3.11 to 3.13.
FUZZ_SECONDS ?= 60
fuzz: .venv/ready
	$(BIN)/uv pip install --quiet --python $(BIN)/python --group fuzz
	for ending in .txt .md .docx .html .xml; do \
		$(BIN)/python -m tests.fuzz.readers $$ending fuzz \
			-max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=1500 -max_len=20000 || exit 1; \
	done

# Small mistakes, made one by one in the part that decides who gets what: do the tests notice?
# On SQLite first; those that live are tried on PostgreSQL too.
mutants: .venv/ready
	rm -rf mutants
	$(BIN)/mutmut run
	MUTANTS_ON=postgresql $(BIN)/mutmut run \
		$$($(BIN)/mutmut results | sed -n -E 's/^ +(.*): (survived|no tests)$$/\1/p')
	$(BIN)/mutmut results

bench: .venv/ready
	$(BIN)/python benchmarks/read_bulletin.py
	$(BIN)/python benchmarks/merge.py
	$(BIN)/python benchmarks/scripture.py
	$(BIN)/python benchmarks/names.py
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

# Every kind of mail in every language and style, measured; needs node, java and chromium.
email-check: .venv/ready tests/email_check/node_modules/ready
	$(BIN)/python -m tests.email_check
	$(BIN)/python -m tests.email_check.pages

gallery: .venv/ready tests/email_check/node_modules/ready
	$(BIN)/python -m tests.email_check.gallery gallery
	$(BIN)/python -m tests.email_check.pages gallery/pages

tests/email_check/node_modules/ready: tests/email_check/package-lock.json
	cd tests/email_check && npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

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
	rm -rf .venv demo fuzz mutants dist build .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis
