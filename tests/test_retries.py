"""One policy for requests that fail, with pauses short enough to wait for."""

import asyncio
import random
import time

import pytest

from lighteval_r1.outside.retries import FailedTry, Patience, may_pass


class Request:
    """Fails as often as it has failures, then returns "done"; keeps when it was made. Called, or awaited as `.later`."""

    def __init__(self, *failures: Exception, lasts_s: float = 0.0) -> None:
        self.failures, self.lasts_s = list(failures), lasts_s
        self.times: list[float] = []

    def __call__(self) -> str:
        self.times.append(time.monotonic())
        time.sleep(self.lasts_s)
        if self.failures:
            raise self.failures.pop(0)
        return "done"

    async def later(self) -> str:
        return self()

    @property
    def pauses(self) -> list[float]:
        return [after - before for before, after in zip(self.times, self.times[1:], strict=False)]


def failures(n: int, *, retry_after_s: float = 0.0) -> list[FailedTry]:
    return [FailedTry(f"failure {i}", retry_after_s=retry_after_s) for i in range(n)]


def both_ways(patience: Patience, request: Request, *, waiting: bool, **options: object) -> str:
    if waiting:
        return asyncio.run(patience.wait_for(request.later, **options))
    return patience.call(request, **options)


@pytest.mark.parametrize("waiting", [False, True])
def test_a_request_is_tried_until_it_succeeds_and_each_failure_is_said(waiting):
    request, said = Request(*failures(3)), []
    patience = Patience(first_pause_s=0.02, longest_pause_s=0.05)
    assert both_ways(patience, request, waiting=waiting, say=lambda *words: said.append(words)) == "done"
    assert [str(failure) for failure, _ in said] == ["failure 0", "failure 1", "failure 2"]
    pauses = [pause for _, pause in said]
    # 0.02, 0.04, then no longer than 0.05; of each a random part between a half and the whole
    assert 0.01 <= pauses[0] <= 0.02 <= pauses[1] <= 0.04 and 0.025 <= pauses[2] <= 0.05
    assert all(waited >= pause for waited, pause in zip(request.pauses, pauses, strict=True))


def test_the_random_part_of_the_pauses_follows_from_the_jitter_given():
    def pauses(seed: int) -> list[float]:
        said = []
        patience = Patience(first_pause_s=0.01)
        asyncio.run(
            patience.wait_for(
                Request(*failures(3)).later, jitter=random.Random(seed), say=lambda _, pause: said.append(pause)
            )
        )
        return said

    assert pauses(7) == pauses(7) != pauses(8)
    assert pauses(7)[0] == 0.01 * random.Random(7).uniform(0.5, 1.0)


@pytest.mark.parametrize("waiting", [False, True])
def test_the_pause_is_at_least_what_the_other_side_asks_for(waiting):
    request, said = Request(*failures(1, retry_after_s=0.2)), []
    both_ways(Patience(first_pause_s=0.001), request, waiting=waiting, say=lambda *words: said.append(words))
    assert 0.2 <= said[0][1] < 1 and request.pauses[0] >= 0.2


@pytest.mark.parametrize("waiting", [False, True])
def test_after_so_many_tries_the_last_failure_passes(waiting):
    request = Request(*failures(9))
    with pytest.raises(FailedTry, match="failure 3"):
        both_ways(Patience(first_pause_s=0.001, most_tries=4), request, waiting=waiting)
    assert len(request.times) == 4


def test_giving_up_counts_from_the_first_failure_and_never_waits_in_vain():
    # The request itself takes longer than the limit: the first failure begins it, the second is beyond.
    request = Request(*failures(9), lasts_s=0.5)
    with pytest.raises(FailedTry, match="failure 1"):
        Patience(first_pause_s=0.001, give_up_after_s=0.4).call(request)
    request, begin = Request(*failures(9, retry_after_s=60)), time.monotonic()
    with pytest.raises(FailedTry, match="failure 0"):
        Patience(give_up_after_s=30).call(request)
    assert time.monotonic() - begin < 25


@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt(), asyncio.CancelledError()])
def test_whatever_is_no_failed_try_passes_at_once(error, waiting):
    request = Request(error)
    with pytest.raises(type(error)):
        both_ways(Patience(first_pause_s=0.001), request, waiting=waiting)
    assert len(request.times) == 1


def test_what_a_server_may_do_better_another_time():
    again = {status for status in range(100, 600) if may_pass(status)}
    assert again == {408, 409, 425, 429} | set(range(500, 600))
