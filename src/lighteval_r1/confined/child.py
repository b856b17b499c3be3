"""The tests of one program, in a process that has just been forked for it: limits, the filter, then test by test.

What a program may count on is what LiveCodeBench's checker gives it: the names of some modules imported beforehand, a
recursion limit of 50,000, integers of up to 50,000 digits. It is run as a script (as `__main__`) or, where a function
is asked for, as a module whose function is called. This module is imported by the server, before programs run.
Source: https://github.com/LiveCodeBench/LiveCodeBench, lcb_runner/evaluation/testing_util.py.
"""

import atexit
import builtins
import contextlib
import fcntl
import io
import json
import numbers
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from types import ModuleType

from lighteval_r1.confined import confinement, system_calls

MEMORY_BYTES = 4 * 2**30
FILE_BYTES = 16 * 2**20
OPEN_FILES = 64
# As large as the recursion limit asks for. It is address space, not memory.
STACK_BYTES = 512 * 2**20
THREAD_STACK_BYTES = 16 * 2**20
RECURSION_LIMIT = 50_000
INTEGER_DIGITS = 50_000
# File descriptors of a program after 0, 1 and 2: the channel to its grader, its input, and its code's until it is read.
# As with LiveCodeBench's checker, descriptor 0 is empty and the input stands in sys.stdin alone.
CHANNEL, INPUT, CODE = 3, 4, 5
READY, GO = b"r", b"g"
# Modules whose names a program finds, in this order: later ones hide earlier ones.
STARRED = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys "
    "json builtins typing"
).split()
NAMED = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys json"
).split()


def prelude() -> dict[str, object]:
    """The names that a program finds."""
    names: dict[str, object] = {}
    exec("\n".join([*(f"from {name} import *" for name in STARRED), *(f"import {name}" for name in NAMED)]), names)
    del names["__builtins__"]
    return names


def limit_resources(cpu_s: int) -> None:
    limits = {
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_DATA: MEMORY_BYTES,
    }
    for which, wanted in limits.items():
        hard = resource.getrlimit(which)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        # Soft and hard alike: the kernel then ends the process at its limit without asking it first.
        resource.setrlimit(which, (value, value))


def place_files(wanted: list[int]) -> None:
    """Makes the descriptors 0, 1, 2, … of this process those files, and closes every other."""
    aside = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in wanted]
    for place, fd in enumerate(aside):
        os.dup2(fd, place)
    os.closerange(len(wanted), 2**20)


def confine(*, cpu_s: int, folder: str, parent: int, system_call_filter: bytes | None) -> None:
    """What the server has not already done once for all programs."""
    # No session of its own: Linux may give each session an equal share of a core, whatever its processes' priorities.
    os.setpgid(0, 0)
    os.chdir(folder)
    limit_resources(cpu_s)
    confinement.end_with_parent(parent, signal.SIGKILL)
    if system_call_filter is not None:
        system_calls.install_filter(system_call_filter)


def run(names: dict[str, object], *, function: str | None) -> None:
    """Runs the program that stands in descriptor CODE on one input after the other; never returns.

    After each it tells the grader {"value": …, "threads": 0} or {"error": the exception's type, …}, and waits for GO.
    threads: how many still run, for then the process is not fit for another test.
    """
    code = os.pread(CODE, os.fstat(CODE).st_size, 0)
    os.close(CODE)
    sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    test = Test(code, names, function=function)
    # Nothing of the program has run before this: a process that ends without it failed by itself.
    os.write(CHANNEL, READY)
    while True:
        said = test.run()
        tell(said | {"threads": threading.active_count() - 1})
        if os.read(CHANNEL, 1) != GO:
            os._exit(0)


class Swallowed:
    """Whatever a program raises ends its test and nothing else. raised: the exception's type, None where none was."""

    raised: type[BaseException] | None = None

    def __enter__(self) -> "Swallowed":
        return self

    def __exit__(self, raised: type[BaseException] | None, *_: object) -> bool:
        self.raised = raised
        return True


