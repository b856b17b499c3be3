# make evaluate [MODEL=… TASK=… PARALLEL=data|tensor|auto NUM_GPUS=k N=… REVISION=… MAX_TOKENS=… TEMPERATURE=… SYSTEM_PROMPT_FILE=… OUT=…]
#               [UPLOAD=NAMESPACE/NAME PUBLIC=1] [WANDB=1] [ALLOW_UNSAFE_CODE=1]
# make upload MODEL=… UPLOAD=NAMESPACE/NAME [PUBLIC=1] [OUT=…]
# make test
# Both set up .venv on their own, once. DEVICE=gpu|cpu is found where it is not said.

DEVICE ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
VENV   ?= .venv
PYTHON ?= python3
TEST_PROCESSES ?= 3

ifeq ($(filter $(DEVICE),gpu cpu),)
$(error DEVICE=$(DEVICE) is neither gpu nor cpu)
endif

stamp := $(VENV)/.installed-$(DEVICE)

.PHONY: setup evaluate upload test requirements clean

setup: $(stamp)

$(stamp): requirements/$(DEVICE).txt pyproject.toml
	@PYTHON="$(PYTHON)" requirements/install "$(DEVICE)" "$(VENV)"
	@rm -f $(VENV)/.installed-* && touch $@

# Options travel by name; an empty one is not passed on.
option = $(if $(value $(1)),--$(2)="$$$(1)")
flag   = $(if $(filter-out 0 no false,$(value $(1))),--$(2))
options := MODEL TASK REVISION PARALLEL NUM_GPUS N MAX_TOKENS TEMPERATURE SYSTEM_PROMPT_FILE OUT UPLOAD PUBLIC WANDB ALLOW_UNSAFE_CODE
# As they were said: make would expand what looks like a variable in them.
$(foreach name,$(options),$(eval override $(name) := $$(value $(name))))
export $(options)

evaluate: $(stamp)
	@LIGHTEVAL_R1_DEVICE=$(DEVICE) $(VENV)/bin/lighteval-r1 evaluate \
	  $(call option,MODEL,model) $(call option,TASK,task) $(call option,REVISION,revision) \
	  $(call option,PARALLEL,parallel) $(call option,NUM_GPUS,num-gpus) $(call option,N,n) \
	  $(call option,MAX_TOKENS,max-tokens) $(call option,TEMPERATURE,temperature) \
	  $(call option,SYSTEM_PROMPT_FILE,system-prompt-file) $(call option,OUT,output-dir) \
	  $(call option,UPLOAD,upload) $(call flag,PUBLIC,public) $(call flag,WANDB,wandb) $(call flag,ALLOW_UNSAFE_CODE,allow-unsafe-code)

upload: $(stamp)
	@$(VENV)/bin/lighteval-r1 upload "$${OUT:-$$MODEL}" "$$UPLOAD" $(call flag,PUBLIC,public)

test: $(stamp)
	@$(VENV)/bin/python -m pytest -n $(TEST_PROCESSES) --no-loadscope-reorder $(PYTEST_ARGS)

# The two pinned sets, made anew from pyproject.toml.
requirements: $(stamp)
	requirements/compile "$(VENV)"

clean:
	rm -rf $(VENV)
