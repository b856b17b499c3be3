"""The server, `python -m lighteval_r1.confined.server CONTROL FOLDER LOCK '{"namespaces": true, …}'`, forks each run.

Two processes. The keeper starts the server proper and removes the folder of the programs when that has ended. The
server confines itself, imports what programs use, tries in a child whether the confinement holds, and says so:

    out  {"level": "…", "can": […]}           once; can: what a child could do although it should not, null
                                              where confined like this it does not even run
    in   {"compiled": true, "function": null, "in_class": false, "cpu_s": 6} with the descriptors of
         output, channel, input, code
    in   STOP                                 ends the program
    out  {"end": "exited", "code": 0}         or "signal", "time limit", "disk limit", "stopped"
    out  {"error": "…"}                       why the server ends, where it fails

Messages are marshalled: json would cost more than all else that the server does for a run. A closed connection ends
everything. One run is under way at a time, and all it started or left in its folder is gone before the answer. A run's
process never ran anything before, and the server itself holds nothing of any program: a program is compiled in such a
process, and travels as a file. What the server has imported is copied, page by page, as a run touches it, so it
imports little, of this package as well; of sockets, what is written in C.
"""

import _socket
import array
import contextlib
import fcntl
import gc
import importlib
import json
import marshal
import os
import random
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from lighteval_r1.confined import child, confinement, system_calls

STOP = b"stop"
MAX_MESSAGE_BYTES = 4096
PLACES = array.array("i", child.PLACES).tobytes()
FILES_BYTES = _socket.CMSG_SPACE(len(PLACES))
# random.seed() without the Python around it: each page that the server touches after a fork is copied for it.
seed_anew = super(random.Random, random._inst).seed
unlink = os.unlink  # of the server; that of programs is another
# How Python's allocator keeps objects of one size side by side. Source: Objects/obmalloc.c of CPython.
SMALL_BYTES, POOL_BYTES, POOL_HEADER_BYTES = 512, 16 * 2**10, 48
# Where the folder is on a disk, what lies in it is counted this often.
COUNT_EVERY_S = 0.05
SPARE_CPU_S = 1
NO_NAMESPACES = 77
KILLED = -signal.SIGKILL % 256
PROBE_S = 300.0  # processes that give way to an engine may wait long for a core


class Place(NamedTuple):
    """What the server has made of itself. on_disk: the folder is no tmpfs of its own, so its size is to be watched.

    wake: becomes readable when a child has ended. poll: waits for that or a message.
    """

    level: str
    folder: str
    on_disk: bool
    filters: tuple[bytes, bytes] | None
    wake: int
    poll: select.poll


def keep(control: _socket.socket, folder: str, lock: int, wanted: dict) -> int:
    """The keeper: its exit code says whether namespaces were refused."""
    try:
        if wanted["namespaces"]:
            try:
                confinement.leave_namespaces()
            except OSError:
                return NO_NAMESPACES
        keeper = os.getpid()
        server = os.fork()
        if server == 0:
            status = 1
            try:
                os.close(lock)
                status = serve(control, wanted, folder=folder, keeper=0 if wanted["namespaces"] else keeper)
            except Exception as error:  # said to who started it: no program may find where errors are printed
                told = f"{type(error).__name__}: {error}"[:1000]
                control.sendall(marshal.dumps({"error": told}))
            finally:
                os._exit(status)
        control.close()
        return os.waitstatus_to_exitcode(os.waitpid(server, 0)[1])
    finally:
        # Its starter may have removed it already; what cannot be removed now, the next starter finds.
        with contextlib.suppress(OSError):
            empty(folder)
            os.rmdir(folder)


