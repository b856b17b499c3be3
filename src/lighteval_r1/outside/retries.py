"""Requests that fail: which are worth another try, how long to pause before it, when to give up.

One policy for the Hub, for servers that draw samples and for judges: pauses that double, with a random part, at least
as long as the other side asks for (Retry-After).
"""

import email.utils
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception_type

T = TypeVar("T")

# Too slow, in conflict, too early, too many; and whatever a server says of itself, from 500 on.
TRIED_AGAIN = frozenset({408, 409, 425, 429})
# Whoever asks to wait longer is asked again after this; some servers ask for 31 years.
LONGEST_ASKED_S = 600.0


class FailedTry(Exception):
    """This try failed; another may not.

    retry_after_s: what the other side asks to wait, at least. status: of HTTP, 0 where it did not come so far.
    """

    def __init__(self, why: str, *, retry_after_s: float = 0.0, status: int = 0) -> None:
        super().__init__(why)
        self.retry_after_s, self.status = retry_after_s, status


def may_pass(status: int) -> bool:
    """Whether the same request may succeed after such an HTTP status."""
    return status in TRIED_AGAIN or status >= 500


def retry_after_s(header: str | None) -> float:
    """Seconds that a Retry-After header asks for, given as seconds or as a date; 0 where it says neither.

    At most LONGEST_ASKED_S.
    """
    if not header:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, OverflowError):
            return 0.0
    # not a number: not above 0
    return min(seconds, LONGEST_ASKED_S) if seconds > 0 else 0.0


@dataclass(frozen=True)
class Patience:
    """How often and how long a request is tried that raises FailedTry; whatever else it raises passes at once.

    first_pause_s: before the second try, before the third twice that, and so on up to longest_pause_s. most_tries, and
    give_up_after_s from the first failure to the end of the next pause: then the last FailedTry passes; None: never.
    """

    first_pause_s: float = 1.0
    longest_pause_s: float = 60.0
    most_tries: int | None = None
    give_up_after_s: float | None = None

    def call(self, request: Callable[[], T], *, say: Callable[[FailedTry, float], None] | None = None) -> T:
        """What the request returns in the end. say: called before each pause, with the failure and its seconds."""
        return Retrying(**self._rules(random.Random(), say))(request)

    async def wait_for(
        self,
        request: Callable[[], Awaitable[T]],
        *,
        jitter: random.Random | None = None,
        say: Callable[[FailedTry, float], None] | None = None,
    ) -> T:
        """As call, of a coroutine function. jitter: where the random part of the pauses comes from."""
        return await AsyncRetrying(**self._rules(jitter or random.Random(), say))(request)

    def _rules(self, jitter: random.Random, say: Callable[[FailedTry, float], None] | None) -> dict[str, object]:
        """What tenacity asks after a failure, in its order: the pause, whether to stop, what to say."""
        failing_since: float | None = None

        def wait(state: RetryCallState) -> float:
            grown = self.first_pause_s * 2 ** min(state.attempt_number - 1, 10)
            pause = min(self.longest_pause_s, grown) * jitter.uniform(0.5, 1.0)
            asked = state.outcome.exception().retry_after_s * jitter.uniform(1.0, 1.1)
            return max(pause, min(asked, LONGEST_ASKED_S))

        def stop(state: RetryCallState) -> bool:
            nonlocal failing_since
            failing_since = failing_since or state.outcome_timestamp
            failing_s = state.outcome_timestamp + state.upcoming_sleep - failing_since
            too_long = self.give_up_after_s is not None and failing_s > self.give_up_after_s
            return too_long or state.attempt_number == self.most_tries

        def before_sleep(state: RetryCallState) -> None:
            if say is not None:
                say(state.outcome.exception(), state.upcoming_sleep)

        retry = retry_if_exception_type(FailedTry)
        return {"retry": retry, "wait": wait, "stop": stop, "before_sleep": before_sleep, "reraise": True}
