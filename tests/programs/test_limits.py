"""What a program cannot stretch, fill, forge or leave behind, at every level of confinement."""

import os
import signal
import textwrap
import threading
import time
from pathlib import Path

import pytest

from lighteval_r1.confined import folder as folder_module
from lighteval_r1.confined.connection import LEVELS
from lighteval_r1.confined.processes import children
from lighteval_r1.confined.runner import Runner
from lighteval_r1.graders.program import Cases, judge
from lighteval_r1.records import Outcome

RIGHT = "import os, sys, time\nprint('right', flush=True)\n"
# What the end of a test may look like in the channel, now or in an older version of this package.
FRAMES = (
    b"",
    b'{"threads": 1}\n',
    b'{"threads": 0}\n',
    b"{}\n",
    b'{"value": "right"}\n',
    b'{"value": null}',
    b"r",
    b"\n",
)
LATER = {
    "while True: pass": "time limit",
    "time.sleep(60)": "time limit (it waited)",
    "raise ValueError": "it raised",
    "os.abort()": "it crashed",
    "os._exit(113)": "it raised an exception",
}


@pytest.mark.parametrize("later", LATER)
def test_right_output_and_a_forged_end_save_nobody_from_what_comes_later(later, strictest):
    for frame in FRAMES if "sleep" not in later and "while" not in later else FRAMES[1:3]:
        script = f"{RIGHT}os.write(3, {frame!r})\n{later}"
        function = f"import os, time\ndef f():\n    os.write(3, {frame!r})\n    {later}"
        for code, cases in (
            (script, Cases(None, [b""], ["right"])),
            (function, Cases("f", [b"1"], ['"right"'])),
            (function.replace("f()", "f(x)"), Cases("f", [b"1"], ['"right"'])),
        ):
            grade = judge(code, cases, runner=strictest)
            assert grade.outcome is Outcome.WRONG, (frame, grade)
        assert LATER[later] in grade.step, (frame, grade)


LIMITS_ITSELF = (
    "resource.setrlimit(resource.RLIMIT_CPU, (1, 1))",
    "resource.prlimit(0, resource.RLIMIT_CPU, (1, 1))",
    "libc.syscall(160, 0, (ctypes.c_long * 2)(1, 1))",
    "libc.syscall(222, 1, (ctypes.c_int * 16)(0, 0, 9, 0), timer), libc.syscall(223, timer[0], 0, (ctypes.c_long * 4)(0, 0, 0, 1), 0)",
)


def test_a_program_that_would_have_itself_killed_is_wrong_not_undecided(confined):
    """In every way that it tries, one after the other: whichever worked would kill it before its time is over."""
    code = "import ctypes, resource\nlibc, timer = ctypes.CDLL(None), (ctypes.c_int * 1)()\n"
    for way in LIMITS_ITSELF:
        code += f"try:\n    {way}\nexcept (OSError, ValueError):\n    pass\n"
    assert (
        judge(f"{code}while True: pass", Cases(None, [b""], ["1"]), runner=confined).step == "test 1 of 1: time limit"
    )


def test_limits_that_programs_really_set_are_theirs_to_set(confined):
    code = """
import resource, sys
before = resource.getrlimit(resource.RLIMIT_CPU)
resource.setrlimit(resource.RLIMIT_STACK, resource.getrlimit(resource.RLIMIT_STACK))
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
print(resource.getrlimit(resource.RLIMIT_AS)[0], before == resource.getrlimit(resource.RLIMIT_CPU))
"""
    assert judge(code, Cases(None, [b""], [f"{2**31} True"]), runner=confined).step == "all 1 tests"


def look_for_most(server: int, most: list[int], done: threading.Event) -> None:
    while not done.wait(0.005):
        for pid in children(server):
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            most.append(int(status.partition("Threads:")[2].split()[0]))


