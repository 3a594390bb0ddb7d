# make run     build and start on this machine only; prints a curl line to try
# make test    install the real parts (clients, servers), run every test, fuzz for a moment
# make lint    formatting, clippy, dependencies
# make image   build the container image and run it as a platform would; needs root
# make bench   side by side with five other servers and a gateway; wants a quiet machine for half an hour

.PHONY: run test lint image bench parts

CARGO ?= cargo

run:
	$(CARGO) run --locked

test: parts
	tests/run.sh
	fuzz/run.sh

parts:
	tests/parts.sh system python agent acme llama fuzz

lint:
	tests/parts.sh lint
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	tests/dependencies.sh
	tests/dockerfile.sh

image:
	tests/image.sh

bench:
	tests/parts.sh bench agent
	$(CARGO) build --release --locked --bin duogate --example load
	benches/compare/run.py
