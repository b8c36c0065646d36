FUZZTIME ?= 20s
TURN     ?= 1
ROUNDS   ?= 7

# A tool's path holds its version and Go's: a new one of either installs anew.
TOOLS    := .tools/$(firstword $(shell go env GOVERSION 2>/dev/null))
GOFUMPT  := $(TOOLS)/gofumpt@v0.12.0
DEADCODE := $(TOOLS)/deadcode@v0.52.0
LINT     := $(TOOLS)/golangci-lint@v2.15.0

# Tests create and delete so many files that a disk takes a fifth of their time. They are
# kept in memory, if it has 2 GB for them and programs may run there.
ifndef TMPDIR
MEMORY := $(shell f=$$(mktemp -p /dev/shm 2>&1) && chmod +x $$f && [ -x $$f ] && \
	df -Pk /dev/shm | awk 'NR == 2 && $$4 > 2000000 { print "TMPDIR=/dev/shm" }'; rm -f "$$f")
endif

# No cached results: they outlive the browser or compiler that made them.
# No vet: check runs it. Without symbols, linking all the tests takes half the time. Packages
# are compiled as run and the tests compile the program, so that each is compiled once.
SUITE := $(MEMORY) CGO_ENABLED=0 go test -count=1 -vet=off -trimpath -ldflags='-s -w' -timeout 20m

# A failover has seconds, so these tests want the machine alone. Loops of a million have no
# second goroutine for the race detector.
OTHER  = $(shell go list ./... | grep -vxF -e glassjar -e glassjar/utl/process)
ALONE  := 'Failovers|PromotedWhile|NothingIsLeftOfAHole'
LOOPS  := 'AMillionCodes|ExplainAgrees'
# The race detector leaves out SQLite, which is C turned to Go: there it found nothing
# and took five times as long.
RACE   := $(subst CGO_ENABLED=0,CGO_ENABLED=1,$(SUITE)) -race $(foreach p,sqlite/lib libc,-gcflags=modernc.org/$p=-race=false)

.PHONY: help run quick test race check attacks fuzz torture bench fmt pictures generate clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

# Git refuses a folder of another owner; the build then goes without a revision.
run: ## build the static binary and serve
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' \
		$$(git rev-parse -q HEAD >/dev/null 2>&1 || echo -buildvcs=false) -o .build/glassjar .
	.build/glassjar

# Cached results are welcome here, many tests wait, and nobody watches the memory. Compiling
# our code without optimizing it takes a sixth off.
quick: ## test while writing: without the program itself, browser, race detector and PostgreSQL; what did not change is not tested again
	GOGC=400 $(subst -count=1 ,,$(SUITE)) -gcflags='glassjar/...=-N -l' -short -p 4 $(filter-out glassjar/utl/cli,$(OTHER))

# utl/process waits more than it works, and takes longest: it begins first, and the others
# run meanwhile.
test: ## run the whole suite
	@.ci/tools test
	$(SUITE) -p 3 -parallel 4 -skip $(ALONE) ./utl/process . $(OTHER)
	$(SUITE) -run $(ALONE) ./utl/db

race: ## run the suite under the race detector, all but utl/process: its program is built without
	@.ci/tools test
	$(RACE) -skip $(ALONE)'|'$(LOOPS) $(OTHER) .
	$(RACE) -run $(ALONE) ./utl/db

check: $(GOFUMPT) $(LINT) $(DEADCODE) ## format, vet, modules, lint, dead code
	@$(call silent,$(GOFUMPT) -l .,'make fmt' mends the files above)
	go vet ./...
	go mod tidy -diff
	go mod verify
	$(LINT) run --config .ci/golangci.yml --concurrency 2
	@$(call silent,$(DEADCODE) -test ./...,nothing reaches the functions above)

attacks: ## list which test covers each attack; fail on a gap
	@go test -count=1 -v ./utl/attacks

fuzz: ## run every fuzz target for FUZZTIME each (20s)
	@list=$$(go test -list '^Fuzz' ./...) || { echo "$$list"; exit 1; }; \
	echo "$$list" | awk '/^Fuzz/ { f[n++] = $$1 } $$1 == "ok" { while (n) print f[--n], $$2 }' | \
	while read -r name pkg; do \
		echo "$$name in $$pkg"; \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$pkg" </dev/null || exit 1; \
	done

torture: ## kill the program 1,000 times, PostgreSQL 100, try 20 million mutated cookies, restart under 20,000 requests
	@.ci/tools test
	$(SUITE) -timeout 60m -v -run 'TestKills$$' ./utl/process/ -kills=1000
	$(SUITE) -v -run 'TestRestartsUnderLoad$$' ./utl/process/ -requests=20000
	$(SUITE) -timeout 60m -v -run 'TestFailovers$$' ./utl/db/ -failovers=100
	$(SUITE) -timeout 60m -v -run 'TestMutation$$' ./utl/session/ -mutations=20000000

# The flags are the process tests' own. NoTelling takes minutes: README has its command.
bench: ## measure: beside bare net/http, with nginx, with many people; then the rest
	@.ci/tools bench
	go test -run '^$$' -bench Scale -timeout 30m ./utl/process -turn $(TURN) -rounds $(ROUNDS)
	go test -run '^$$' -bench . -skip 'Scale|NoTelling' -benchmem -timeout 30m ./...

fmt: $(GOFUMPT) $(LINT) ## format the code and sort its imports
	$(LINT) fmt --config .ci/golangci.yml
	$(GOFUMPT) -w .

pictures: ## take pictures of every page, to look at (.pictures)
	@.ci/tools test
	go test -count=1 -run TestPages ./utl/process -pictures

generate: ## run go generate
	go generate ./...

clean: ## remove the program that run and test built
	rm -rf .build

$(GOFUMPT):  path := mvdan.cc/gofumpt
$(DEADCODE): path := golang.org/x/tools/cmd/deadcode
$(LINT):     path := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(GOFUMPT) $(DEADCODE) $(LINT):
	GOBIN='$(CURDIR)/$(TOOLS)' go install $(path)@$(lastword $(subst @, ,$@))
	@mv $(TOOLS)/$(notdir $(path)) $@

# silent runs a command that must print nothing.
define silent
echo "$(1)"; out=$$($(1)) || { echo "$$out"; exit 1; }; [ -z "$$out" ] || { echo "$$out"; echo "$(2)"; exit 1; }
endef
