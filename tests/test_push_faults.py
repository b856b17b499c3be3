"""Pushes that are killed, refused or made at once, each a process of its own: one commit each, and nothing is lost."""

import random
import re
import time
from pathlib import Path

import pytest
import soak
from fake_hub import FakeHub, Fault
from pushes import HASTY, REPO, begun, digests, ended, start, upload, written

BUSY = (429, 500)


@pytest.fixture
def hub():
    with FakeHub() as hub:
        yield hub


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[dict[str, bytes], list[str], float]:
    """What a push leaves in a new repository, the requests that it makes in order, and the seconds that these take."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with FakeHub() as hub:
        status, said = upload(hub, folder / "home", written(folder / "run"), REPO)
        assert status == 0, said
        lines = [line for _, line, _ in hub.log]
        return hub.dataset(REPO).files(), lines, hub.log[-1][0] - hub.log[0][0]


def kill_one(hub: FakeHub, home: Path, run: Path, *, n_requests: int, after_s: float) -> bool:
    """Kills a push so long after so many of its requests; whether it was still at work."""
    seen = len(hub.log)
    process = start(hub, home, "upload", run, REPO)
    until = time.monotonic() + 120
    while process.poll() is None and len(hub.log) - seen < n_requests and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(after_s)
    alive = process.poll() is None
    process.kill()
    process.communicate()
    return alive


@pytest.mark.soak("pushes")
@pytest.mark.timeout(1200)
def test_pushes_killed_at_any_moment_are_completed_by_the_next(tmp_path, undisturbed):
    files, lines, seconds = undisturbed
    chance = random.Random(17)
    n_alive = n_committed = 0
    for kill in range(soak.count("pushes")):
        run = written(tmp_path / f"run{kill}")
        before = digests(run)
        with FakeHub() as hub:
            n_requests, after_s = chance.randrange(len(lines)), chance.uniform(0, seconds / len(lines))
            if not kill:
                # the first one while its rows go up
                hub.faults.append(Fault("PUT /large/", delay_s=5))
                n_requests, after_s = next(at for at, line in enumerate(lines) if line.startswith("PUT ")), 0.2
            n_alive += kill_one(hub, tmp_path / f"home{kill}", run, n_requests=n_requests, after_s=after_s)
            n_committed += bool(hub.committed)
            assert kill or not n_committed, "the kill came too late to mean anything"
            status, said = upload(hub, tmp_path / f"home{kill}", run, REPO)
            assert status == 0, said
            assert len(hub.dataset(REPO).history()) == 1 and hub.dataset(REPO).files() == files
        assert digests(run) == before
    print(
        f"{soak.count('pushes')} kills, {n_alive} of a push at work, {n_committed} behind its commit: one commit each"
    )
    assert n_alive


def steps(lines: list[str]) -> list[Fault]:
    """A fault for each request of a push, once busy and once failing."""
    return [
        Fault(f"^{re.escape(line)}$", status, headers={"Retry-After": "1"} if status == 429 else {})
        for line in dict.fromkeys(lines)
        for status in BUSY
    ]


@pytest.mark.soak("push-faults")
@pytest.mark.timeout(1200)
def test_a_push_passes_429_and_500_at_every_step_with_one_commit(tmp_path, undisturbed):
    files, lines, _ = undisturbed
    faults = steps(lines)
    chosen = random.Random(17).sample(faults, min(soak.count("push-faults"), len(faults)))
    run = written(tmp_path / "run")
    for at, fault in enumerate(chosen):
        with FakeHub() as hub:
            hub.faults.append(fault)
            status, said = upload(hub, tmp_path / f"home{at}", run, REPO, hasty=True)
            assert status == 0, (fault, said)
            assert fault.times == 0, f"{fault.pattern} never came"
            assert len(hub.dataset(REPO).history()) == 1 and hub.dataset(REPO).files() == files, fault
    print(f"{len(chosen)} of {len(faults)} faults at {len(faults) // len(BUSY)} steps: one commit each")


@pytest.mark.soak("pushes")
@pytest.mark.timeout(300)
def test_pushes_of_one_run_at_once_make_one_commit(hub, tmp_path, undisturbed):
    files, *_ = undisturbed
    run = written(tmp_path / "run")
    homes = [tmp_path / f"home{at}" for at in range(4 if soak.ASKED else 2)]
    pushes = [ended(push) for push in [begun(hub, home, "upload", run, REPO, program=HASTY) for home in homes]]
    assert all(status == 0 for status, _, _ in pushes), pushes
    assert len(hub.dataset(REPO).history()) == 1 and hub.dataset(REPO).files() == files
    assert sum("Pushed" in said for _, said, _ in pushes) >= 1
