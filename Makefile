# `make help` lists the targets.

SWIFT ?= swift
MODEL ?= lenet5
DATA ?= fashion-mnist
# More options for `train` and `bench`, for example: make train ARGS="--epochs 5"
ARGS ?=

# A folder of its own for each run, so that none is overwritten.
ifndef RUN
RUN := runs/$(MODEL)-$(shell date +%Y-%m-%d-%H%M%S)
endif

SOURCES := Package.swift Sources Tests Benchmarks Examples
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help deps build train test examples check warnings parity bench bench-peers manual docs lint format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## Install the libraries and the dataset that are missing (Debian and Ubuntu)
	@SWIFT='$(SWIFT)' sh Scripts/deps.sh

build: deps ## Build everything for release
	$(SWIFT) build -c release

train: deps ## Train LeNet-5 on Fashion-MNIST and report on the test images (MODEL, DATA, RUN, ARGS)
	$(SWIFT) build -c release --product apus
	@mkdir -p '$(dir $(RUN))'
	.build/release/apus train --model '$(MODEL)' --data '$(DATA)' --output '$(RUN)' $(ARGS)

test: deps ## Run all tests, and the example
	$(SWIFT) build -c release --build-tests
	@$(MAKE) examples
	@for isa in portable avx2; do APUS_ISA=$$isa $(SWIFT) test -c release --skip-build --filter 'Winograd|PooledConvolution|AveragedConvolution|FusionTests|MaskingTests' || exit 1; done
	$(SWIFT) test -c release --skip-build

examples: deps ## Build and run the example of a package that extends Apus
	$(SWIFT) run -c release --package-path Examples --scratch-path .build Extending

check: lint warnings test ## Lint, build with warnings as errors, and run all tests

warnings: deps
	$(SWIFT) build --build-tests --scratch-path .build/check -Xswiftc -warnings-as-errors

bench: deps ## Measure the machine, the convolutions and the networks (ARGS)
	$(SWIFT) run -c release apus-benchmarks $(ARGS)

# Python and its pinned packages, in a folder of their own (needs python3-venv).
PEERS := .build/peers

$(PEERS)/installed: Benchmarks/peers/requirements.txt
	@test -x $(PEERS)/bin/python || python3 -m venv $(PEERS)
	@$(PEERS)/bin/pip install --quiet --requirement $<
	@touch $@

bench-peers: deps $(PEERS)/installed ## Measure against PyTorch, TensorFlow, ONNX Runtime (needs python3-venv, python3-dev, g++; ARGS)
	$(SWIFT) build -c release --product apus-benchmarks
	$(PEERS)/bin/python Benchmarks/peers/compare.py $(ARGS)

parity: deps $(PEERS)/installed ## Compare all results with PyTorch's and torchvision's, and read a run back by TensorBoard (needs python3-venv; ARGS)
	$(SWIFT) build -c release --product apus
	$(PEERS)/bin/python Tests/Parity/tensorboard_events.py
	$(PEERS)/bin/python Tests/Parity/explanations.py
	$(PEERS)/bin/python Tests/Parity/parity.py $(ARGS)

manual: deps ## Write the manual pages of the commands, in Documentation/commands
	$(SWIFT) build -c release --product apus
	@mkdir -p Documentation/commands
	@env -u APUS_BACKEND .build/release/apus help --markdown >Documentation/commands/README.md
	@for command in $$(sed -n 's/^| \[\(.*\)\](.*/\1/p' Documentation/commands/README.md); do \
		env -u APUS_BACKEND .build/release/apus help --markdown $$command \
			>Documentation/commands/$$command.md || exit 1; \
	done

docs: deps ## Build the library's documentation, with no warning of docc's, in .build/documentation
	$(SWIFT) build -c release --product apus
	@sh Scripts/docs.sh

lint: ## Check the formatting
	$(SWIFT) format lint --strict --recursive $(SOURCES)

format: ## Format the sources in place
	$(SWIFT) format --in-place --recursive $(SOURCES)

clean: ## Remove what was built; runs stay
	rm -rf .build
