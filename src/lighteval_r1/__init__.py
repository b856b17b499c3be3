"""Measures reasoning models by sampling, through LightEval on vLLM: pass@1 with its errors.

Meant for others, besides the command lighteval-r1; nothing heavy is imported before it is used:
    evaluate(model=…, tasks=…)   what `lighteval-r1 evaluate` (with base_url: `endpoint`) does, as a Run
    load_run(source)             any run: an output folder, a journal, a graded file, a data set on the Hub
    grade(reply, gold)           the verdict on one reply
    Run, TaskRun, RunProblem, Sample, Problem, Settings, Grade, Outcome, Estimate, UserError, OwedError, EngineError
"""

import importlib

__version__ = "0.1.0"

# name -> (module, its name there)
EXPORTS = {
    "evaluate": ("cli.python_call", "evaluate"),
    "load_run": ("runs.reading", "read_run"),
    "grade": ("graders", "grade"),
} | {
    name: ("records", name)
    for name in (
        "EngineError Estimate Grade Outcome OwedError Problem Run RunProblem Sample Settings TaskRun UserError"
    ).split()
}
__all__ = ["__version__", *EXPORTS]


def __getattr__(name: str) -> object:
    if name not in EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = EXPORTS[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
