"""The server: `python -m lighteval_r1.confined.server FD '{"namespaces": true, …}'` forks a process per program.

Two processes. The keeper makes the folder of the programs, starts the server proper and removes the folder when that
has ended. The server confines itself, imports what programs use, tries in a child whether the confinement holds, and
says so:

    out  {"level": "…", "can": […]}           once; can: what a child could do although it should not, null
                                              where confined like this it does not even run
    in   {"function": null, "numpy": false, "cpu_s": 6, "n_tests": 20} with the descriptors of code, input, output,
      channel in   NEXT                                 the program begins another test: its time begins anew
    in   STOP                                 ends the program
    out  {"end": "exited", "code": 0}         or "signal", "time limit", "disk limit", "stopped"

A closed connection ends everything. One program runs at a time, and all it started or left in its folder is gone before
the answer.
"""

import contextlib
import gc
import importlib
import json
import os
import random
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.confined import child, confinement, system_calls

NEXT, STOP = b"next", b"stop"
MAX_MESSAGE_BYTES = 4096
N_FILES = 4
# Where the folder is on a disk, what lies in it is counted this often.
COUNT_EVERY_S = 0.05
SPARE_CPU_S = 1
NO_NAMESPACES = 77
PROBE_S = 300.0  # processes that give way to an engine may wait long for a core


@dataclass(frozen=True)
class Place:
    """What the server has made of itself. on_disk: the folder is no tmpfs, so its size is to be watched."""

    level: str
    folder: str
    on_disk: bool
    first_of_its_processes: bool
    system_call_filter: bytes | None
    null: int


def keep(control: socket.socket, wanted: dict) -> int:
    """The keeper: its exit code says whether namespaces were refused."""
    folder = tempfile.mkdtemp(prefix="lighteval-r1-program-")
    try:
        if wanted["namespaces"]:
            try:
                confinement.leave_namespaces()
            except OSError:
                return NO_NAMESPACES
        keeper = os.getpid()
        server = os.fork()
        if server == 0:
            try:
                os._exit(serve(control, wanted, folder=folder, keeper=0 if wanted["namespaces"] else keeper))
            finally:
                # Only where serve raised; the traceback is of use, so it is shown.
                sys.excepthook(*sys.exc_info())
                os._exit(1)
        control.close()
        return os.waitstatus_to_exitcode(os.waitpid(server, 0)[1])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def serve(control: socket.socket, wanted: dict, *, folder: str, keeper: int) -> int:
    """The server proper: confines itself, then answers until the connection is closed."""
    confinement.end_with_parent(keeper, signal.SIGKILL)
    try:
        place = settle(wanted, folder=folder)
    except OSError:
        if wanted["namespaces"]:
            return NO_NAMESPACES
        raise
    # What programs find; they inherit it.
    os.environ.clear()
    os.environ.update({"PATH": "/usr/bin:/bin", "HOME": place.folder, "TMPDIR": place.folder, "LANG": "C.UTF-8"})
    tempfile.tempdir = None  # to be found anew
    names = child.prelude()
    random.seed(0)  # programs draw the same numbers whichever server runs them
    wake, signalled = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(signalled)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    gc.freeze()
    try:
        control.sendall(json.dumps({"level": place.level, "can": probe(place)}).encode())
        while True:
            message, files, _, _ = socket.recv_fds(control, MAX_MESSAGE_BYTES, N_FILES)
            if not message:
                return 0
            if message in (NEXT, STOP):  # for a program that had ended by itself
                continue
            request = json.loads(message)
            if request["numpy"]:
                with contextlib.suppress(ImportError):
                    importlib.import_module("numpy")
            pid = start(request, files, place=place, names=names)
            ended = watch(pid, control, wake, cpu_s=request["cpu_s"], place=place)
            sweep(place)
            control.sendall(json.dumps(ended).encode())
    except ConnectionError:
        return 0


def settle(wanted: dict, *, folder: str) -> Place:
    """Confines this process as far as is wanted and the machine allows; what is in force has a name in level."""
    # The first victim where memory runs out is a program, not the engine beside it.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    parts = []
    if wanted["namespaces"]:
        confinement.change_root(folder)
        folder = confinement.OWN_FOLDER
        parts.append("namespaces")
    landlock = confinement.restrict_files(folder) if wanted["landlock"] else 0
    if landlock:
        parts.append(f"Landlock {landlock}")
    system_call_filter = system_calls.build_filter() if wanted["seccomp"] else None
    if system_call_filter is not None:
        parts.append("seccomp")
    if parts:
        confinement.drop_rights()
    confinement.adopt_orphans()
    return Place(
        level=" + ".join([*parts, "limits"]),
        folder=folder,
        on_disk=not wanted["namespaces"],
        first_of_its_processes=os.getpid() == 1,
        system_call_filter=system_call_filter,
        null=null,
    )


