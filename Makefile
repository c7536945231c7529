# make demo : the embedded study, offline apart from the package installation
# make test : everything that CI runs
# make docs : the site of docs/ in out/docs, no warning borne and every link held
# make benchmarks : circle15 beside its peers, each in an environment of its own; BENCH="--only reading --rounds 1"
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test docs lint types browser printing benchmarks clean

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
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/dev
	$(BIN)/mypy

docs: .venv/dev
	$(BIN)/python docs/site/build.py out/docs

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
	rm -rf .venv out build dist
