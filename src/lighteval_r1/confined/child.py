"""One run of a program, in a process that was forked for it: limits, the filter, the program, and nothing after it.

What a program may count on is what LiveCodeBench's checker gives it: the names of some modules imported beforehand, a
recursion limit of 50,000, integers of up to 50,000 digits. It is run as a script (as `__main__`) or, where a function
is asked for, as a module whose function is called. The server imports this module and calls prepare() before programs
run: what stands there already, a run need not make, and each page of memory that it touches is copied for it.
Source: https://github.com/LiveCodeBench/LiveCodeBench, lcb_runner/evaluation/testing_util.py.
"""

import _socket
import _thread
import atexit
import builtins
import contextlib
import io
import json
import marshal
import numbers
import os
import resource
import signal
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, partial
from types import CodeType, ModuleType

from lighteval_r1.confined import confinement, recursion, system_calls

MEMORY_BYTES = 4 * 2**30
FILE_BYTES = 16 * 2**20
OPEN_FILES = 64
LIMITS = {
    resource.RLIMIT_FSIZE: FILE_BYTES,
    resource.RLIMIT_NOFILE: OPEN_FILES,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_AS: MEMORY_BYTES,
    resource.RLIMIT_DATA: MEMORY_BYTES,
}
# As large as the recursion limit asks for. It is address space, not memory.
STACK_BYTES = 512 * 2**20
THREAD_STACK_BYTES = 16 * 2**20
RECURSION_LIMIT = 50_000
INTEGER_DIGITS = 50_000
# File descriptors of a program after 0, 1 and 2: the channel to its grader, its input, and its code's until it is read.
# As with LiveCodeBench's checker, descriptor 0 is empty and the input stands in sys.stdin alone.
OUTPUT, CHANNEL, INPUT, CODE = 1, 3, 4, 5
PLACES = (OUTPUT, CHANNEL, INPUT, CODE)
# The server's own descriptors stand behind these.
ASIDE = 32
READY = b"r"
# Then, where a program comes as text, what it was compiled to: its length, then it.
LENGTH_BYTES = 8
# The exit code of a program that raised: what it wrote before, to the channel also, does not change that.
RAISED = 113
# Modules whose names a program finds, in this order: later ones hide earlier ones.
NAMED = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys json"
).split()
STARRED = [*NAMED, "builtins", "typing"]
# What typing makes of such annotations, and what the abstract numbers know of the plain ones, stays in memory.
REHEARSED = """
class Solution:
    def first(self, a: List[int], b: List[List[int]], c: List[str], d: List[List[str]]) -> Optional[int]: pass
    def second(self, a: Dict[int, int], b: Tuple[int, int], c: List[float], d: Optional[List[int]]) -> List[bool]: pass
"""
# A script runs as the first, a function is called from the second.
SCRIPT, SOLUTION = "__main__", "solution"


def prepare(*, filtered: bool) -> dict[str, ModuleType]:
    """Makes this process one whose children can run programs; the modules that these will fill.

    filtered: whether they will have a filter of system calls.
    """
    names: dict[str, object] = {}
    exec("\n".join([*(f"from {name} import *" for name in STARRED), *(f"import {name}" for name in NAMED)]), names)
    del names["__builtins__"]
    rehearse(names)
    sys.argv = ["program.py"]
    recursion.set_limit(RECURSION_LIMIT)
    sys.set_int_max_str_digits(INTEGER_DIGITS)
    _thread.stack_size(THREAD_STACK_BYTES)
    if filtered:
        os.unlink = os.remove = empty_file
    open_streams()
    streams = {"stdin": sys.stdin, "stdout": sys.stdout, "stderr": sys.stderr, "argv": sys.argv}
    modules = {name: ModuleType(name) for name in (SCRIPT, SOLUTION)}
    for module in modules.values():
        vars(module).update(names | streams, __builtins__=builtins)
    for which, value in LIMITS.items():
        limit(which, value)
    return modules


def rehearse(names: dict[str, object]) -> None:
    """Does once what functions of programs do: else each test's process would fill the same caches anew, which costs it
    a third of its time."""
    exec(compile(REHEARSED, "program.py", "exec", dont_inherit=True), dict(names))
    json.dumps(encode([json.loads("[1, 0.5]"), Fraction(1), Decimal(1)]))


