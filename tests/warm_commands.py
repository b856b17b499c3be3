"""Commands that import much, each in a fork of one process that has imported it: LightEval takes most of a minute.

A command has its own arguments, environment, streams, exit code and what runs at exit, as a process of its own has; nothing
of lighteval_r1 is imported before the fork.
`python warm_commands.py [MODULE …]` imports these, or LightEval and its tasks, then reads one JSON object a line: a command to begin (it answers with its pid), or a pid to wait for.
"""

import contextlib
import importlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path


class Command:
    """One that runs; its streams are files. communicate() as subprocess's."""

    def __init__(self, pid: int, folder: Path, *, ask: Callable[[dict], int]) -> None:
        self.pid, self.folder, self.ask = pid, folder, ask
        self.returncode: int | None = None

    def communicate(self, timeout: float) -> tuple[str, str]:
        until = time.monotonic() + timeout
        while self.returncode is None:
            ended = self.ask({"wait": self.pid})
            self.returncode = None if ended is None else int(ended)
            if time.monotonic() > until:
                os.kill(self.pid, 9)
                raise subprocess.TimeoutExpired("lighteval-r1", timeout)
            time.sleep(0.05)
        return tuple((self.folder / name).read_text(errors="replace") for name in ("out", "err"))


class WarmCommands:
    """`with WarmCommands() as warm: warm.start(folder, "endpoint", …).communicate(200)`; it ends with its block, or with
    this process. modules: what is imported instead of LightEval, in an environment without variables of ours or the Hub's.
    """

    def __init__(self, *modules: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIGHTEVAL_R1_")}
        if modules:
            environment = {name: value for name, value in kept.items() if not name.startswith("HF_")}
        else:
            environment = {**kept, "LIGHTEVAL_R1_DEVICE": "cpu", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        self.lock = threading.Lock()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, __file__, *modules], env=environment, **pipes)

    def __enter__(self) -> "WarmCommands":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()

    def ask(self, what: dict) -> int | None:
        with self.lock:
            print(json.dumps(what), file=self.process.stdin, flush=True)
            return json.loads(self.process.stdout.readline())

    def start(self, folder: Path, *arguments: object, program: str = "", **environment: str) -> Command:
        """`lighteval-r1 ARGUMENTS` in a fork, or a Python program of one's own. folder: where its streams are kept."""
        folder.mkdir(parents=True, exist_ok=True)
        what = {"arguments": [str(word) for word in arguments], "program": program, "environment": environment}
        return Command(self.ask(what | {"folder": str(folder)}), folder, ask=self.ask)


def run(arguments: list[str], program: str, environment: dict[str, str], folder: str) -> None:
    """In the fork; ends as a process ends that ran nothing else."""
    for number, name in ((0, os.devnull), (1, f"{folder}/out"), (2, f"{folder}/err")):
        with open(name, "rb" if number == 0 else "wb") as file:
            os.dup2(file.fileno(), number)
    os.environ.update(environment)
    sys.argv = ["lighteval-r1", *arguments]
    if program:
        exec(program, {"__name__": "__main__"})
        sys.exit()
    from lighteval_r1.cli import main

    main()
    sys.exit()


def import_lighteval() -> None:
    """As `endpoint` does, which leaves out what it never uses; of ours nothing stays imported."""
    from lighteval_r1.cli.lighteval_run import UNUSED_ALONE
    from lighteval_r1.outside.left_out import left_out

    with left_out(UNUSED_ALONE):
        import lighteval.pipeline  # noqa: F401
        import openai  # noqa: F401
        from lighteval.tasks.registry import Registry

        # imports LightEval's own tasks
        Registry.load_all_task_configs()
    for name in [name for name in sys.modules if name.partition(".")[0] == "lighteval_r1"]:
        del sys.modules[name]


def serve(modules: list[str]) -> None:
    with contextlib.redirect_stdout(sys.stderr):
        for module in modules:
            importlib.import_module(module)
        if not modules:
            import_lighteval()
    for line in sys.stdin:
        what = json.loads(line)
        if "wait" in what:
            pid, status = os.waitpid(what["wait"], os.WNOHANG)
            print(json.dumps(os.waitstatus_to_exitcode(status) if pid else None), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            run(**what)
        print(pid, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1:])