def test_threads_have_an_end(confined):
    code = "import _thread, time\n_thread.stack_size(2**15)\nfor _ in range(30_000): _thread.start_new_thread(time.sleep, (60,))"
    most, done = [0], threading.Event()
    (server,) = children(confined.connection().process.pid)
    looking = threading.Thread(target=look_for_most, args=(server, most, done))
    looking.start()
    try:
        grade = judge(code, Cases(None, [b""], ["1"]), runner=confined)
    finally:
        done.set()
        looking.join()
    assert grade.step == "test 1 of 1: thread limit"
    # A machine has 32,768 for all, and this one may let the grader wait for a core.
    assert 100 < max(most) < 12_000, "looks come too rarely"
    pool = "from concurrent.futures import ThreadPoolExecutor\nimport time\n"
    pool += "with ThreadPoolExecutor(150) as pool: print(sum(pool.map(lambda n: time.sleep(0.3) or n, range(150))))"
    assert judge(pool, Cases(None, [b""], ["11175"]), runner=confined).step == "all 1 tests"


FILLS = {
    "room beyond the end": "libc.fallocate(os.open('f', os.O_RDWR | os.O_CREAT), 1, ctypes.c_long(0), ctypes.c_long(2**32))",
    "files without a name": "held.append(open(str(n), 'wb'))\nos.unlink(str(n))\nheld[-1].write(data)",
    "files that were never named": "held.append(os.open('.', os.O_TMPFILE | os.O_RDWR))\nos.write(held[-1], data)",
    "files whose name another took": "held.append(open(str(n), 'wb'))\nheld[-1].write(data)\nos.rename(str(n), 'f')",
    "mapped files": """
with open(str(n), 'w+b') as file:
    file.write(data)
    file.flush()
    held.append(mmap.mmap(file.fileno(), 4096))
os.unlink(str(n))""",
    "many files": "with open(str(n), 'wb') as file: file.write(data)",
    "many small files": "open(str(n), 'w').close()",
}


