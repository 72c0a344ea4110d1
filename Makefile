# factorage: every target sets up .venv by itself; the second time that costs nothing.
# Written for GNU make 3.81 (macOS) and later, and for any POSIX shell.

.DEFAULT_GOAL := help
.PHONY: help demo test sim lint bench lock clean FORCE

STAMP := .venv/.installed
RUN := .venv/bin/python
# How pytest ends when ARGS chose none of one half of the tests.
NO_TESTS := 5
# The simulated part of `runtime`'s own tests that more seeds make more sure.
FATES := tests.runtime.test_fates
TURMOIL := $(FATES):test_every_message_has_one_fate_in_turmoil \
	$(FATES):test_it_does_where_nobody_can_be_helped $(FATES):test_it_does_wherever_a_turn_ends

# What a shell has set for another project must not leak into this one.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1   \t\2/p' Makefile

demo: $(STAMP) ## the whole shop on a sandbox, no credential needed; Ctrl-C ends it
	@exec $(RUN) main.py demo $(ARGS)

test: lint ## the gate: lint, then every test, those in virtual time first, and hundreds of seeds
	$(RUN) -m pytest --numprocesses auto -m "not postgres and not process" $(ARGS) || [ $$? -eq $(NO_TESTS) ]
	$(if $(ARGS),,$(RUN) main.py sim run registration sale --seeds 100)
	$(if $(ARGS),,$(RUN) main.py sim run rush outage $(TURMOIL) --seeds 30)
	$(if $(ARGS),,$(RUN) main.py sim run flood restarts purchase broadcast exchange talk clocks --seeds 10)
	$(if $(ARGS),,$(RUN) main.py sim crash registration --node bot --every 61)
	$(if $(ARGS),,$(RUN) main.py sim crash sale --node bot --every 89)
	$(if $(ARGS),,$(RUN) main.py sim diff 0 --scenario rush)
	$(RUN) -m pytest --numprocesses auto --dist worksteal -m "postgres or process" $(ARGS) || [ $$? -eq $(NO_TESTS) ]

sim: $(STAMP) ## thousands of simulated runs of the whole system, each replayed by its seed
	@exec $(RUN) main.py sim run $(ARGS)

lint: $(STAMP) ## format, lint, types and import contracts
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) .venv/bin/lint-imports --no-logo

bench: $(STAMP) ## every benchmark, beside its peers
	@exec $(RUN) -m tests.bench $(ARGS)

lock: ## write requirements.txt anew from the two .in files (needs a network)
	@$(find_python); \
	"$$python" -m venv --clear .venv-lock; \
	.venv-lock/bin/python -m pip install --quiet uv==0.13.8; \
	UV_CUSTOM_COMPILE_COMMAND='make lock' .venv-lock/bin/uv pip compile --quiet --upgrade --universal \
		--python-version 3.11 --generate-hashes --output-file requirements.txt \
		requirements.in requirements-dev.in

clean: ## remove .venv and every cache
	rm -rf .venv .venv-lock .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# An interpreter counts only if it runs, is new enough and can make environments: version
# managers leave launchers of versions that are not there, and some systems ship Python
# without `venv`. PYTHON=... names one and is then the only candidate.
define find_python
set -e; python=; lacking=; \
for candidate in $${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}; do \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	if "$$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then python=$$candidate; break; fi; \
	lacking="$$lacking $$candidate"; \
done; \
if [ -z "$$python" ] && [ -n "$$lacking" ]; then \
	echo "factorage:$$lacking cannot make environments; install the venv module (Debian, Ubuntu: apt install python3-venv) or set PYTHON=/path/to/python." >&2; exit 1; \
elif [ -z "$$python" ]; then \
	echo "factorage: needs Python 3.11 or newer and found none (tried: $${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}); install one or set PYTHON=/path/to/python." >&2; exit 1; \
fi
endef

# An environment whose interpreter went away (upgraded, folder moved to another machine) is made anew.
ifneq ($(shell $(RUN) -c 'print("runs")' 2>/dev/null),runs)
$(STAMP): FORCE
endif

$(STAMP): requirements.txt
	@$(find_python); \
	echo "factorage: making .venv with $$python, once, a minute or so ..." >&2; \
	"$$python" -m venv --clear .venv; \
	.venv/bin/python -m pip install --quiet --require-hashes --requirement requirements.txt; \
	touch $@
