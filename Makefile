# Two targets matter: `make` does the main job from nothing, `make test` runs every check. `make help` lists all.
# Each step makes a file and depends on what it reads, the code of its stage included: a second `make` does nothing.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BSDGEN := $(BIN)/bsdgen
MODEL := rtl_out/rv32i
VECTORS ?= 10000000
SEED ?= 0

ELFS := $(sort $(wildcard sim/programs/*.elf))
COMMON := $(wildcard bsdgen/*.py) bsdgen/traces/schema.py
source = $(foreach folder,$(1),$(wildcard bsdgen/$(folder)/*.py) $(wildcard bsdgen/$(folder)/*/*.py))
TRACES := traces/.complete

.PHONY: all test check docs clean distclean help setup
all: $(MODEL)/report.html ## set up, record, learn, emit, co-simulate, measure, report

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(VENV)/.installed ## the virtual environment only

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is too old: bsdgen needs Python 3.11 (make PYTHON=python3.11)" >&2; exit 4; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments: apt-get install python3-venv" >&2; exit 4; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# The main job.

$(TRACES): $(ELFS) $(COMMON) $(call source,isa traces) bsdgen/cli/record.py | $(VENV)/.installed
	rm -f traces/*.parquet
	$(BSDGEN) record $(ELFS) -o traces/
	@touch $@

$(MODEL)/model.json: $(TRACES) $(call source,learn bsd oracle) bsdgen/cli/learn.py | $(VENV)/.installed
	$(BSDGEN) learn traces/ -o $(MODEL) --seed $(SEED)

$(MODEL)/circuit.aig: $(MODEL)/model.json $(call source,circuit emit core) bsdgen/cli/emit.py | $(VENV)/.installed
	$(BSDGEN) emit $(MODEL) --format verilog --format amaranth

# A result that names failures is set aside, so that the next `make` checks again.
SET_ASIDE = { [ ! -e $@ ] || mv -f $@ $(@:.json=.failed.json); exit 1; }

$(MODEL)/cosim.json: $(MODEL)/circuit.aig $(ELFS) $(call source,cosim isa) $(wildcard sim/*.py sim/*.cpp sim/*.h sim/*.v) \
		bsdgen/cli/cosim.py | $(VENV)/.installed
	$(BSDGEN) cosim $(MODEL) $(ELFS) || $(SET_ASIDE)

# Measured after emitting: the emitted Verilog is proved equal to what is measured.
$(MODEL)/measure.json: $(MODEL)/circuit.aig $(call source,measure coverage isa) bsdgen/cli/measure.py | $(VENV)/.installed
	$(BSDGEN) measure $(MODEL) --vectors $(VECTORS) --seed $(SEED) --quiet || $(SET_ASIDE)

$(MODEL)/coverage.json: $(MODEL)/measure.json $(TRACES) $(ELFS) bsdgen/cli/coverage.py | $(VENV)/.installed
	$(BSDGEN) coverage $(MODEL) traces/ $(ELFS) --quiet

$(MODEL)/report.html: $(MODEL)/measure.json $(MODEL)/cosim.json $(MODEL)/coverage.json $(call source,report) \
		$(wildcard bsdgen/report/*.j2 bsdgen/report/*.css) bsdgen/cli/report.py | $(VENV)/.installed
	$(BSDGEN) report $(MODEL)

# Checks.

test: check ## every check and all tests
	$(BIN)/pytest -n 2 --dist loadscope  # a module's simulator or model is made once

check: $(VENV)/.installed-dev ## format, lint, types, layers, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m bsdgen.cli.reference --check

FUZZ_SECONDS ?= 120
.PHONY: fuzz
fuzz: $(VENV)/.installed-dev ## damaged files for every reader, for FUZZ_SECONDS; prints how many were tried
	$(BIN)/python tests/faults/fuzz.py --seconds $(FUZZ_SECONDS) --seed $(SEED)

docs: $(MODEL)/report.html ## the generated parts of docs/
	$(BIN)/python -m bsdgen.cli.reference
	$(BIN)/python docs/hardware.py
	$(BSDGEN) report $(MODEL) --figures docs/img --quiet

# What hardware people want of the model, in a folder of its own, so that the main job stays done. Order-only
# prerequisites keep apart the steps that write the same folder, for `make -j`.
HARDWARE := rtl_out/hardware/rv32i
SEARCH_SECONDS ?= 75
PROGRAM := sim/soc/hello.elf
LIB ?=
LIBERTY := build/liberty/osu018_stdcells.lib
BITSTREAMS := $(foreach board,ulx3s icebreaker,$(HARDWARE)/soc/$(board)/build.json)

$(VENV)/.installed-fpga: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fpga]'
	@touch $@

.PHONY: hardware
hardware: $(HARDWARE)/synth.json $(VENV)/.installed-fpga ## all formats and shells, proofs, smaller and faster netlists, cells, bitstreams; one table
	@echo "two at a time, each told when it is done: proof of the shells, programs on one of them, two bitstreams"
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(HARDWARE)/report.html
	$(BSDGEN) hardware $(HARDWARE)

$(HARDWARE)/circuit.aig: $(MODEL)/model.json $(call source,circuit emit core) bsdgen/cli/emit.py | $(VENV)/.installed
	mkdir -p $(@D)
	cp $(MODEL)/model.npz $(MODEL)/model.json $(@D)/
	$(BSDGEN) emit $(@D) --format all --shell single --shell fpga --shell wishbone

# Exit code 5 is the time limit: the best so far is kept.
$(HARDWARE)/optimised/area.json: $(HARDWARE)/circuit.aig bsdgen/cli/optimise.py
	$(BSDGEN) optimise $(HARDWARE) --goal area --time-limit $(SEARCH_SECONDS) || [ $$? -eq 5 ]

$(HARDWARE)/optimised/delay.json: $(HARDWARE)/circuit.aig bsdgen/cli/optimise.py | $(HARDWARE)/optimised/area.json
	$(BSDGEN) optimise $(HARDWARE) --goal delay --time-limit $(SEARCH_SECONDS) || [ $$? -eq 5 ]

$(HARDWARE)/synth.json: $(HARDWARE)/optimised/area.json $(HARDWARE)/optimised/delay.json $(call source,synth) \
		bsdgen/cli/synth.py
	-@[ -n "$(LIB)" ] || [ -e /usr/share/qflow/tech/osu018/osu018_stdcells.lib ] || \
		$(MAKE) --no-print-directory liberty
	$(BSDGEN) synth $(HARDWARE) $(LIB:%=--lib %)
	$(BSDGEN) synth $(HARDWARE) --fpga ecp5 --fpga ice40

$(HARDWARE)/proof_partial.json: $(HARDWARE)/circuit.aig $(call source,spec prove) bsdgen/cli/prove.py \
		| $(HARDWARE)/synth.json
	$(BSDGEN) prove $(HARDWARE) --stage fpga --stage wishbone || $(SET_ASIDE)

$(HARDWARE)/cosim_fpga.json: $(HARDWARE)/circuit.aig $(ELFS) $(call source,cosim isa) $(wildcard sim/*) \
		bsdgen/cli/cosim.py | $(HARDWARE)/synth.json
	$(BSDGEN) cosim $(HARDWARE) $(ELFS) --shell fpga || $(SET_ASIDE)

$(BITSTREAMS): $(HARDWARE)/soc/%/build.json: $(HARDWARE)/circuit.aig $(PROGRAM) $(call source,soc) \
		$(wildcard sim/soc/*.v sim/soc/*.cpp) bsdgen/cli/soc.py | $(VENV)/.installed-fpga $(HARDWARE)/synth.json
	$(BSDGEN) soc build $(PROGRAM) -m $(HARDWARE) --board $* --simulate

$(HARDWARE)/report.html: $(HARDWARE)/synth.json $(HARDWARE)/proof_partial.json $(HARDWARE)/cosim_fpga.json $(BITSTREAMS) \
		$(call source,report) $(wildcard bsdgen/report/*.j2) bsdgen/cli/report.py
	$(BSDGEN) soc run $(PROGRAM) -m $(HARDWARE)
	$(BSDGEN) report $(HARDWARE)

# A real 180 nm library, for `bsdgen synth`; nothing is installed.
.PHONY: liberty
liberty: $(LIBERTY) ## the standard-cell library that `bsdgen synth` takes (Debian's qflow-tech-osu018)

$(LIBERTY):
	@command -v apt-get >/dev/null && command -v dpkg >/dev/null || \
		{ echo "make liberty needs Debian's apt-get and dpkg: give bsdgen synth another liberty with --lib" >&2; exit 4; }
	@mkdir -p $(@D)/package
	cd $(@D)/package && apt-get download -qq qflow-tech-osu018 && dpkg -x qflow-tech-osu018_*.deb .
	mv $(@D)/package/usr/share/qflow/tech/osu018/osu018_stdcells.lib $@
	rm -rf $(@D)/package

clean: ## remove traces and models
	rm -rf traces $(MODEL) rtl_out/hardware sim_build

distclean: clean ## remove the virtual environment and caches too
	rm -rf $(VENV) .venv-riscof .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis bsdgen.egg-info
