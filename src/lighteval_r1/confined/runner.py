"""Runs the tests of a program through the server, from a grading process: what it wrote, and how it ended.

Each test runs once, in a process of its own that has run nothing before, and what came of it counts. It runs again only
where another hand than the program's killed it, or the server. The program is compiled once, in its first test's
process before that runs it. The server is started when it is first needed, and again where it was killed.
"""

import contextlib
import fcntl
import json
import marshal
import os
import random
import select
import signal
import socket
import threading
import time
from dataclasses import dataclass

from lighteval_r1.confined import server
from lighteval_r1.confined.child import LENGTH_BYTES, READY
from lighteval_r1.confined.connection import LEVELS, Connection, connect
from lighteval_r1.confined.processes import thread_states, threads
from lighteval_r1.records import GraderDied

# Source: LiveCodeBench's checker gives each test 6 s. Here of CPU time, so that a busy machine changes no grade.
LIMIT_S = 6
# A test may sleep as long as it may compute. Looks are counted, not the time between them, so that to wait for a core,
# here or there, is never taken for sleep. They come at random, so that no program is awake for them alone.
LOOK_EVERY_S = 0.05
# Nearly all tests are over by then. Until then nothing is read: a program that writes would wake who reads each time.
SOON_MS = 10
# How much of a look counts as waiting, by the state of the busiest thread: none where it runs or waits for a core, all
# where it sleeps; a disk that is slow, or full of other people's work, has ten times as long.
WAITING = {"R": 0.0, "D": 0.1}
# A program with its server; a machine has some 30,000 for all. Kernels have no such limit for root.
MAX_THREADS = 1000
# To end a program takes the server no time, but it may have to wait for a core.
SERVER_LIMIT_S = 600.0
READ_BYTES = 1 << 16
TOLD_BYTES_BESIDE_VALUE = 1 << 16
COMPILED_BYTES = 64 * 2**20
ATTEMPTS = 3


@dataclass(frozen=True)
class Ran:
    """One run. output: what was written, up to the limit. told: what the program's process says of it, {} if nothing.
    compiled: the program, where this run compiled it and that can be kept.

    end: "exited", with its code, or what ended the process: "signal", "time limit", "idle", "thread limit",
    "disk limit", "output limit", "killed" (by another hand, repeatedly).
    """

    output: bytes
    told: dict
    end: str
    code: int = 0
    compiled: bytes = b""


class Runner:
    """The servers of one grading process. levels: which confinements are tried, in this order."""

    def __init__(self, levels: tuple[dict, ...] = LEVELS, *, limit_s: int = LIMIT_S) -> None:
        self.levels, self.limit_s = levels, limit_s
        self._connections: dict[bool, Connection] = {}
        # One program at a time.
        self.lock = threading.RLock()

    def connection(self, *, numpy: bool = False) -> Connection:
        """To the server for programs that import numpy, or to the other: all that a server holds costs each fork."""
        if numpy not in self._connections:
            self._connections[numpy] = connect(self.levels, numpy=numpy)
        return self._connections[numpy]

    def drop(self) -> None:
        """Ends the servers and what they run; the next test starts others."""
        while self._connections:
            self._connections.popitem()[1].close()


class Stream:
    """What comes through a pipe. limit: in bytes; a little more is read."""

    def __init__(self, fd: int, limit: int) -> None:
        self.fd, self.limit, self.read = fd, limit, bytearray()
        os.set_blocking(fd, False)

    def take(self) -> bool:
        """Reads what is there; False where no more can come."""
        with contextlib.suppress(BlockingIOError):
            while not self.is_over():
                data = os.read(self.fd, READ_BYTES)
                if not data:
                    return False
                self.read += data
        return True

    def is_over(self) -> bool:
        return len(self.read) > self.limit


