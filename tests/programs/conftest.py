"""Runners at each level of confinement that this machine allows."""

import pytest

from lighteval_r1.programs.connection import LEVELS
from lighteval_r1.programs.runner import Runner
from lighteval_r1.records import UserError

CONFINED = {
    "namespaces and Landlock": LEVELS[0],
    "Landlock": LEVELS[1],
    "namespaces": {"namespaces": True, "landlock": False, "seccomp": True},
}


def runner_at(level: str) -> Runner:
    runner = Runner((CONFINED[level],), limit_s=2)
    try:
        runner.connection()
    except UserError as error:
        pytest.skip(f"not on this machine: {error}")
    return runner


@pytest.fixture(scope="module", params=CONFINED)
def confined(request):
    runner = runner_at(request.param)
    yield runner
    runner.drop()


@pytest.fixture(scope="module")
def strictest():
    runner = Runner(limit_s=1)
    yield runner
    runner.drop()