class Test:
    """One program, run as a script or, where function is its name, as a module whose function is called."""

    def __init__(self, code: bytes, names: dict[str, object], *, function: str | None) -> None:
        self.names, self.function = names, function
        self.text, self.compiled = "", None
        self.as_text = code

    def run(self) -> dict:
        os.lseek(INPUT, 0, os.SEEK_SET)
        sys.stdin = sys.__stdin__ = open(INPUT, encoding="utf-8", errors="surrogateescape", closefd=False)
        sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)
        sys.argv = ["program.py"]
        sys.setrecursionlimit(RECURSION_LIMIT)
        sys.set_int_max_str_digits(INTEGER_DIGITS)
        threading.stack_size(THREAD_STACK_BYTES)
        module = ModuleType("__main__" if self.function is None else "solution")
        vars(module).update(self.names, stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr, argv=sys.argv)
        module.__builtins__ = builtins
        sys.modules[module.__name__] = module
        said: dict[str, object] = {}
        with Swallowed() as program:
            if self.compiled is None:
                self.text = self.as_text.decode("utf-8", "surrogatepass")
                self.compiled = compile(self.text, "program.py", "exec", dont_inherit=True)
            if self.function is None:
                exec(self.compiled, vars(module))
            else:
                said["value"] = encode(self.call(module))
        with Swallowed() as ending:
            end_script(sys.__stdout__)
        # What the program held is freed here: the next test of it begins with empty hands.
        vars(module).clear()
        raised = None if program.raised is SystemExit and self.function is None else program.raised
        if raised := raised or ending.raised:
            return {"error": raised.__name__}
        return said

    def call(self, module: ModuleType) -> object:
        """What the function returns, for one JSON argument per line of the input."""
        arguments = [json.loads(line) for line in sys.stdin.read().split("\n")]
        sys.stdin = vars(module)["stdin"] = io.StringIO()
        exec(self.compiled, vars(module))
        owner = module.Solution() if "class Solution" in self.text else module
        return getattr(owner, self.function)(*arguments)


def end_script(stdout: io.TextIOBase) -> None:
    """What Python does at the end of a script: waits for threads, runs exit functions, writes what is still held."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, stdout):
        if not getattr(stream, "closed", False):
            stream.flush()


def encode(value: object) -> object:
    """The value for JSON such that what equals it in Python can be told: tuples, dicts and large numbers are marked."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, numbers.Number):
        return encode_number(value)
    if isinstance(value, list):
        return [encode(part) for part in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(part) for part in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(part)] for key, part in value.items()]}
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return encode(value.item())
    return {"other": type(value).__name__}


def encode_number(value: numbers.Number) -> object:
    """Integers beyond 64 bits in hexadecimal; numbers of other types as the int or float that equals them, if one
    does."""
    if isinstance(value, int):
        return int(value) if abs(value) < 2**63 else {"int": hex(value)}
    if isinstance(value, float):
        return float(value)
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, (bool, int, float)):
        return encode(plain)
    if isinstance(plain, (Fraction, Decimal)):
        near = float(plain)
        return encode(int(plain)) if plain == int(plain) else near if near == plain else {"other": type(value).__name__}
    return {"other": type(value).__name__}


def tell(message: dict) -> None:
    data = memoryview(json.dumps(message).encode() + b"\n")
    while data:
        data = data[os.write(CHANNEL, data) :]


def attempts(folder: str) -> list[str]:
    """What this process can do although it should not: a confined one returns [].

    Tried by the server before it serves.
    """
    tries: dict[str, Callable[[], object]] = {
        "read files outside": lambda: open("/etc/passwd", "rb").close(),
        "list folders outside": lambda: os.listdir("/home"),
        "read /proc": lambda: os.listdir("/proc/self"),
        "write files outside": lambda: os.close(os.open("/tmp", os.O_TMPFILE | os.O_WRONLY)),
        "open sockets": lambda: socket.socket().close(),
        "start processes": lambda: os.fork() or os._exit(0),
        "signal other processes": lambda: os.kill(os.getppid(), 0),
    }
    done = []
    for name, attempt in tries.items():
        with contextlib.suppress(OSError):
            attempt()
            done.append(name)
    file = f"{folder}/probe"
    with open(file, "xb"):
        os.unlink(file)
    return done
