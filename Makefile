# Targets for people and for .ci/run. Missing Debian packages are installed from scripts/packages.txt.
# With BILOXI_CORE=1 the package consists of the targets that need no other package: see Package.swift.

.PHONY: run build test test-core seeds conformance lint format interop interop-lossy endurance mutate soak abuse wire sanitize bench bench-peer bench-scale bench-load bench-calls bench-memory bench-limits bench-limits-record fuzz docs own-package man clean
.DEFAULT_GOAL := build

# Arguments of `biloxi serve`: make run ARGS='--listen udp:127.0.0.1:5070'
ARGS ?=
# Seconds each fuzz target runs.
FUZZ_SECONDS ?= 20

build:
	@scripts/install.sh build
	swift build -c release --product biloxi

run: build
	@exec "$$(swift build -c release --product biloxi --show-bin-path)/biloxi" serve $(ARGS)

# With TRIES=2 all are run once more when one has failed: on a machine that others use, too, some wait in vain.
TRIES ?= 1
test:
	@scripts/install.sh build test
	swift test --xunit-output .build/tests.xml || { [ $(TRIES) -gt 1 ] && echo "=== once more" && \
	    swift test --skip-build --xunit-output .build/tests.xml; }

# Calls over simulated networks that fail: SEEDS of them. `make test` runs three hundred.
SEEDS ?= 100000
seeds:
	@scripts/install.sh build test
	BILOXI_SEEDS=$(SEEDS) swift test --filter FaultyNetworkTests

test-core:
	BILOXI_CORE=1 swift test --scratch-path .build-core

# Whether docs/CONFORMANCE.md says what the tables say, and the last `make test` ran every test it names.
conformance:
	scripts/conformance.py --check
	scripts/conformance.py --ran .build/tests-swift-testing.xml

lint:
	swift format lint --strict --recursive Sources Tests Benchmarks Examples Fuzz Package.swift

format:
	swift format --in-place --recursive Sources Tests Benchmarks Examples Fuzz Package.swift

interop: build
	@scripts/install.sh interop
	Interop/run.sh

# Each phone through each bad network, three times, and a table of what is heard.
interop-lossy: build
	@scripts/install.sh interop
	LONG=1 Interop/run.sh lossy

endurance: build
	@scripts/install.sh interop
	Endurance/run.sh $(ROUNDS)

# Mutated flows against the running server; SEED repeats a run.
FLOWS ?= 1000000
mutate: build
	Endurance/run.sh mutate $(FLOWS) $(SEED)

# Mixed traffic for MINUTES, a hundred and fifty units a second times SCALE.
MINUTES ?= 30
SCALE ?= 1
soak: build
	Endurance/run.sh soak $(MINUTES) $(SCALE)

# One source that does its worst, ten seconds of each.
abuse: build
	Endurance/run.sh abuse 10

# Calls over a wire that loses packets, at several rates of loss.
wire: build
	@scripts/install.sh interop
	Endurance/run.sh wire 20 0 10 20 30

# The tests with the address and the thread sanitizer; BILOXI_CORE=1 leaves out what needs other packages.
sanitize:
	@scripts/install.sh build test
	scripts/sanitize.sh

bench:
	@scripts/install.sh build bench
	swift build -c release --product biloxi-microbench
	"$$(swift build -c release --product biloxi-microbench --show-bin-path)/biloxi-microbench"

# CPU per call, registration and message against Kamailio's; PAIRS of alternating runs.
PAIRS ?= 7
bench-peer: build
	@scripts/install.sh bench interop
	Benchmarks/Peer/compare.sh $(PAIRS)

# Memory and CPU per registration at a thousand, a hundred thousand and a million AORs.
bench-scale: build
	@scripts/install.sh bench interop
	Benchmarks/Peer/scale.sh

# What our load generator computes for each call, against the kit's in C.
bench-load: build
	@scripts/install.sh bench interop
	Benchmarks/Load/compare.sh $(PAIRS)

# Calls with sound: what 500 of them cost, and when their packets leave, beside pjsua2 and baresip.
bench-calls:
	@scripts/install.sh build bench interop
	swift build -c release --product biloxi-callbench
	Benchmarks/Calls/compare.sh

# Whether memory stays as it is over so many calls with sound.
CALLS ?= 20000
bench-memory: build
	swift build -c release --product biloxi-callbench
	Benchmarks/Calls/memory.sh $(CALLS)

bench-limits:
	@scripts/install.sh build bench
	scripts/bench-limits.sh

bench-limits-record:
	@scripts/install.sh build bench
	scripts/bench-limits.sh --record

fuzz:
	@scripts/install.sh build
	scripts/fuzz.sh $(FUZZ_SECONDS)

# The reference of the libraries as pages, in .build-docs.
docs:
	@scripts/install.sh build
	scripts/docs.sh

# A program in a package of its own depends on the library; everything is built anew.
own-package:
	@scripts/install.sh build
	scripts/own-package.sh

# Manual pages and completions of the command, in .build/manual.
man: build
	"$$(swift build -c release --product biloxi --show-bin-path)/biloxi" man .build/manual

clean:
	rm -rf .build .build-core
