# make run     build and start on this machine only; prints a curl line to try
# make test    install the real parts (clients, servers), run every test, fuzz for a moment
# make lint    formatting, clippy, dependencies
# make image   build the container image and run it as a platform would; needs root
# make bench   side by side with five other servers; wants a quiet machine for 15 minutes

.PHONY: run test lint image bench parts

CARGO ?= cargo

run:
	$(CARGO) run --locked

test: parts
	tests/run.sh
	fuzz/run.sh

parts:
	tests/parts.sh system python acme fuzz

lint:
	tests/parts.sh lint
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	tests/dependencies.sh
	tests/dockerfile.sh

image:
	tests/image.sh

bench:
	tests/parts.sh bench
	$(CARGO) build --release --locked
	benches/compare/run.py