def serve(control: _socket.socket, wanted: dict, *, folder: str, keeper: int) -> int:
    """The server: forks runs of programs until the connection is closed. keeper: its process, 0 where unseen."""
    confinement.end_with_parent(keeper, signal.SIGKILL)
    place = settle(control, wanted, folder=folder)
    if wanted["numpy"]:
        with contextlib.suppress(ImportError):
            importlib.import_module("numpy")
    modules = child.prepare(filtered=place.filters is not None)
    for number in child.PLACES:
        with contextlib.suppress(OSError):
            os.close(number)
    if place.filters:
        system_calls.install_filter(place.filters[0])
    gc.collect()
    gaps = fill_gaps()  # as long as this runs
    gc.freeze()
    try:
        control.sendall(marshal.dumps({"level": place.level, "can": probe(place)}))
        while True:
            # What comes with a message takes the lowest numbers that are free: those of PLACES, in their order.
            message, files, _, _ = control.recvmsg(MAX_MESSAGE_BYTES, FILES_BYTES)
            if not message:
                return 0
            if message == STOP:  # for a run that had ended by itself
                continue
            if files[0][2] != PLACES:
                raise OSError("a program's files came with other numbers")
            request = marshal.loads(message)
            # The server ends a run at its limit; the process's own is for a program whose server is held up.
            pid = fork(child.run, request, modules, cpu_s=request["cpu_s"] + SPARE_CPU_S, place=place)
            ended = watch(pid, control, cpu_s=request["cpu_s"], place=place)
            sweep(place)
            control.sendall(marshal.dumps(ended))
    except ConnectionError:
        return 0
    finally:
        del gaps