def probe(place: Place) -> list[str] | None:
    """What a child can do although it should not; tried by one that is confined as programs are.

    None: it cannot run.
    """
    told, tell = os.pipe2(os.O_CLOEXEC)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            child.confine(cpu_s=5, folder=place.folder, parent=parent, system_call_filter=place.system_call_filter)
            os.write(tell, json.dumps(child.attempts(place.folder)).encode())
        finally:
            os._exit(0)
    os.close(tell)
    ready, _, _ = select.select([told], [], [], PROBE_S)
    answer = os.read(told, MAX_MESSAGE_BYTES) if ready else b""
    os.close(told)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    sweep(place)
    return json.loads(answer) if answer else None


def start(request: dict, files: list[int], *, place: Place, names: dict[str, object]) -> int:
    """Forks the process of one program. files: code, input, output, channel; they are closed here."""
    code, given, output, channel = files
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            child.place_files([place.null, output, place.null, channel, given, code])
            child.confine(
                # The server ends a test at its limit; this is for a program whose server has died.
                cpu_s=request["cpu_s"] * request["n_tests"] + SPARE_CPU_S,
                folder=place.folder,
                parent=parent,
                system_call_filter=place.system_call_filter,
            )
            child.run(names, function=request["function"])
        finally:
            os._exit(1)
    for fd in files:
        os.close(fd)
    return pid


def watch(pid: int, control: socket.socket, wake: int, *, cpu_s: float, place: Place) -> dict:
    """Waits for the process and ends it at its limits; how it ended."""
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    poll.register(control, select.POLLIN)
    limit = cpu_time(pid) + cpu_s
    why = ""
    while not why:
        # A little more than what is left, so that then the limit is passed.
        left_s = max(0.0, limit - cpu_time(pid)) + 0.01
        ready = dict(poll.poll(1000 * (min(COUNT_EVERY_S, left_s) if place.on_disk else left_s)))
        if wake in ready:
            os.read(wake, MAX_MESSAGE_BYTES)
            done, status, used = os.wait4(pid, os.WNOHANG)
            if done:
                return ending(os.waitstatus_to_exitcode(status), past_limit=used.ru_utime + used.ru_stime > limit)
        if control.fileno() in ready and control.recv(MAX_MESSAGE_BYTES) == NEXT:
            limit = cpu_time(pid) + cpu_s
        elif control.fileno() in ready:
            why = "stopped"
        elif place.on_disk and folder_bytes(place.folder) > confinement.FOLDER_BYTES:
            why = "disk limit"
        elif cpu_time(pid) > limit:
            why = "time limit"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return {"end": why, "code": 0}


def ending(code: int, *, past_limit: bool) -> dict:
    """How a process ended by itself. Threads on many cores may reach the kernel's limit, which kills, before ours."""
    if code == -signal.SIGKILL and past_limit:
        return {"end": "time limit", "code": 0}
    return {"end": "exited", "code": code} if code >= 0 else {"end": "signal", "code": -code}


def cpu_time(pid: int) -> float:
    """CPU seconds of a process, which need not be seen in /proc; 0 where it has ended.

    Source: CPUCLOCK_SCHED in Linux.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def folder_bytes(folder: str) -> int:
    with os.scandir(folder) as entries:
        return sum(entry.stat(follow_symlinks=False).st_size for entry in entries)


def sweep(place: Place) -> None:
    """Ends every process that a program left and empties its folder."""
    if place.first_of_its_processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
    elif place.system_call_filter is None:
        confinement.kill_children()
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
    for name in os.listdir(place.folder):
        path = os.path.join(place.folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def main() -> int:
    wanted_stack = child.STACK_BYTES
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if soft != resource.RLIM_INFINITY and soft < wanted_stack and (hard == resource.RLIM_INFINITY or hard > soft):
        # Where the stack may grow is decided when a program starts: start again with the larger limit.
        resource.setrlimit(
            resource.RLIMIT_STACK, (wanted_stack if hard == resource.RLIM_INFINITY else min(wanted_stack, hard), hard)
        )
        os.execv(sys.executable, sys.orig_argv)
    return keep(socket.socket(fileno=int(sys.argv[1])), json.loads(sys.argv[2]))


if __name__ == "__main__":
    sys.exit(main())