class Process:
    """A program's process, for one run. Raises ConnectionError where the server is gone."""

    def __init__(self, connection: Connection, request: dict, *, code: int, given: int) -> None:
        self.connection = connection
        self.output, output_in = os.pipe()
        self.channel, channel_in = os.pipe()
        try:
            socket.send_fds(connection.socket, [marshal.dumps(request)], [output_in, channel_in, given, code])
        except OSError:
            self.close()
            raise
        finally:
            os.close(output_in)
            os.close(channel_in)

    def run(self, *, max_bytes: int, limit_s: float, compiles: bool) -> Ran:
        """Waits for the process's end, or ends it at its limits."""
        told_bytes = max_bytes + TOLD_BYTES_BESIDE_VALUE + (COMPILED_BYTES if compiles else 0)
        streams = [Stream(self.output, max_bytes), Stream(self.channel, told_bytes)]
        end = "" if self._ends_soon() else self._watch(streams, limit_s=limit_s)
        if end:
            self.connection.socket.send(server.STOP)
        ended = self.connection.receive(SERVER_LIMIT_S)
        for stream in streams:
            stream.take()
            end = end or ("output limit" if stream.is_over() else "")
        output, told = (bytes(stream.read) for stream in streams)
        if not told.startswith(READY):
            raise ConnectionError("a program's process ended before the program began")
        told = told.removeprefix(READY)
        compiled, told = compiled_part(told) if compiles else (b"", told)
        return Ran(output, parsed(told), end or ended["end"], ended["code"], compiled)

    def _ends_soon(self) -> bool:
        return bool(select.select([self.connection.socket], [], [], SOON_MS / 1000)[0])

    def _watch(self, streams: list["Stream"], *, limit_s: float) -> str:
        """Reads what is written until the server says that the process has ended; else why it is to be ended."""
        control = self.connection.socket.fileno()
        poll = select.poll()
        poll.register(control, select.POLLIN)
        for stream in streams:
            poll.register(stream.fd, select.POLLIN)
        waited_s, look = 0.0, next_look()
        while True:
            ready = [fd for fd, _ in poll.poll(max(0.0, 1000 * (look - time.monotonic())))]
            if control in ready:
                return ""
            for stream in streams:
                if stream.fd in ready and not stream.take():
                    # Who closes what it writes to may still compute.
                    poll.unregister(stream.fd)
                if stream.is_over():
                    return "output limit"
            if time.monotonic() >= look:
                pids, look = self.connection.processes(), next_look()
                if sum(len(threads(pid)) for pid in pids) > MAX_THREADS:
                    return "thread limit"
                waited_s += LOOK_EVERY_S * waiting("".join(map(thread_states, pids)))
                if waited_s > limit_s:
                    return "idle"

    def close(self) -> None:
        os.close(self.output)
        os.close(self.channel)


def compiled_part(told: bytes) -> tuple[bytes, bytes]:
    """What a process compiled its program to, and what it told then; nothing where it was killed half way."""
    end = LENGTH_BYTES + int.from_bytes(told[:LENGTH_BYTES])
    return (told[LENGTH_BYTES:end], told[end:]) if len(told) >= end else (b"", b"")


def waiting(states: str) -> float:
    """How much of a look the threads in those states waited, with nothing to wait for but themselves."""
    return min((WAITING.get(state, 1.0) for state in states), default=1.0)


def next_look() -> float:
    return time.monotonic() + LOOK_EVERY_S * random.SystemRandom().uniform(0.5, 1.5)


def parsed(told: bytes) -> dict:
    """What a process told, which a program may have written to deceive: {} where it is no JSON object."""
    if not told:
        return {}
    try:
        message = json.loads(told)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


class Program:
    """A program and its tests. Use as a context manager: one at a time runs on a runner."""

    def __init__(self, runner: Runner, code: bytes, *, function: str | None, numpy: bool) -> None:
        self.runner, self.numpy = runner, numpy
        self.request = {"function": function, "in_class": b"class Solution" in code, "cpu_s": runner.limit_s}
        self._code, self._compiled = sealed(code), False

    def __enter__(self) -> "Program":
        self.runner.lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._code)
        self.runner.lock.release()

    def test(self, given: bytes, *, max_bytes: int) -> Ran:
        """Runs the program on that input. max_bytes: of output, and of the function's value.

        GraderDied where the server ends again and again.
        """
        n_killed, why = 0, ""
        for _ in range(ATTEMPTS):
            # Another file each time: one that was passed on is read on from where a killed process stopped.
            fd = sealed(given)
            try:
                ran = self._run(fd, max_bytes=max_bytes)
            except ConnectionError as error:
                self.runner.drop()
                why = str(error)
                continue
            finally:
                os.close(fd)
            # Nothing in a program can send it SIGKILL, so another hand did: memory ran out, or somebody's kill.
            if (ran.end, ran.code) != ("signal", signal.SIGKILL):
                return ran
            n_killed += 1
        if n_killed < ATTEMPTS:
            raise GraderDied(f"the server of programs ended {ATTEMPTS - n_killed} times over one test: {why}")
        return Ran(b"", {}, "killed")

    def _run(self, given: int, *, max_bytes: int) -> Ran:
        connection = self.runner.connection(numpy=self.numpy)
        request = self.request | {"compiled": self._compiled}
        with contextlib.closing(Process(connection, request, code=self._code, given=given)) as process:
            ran = process.run(max_bytes=max_bytes, limit_s=self.runner.limit_s, compiles=not self._compiled)
        if ran.compiled:
            os.close(self._code)
            self._code, self._compiled = sealed(ran.compiled), True
        return ran


def sealed(data: bytes) -> int:
    """A file in memory with that content, which nobody can change any more."""
    fd = os.memfd_create("program", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    n_written = 0
    while n_written < len(data):
        n_written += os.pwrite(fd, data[n_written:] if n_written else data, n_written)  # is read from its beginning
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd
