"""Hostile programs, each at every level of confinement: none gets anything, and harmless ones still work.

An attack prints "held" where it was refused; what it did outside is looked at from here.
"""

import contextlib
import os
import resource
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from lighteval_r1.confined import server
from lighteval_r1.confined.processes import descendants
from lighteval_r1.confined.runner import Program, Runner
from lighteval_r1.graders.program import Cases, judge
from lighteval_r1.records import Outcome

SECRET = "hf_a_token_that_no_program_may_read"
EXPECTED = "the-expected-output-4711"

# Each tries its deeds one by one, for one may be refused and the next not.
FRAME = """
import ctypes, errno, glob, os, resource, signal, socket, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
done = []
def attempt(name, deed):
    try:
        found = deed()
    except (OSError, MemoryError, ValueError, RuntimeError, AttributeError):
        return
    if found is not False:
        done.append(name)
def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno())
{deeds}
print(done or "held")
"""

ATTACKS = {
    "the token in the environment": """
        attempt("environ", lambda: "{secret}" in repr(os.environ))
        libc.getenv.restype = ctypes.c_char_p
        attempt("getenv", lambda: libc.getenv(b"HF_TOKEN") is not None)
        """,
    "the token in /proc of every process": """
        attempt("list", lambda: os.listdir("/proc"))
        for pid in ["self", "thread-self", os.getppid(), {pid}, *range(1, 300), *range({pid} - 300, {pid} + 300)]:
            for name in ("environ", "cmdline", "mem", "maps", "root/etc/passwd", "cwd"):
                attempt(f"{{pid}}/{{name}}", lambda: open(f"/proc/{{pid}}/{{name}}", "rb").close())
        """,
    "the run's log, and whatever else its server has open": """
        for pid in (os.getppid(), {pid}):
            for fd in range(64):
                path = f"/proc/{{pid}}/fd/{{fd}}"
                attempt(f"{{pid}} writes {{fd}}", lambda: os.write(os.open(path, os.O_WRONLY | os.O_NONBLOCK), b"forged"))
                attempt(f"{{pid}} reads {{fd}}", lambda: os.read(os.open(path, os.O_RDONLY | os.O_NONBLOCK), 100))
                attempt(f"{{pid}} sees {{fd}}", lambda: os.readlink(path))
        """,
    "files of the user": """
        attempt("read", lambda: open("{home}/notes.txt").read())
        attempt("write", lambda: open("{home}/notes.txt", "a"))
        attempt("empty", lambda: os.close(os.open("{home}/notes.txt", os.O_RDONLY | os.O_TRUNC)))
        attempt("truncate", lambda: os.truncate("{home}/notes.txt", 0))
        attempt("delete", lambda: os.remove("{home}/notes.txt"))
        attempt("rename", lambda: os.rename("{home}/notes.txt", "{home}/other"))
        attempt("create", lambda: open("{home}/new", "w"))
        attempt("folder", lambda: os.mkdir("{home}/folder"))
        attempt("nameless", lambda: os.open("{home}", os.O_TMPFILE | os.O_WRONLY))
        attempt("modes", lambda: os.chmod("{home}/notes.txt", 0))
        attempt("owner", lambda: os.chown("{home}/notes.txt", 1, 1))
        attempt("times", lambda: os.utime("{home}/notes.txt", (0, 0)))
        attempt("link", lambda: os.link("{home}/notes.txt", "notes"))
        attempt("symbolic link", lambda: os.symlink("{home}/notes.txt", "notes"))
        attempt("list", lambda: os.listdir("{home}"))
        attempt("passwords", lambda: open("/etc/passwd").read())
        attempt("elsewhere", lambda: open("/tmp/lighteval-r1-was-here", "w"))
        attempt("shared memory", lambda: open("/dev/shm/lighteval-r1-was-here", "w"))
        attempt("library", lambda: open(os.__file__, "a"))
        attempt("empty library", lambda: os.close(os.open(os.__file__, os.O_RDONLY | os.O_TRUNC)))
        attempt("disk", lambda: open("/dev/" + next(iter(os.listdir("/sys/block")), "vda"), "rb"))
        """,
    "connections": """
        def connect(*address, family=socket.AF_INET):
            connection = socket.socket(family)
            connection.settimeout(1)
            connection.connect(*address)
        attempt("TCP", lambda: connect(("127.0.0.1", {port})))
        attempt("TCP 6", lambda: connect(("::1", {port}), family=socket.AF_INET6))
        attempt("UDP", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", {port})))
        attempt("abstract", lambda: connect("\\0lighteval-r1-{port}", family=socket.AF_UNIX))
        attempt("file", lambda: connect("{home}/socket", family=socket.AF_UNIX))
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        attempt("pair", lambda: pair[0].sendto(b"x", "\\0lighteval-r1-{port}"))
        attempt("pair to file", lambda: pair[0].connect("{home}/socket"))
        attempt("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
        attempt("raw", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        attempt("io_uring", lambda: call(425, 8, ctypes.create_string_buffer(120)))
        """,
    "signals to others": """
        import fcntl
        for pid in (os.getppid(), {pid}, 1, -1):
            attempt(f"kill {{pid}}", lambda: os.kill(pid, signal.SIGUSR1))
            attempt(f"kill 0 {{pid}}", lambda: os.kill(pid, 0))
            attempt(f"tgkill {{pid}}", lambda: call(234, pid, pid, signal.SIGUSR1))
            attempt(f"queue {{pid}}", lambda: call(129, pid, signal.SIGUSR1, ctypes.create_string_buffer(128)))
            attempt(f"limits {{pid}}", lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1)))
            attempt(f"cores {{pid}}", lambda: os.sched_setaffinity(pid, [0]))
            attempt(f"priority {{pid}}", lambda: os.setpriority(os.PRIO_PROCESS, pid, 19))
            attempt(f"owner {{pid}}", lambda: fcntl.fcntl(1, fcntl.F_SETOWN, pid))
            attempt(f"pidfd {{pid}}", lambda: call(434, pid, 0))
            attempt(f"ptrace {{pid}}", lambda: call(101, 16, pid, 0, 0))
            attempt(f"read {{pid}}", lambda: call(310, pid, 0, 0, 0, 0, 0))
        attempt("group", lambda: os.killpg(os.getpgid(os.getppid()), 0))
        """,
    "processes and programs": """
        attempt("fork", lambda: os.fork() or os._exit(0))
        attempt("vfork", lambda: call(58))
        attempt("clone", lambda: call(56, 17, 0, 0, 0, 0))
        attempt("clone3", lambda: call(435, ctypes.create_string_buffer(b"", 88), 88))
        attempt("clone in a namespace", lambda: call(56, 0x10000000 | 17, 0, 0, 0, 0))
        attempt("exec", lambda: os.execv(sys.executable, ["python", "-c", "print('held')"]))
        attempt("system", lambda: os.system("true") == 0)
        import subprocess
        attempt("subprocess", lambda: subprocess.run(["/bin/true"]))
        attempt("spawn", lambda: os.posix_spawn("/bin/true", ["true"], {{}}))
        attempt("session", lambda: os.setsid())
        # A thread for which its maker waits in the kernel, one with its own descriptors, one with its own signals.
        for flags in (0x4000 | 0x3D0F00, 0x3D0F00 & ~0x400, 0x10900):
            attempt(f"thread {{flags:x}}", lambda: call(56, flags, 0, 0, 0, 0))
        """,
    "limits of its own that kill it as another hand would": """
        attempt("CPU time", lambda: resource.setrlimit(resource.RLIMIT_CPU, (1, 1)))
        attempt("CPU time by number", lambda: call(160, 0, ctypes.create_string_buffer(16)))
        attempt("CPU time by process", lambda: call(302, 0, 0, ctypes.create_string_buffer(16), 0))
        attempt("real time", lambda: resource.setrlimit(15, (1, 1)))
        event = (ctypes.c_int * 16)(0, 0, signal.SIGKILL, 0)
        attempt("timer", lambda: call(222, 1, event, ctypes.create_string_buffer(8)))
        """,
    "room on the disk that no size shows": """
        file = open("file", "w+b")
        attempt("fallocate", lambda: call(285, file.fileno(), 1, 0, 2**24))
        attempt("fallocate as libraries do", lambda: os.posix_fallocate(file.fileno(), 0, 2**26))
        attempt("unlink", lambda: call(87, b"file"))
        attempt("unlinkat", lambda: call(263, -100, b"file", 0))
        open("other", "wb").close()
        attempt("rename", lambda: os.rename("other", "file"))
        attempt("rename by number", lambda: call(82, b"other", b"file"))
        attempt("exchange", lambda: call(316, -100, b"other", -100, b"file", 2))
        attempt("link", lambda: os.link("file", "second"))
        attempt("nameless", lambda: os.open(".", os.O_TMPFILE | os.O_WRONLY))
        attempt("nameless by a link", lambda: call(319, b"x", 0))
        attempt("past the disk's cache", lambda: os.open("file", os.O_RDWR | os.O_DIRECT))
        attempt("at once", lambda: os.open("file", os.O_RDWR | os.O_SYNC))
        attempt("folder", lambda: os.mkdir("folder"))
        os.remove("file")
        attempt("Python's own way", lambda: "file" not in os.listdir("."))
        """,
    "the kernel's other doors": """
        attempt("unshare", lambda: call(272, 0x10000000))
        attempt("mount", lambda: call(165, b"none", b"/", b"tmpfs", 0, 0))
        attempt("chroot", lambda: os.chroot("."))
        attempt("setuid", lambda: os.setuid(0) or os.setuid(1))
        attempt("keys", lambda: call(248, b"user", b"x", b"x", 1, -3))
        attempt("bpf", lambda: call(321, 0, ctypes.create_string_buffer(128), 128))
        attempt("perf", lambda: call(298, ctypes.create_string_buffer(128), 0, -1, -1, 0))
        attempt("userfaultfd", lambda: call(323, 0))
        attempt("memory that stays", lambda: call(29, 4711, 4096, 0o1777))
        attempt("queue that stays", lambda: call(68, 4711, 0o1777))
        attempt("memory file", lambda: os.memfd_create("x"))
        attempt("death signal", lambda: call(157, 1, 0, 0, 0, 0))
        attempt("32 bit numbers", lambda: call(0x40000000 + 41, 2, 1, 0))
        attempt("more memory", lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)))
        attempt("more time", lambda: resource.setrlimit(resource.RLIMIT_CPU, (-1, -1)))
        """,
    "what is inherited": """
        import gc, stat
        open_files = [fd for fd in range(3, 64) if fd not in (3, 4)]
        for fd in open_files:
            attempt(f"descriptor {{fd}}", lambda: os.fstat(fd))
        def everything():
            frame = sys._getframe()
            while frame:
                yield repr(frame.f_locals)
                frame = frame.f_back
            for found in gc.get_objects():
                yield repr(found) if isinstance(found, (list, tuple, dict, set)) else ""
        # Compared in two parts, so that what is looked for does not stand in this program's own memory.
        half = "{expected_half}"
        def stands_in(text):
            at = text.find(half)
            return at >= 0 and text[at + len(half) :][:4] == "4711"
        attempt("expected output", lambda: any(map(stands_in, everything())))
        """,
    "its own memory": """
        # Every readable page, found without /proc: the heap and what lies around known objects.
        half = b"{expected_half}"
        start = id(sys.modules) & ~0xfff
        found = False
        libc.memcpy.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
        residence = ctypes.create_string_buffer(1)
        libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)
        read_end, write_end = os.pipe()
        for page in range(start - 4096 * 3000, start + 4096 * 3000, 4096):
            if libc.mincore(page, 4096, residence) == 0:
                libc.write.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
                if libc.write(write_end, page, 4096) == 4096:
                    data = os.read(read_end, 4096)
                    at = data.find(half)
                    found = found or at >= 0 and data[at + len(half) :][:4] == b"4711"
        attempt("memory", lambda: found)
        """,
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    (folder / "notes.txt").write_text("mine")
    return folder


@pytest.fixture
def judged(confined, home, monkeypatch):
    """judged(code) -> (grade, output) of a program whose expected output is EXPECTED or what is said."""
    monkeypatch.setenv("HF_TOKEN", SECRET)

    def run(code: str, *, expected: str = EXPECTED, function: str | None = None, given: bytes = b""):
        return judge(code, Cases(function, [given], [expected]), runner=confined)

    return run


def outside(home: Path) -> dict:
    """What an attack would have changed: files, this process, what the kernel keeps."""
    files = [*home.iterdir(), Path(os.__file__)]
    known = [
        (str(path), path.stat().st_mode, path.stat().st_uid, path.stat().st_nlink, path.stat().st_mtime_ns)
        for path in files
    ]
    kept = [Path(f"/proc/sysvipc/{kind}").read_text().split("\n ")[1:] for kind in ("shm", "msg")]
    left = [Path(folder, "lighteval-r1-was-here").exists() for folder in ("/tmp", "/dev/shm")]
    process = (os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, 0), resource.getrlimit(resource.RLIMIT_CPU))
    return {
        "files": sorted(known), "notes": (home / "notes.txt").read_text(), "left": left, "process": process,
        "kept": [[line.split()[0] for line in lines if line.split()[0] == "4711"] for lines in kept],
    }  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused(attack, judged, confined, home):
    before = outside(home)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as by_name:
        port = listener.getsockname()[1]
        by_name.bind(f"\0lighteval-r1-{port}")
        by_name.listen()
        deeds = textwrap.dedent(ATTACKS[attack]).format(
            secret=SECRET, pid=os.getpid(), home=home, port=port, expected_half=EXPECTED.removesuffix("4711")
        )
        # Once with what it looks for as the expected output, and once to see what it says.
        assert judged(FRAME.replace("{deeds}", deeds)).outcome is Outcome.WRONG
        said = said_by(confined, FRAME.replace("{deeds}", deeds))
        for listening in (listener, by_name):
            listening.settimeout(0.01)
            with pytest.raises(TimeoutError):
                listening.accept()
    assert said == "held\n"
    assert outside(home) == before and not any(before["left"])
    assert len(descendants(confined.connection().process.pid)) == 2, "the keeper, the server and nothing else"


def said_by(runner: Runner, code: str) -> str:
    with Program(runner, code.encode(), function=None, numpy=False) as program:
        ran = program.test(b"", max_bytes=10_000)
    return ran.output.decode() or str(ran)


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass", "time limit"),
        ("while True: pass", "time limit"),
        ("while True:\n    try:\n        while True: pass\n    except BaseException: pass", "time limit"),
        (
            "import signal\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nwhile True: pass",
            "time limit",
        ),
        (
            "import threading\nfor _ in range(4): threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()",
            "time limit",
        ),
        ("import time\ntime.sleep(1000)", "time limit (it waited)"),
        ("import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()", "time limit (it waited)"),
        ("import time\nwhile True: print(1, flush=True), time.sleep(0.05)", "time limit (it waited)"),
        ("import time\nwhile True: sum(range(10**6)), time.sleep(0.05)", "time limit"),
        ("import os\nos.close(1), os.close(3)\nwhile True: os.read(os.pipe()[0], 1)", "time limit (it waited)"),
        ("while True: print('x' * 1000)", "output limit"),
        ("import os\nwhile True: os.write(3, b'x' * 10000)", "output limit"),
        ("print(len(bytearray(8 * 2**30)))", "it raised MemoryError"),
        ("held = []\nwhile True: held.append(bytearray(2**26))", ""),  # of memory or of time
        ("import os\nos.kill(os.getpid(), 9)", "it raised OSError"),
        ("import ctypes\nctypes.string_at(0)", "it crashed (signal 11)"),
        ("open('big', 'wb').truncate(2**40)", "it raised OSError"),
    ],
)
def test_a_program_past_a_limit_is_ended(code, step, strictest):
    begin = time.monotonic()
    grade = judge(code, Cases(None, [b""], [EXPECTED]), runner=strictest)
    assert grade.outcome is Outcome.WRONG and step in grade.step, grade.step
    # A busy machine takes its time.
    assert time.monotonic() - begin < 12 * max(1, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
    keeper = strictest.connection().process.pid
    assert len(descendants(keeper)) == 2, "the keeper, the server, and nothing that the program started"


def test_the_kernel_ends_a_program_too_should_its_server_be_held_up(strictest):
    code = "import resource\nprint(*resource.getrlimit(resource.RLIMIT_CPU))"
    most = strictest.limit_s + server.SPARE_CPU_S
    assert judge(code, Cases(None, [b""], [f"{most} {most}"]), runner=strictest).outcome is Outcome.CORRECT


def test_threads_that_reach_the_kernels_limit_before_ours_are_past_the_time_limit_too():
    burn = "    while True: hashlib.sha256(data)\nfor _ in range(8): threading.Thread(target=burn).start()"
    code = f"import hashlib, threading\ndata = bytes(2**24)\ndef burn():\n{burn}"
    ours = os.sched_getaffinity(0)
    # With three cores to itself it has used 2 s, where the kernel kills, before the server looks after 1 s.
    os.sched_setaffinity(0, range(os.cpu_count()))
    runner = Runner(limit_s=1)
    try:
        assert judge(code, Cases(None, [b""], [EXPECTED]), runner=runner).step == "test 1 of 1: time limit"
    finally:
        os.sched_setaffinity(0, ours)
        runner.drop()
    assert server.ending(-9, past_limit=True)["end"] == "time limit"
    assert server.ending(-9, past_limit=False) == {"end": "signal", "code": 9}, "another hand's"


def test_the_disk_is_not_filled(judged, tmp_path):
    disk = os.statvfs(tmp_path)
    grade = judged(
        "n = 0\nwhile True:\n    with open(str(n), 'wb') as file:\n        file.write(b'x' * 2**23)\n    n += 1"
    )
    assert grade.outcome is Outcome.WRONG
    after = os.statvfs(tmp_path)
    assert (disk.f_bavail - after.f_bavail) * disk.f_frsize < 2**30


def test_nothing_of_a_program_is_there_for_the_next(judged):
    assert (
        judged("open('left', 'w').write('x'); import os; print(os.listdir('.'))", expected="['left']").outcome
        is Outcome.CORRECT
    )
    assert (
        judged("import os; print(os.listdir('.'), 'json_' in dir(__import__('json')))", expected="[] False").outcome
        is Outcome.CORRECT
    )


@pytest.mark.parametrize(
    "code",
    [
        "class Always(str):\n    __eq__ = lambda *_: True\n    __ne__ = lambda *_: False\n    __hash__ = str.__hash__\ndef f(): return Always('x')",
        "class Always:\n    __eq__ = lambda *_: True\ndef f(): return Always()",
        "class Always(list):\n    __eq__ = lambda *_: True\n    __iter__ = lambda self: iter([1])\ndef f(): return Always()",
        "import builtins, operator, json\njson.loads = json.dumps = lambda *_, **__: 'true'\nbuiltins.isinstance = lambda *_: True\ndef f(): return 1",
        "import os\ndef f(): os._exit(0)",
        "import sys\ndef f(): sys.exit(0)",
        "import os\nos._exit(0)",
        "def f(): print('the-expected-output-4711')",
        'import os\nos.write(3, b\'{"value": true, "threads": 0}\\n\')\ndef f(): return 1',
        'import os\nos.write(3, b\'{"outcome": "correct", "end": "finished", "code": 0, "threads": 0}\\n\' * 100)\ndef f(): return 1',
        "import os\nos.write(3, b'[' * 100000 + b'\\n')\ndef f(): return 1",
        'import os\nos.write(3, b\'{"value": {"dict": [[[], 1]]}}\\n\')\ndef f(): return 1',
        'import os\nos.write(3, b\'{"value": {"tuple": 7}}\\n\')\ndef f(): return 1',
        "import os\nos.write(3, b'{\"value\": {}}\\n')\ndef f(): return 1",
        "import unittest.mock\ndef f(): return unittest.mock.ANY",
        "f = None",
        "",
    ],
)
def test_a_verdict_is_not_forged_by_a_function(code, judged):
    assert judged(code + "\n", expected='"the-expected-output-4711"', function="f", given=b"").outcome is Outcome.WRONG


@pytest.mark.parametrize(
    "code",
    ["", "import os; os._exit(0)", "raise SystemExit(0)", "print('correct')", "import sys; sys.stdout.write('')"],
)
def test_exit_code_0_is_no_evidence(code, judged):
    assert judged(code).outcome is Outcome.WRONG


def test_a_daemon_does_not_outlive_its_program_even_unconfined(tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTEVAL_R1_UNSAFE_CODE", "1")
    runner = Runner(({"namespaces": False, "landlock": False, "seccomp": False},), limit_s=2)
    file = str(tmp_path / "alive")
    code = f"""
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open({file!r} + ".part", "w") as part: part.write(str(os.getpid()))
        os.rename({file!r} + ".part", {file!r})
        while True: time.sleep(0.05)
    os._exit(0)
while not os.path.exists({file!r}): time.sleep(0.01)
print(1)"""
    grade = judge(code, Cases(None, [b""], ["1"]), runner=runner)
    assert grade.outcome is Outcome.CORRECT and runner.connection().level.startswith(
        "unsafe: limits; programs can read files outside"
    )
    daemon = int((tmp_path / "alive").read_text())
    assert not Path(f"/proc/{daemon}").exists()
    keeper = runner.connection().process.pid
    grade = judge("import os\nos.killpg(0, 15)", Cases(None, [b""], ["1"]), runner=runner)
    assert grade.step == "test 1 of 1: it crashed (signal 15)"
    assert runner.connection().process.pid == keeper, "it is alone in its group"
    runner.drop()


def test_harmless_programs_do_all_that_programs_do(judged):
    code = """
import asyncio, os, sys, tempfile, threading
from concurrent.futures import ThreadPoolExecutor

def deep(n): return 0 if n == 0 else 1 + deep(n - 1)
total = 0
def add(n):
    global total
    total += n
def main():
    block = bytearray(200 * 2**20)
    block[::4096] = b"x" * len(block[::4096])
    threads = [threading.Thread(target=add, args=(i,)) for i in range(20)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    with ThreadPoolExecutor(4) as pool: squares = list(pool.map(lambda x: x * x, range(4)))
    async def later():
        await asyncio.sleep(0.01)
        return await asyncio.get_running_loop().run_in_executor(None, lambda: 5)
    with tempfile.NamedTemporaryFile("w+") as file:
        file.write("kept")
        file.seek(0)
        kept = file.read()
    print(deep(10_000), total, len(block), squares, asyncio.run(later()), kept, sys.stdin.buffer.read())
if __name__ == "__main__":
    threading.stack_size(2**27)
    thread = threading.Thread(target=main)
    thread.start()
"""
    assert judged(code, given=b"a\n", expected="10000 190 209715200 [0, 1, 4, 9] 5 kept b'a\\n'").step == "all 1 tests"


def test_the_server_has_no_secret_in_its_environment(judged, confined):
    judged("print(1)")
    keeper = confined.connection().process.pid
    assert SECRET not in Path(f"/proc/{keeper}/environ").read_text()
    for pid in descendants(keeper):
        # The server's can be read by root alone.
        with contextlib.suppress(PermissionError):
            assert SECRET not in Path(f"/proc/{pid}/environ").read_text()
        assert len(os.listdir(f"/proc/{pid}/task")) == 1, "more than one thread"


def test_a_closed_runner_leaves_no_process_and_no_folder(confined, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    runner = Runner(confined.levels)
    judge("open('x', 'w').write('x')", Cases(None, [b""], ["1"]), runner=runner)
    keeper = runner.connection().process.pid
    runner.drop()
    assert not Path(f"/proc/{keeper}").exists() and not os.listdir(tmp_path)


def test_programs_end_with_a_killed_owner():
    code = (
        "import os, sys\nfrom lighteval_r1.graders.program import Cases, judge\nfrom lighteval_r1.confined.runner import Runner\n"
        "runner = Runner(limit_s=60)\nprint(runner.connection().process.pid, flush=True)\njudge('while True: pass', Cases(None, [b''], ['1']), runner=runner)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    keeper = int(owner.stdout.readline())
    time.sleep(0.3)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    end = time.monotonic() + 60
    while Path(f"/proc/{keeper}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{keeper}").exists()