@pytest.mark.parametrize("fills", FILLS)
def test_no_disk_is_filled_without_namespaces(fills, tmp_path, monkeypatch):
    """On the disk where tests keep their files, which others fill, too: so by gigabytes, not to the byte."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    runner = Runner(LEVELS[1:], limit_s=2)
    code = "import ctypes, mmap, os\nlibc, data, held, n = ctypes.CDLL(None), b'x' * 2**23, [], 0\nwhile True:\n    n += 1\n"
    code += f"    try:\n{textwrap.indent(FILLS[fills], '        ')}\n    except OSError: pass"
    free = [os.statvfs(tmp_path)]
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.01):
            free.append(os.statvfs(tmp_path))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        grade = judge(code, Cases(None, [b""], ["1"]), runner=runner)
        server = runner.connection().process.pid
    finally:
        done.set()
        looking.join()
    assert grade.outcome is Outcome.WRONG and "limit" in grade.step, grade
    assert (free[0].f_bavail - min(disk.f_bavail for disk in free)) * free[0].f_frsize < 2**29, grade.step
    assert free[0].f_ffree - min(disk.f_ffree for disk in free) < 100_000
    assert judge("import os\nprint(os.listdir())", Cases(None, [b""], ["[]"]), runner=runner).step == "all 1 tests"
    assert runner.connection().process.pid == server, "in another server"
    runner.drop()
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("n_files", [700, 6000])
def test_files_that_come_and_go_do_not_end_the_server(n_files, confined):
    server = confined.connection().process.pid
    code = f"import os\nfor _ in range(3):\n    for n in range({n_files}): open(str(n), 'w').close()\n"
    code += f"    for n in range({n_files}): os.remove(str(n))\nprint(1)"
    grade = judge(code, Cases(None, [b""], ["1"]), runner=confined)
    # The small disk has room for 3,000.
    assert grade.step in ("all 1 tests", "test 1 of 1: it raised OSError", "test 1 of 1: time limit")
    assert grade.outcome is Outcome.CORRECT or n_files > 700
    assert confined.connection().process.pid == server


@pytest.mark.parametrize("victims", [("keeper",), ("keeper", "server"), ("keeper", "owner")])
def test_no_folder_is_left_by_a_killed_keeper(victims, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for level in LEVELS:
        runner = Runner((level,))
        judge("open('x', 'w').write('x')", Cases(None, [b""], ["1"]), runner=runner)
        connection = runner.connection()
        keeper = connection.process.pid
        for pid in [keeper, *(children(keeper) if "server" in victims else [])]:
            os.kill(pid, signal.SIGKILL)
        assert os.listdir(tmp_path)
        if "owner" not in victims:
            runner.drop()
        else:
            # Nothing that its owner would do is done; the next one comes later.
            connection.socket.close()
            connection.process.wait()
            for left in tmp_path.iterdir():
                os.utime(left, (0, 0))
            another = Runner((level,))
            another.connection()
            assert len(os.listdir(tmp_path)) == 1, "its own"
            another.drop()
        assert not os.listdir(tmp_path)


def test_a_folder_in_use_or_just_made_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    runner = Runner()
    used = runner.connection().folder
    young = tmp_path / f"{folder_module.prefix()}young"
    young.mkdir()
    elsewhere = tmp_path / "lighteval-r1-program-of-another-machine"
    elsewhere.mkdir()
    for path in (used, elsewhere):
        os.utime(path, (0, 0))
    folder_module.remove_left()
    assert len(os.listdir(tmp_path)) == 3
    assert judge("print(open('x', 'w').write('x'))", Cases(None, [b""], ["1"]), runner=runner).step == "all 1 tests"
    runner.drop()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ZeroDivisionError", "it raised ZeroDivisionError"),
        ("class Mine(Exception): pass\nraise Mine", "it raised Mine"),
        ("raise type('\\x1b[31m', (Exception,), {})", "it raised an exception"),
        ("raise type('a' * 1000, (Exception,), {})", "it raised an exception"),
        ('import os\nos.write(3, b\'{"error": "\\\\ud800\\\\u0000"}\\n\')\nos._exit(113)', "it raised an exception"),
        ("import os\nos.write(3, b'{\"error\": [1]}\\n')\nos._exit(113)", "it raised an exception"),
    ],
)
def test_an_error_is_named_by_a_name_or_not_at_all(code, said, strictest):
    assert judge(code, Cases(None, [b""], ["1"]), runner=strictest).step == f"test 1 of 1: {said}"


def test_right_output_before_memory_ran_out_is_no_right_answer(strictest):
    """Not even where none is left to say what was raised."""
    code = f"{RIGHT}held = []\ntry:\n    while True: held.append(bytearray(2**24))\nexcept MemoryError:\n    while True: held.append([0] * 100)"
    grade = judge(code, Cases(None, [b""], ["right"]), runner=strictest)
    assert grade.outcome is Outcome.WRONG


def test_a_program_waits_no_longer_for_being_awake_at_times(strictest):
    """It computes for a tenth of the time: then it has ten times as long, and no more."""
    code = "import time\nwhile True:\n    end = time.thread_time() + 0.005\n    while time.thread_time() < end: pass\n    time.sleep(0.045)"
    begin = time.monotonic()
    assert "time limit" in judge(code, Cases(None, [b""], ["1"]), runner=strictest).step
    assert time.monotonic() - begin < 15 * max(1, os.getloadavg()[0] / len(os.sched_getaffinity(0)))


def test_what_a_server_holds_is_little(strictest):
    code = "import sys\nprint([name for name in ('numpy', 'threading', 'lighteval_r1.records') if name in sys.modules])"
    assert judge(code, Cases(None, [b""], ["[]"]), runner=strictest).step == "all 1 tests"
    # Where numpy is asked for in a way that nobody looks for, it is there all the same.
    late = "numpy = __import__('numpy')\nprint(numpy.arange(3).sum())"
    assert judge(late, Cases(None, [b""], ["3"]), runner=strictest).step == "all 1 tests"


def test_code_that_cannot_be_carried_compiled_runs_all_the_same(strictest):
    deep = "f = " + "lambda: " * 1500 + "1\nfor _ in range(1500): f = f()\nprint(f)"
    assert judge(deep, Cases(None, [b""] * 2, ["1"] * 2), runner=strictest).step == "all 2 tests"
    endless = "x = " + " + ".join(["(" * 90 + "1" + ")" * 90] * 20_000)
    assert judge(endless, Cases(None, [b""], ["1"]), runner=strictest).outcome is Outcome.WRONG
