"""Runners at each level of confinement that this machine allows."""

import os

import pytest

from lighteval_r1.confined import confinement
from lighteval_r1.confined.connection import LEVELS
from lighteval_r1.confined.runner import Runner

CONFINED = {
    "namespaces and Landlock": LEVELS[0],
    "Landlock": LEVELS[1],
    "namespaces": {"namespaces": True, "landlock": False, "seccomp": True},
}


def namespaces_allowed() -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            confinement.leave_namespaces()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


@pytest.fixture(scope="module", params=CONFINED)
def confined(request):
    wanted = CONFINED[request.param]
    # A level that the kernel has must hold; only what it lacks is left out.
    if wanted["landlock"] and not confinement.landlock_version():
        pytest.skip("this kernel has no Landlock")
    if wanted["namespaces"] and not namespaces_allowed():
        pytest.skip("this machine allows no namespaces")
    runner = Runner((wanted,), limit_s=2)
    yield runner
    runner.drop()


@pytest.fixture(scope="module")
def strictest():
    runner = Runner(limit_s=1)
    yield runner
    runner.drop()
