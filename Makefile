# The tasks of the survey, as a menu. Each makes its own .venv and installs what it needs.
#
#   make report [SEED=n]   survey the practice country in two seasons, write the report of the first into runs/
#   make test              the tests
#   make check             lint, types, layers, documents
#   make lab               JupyterLab at the first notebook
#   make daemons           the real servers that tests use, unpacked below .daemons/
#   make resolver          a resolver of your own on 127.0.0.1:5353 (unbound)
#   make bench             how fast, beside peers, measured in one run: [RUNS=n] [MASSDNS=path] [WRITE=1: into README]
#   make bench-domains     how many real websites' domains the candidates hit: WEBSITES=FILE OUT=candidates.csv
#   make scale             5,000 practice mail servers, then 194,953 domains [DOMAINS=n], each killed in the middle
#   make parts             a register in parts: processes and Dask workers on this machine, measured

PYTHON ?= python3
SEED ?=
WEBSITES ?=
OUT ?=
WRITE ?=
RUN := runs/practice$(if $(SEED),-$(SEED),)
PY := .venv/bin/python

.PHONY: report test check lab daemons resolver bench bench-domains scale parts clean

.venv/.made: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/.made-dev: .venv/.made requirements-dev.txt requirements-dask.txt
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

# A second season gives notebook 8 something to compare. The relay dialogue ends with 1: rows of the practice permission file are refused, as they are meant to be.
report: .venv/.made
	$(PY) -m survey collect --practice $(if $(SEED),--seed $(SEED)) --run $(RUN)
	$(PY) -m survey collect --practice $(if $(SEED),--seed $(SEED)) --season 2003 --run $(RUN)-2003
	$(PY) -m survey relay $(RUN) --permission $(RUN)/permission.xlsx || test $$? -eq 1
	$(PY) -m survey report $(RUN)

test: .venv/.made-dev
	$(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: .venv/.made-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m pytest -q tests/test_layers.py tests/test_docs.py

lab: .venv/.made
	$(PY) -m jupyter lab notebooks/0_start.ipynb

daemons:
	tools/daemons

resolver:
	tools/resolver

bench: .venv/.made-dev daemons
	$(PY) -m benchmarks.bench $(if $(WRITE),--write-readme)

bench-domains: .venv/.made-dev
	@$(PY) -m benchmarks.domains $(if $(WEBSITES),--websites "$(WEBSITES)") $(if $(OUT),--out "$(OUT)")

scale: .venv/.made-dev daemons
	$(PY) -m benchmarks.scale
	$(PY) -m benchmarks.large --compare

parts: .venv/.made-dev
	$(PY) -m benchmarks.parts

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
