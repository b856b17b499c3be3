"""Each test runs once, in a process that has run no other: nobody guesses twice, and nothing is kept from test to test."""

import math
import random

import pytest
import soak

from lighteval_r1.graders.program import Cases, judge
from lighteval_r1.records import Outcome

# Ways for a program that computes nothing to know whether its process, or its folder, was in use before.
ALL_SEEN = {
    "a mark on a module": "import builtins\nfirst = not hasattr(builtins, 'seen')\nbuiltins.seen = 1",
    "a file": "import os\nfirst = not os.path.exists('seen')\nopen('seen', 'w').close()",
    "the environment": "import os\nfirst = 'SEEN' not in os.environ\nos.environ['SEEN'] = '1'",
    "CPU time": "import time\nfirst = time.process_time() < 0.05\nsum(range(10**5))",
    "threads": "import threading\nfirst = threading.active_count() == 1\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
    "numbers of processes": "import os\nfirst = os.getpid() % 2",
    "the clock": "import time\nfirst = int(1000 * time.monotonic()) % 2",
    "chance": "import random\nfirst = random.random() < 0.5",
}


@pytest.mark.parametrize("seen", ALL_SEEN)
def test_a_program_that_computes_nothing_solves_no_problem_of_two_answers(seen, confined):
    says = f"{ALL_SEEN[seen]}\nguess = 'NO' if first else 'YES'\n"
    script, function = f"{says}print(guess)", f"{says}def f(x): return guess"
    for seed in range(20):
        draw = random.Random(seed)
        golds = [draw.choice(["YES", "NO"]) for _ in range(40)]
        assert judge(script, Cases(None, [b"1"] * 40, golds), runner=confined).outcome is Outcome.WRONG
        golds = [f'"{gold}"' for gold in golds]
        assert judge(function, Cases("f", [b"1"] * 40, golds), runner=confined).outcome is Outcome.WRONG


# What a script leaves somewhere, and prints before it does: the second is what a fresh process finds.
KEPT = {
    "its own name": ("globals().get('kept', 'fresh')", "kept = 'kept'", "fresh"),
    "a name of Python's": ("getattr(builtins, 'kept', 'fresh')", "builtins.kept = 'kept'", "fresh"),
    "a name of the prelude": ("math.pi > 3", "math.pi = 0", "True"),
    "a module": ("'kept' in sys.modules", "sys.modules['kept'] = sys", "False"),
    "a cache": ("f.cache_info().currsize", "f(1)", "0"),
    "a default": ("sys.getrecursionlimit()", "sys.setrecursionlimit(60000)", "50000"),
    "the decimal context": ("decimal.getcontext().prec", "decimal.getcontext().prec = 3", "28"),
    "a class": ("getattr(Fraction, 'kept', 'fresh')", "Fraction.kept = 'kept'", "fresh"),
    "a file": ("os.path.exists('kept')", "open('kept', 'w').write('x')", "False"),
    "the environment": ("os.environ.get('KEPT', 'fresh')", "os.environ['KEPT'] = 'kept'", "fresh"),
    "the folder": ("os.getcwd() == folder", "os.chdir('/')", "True"),
    "a signal's handler": ("signal.getsignal(15) == 0", "signal.signal(15, print)", "True"),
    "an exit function": ("''", "atexit.register(print, 'kept')", "kept"),
    "a descriptor": ("len(os.listdir('.'))", "os.dup2(1, 9)", "0"),
    "a limit": ("resource.getrlimit(7)[0]", "resource.setrlimit(7, (32, 32))", "64"),
    "a mask": ("os.umask(0o777) != 0o777", "os.umask(0o777)", "True"),
    "Python's streams": ("sys.stdout is sys.__stdout__", "sys.stdout = io.StringIO()", "True"),
    "the input": ("sys.stdin.read()", "os.write(4, b'kept')", "given"),
}
BEFORE = """
import atexit, builtins, decimal, io, math, os, resource, signal, sys
from fractions import Fraction
folder = os.getcwd()
@lru_cache(None)
def f(x): return x
"""


@pytest.mark.parametrize("kept", KEPT)
def test_a_program_that_keeps_something_finds_nothing_of_it_in_its_next_test(kept, confined):
    finds, keeps, fresh = KEPT[kept]
    code = f"{BEFORE}print({finds})\ntry:\n    {keeps}\nexcept OSError: pass\n"
    assert judge(code, Cases(None, [b"given"] * 4, [fresh] * 4), runner=confined).step == "all 4 tests"


def test_random_numbers_are_drawn_anew_in_each_test(strictest):
    for draw in (
        "random.randrange(10)",
        "__import__('numpy').random.randint(10)",
        "__import__('secrets').randbelow(10)",
    ):
        code = f"import os, random\nprint({draw} != 7)"
        # Without a 7 in 200 draws: one time in a thousand million.
        assert judge(code, Cases(None, [b""] * 200, ["True"] * 200), runner=strictest).outcome is Outcome.WRONG


RIGHT = 0.7
HONEST = "import random\nprint(random.Random(input()).random() < 0.7)"


def test_the_first_result_of_each_test_is_the_one_that_counts(strictest):
    n_passed = 0
    for run in range(60):
        inputs = [f"{run} {test}" for test in range(10)]
        right = [random.Random(given).random() < RIGHT for given in inputs]
        grade = judge(HONEST, Cases(None, [given.encode() for given in inputs], ["True"] * 10), runner=strictest)
        expected = "all 10 tests" if all(right) else f"test {right.index(False) + 1} of 10: wrong output"
        assert grade.step == expected
        n_passed += all(right)
    assert 0 < n_passed < 10


@pytest.mark.soak("chances")
@pytest.mark.timeout(300 + soak.count("chances"))
def test_a_program_that_is_right_by_chance_has_that_chance_once_a_test(strictest):
    """0.7 ** 10 = 2.8 % of runs pass; with a second draw for a failed test 39 % would, with all anew once 4.7 to 5.6 %."""
    n_runs = soak.count("chances")
    code = "import random\nprint(random.random() < 0.7)"
    cases = Cases(None, [b""] * 10, ["True"] * 10)
    n_passed = sum(judge(code, cases, runner=strictest).outcome is Outcome.CORRECT for _ in range(n_runs))
    chance = RIGHT**10
    spread = math.sqrt(n_runs * chance * (1 - chance))
    # Four standard deviations: one machine in 15,000 sees more, of 60 runs one in 5,000.
    assert abs(n_passed - n_runs * chance) < max(4 * spread, 7), f"{n_passed} of {n_runs}"