def open_streams() -> None:
    """Python's streams of a program, over descriptors that are here of the kind that they will be there."""
    reading, writing = os.pipe()
    empty = os.memfd_create("input")
    for fd, place in ((writing, OUTPUT), (empty, INPUT)):
        os.dup2(fd, place)
    sys.stdin = sys.__stdin__ = open(INPUT, encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stdout = sys.__stdout__ = open(OUTPUT, "w", encoding="utf-8", closefd=False)
    for fd in {reading, writing, empty} - {OUTPUT, INPUT}:
        os.close(fd)


def empty_file(path: str | bytes | os.PathLike, *, dir_fd: int | None = None) -> None:
    """What a program's os.unlink does, so that temporary files work.

    The filter lets no process take a name from a file: one without a name could be filled without being counted.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_TRUNC, dir_fd=dir_fd))


def limit(which: int, wanted: int) -> None:
    # Soft and hard alike: the kernel then ends the process at its limit without asking it first.
    resource.setrlimit(which, (possible(which, wanted),) * 2)


def possible(which: int, wanted: int) -> int:
    hard = resource.getrlimit(which)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


@lru_cache(maxsize=1)
def confining_calls(
    *, cpu_s: int, parent: int, system_call_filter: bytes | None
) -> tuple[list[Callable[[], object]], Callable[[], object]]:
    """What a process calls before it runs a program: first these in their order, then the last, which returns something
    where it failed. The rest the server has done once for all. parent: 0 where the kernel ends the process with it.

    They are made ready before the fork, since each page that a process looks a name up on is copied for it.
    """
    cpu_limit = (possible(resource.RLIMIT_CPU, cpu_s),) * 2
    calls: list[Callable[[], object]] = [
        partial(signal.set_wakeup_fd, -1),
        partial(os.closerange, CODE + 1, 2**20),
        partial(resource.setrlimit, resource.RLIMIT_CPU, cpu_limit),
    ]
    if parent:
        calls.append(partial(confinement.end_with_parent, parent, signal.SIGKILL))
    if system_call_filter is None:
        # A signal to its group is one to itself. No session of its own: Linux may give each an equal share of a core.
        return calls, partial(os.setpgid, 0, 0)
    return calls, system_calls.installing(system_call_filter)


def run(request: dict, modules: dict[str, ModuleType]) -> int:
    """Runs one test of the program that stands in descriptor CODE, as the request says; the exit code.

    It tells the grader {"value": …} or {"error": the exception's type}. The grader believes a value only of a process
    that then ended as it should: with 0, which os._exit of a program's own makes, too.
    """
    code = os.pread(CODE, os.lseek(CODE, 0, os.SEEK_END), 0)
    os.close(CODE)
    # Nothing of the program has run before this: a process that ends without it failed by itself.
    os.write(CHANNEL, READY)
    function, value, raised = request["function"], None, None
    module = modules[SCRIPT if function is None else SOLUTION]
    sys.modules[module.__name__] = module
    stdout = sys.stdout
    try:
        compiled = marshal.loads(code) if request["compiled"] else compile_and_tell(code)
        if function is None:
            exec(compiled, vars(module))
        else:
            value = encode(call(compiled, module, function=function, in_class=request["in_class"]))
    except BaseException as error:  # whatever a program raises ends its test and nothing else
        raised = None if type(error) is SystemExit and function is None else type(error)
    try:
        end_script(stdout)
    except BaseException as error:
        raised = raised or type(error)
    if raised is not None:
        tell({"error": raised.__name__})
        return RAISED
    if function is not None:
        tell({"value": value})
    return 0


def compile_and_tell(code: bytes) -> CodeType:
    """The program; the grader gets what each other test will load, nothing where its nesting is too deep for that."""
    told = b""
    try:
        compiled = compile(code.decode("utf-8", "surrogatepass"), "program.py", "exec", dont_inherit=True)
        with contextlib.suppress(ValueError):
            told = marshal.dumps(compiled)
    finally:
        write(CHANNEL, len(told).to_bytes(LENGTH_BYTES) + told)
    return compiled


def call(compiled: CodeType, module: ModuleType, *, function: str, in_class: bool) -> object:
    """What the function returns, for one JSON argument per line of the input."""
    arguments = [json.loads(line) for line in sys.stdin.read().split("\n")]
    sys.stdin = vars(module)["stdin"] = io.StringIO()
    exec(compiled, vars(module))
    return getattr(module.Solution() if in_class else module, function)(*arguments)


def end_script(stdout: io.TextIOBase) -> None:
    """What Python does at the end of a script: waits for threads, runs exit functions, writes what is still held."""
    # Imported by programs that use it alone: it would cost every fork more than the rest of what Python does there.
    if threading := sys.modules.get("threading"):
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
    """Integers beyond 64 bits in hexadecimal; numbers of other types as the int or float that equals them, if any."""
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
    write(CHANNEL, json.dumps(message).encode() + b"\n")


def write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def attempts(folder: str) -> list[str]:
    """What this process can do although it should not, [] where it is confined. The server tries that first."""
    tries: dict[str, Callable[[], object]] = {
        "read files outside": lambda: open("/etc/passwd", "rb").close(),
        "list folders outside": lambda: os.listdir("/home"),
        "read /proc": lambda: os.listdir("/proc/self"),
        "make files outside": lambda: os.close(os.open("/tmp", os.O_TMPFILE | os.O_WRONLY)),
        "write files outside": lambda: os.close(os.open(__file__, os.O_WRONLY)),
        "open sockets": lambda: _socket.socket().close(),
        "start processes": lambda: os.fork() or os._exit(0),
        "signal other processes": lambda: os.kill(os.getppid(), 0),
    }
    done = []
    for name, attempt in tries.items():
        with contextlib.suppress(OSError):
            attempt()
            done.append(name)
    with open(f"{folder}/probe", "wb"):
        return done