def fill_gaps() -> list[bytes]:
    """Objects for every gap between those that are there: what a test's process makes then stands together, on few
    pages."""
    made = []
    for size in range(sys.getsizeof(b"") // 16 * 16 + 16, SMALL_BYTES + 1, 16):
        for _ in range(2 * POOL_BYTES // size):
            made.append(bytes(size - sys.getsizeof(b"")))
            if id(made[-1]) % POOL_BYTES == POOL_HEADER_BYTES:
                break
    return made


def settle(control: _socket.socket, wanted: dict, *, folder: str) -> Place:
    """Confines this process as far as is wanted and the machine allows; what is in force has a name in level."""
    # The first victim where memory runs out is a program, not the engine beside it.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
    null = aside(os.open("/dev/null", os.O_RDWR))
    parts = []
    if wanted["namespaces"]:
        confinement.change_root(folder)
        folder = confinement.OWN_FOLDER
        parts.append("namespaces")
    landlock = confinement.restrict_files(folder) if wanted["landlock"] else 0
    if landlock:
        parts.append(f"Landlock {landlock}")
    filters = system_calls.build_filters() if wanted["seccomp"] else None
    if filters:
        parts.append("seccomp")
    if parts:
        confinement.drop_rights()
    confinement.adopt_orphans()
    os.chdir(folder)
    # Whatever a program finds of this process, the user's log is not among it.
    os.dup2(null, 2)
    os.close(null)
    confinement.hide()
    wake, poll = wake_fd(), select.poll()
    for fd in (wake, control.fileno()):
        poll.register(fd, select.POLLIN)
    return Place(
        level=" + ".join([*parts, "limits"]),
        folder=folder,
        on_disk=not wanted["namespaces"],
        filters=filters,
        wake=wake,
        poll=poll,
    )


def wake_fd() -> int:
    wake, signalled = map(aside, os.pipe())
    for fd in (wake, signalled):
        os.set_blocking(fd, False)
    signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return wake


def aside(fd: int) -> int:
    """The same file, behind the descriptors that programs find."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, child.ASIDE)
    os.close(fd)
    return moved


def probe(place: Place) -> list[str] | None:
    """What a child can do although it should not, tried by one that is confined as programs are. None: none can run."""
    told, tell = map(aside, os.pipe())
    for number in child.PLACES:
        os.dup2(tell, number)
    os.close(tell)
    pid = fork(tell_attempts, place, cpu_s=5, place=place)
    ready, _, _ = select.select([told], [], [], PROBE_S)
    answer = os.read(told, MAX_MESSAGE_BYTES) if ready else b""
    os.close(told)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if ready and not answer and os.waitstatus_to_exitcode(status) == -signal.SIGKILL:
        # Another hand's kill is no answer: who starts this server sees that end, and starts another.
        os._exit(KILLED)
    sweep(place)
    return json.loads(answer) if answer else None


def tell_attempts(place: Place) -> int:
    os.write(child.CHANNEL, json.dumps(child.attempts(place.folder)).encode())
    return 0


def fork(run: Callable[..., int], *arguments: object, cpu_s: int, place: Place) -> int:
    """Forks a confined process that does that and ends with its exit code. It has the descriptors that stand in their
    places, and from then on this process has none of them."""
    # Where it has namespaces of its own, the kernel ends all in them with the server, their first process.
    parent = os.getpid() if place.on_disk else 0
    system_call_filter = place.filters[1] if place.filters else None
    calls, last_call = child.confining_calls(cpu_s=cpu_s, parent=parent, system_call_filter=system_call_filter)
    # Not os.fork, which has Python and `random` set themselves up anew in the child, where each page of memory that is
    # touched must be copied: half as much as the fork costs. Of a process with one thread only `random` needs it.
    seed_anew()
    pid = confinement.call("fork")
    if pid == 0:
        status = child.RAISED
        try:
            for call in calls:
                call()
            if last_call():
                raise OSError("a program's process was not confined")
            status = run(*arguments)
        finally:
            os._exit(status)
    for number in child.PLACES:
        os.close(number)
    return pid


def watch(pid: int, control: _socket.socket, *, cpu_s: float, place: Place) -> dict:
    """Waits for the process and ends it at its limits; how it ended."""
    left_s, why = cpu_s, ""
    while not why:
        # A little more than what is left, so that then the limit is passed.
        left_s += 0.01
        ready = dict(place.poll.poll(1000 * (min(COUNT_EVERY_S, left_s) if place.on_disk else left_s)))
        if place.wake in ready:
            os.read(place.wake, MAX_MESSAGE_BYTES)
            done, status, used = os.wait4(pid, os.WNOHANG)
            if done:
                return ending(os.waitstatus_to_exitcode(status), past_limit=used.ru_utime + used.ru_stime > cpu_s)
        left_s = cpu_s - cpu_time(pid)
        if control.fileno() in ready:
            why = "stopped"  # what came is read with the next request
        elif place.on_disk and is_full(place.folder):
            why = "disk limit"
        elif left_s < 0:
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
    """CPU seconds of a process, seen in /proc or not; 0 where it has ended. Source: CPUCLOCK_SCHED in Linux."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def is_full(folder: str) -> bool:
    """Whether more lies in the folder than a program may leave there. What a file takes on the disk counts."""
    n_bytes = n_files = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            n_files += 1
            # Where nothing but limits is in force, a file may be gone between the two looks.
            with contextlib.suppress(FileNotFoundError):
                n_bytes += 512 * entry.stat(follow_symlinks=False).st_blocks
    return n_bytes > confinement.FOLDER_BYTES or n_files > confinement.FOLDER_FILES


def sweep(place: Place) -> None:
    """Ends every process that a program left and empties its folder."""
    if not place.filters:  # else there was nothing but the program's one process
        confinement.kill_children()
    empty(place.folder)


def empty(folder: str) -> None:
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            empty(path)
            os.rmdir(path)
        else:
            unlink(path)


def main() -> int:
    wanted_stack = child.STACK_BYTES
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if soft != resource.RLIM_INFINITY and soft < wanted_stack and (hard == resource.RLIM_INFINITY or hard > soft):
        # Where the stack may grow is decided when a program starts: start again with the larger limit.
        resource.setrlimit(
            resource.RLIMIT_STACK, (wanted_stack if hard == resource.RLIM_INFINITY else min(wanted_stack, hard), hard)
        )
        os.execv(sys.executable, sys.orig_argv)
    control, folder, lock, wanted = sys.argv[1:]
    return keep(_socket.socket(fileno=aside(int(control))), folder, int(lock), json.loads(wanted))


if __name__ == "__main__":
    sys.exit(main())
