"""Runners at each level of confinement that this machine allows."""

import contextlib
import os
import tempfile

import pytest

from lighteval_r1.confined import confinement
from lighteval_r1.confined.connection import LEVELS
from lighteval_r1.confined.runner import Runner

# As in most containers: the run's stderr is a pipe, and programs have a folder on a disk that is soon full.
IN_A_CONTAINER = "Landlock, stderr a pipe, a small disk"
CONFINED = {
    "namespaces and Landlock": LEVELS[0],
    IN_A_CONTAINER: LEVELS[1],
    "namespaces": {"namespaces": True, "landlock": False, "seccomp": True},
}
SMALL_DISK = "size=24m,nr_inodes=3000,mode=700"


def namespaces_allowed() -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            confinement.leave_namespaces()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


@contextlib.contextmanager
def small_disk(folder):
    """Makes it a small tmpfs where this user may mount one, and the place where new folders of programs are made."""
    mounted, before = True, tempfile.tempdir
    try:
        confinement.mount("tmpfs", str(folder), "tmpfs", 0, SMALL_DISK)
    except OSError:
        mounted = False
    tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        if mounted:
            confinement.call("umount2", os.fsencode(folder), confinement.MNT_DETACH)


@contextlib.contextmanager
def in_a_container(runner, disk):
    """The runner with its server up, as IN_A_CONTAINER says."""
    line = b"a line of the run's own"
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.write(writing, line)
    kept = os.dup(2)
    with small_disk(disk):
        os.dup2(writing, 2)
        try:
            runner.connection()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        yield runner
        runner.drop()
    assert os.read(reading, 10_000) == line, "something was written to the run's log or taken from it"
    os.close(reading)
    os.close(writing)


@pytest.fixture(scope="module", params=CONFINED)
def confined(request, tmp_path_factory):
    wanted = CONFINED[request.param]
    # A level that the kernel has must hold; only what it lacks is left out.
    if wanted["landlock"] and not confinement.landlock_version():
        pytest.skip("this kernel has no Landlock")
    if wanted["namespaces"] and not namespaces_allowed():
        pytest.skip("this machine allows no namespaces")
    runner = Runner((wanted,), limit_s=2)
    if request.param == IN_A_CONTAINER:
        with in_a_container(runner, tmp_path_factory.mktemp("disk")):
            yield runner
    else:
        yield runner
        runner.drop()


@pytest.fixture(scope="module")
def strictest():
    runner = Runner(limit_s=1)
    yield runner
    runner.drop()
