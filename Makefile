# `make demo` and `make test` need nothing but Go and make.

GO      ?= go
RELEASE ?= $(shell git describe --tags --always --dirty 2>/dev/null)
# The servers that conformance runs against, besides the embedded queue.
SERVERS ?= localstack moto elasticmq fauxqs
# How many inputs fuzz tries with each target. A duration would fail at random: Go 1.26
# reports the end of the time as a failure of the target (https://go.dev/issue/75804).
FUZZ ?= 100000
# Program compares the program with a plain SDK loop. Growth measures it with more of one thing
# at a time, and takes about an hour. Direct and Relay measure the webhook. Releases have no cgo
# either.
BENCH ?= Program
# How many messages soak sends. 200,000 take 7 to 20 minutes, because the test waits for
# the longest delay of returned messages.
SOAK ?= 200000

GOLANGCI_LINT_VERSION = v2.15.0
GOLANGCI_LINT = .tools/golangci-lint-$(GOLANGCI_LINT_VERSION)

.DEFAULT_GOAL := help
.PHONY: help demo test test-all build lint race fuzz bench soak conformance release packages localstack run-localstack localstack-stop clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## run the worker on an embedded queue with made-up calls, without an AWS account
	@bin/wildix-worker demo

test: ## run the tests
	$(GO) test ./...

test-all: SHELL := bash
test-all: ## run the tests, including those that need PostgreSQL or AWS services (moto)
	@trap '.ci/servers stop moto postgres' EXIT; trap 'exit 130' INT TERM; \
	servers=$$(.ci/servers start moto postgres) && \
	export STORE_POSTGRES_URL=$$(sed -n 's/^postgres=//p' <<<"$$servers") && \
	export MOTO_ENDPOINT=$$(sed -n 's/^moto=//p' <<<"$$servers") && \
	export DYNAMODB_ENDPOINT="$$MOTO_ENDPOINT" && \
	$(GO) test -count 1 ./...

build: ## build bin/wildix-worker
	$(GO) build -trimpath -ldflags '-s -w -X main.release=$(RELEASE)' -o bin/wildix-worker ./cmd/wildix-worker

lint: $(GOLANGCI_LINT) ## check formatting, vet, golangci-lint and go.mod
	$(GO) vet ./...
	$(GOLANGCI_LINT) run
	$(GO) mod tidy -diff

# Built from its module, and kept in a folder that git ignores. The first time takes some
# minutes.
$(GOLANGCI_LINT):
	GOBIN=$(CURDIR)/.tools/new GOFLAGS= $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv .tools/new/golangci-lint $@ && rmdir .tools/new

race: ## run the tests under the race detector
	$(GO) test -race -timeout 30m ./...

fuzz: ## run each fuzz target with FUZZ inputs
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz'); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ)x -fuzzminimizetime 10x "$$package" || exit 1; \
		done; \
	done

bench: ## compare the program with a plain SDK loop; BENCH=Growth, Direct, Relay ...
	CGO_ENABLED=0 $(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(if $(filter Program%,$(BENCH)),5x,1x) -timeout 3h ./cmd/wildix-worker/internal/bench ./consumer/webhook

soak: ## send SOAK messages through faults, crashes and restarts, and check each
	$(GO) test -count 1 -v -timeout 3h -run TestSoak ./consumer/soak -messages $(SOAK)

conformance: SHELL := bash
conformance: ## run one test suite against the embedded queue and against SERVERS
	@set -o pipefail; trap '.ci/servers stop' EXIT; trap 'exit 130' INT TERM; \
	servers=$$(.ci/servers start $(SERVERS)) && \
	{ CONFORMANCE_SERVERS="$$servers" $(GO) test -count 1 -v ./consumer/conformance && \
	CHECK_SERVERS="$$servers" $(GO) test -count 1 -v -run '^Test(Check|DLQ)' ./cmd/wildix-worker/...; } | grep -v '^=== '

localstack: SHELL := bash
localstack: ## start LocalStack in the background, without Docker, and create the queues
	@set -euo pipefail; url=$$(.ci/servers start localstack); url=$${url#localstack=}; \
	PATH="$$PWD/.servers/localstack/venv/bin:$$PATH" AWS_ENDPOINT_URL="$$url" deploy/localstack/init.sh; \
	echo "LocalStack runs at $$url until make localstack-stop; next: make run-localstack"

run-localstack: SHELL := bash
run-localstack: build localstack ## run a worker on LocalStack, and print how to send it events
	@set -euo pipefail; url=$$(.ci/servers start localstack); url=$${url#localstack=}; \
	set -a; . deploy/localstack/worker.env; WILDIX_QUEUE_URL=$$url/000000000000/wildix-events; set +a; \
	printf '\nFrom another terminal, here:\n\n  set -a; . deploy/localstack/worker.env; set +a\n  export WILDIX_QUEUE_URL=%s\n  bin/wildix-worker send\n\n' "$$WILDIX_QUEUE_URL" >&2; \
	exec bin/wildix-worker run

localstack-stop: ## stop LocalStack; its queues are lost
	@.ci/servers stop localstack

release: ## build dist/: archives for Linux and macOS, packages, bills of materials, checksums
	RELEASE=$(RELEASE) deploy/release

packages: ## build dist/ for Linux only
	RELEASE=$(RELEASE) deploy/release linux/amd64 linux/arm64

clean: ## remove bin/, dist/, and the installed servers and tools
	rm -rf bin dist .servers .tools
