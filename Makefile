# The first two need only Go and make: `make demo` shows the worker at work,
# `make test` runs its tests.

GO      ?= go
RELEASE ?= $(shell git describe --tags --always --dirty 2>/dev/null)
# What conformance runs against, besides the embedded queue.
SERVERS ?= localstack moto elasticmq fauxqs
FUZZTIME ?= 20s
BENCH ?= AgainstLoop
# Messages that soak sends; 200000 take seven to twenty minutes, since the longest
# give-back delay is waited for.
SOAK ?= 200000

.DEFAULT_GOAL := help
.PHONY: help demo test test-all build lint race fuzz bench soak conformance release packages localstack run-localstack localstack-stop clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## see it work: an embedded queue, made-up calls, no AWS account
	@bin/wildix-worker demo

test: ## run the tests
	$(GO) test ./...

test-all: SHELL := bash
test-all: ## run the tests, also those that need PostgreSQL or DynamoDB (moto)
	@trap '.ci/servers stop moto postgres' EXIT; trap 'exit 130' INT TERM; \
	servers=$$(.ci/servers start moto postgres) && \
	export STORE_POSTGRES_URL=$$(sed -n 's/^postgres=//p' <<<"$$servers") && \
	export DYNAMODB_ENDPOINT=$$(sed -n 's/^moto=//p' <<<"$$servers") && \
	$(GO) test -count 1 ./...

build: ## build bin/wildix-worker
	$(GO) build -trimpath -ldflags '-s -w -funcalign=16 -X main.release=$(RELEASE)' -o bin/wildix-worker ./cmd/wildix-worker

lint: ## check formatting, vet, staticcheck and go.mod
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff

race: ## run the tests under the race detector
	$(GO) test -race ./...

# Go takes it for a failure when the time is up while it makes an input smaller, which
# it does for a minute unless it is told otherwise.
fuzz: ## run each fuzz target for FUZZTIME
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz'); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$package" || exit 1; \
		done; \
	done

bench: ## compare the worker with the plainest SDK loop; BENCH=Observed, Trickle, Direct …
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(if $(filter AgainstLoop,$(BENCH)),5x,1x) -timeout 30m ./consumer ./consumer/webhook

soak: ## send SOAK messages through faults, crashes and restarts; account for each
	$(GO) test -count 1 -v -timeout 3h -run TestSoak ./consumer/soak -messages $(SOAK)

conformance: SHELL := bash
conformance: ## run one suite, and check, on the embedded queue and on SERVERS
	@set -o pipefail; trap '.ci/servers stop' EXIT; trap 'exit 130' INT TERM; \
	servers=$$(.ci/servers start $(SERVERS)) && \
	{ CONFORMANCE_SERVERS="$$servers" $(GO) test -count 1 -v ./consumer/conformance && \
	CHECK_SERVERS="$$servers" $(GO) test -count 1 -v -run '^Test(Check|DLQ)' ./cmd/wildix-worker; } | grep -v '^=== '

localstack: SHELL := bash
localstack: ## start LocalStack without Docker, in the background, with the queues
	@set -euo pipefail; url=$$(.ci/servers start localstack); url=$${url#localstack=}; \
	PATH="$$PWD/.servers/localstack/venv/bin:$$PATH" AWS_ENDPOINT_URL="$$url" deploy/localstack/init.sh; \
	echo "LocalStack answers at $$url until make localstack-stop; next: make run-localstack"

run-localstack: SHELL := bash
run-localstack: build localstack ## run a worker on it until stopped, and show how to send it events
	@set -euo pipefail; url=$$(.ci/servers start localstack); url=$${url#localstack=}; \
	set -a; . deploy/localstack/worker.env; WILDIX_QUEUE_URL=$$url/000000000000/wildix-events; set +a; \
	printf '\nFrom another terminal, here:\n\n  set -a; . deploy/localstack/worker.env; set +a\n  export WILDIX_QUEUE_URL=%s\n  bin/wildix-worker send\n\n' "$$WILDIX_QUEUE_URL" >&2; \
	exec bin/wildix-worker run

localstack-stop: ## stop LocalStack, which forgets its queues
	@.ci/servers stop localstack

release: ## build dist/: archives for Linux and macOS, packages, checksums
	RELEASE=$(RELEASE) deploy/release

packages: ## build only what is for Linux, deb and rpm packages among it
	RELEASE=$(RELEASE) deploy/release linux/amd64 linux/arm64

clean: ## remove what was built and the installed servers
	rm -rf bin dist .servers
