"""`lighteval_r1.evaluate(…)`: what the command does, from a script or a notebook."""

import json
import subprocess
import sys
from collections.abc import Sequence

from lighteval_r1.records import EngineError, Run, UserError
from lighteval_r1.runs.reading import read_run

# How a failure's line begins.
SAYS = "lighteval-r1: "


def evaluate(
    model: str = "", tasks: str | Sequence[str] = "", *, base_url: str = "", output_dir: str = "", **options: object
) -> Run:
    """Samples, grades and reports as `lighteval-r1 evaluate` does, or with base_url `lighteval-r1 endpoint`; the run.

    options: the command's own, by name: n=4, max_tokens=8192, temperature=0.6, public=True. Runs in a child process,
    which has an event loop of its own; what it prints goes to this one's standard error.
    Raises UserError for what must be mended, EngineError for what the same call may finish, with the command's line.
    """
    from lighteval_r1.cli.evaluate import usual_folder

    named = tasks if isinstance(tasks, str) else ",".join(tasks)
    folder = output_dir or str(usual_folder(model))
    arguments = [f"--model={model}"] if model else []
    if base_url:
        arguments = ["endpoint", *named.split(","), f"--base-url={base_url}", *arguments]
    else:
        arguments = ["evaluate", *([f"--task={named}"] if named else []), *arguments]
    arguments += [f"--output-dir={folder}", *(flag for name, value in options.items() for flag in flags(name, value))]
    command = [sys.executable, "-m", "lighteval_r1.cli", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as child:
        last = ""
        for line in child.stdout:
            sys.stderr.write(line)
            last = line.strip() if line.startswith(SAYS) or (line.strip() and not last.startswith(SAYS)) else last
    if child.returncode:
        error = UserError if child.returncode == UserError.exit_code else EngineError
        raise error(last.removeprefix(SAYS) or f"the command ended with exit code {child.returncode}")
    return read_run(folder)


def flags(name: str, value: object) -> list[str]:
    """An option of the command line; None is not said, False is said as its opposite."""
    option = f"--{name.replace('_', '-')}"
    if value is None:
        return []
    if value is False:
        return [option.replace("--", "--no-", 1)]
    if isinstance(value, list | tuple):
        return [f"{option}={part}" for part in value]
    if isinstance(value, dict):
        value = json.dumps(value)
    return [option] if value is True else [f"{option}={value}"]
