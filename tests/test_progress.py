"""The line that tells how far a run is."""

import asyncio

from lighteval_r1.records import Grade, Outcome, Sample
from lighteval_r1.sampling import progress
from lighteval_r1.sampling.progress import Progress


def sample(problem: str, index: int, *, n_tokens: int = 100, finish_reason: str = "stop") -> Sample:
    return Sample(f"{problem}{index}", problem, index, 1, "", False, finish_reason, 5, n_tokens)


def test_the_line_tells_samples_speed_truncated_score_and_time_left(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    seen = Progress(n_owed=8, n_drawn=2)
    now[0] = 200.0
    assert seen.line() == "2/10 samples, none finished for 3 min 20 s, 0 truncated"
    for problem, outcome, why in (("p", Outcome.CORRECT, "stop"), ("q", Outcome.WRONG, "length")):
        seen.drawn(sample(problem, 0, finish_reason=why))
        seen.graded(sample(problem, 0, finish_reason=why).graded(Grade(outcome, "", "")))
    assert seen.line() == "4/10 samples, 1 tokens/s, 1 truncated, pass@1 so far 50.0 ± 50.0, 10 min 00 s left"


def test_a_log_file_gets_a_line_now_and_then_also_while_nothing_finishes(monkeypatch, capsys):
    monkeypatch.setattr(progress, "LOG_EVERY_S", 0.01)
    lines = []

    async def wait() -> None:
        live = asyncio.create_task(Progress(n_owed=3, n_drawn=0).live())
        while len(lines) < 2:
            await asyncio.sleep(0.01)
            lines.extend(capsys.readouterr().err.splitlines())
        live.cancel()

    asyncio.run(asyncio.wait_for(wait(), 60))
    assert all(line.startswith("0/3 samples, none finished for") for line in lines)
