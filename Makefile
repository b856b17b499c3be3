# make evaluate [MODEL=… TASK=… PARALLEL=data|tensor|auto NUM_GPUS=k …]: every option of `lighteval-r1 evaluate` by its name in
#               capitals, --max-tokens as MAX_TOKENS=…; but OUT=… and CACHE=… for --output-dir and --cache-dir
# make upload MODEL=… UPLOAD=NAMESPACE/NAME [PUBLIC=1] [OUT=…]
# make wheelhouse [WHEELS=wheels]  all wheels of the pinned set in a folder; WHEELS=folder make setup uses them offline
# make test
# make lint                 the code's form, and its types where records, runs and numbers are
# make soak [SOAK="PART …"]  the tests' long counts (tests/soak.py names the parts); not in .ci/run
# Each sets up .venv on its own, once. DEVICE=gpu|cpu is found where it is not said.

DEVICE ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
VENV   ?= .venv
PYTHON ?= python3
TEST_PROCESSES ?= 3
WHEELS ?=

ifeq ($(filter $(DEVICE),gpu cpu),)
$(error DEVICE=$(DEVICE) is neither gpu nor cpu)
endif

stamp := $(VENV)/.installed-$(DEVICE)

# uv compiles nothing as it installs: where Python may keep nothing either, every command would compile vLLM's and LightEval's
# 7,000 files anew, half of its start. The environment is ours to write in.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup wheelhouse evaluate upload test lint soak requirements clean

setup: $(stamp)

$(stamp): requirements/$(DEVICE).txt pyproject.toml
	@PYTHON="$(PYTHON)" WHEELS="$(WHEELS)" requirements/install "$(DEVICE)" "$(VENV)"
	@rm -f $(VENV)/.installed-* && touch $@

# What was said as NAME=value goes to the command, which knows the names, as it was said: make would expand what looks like
# a variable in it.
said := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
said := $(filter-out DEVICE VENV PYTHON WHEELS TEST_PROCESSES PYTEST_ARGS,$(said))
$(foreach name,$(said),$(eval override $(name) := $$(value $(name))))
export $(said)

evaluate: $(stamp)
	@LIGHTEVAL_R1_DEVICE=$(DEVICE) $(VENV)/bin/lighteval-r1 evaluate $(foreach name,$(said),$(name)="$$$(name)")

upload: $(stamp)
	@$(VENV)/bin/lighteval-r1 upload "$${OUT:-$$MODEL}" "$$UPLOAD" $(if $(filter-out 0 no false,$(PUBLIC)),--public)

test: $(stamp)
	@$(VENV)/bin/python -m pytest -n $(TEST_PROCESSES) --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(stamp)
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/mypy --no-error-summary

soak: $(stamp)
	@LIGHTEVAL_R1_SOAK="$(or $(SOAK),all)" $(VENV)/bin/python -m pytest $(PYTEST_ARGS)

# Sets nothing up: python3 and its pip do it.
wheelhouse:
	@PYTHON="$(PYTHON)" requirements/wheelhouse "$(DEVICE)" "$(or $(WHEELS),wheels)"

# The two pinned sets, made anew from pyproject.toml.
requirements: $(stamp)
	requirements/compile "$(VENV)"

clean:
	rm -rf $(VENV)
