# make demo : the embedded study, offline apart from the package installation
# make test : everything that CI runs
# make docs : the site of docs/ in out/docs, no warning borne and every link held
# make lowest : the suite with the oldest libraries that pyproject.toml promises, on Python 3.11, without a browser
# make newest : the suite with the newest libraries that there are, on Python 3.13, without a browser
# make mutants ROOM=measures COUNT=250 : do the tests notice? impedance, measures or network; docs/mutants.md has the answers
# make benchmarks : circle15 beside its peers, each in an environment of its own; BENCH="--only reading --rounds 1"
PYTHON ?= python3
BIN := .venv/bin

# what `make test` runs of the suite with other libraries and another Python: whole small studies, tables, measures, siting, search
SMOKE := tests/test_cli.py tests/test_tables.py tests/test_measures.py tests/test_siting.py tests/network/test_engine.py
# what asks a peer that only the development environment has
ALONE := -k "not to_spopt_on_generated_towns"
# and what holds with newer libraries only: bytes of the demo data, the last digit of a number, who notices a reply cut short
ALIKE := -k "not to_spopt_on_generated_towns and not makes_the_same_bytes and not comes_back_whatever_its_order and not (leaves_everything_as_it_was and remark)"

.PHONY: demo test docs lint types smoke lowest newest mutants browser printing benchmarks clean

.venv/core: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "circle15 needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --constraint constraints.txt
	touch $@

.venv/dev: .venv/core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev,docs]" --constraint constraints.txt
	touch $@

demo: .venv/core
	$(BIN)/circle15 demo --output out/demo

test: .venv/dev browser printing lint types
	$(BIN)/python -m pytest -n 2 --dist loadgroup --cov
	$(MAKE) --no-print-directory smoke

# $(call with,FOLDER,OPTIONS): pytest in another environment, with kernels of its own
with = NUMBA_CACHE_DIR=$(CURDIR)/$(1)/kernels $(1)/bin/python -m pytest -n 2 --dist loadgroup -p no:cacheprovider $(2)
# libraries of several years warn of each other: there a warning is no error
OLD := -o filterwarnings=default

# $(call python,3.11): the first Python of that version here: the one that was named, on the path, or of pyenv
python = $(firstword $(foreach one,$(PYTHON) python$(1) $(wildcard $(HOME)/.pyenv/versions/$(1).*/bin/python),\
   $(shell $(one) -c 'import sys; print("$(one)" if "%d.%d" % sys.version_info[:2] == "$(1)" else "")' 2>/dev/null)))

.venv-lowest/ready: pyproject.toml constraints-lowest.txt
	$(call python,3.11) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[cluster,office]" \
	   pytest pytest-xdist hypothesis --constraint constraints-lowest.txt
	touch $@

.venv-3.13/ready: pyproject.toml constraints.txt
	$(call python,3.13) -m venv .venv-3.13
	.venv-3.13/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[cluster,office]" \
	   pytest pytest-xdist hypothesis --constraint constraints.txt
	touch $@

smoke:
ifneq ($(call python,3.11),)
	$(MAKE) --no-print-directory .venv-lowest/ready
	$(call with,.venv-lowest,$(OLD) $(ALONE) $(SMOKE))
else
	@echo "no Python 3.11 here: nothing was run with the oldest libraries"; [ "$(CI)" != true ]
endif
ifneq ($(call python,3.13),)
	$(MAKE) --no-print-directory .venv-3.13/ready
	$(call with,.venv-3.13,$(ALONE) $(SMOKE))
else
	@echo "no Python 3.13 here: nothing was run with it"
endif

lowest: .venv-lowest/ready
	$(call with,.venv-lowest,$(OLD) $(ALIKE) tests -m "not browser and not package")

newest:
	$(call python,3.13) -m venv --clear .venv-newest
	.venv-newest/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	.venv-newest/bin/python -m pip list
	$(call with,.venv-newest,-m "not browser and not package")

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/dev
	$(BIN)/mypy

docs: .venv/dev
	$(BIN)/python docs/site/build.py out/docs

# Cosmic Ray changes files where they lie, hence the clone; kernels are run as Python, hence fewer and smaller cases there
ROOM ?= measures
COUNT ?= 250
mutants: .venv/dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "cosmic-ray>=8.4"
	rm -rf out/mutants && git clone --quiet . out/mutants
	sed -i -E 's/max_examples=[0-9]+/max_examples=4/; s/range\(200\)/range(40)/' out/mutants/tests/network/*.py
	cd out/mutants && export PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH="$(CURDIR)/out/mutants/src" \
	   PYTHONDONTWRITEBYTECODE=1 CI=true NUMBA_DISABLE_JIT=1 && \
	   cosmic-ray init mutation/$(ROOM).toml session.sqlite && \
	   cr-filter-operators session.sqlite mutation/$(ROOM).toml && \
	   python mutation/sample.py session.sqlite --count $(COUNT) --seed 15 && \
	   cosmic-ray exec mutation/$(ROOM).toml session.sqlite && \
	   cr-report session.sqlite --show-diff --surviving-only

benchmarks: .venv/dev
	$(BIN)/python -m benchmarks $(BENCH)

# Debian's Chromium where we may install it, else one that is there, else one line says what is left out
browser:
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	   command -v $$name >/dev/null && exit 0; done; \
	 sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
	 if command -v apt-get >/dev/null && $$sudo true 2>/dev/null && $$sudo apt-get update -qq >/dev/null 2>&1 && \
	    $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null 2>&1; \
	 then echo "installed Debian's chromium"; \
	 else echo "no Chromium or Chrome here and none can be installed: the browser tests are left out"; fi

# likewise what the tests of the printed sheets need: a font with Chinese letters, and pdftotext
printing:
	@command -v pdftotext >/dev/null && fc-list :lang=zh 2>/dev/null | grep -q . && exit 0; \
	 sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
	 if command -v apt-get >/dev/null && $$sudo true 2>/dev/null && $$sudo apt-get update -qq >/dev/null 2>&1 && \
	    $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq poppler-utils fontconfig fonts-noto-cjk >/dev/null 2>&1; \
	 then echo "installed Debian's poppler-utils and fonts-noto-cjk"; \
	 else echo "no pdftotext or no Chinese font here and none can be installed: some tests of the sheets are left out"; fi

clean:
	rm -rf .venv .venv-* out build dist
