# `make` lists what can be made. Everything here runs without input; what drives real Cyrus runs as root.

CARGO ?= cargo
FUZZ_SECONDS ?= 60
FAULT_SECONDS ?= 600
export FUZZ_SECONDS FAULT_SECONDS

.PHONY: help setup test real demo bench bench-parts coverage faults fuzz-smoke fuzz

help:
	@echo 'make setup       install the two Cyrus releases the tests run against (Debian 12, root)'
	@echo 'make demo        replicate real mail from a real Cyrus to this server and read it there'
	@echo 'make test        everything that continuous integration runs'
	@echo 'make real        only the tests against real Cyrus'
	@echo 'make fuzz-smoke  every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS) seconds'
	@echo 'make fuzz        the same for 10 minutes a target, from another start each time; not part of make test'
	@echo 'make faults      power cuts, failing and full disks, Cyrus as their judge, killed servers and crowds, FAULT_SECONDS=$(FAULT_SECONDS) each; PARTS="kills" for some'
	@echo 'make bench       the reference and this server at the same work: see BENCHMARKS.md; ROWS="seed flags" for some'
	@echo 'make bench-parts how fast single parts are: scanner, records, plan, twoskip, MIME, SHA-1'
	@echo 'make coverage    the lines of each layer that tests without Cyrus run; not part of make test'

setup:
	@scripts/cyrus-setup

test:
	@scripts/test

real: setup
	$(CARGO) test --features real-cyrus --test real

demo:
	@scripts/demo

fuzz-smoke:
	@scripts/fuzz-smoke

# The scheduled mode.
fuzz:
	@FUZZ_SECONDS=600 FUZZ_SEED=random scripts/fuzz-smoke

faults:
	@scripts/faults $(PARTS)

coverage:
	@scripts/coverage

bench:
	@scripts/bench $(ROWS)

bench-parts:
	$(CARGO) bench --bench parts
