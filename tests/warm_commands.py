"""Commands that import much, each in a fork of one process that has imported it: LightEval takes most of a minute.

A command has its own arguments, environment, streams, exit code and what runs at exit, as a process of its own has. The Hub's
libraries keep its address and its folder as they are imported: they keep a stand-in, in whose place the fork puts its own.
`python warm_commands.py [MODULE …]` imports these, or LightEval and its tasks, then reads one JSON object a line: a command to begin (it answers with its pid), or a pid to wait for.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

# No server has this name and no folder can be made there: what is left of them in a fork ends its command.
STAND_INS = {"HF_ENDPOINT": "http://stand-in.invalid", "HF_HOME": "/dev/null/hub"}
HUBS_LIBRARIES = ("huggingface_hub", "datasets", "fsspec")


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
    this process. modules: what is imported instead of LightEval, in an environment without variables of ours, and with
    STAND_INS of the Hub's.
    """

    def __init__(self, *modules: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIGHTEVAL_R1_")}
        if modules:
            own = {name: value for name, value in kept.items() if not name.startswith("HF_")}
            environment = own | STAND_INS | {"HF_HUB_DISABLE_XET": "1"}
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


def put_in_place(environment: dict[str, str]) -> None:
    """The Hub's address and folder that this command was given, where its libraries keep the stand-ins."""
    given = {STAND_INS[name]: environment[name] for name in STAND_INS if name in environment}

    def replace(holder: object) -> None:
        for name, value in list(vars(holder).items()):
            for stand_in, own in given.items():
                if isinstance(value, str | Path) and stand_in in str(value):
                    value = type(value)(str(value).replace(stand_in, own))
                    setattr(holder, name, value)

    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in HUBS_LIBRARIES:
            replace(module)
    if "huggingface_hub.hf_api" in sys.modules:
        replace(sys.modules["huggingface_hub.hf_api"].api)


def run(arguments: list[str], program: str, environment: dict[str, str], folder: str) -> None:
    """In the fork: the command, or the program."""
    for number, name in ((0, os.devnull), (1, f"{folder}/out"), (2, f"{folder}/err")):
        with open(name, "rb" if number == 0 else "wb") as file:
            os.dup2(file.fileno(), number)
    os.environ.update(environment)
    put_in_place(environment)
    sys.argv = ["lighteval-r1", *arguments]
    if program:
        exec(program, {"__name__": "__main__"})
        return
    from lighteval_r1.cli import main

    main()


def end(code: object) -> None:
    """As a process ends that ran nothing else, but that it takes nothing apart: that would copy all that the forks share."""
    if isinstance(code, str):
        print(code, file=sys.stderr)
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


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
    # a collector that looks at what the forks share would copy it
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        what = json.loads(line)
        if "wait" in what:
            pid, status = os.waitpid(what["wait"], os.WNOHANG)
            print(json.dumps(os.waitstatus_to_exitcode(status) if pid else None), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            try:
                run(**what)
                end(0)
            except SystemExit as ended:
                end(ended.code)
            except BaseException:
                traceback.print_exc()
                end(1)
        print(pid, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1:])
