"""The loop with a scripted engine: who draws what, and what is graded."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from lighteval_r1.engines import Owed
from lighteval_r1.engines.layouts import Layout
from lighteval_r1.engines.vllm import VllmEngine
from lighteval_r1.records import Problem, Sample, Settings, UserError
from lighteval_r1.sampling.journal import Journal
from lighteval_r1.sampling.journal_files import Asked
from lighteval_r1.sampling.loop import run
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.sampling.work import Work, owed_samples

SETTINGS = Settings(
    model="org/model",
    revision="abc",
    system_prompt=None,
    chat_template="",
    temperature=0.6,
    top_p=0.95,
    top_k=0,
    max_tokens=100,
    seed=1,
)
PROBLEMS = [Problem(f"What is {i}?", str(i), "expression", name=f"p{i}") for i in range(6)]
N = 4


class Scripted:
    """Draws at once what it is asked for and keeps which keys these were. Right where the index is even."""

    def __init__(self) -> None:
        self.settings = SETTINGS
        self.drawn: list[str] = []

    def lanes(self) -> list[int]:
        return [0, 0]

    async def start(self) -> None:
        pass

    async def draw(self, owed: Owed, *, replica: int) -> Sample:
        self.drawn.append(owed.key)
        answer = owed.problem.gold if owed.index % 2 == 0 else "-1"
        reply = f"\\boxed{{{answer}}}"
        return Sample(owed.key, owed.problem.id, owed.index, owed.seed, reply, False, "stop", 3, 5)

    async def stop(self) -> None:
        pass


def drawn_by(folder: Path, *, shard: tuple[int, int] | None = None, n: int = N) -> list[str]:
    """The keys that a run of this shard draws, in a journal that others may have filled."""
    engine = Scripted()
    journal = Journal(folder, settings=SETTINGS, version=1, shard=shard)
    work = Work("t", PROBLEMS, Asked(n, 1), journal)
    with Pool(workers=1) as pool:
        sampling = asyncio.run(run([work], engine=engine, pool=pool, shard=shard))
    assert sampling["n_drawn"] == len(engine.drawn)
    journal.close()
    return engine.drawn


def test_a_shard_draws_its_part_and_a_plain_run_what_the_shards_left(tmp_path):
    first = drawn_by(tmp_path, shard=(1, 3))
    second = drawn_by(tmp_path, shard=(2, 3))
    assert 0 < len(first) < 24 and 0 < len(second) < 24 and not set(first) & set(second)
    assert drawn_by(tmp_path, shard=(1, 3)) == []
    rest = drawn_by(tmp_path, shard=None)
    assert len({*first, *second, *rest}) == len([*first, *second, *rest]) == 24


def test_raising_n_draws_only_what_is_missing_and_lowering_it_nothing(tmp_path):
    first, more = drawn_by(tmp_path, n=2), drawn_by(tmp_path, n=5)
    assert len(first) == 12 and len(more) == 18 and not set(first) & set(more)
    assert {key.split("-")[1] for key in more} == {"2", "3", "4"}
    assert drawn_by(tmp_path, n=3) == []


def test_what_shards_drew_and_graded_is_one_score(tmp_path):
    for k in (1, 2, 3):
        drawn_by(tmp_path, shard=(k, 3))
    journal = Journal(tmp_path, settings=SETTINGS, version=1)
    work = Work("t", PROBLEMS, Asked(N, 1), journal)
    assert not owed_samples([work])
    assert [[str(sample.outcome) for sample in problem.samples] for problem in work.result().problems] == [
        ["correct", "wrong"] * 2
    ] * 6
    journal.close()


def test_two_tasks_that_ask_alike_share_their_samples_and_each_has_them_all(tmp_path):
    engine = Scripted()
    works = [
        Work.open(f"{name}|0", PROBLEMS[:2], Asked(n, 1), settings=SETTINGS, cache_dir=str(tmp_path))
        for name, n in (("first", 2), ("twin", 4))
    ]
    with Pool(workers=1) as pool:
        asyncio.run(run(works, engine=engine, pool=pool))
    assert len(engine.drawn) == len(set(engine.drawn)) == 2 * 4
    for work, n in zip(works, (2, 4), strict=True):
        assert [len(problem.samples) for problem in work.result().problems] == [n, n]
        work.journal.close()


def test_what_one_task_has_drawn_is_not_drawn_again_for_its_twin(tmp_path):
    for name in ("first", "twin"):
        engine = Scripted()
        work = Work.open("first|0", PROBLEMS[:2], Asked(2, 1), settings=SETTINGS, cache_dir=str(tmp_path))
        works = [work]
        if name == "twin":
            works.append(Work.open("twin|0", PROBLEMS[:2], Asked(2, 1), settings=SETTINGS, cache_dir=str(tmp_path)))
        with Pool(workers=1) as pool:
            asyncio.run(run(works, engine=engine, pool=pool))
        assert len(engine.drawn) == (4 if name == "first" else 0)
        assert all(len(each.result().samples) == 4 for each in works)
        for each in works:
            each.journal.close()
    # a twin grades what it takes over: another task's verdict is none of its own
    again = Work.open("twin|0", PROBLEMS[:2], Asked(2, 1), settings=SETTINGS, cache_dir=str(tmp_path))
    assert [sample.outcome is not None for sample in again.journal.samples.values()] == [True] * 4
    again.journal.close()


def test_progress_counts_what_the_journal_holds_and_a_shard_its_own_part(tmp_path, capsys):
    drawn_by(tmp_path, shard=None)
    capsys.readouterr()
    journal = Journal(tmp_path, settings=SETTINGS, version=1)
    more = Work("t", PROBLEMS, Asked(N + 2, 1), journal)
    with Pool(workers=1) as pool:
        asyncio.run(run([more], engine=Scripted(), pool=pool))
    journal.close()
    # 6 problems x 4 samples were there, 6 x 2 come: of each problem's six, three are right
    assert "36/36 samples" in (line := capsys.readouterr().err.splitlines()[-1]) and "pass@1 so far 50.0" in line


class Words:
    """A tokenizer."""

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict:
        return {"input_ids": text.split()}


def test_a_prompt_that_leaves_no_room_is_named_before_the_model_is_loaded_and_once_it_says_what_it_holds():
    problem = Problem("one two three four", "7", name="p")
    engine = VllmEngine(SETTINGS, Layout("cpu"), {}, tokenizer=Words(), templated=False, max_num_seqs=1)
    engine.check_prompts([problem])  # nobody knows yet
    with pytest.raises(UserError, match="prompt of problem p has 4 tokens; the context holds 4"):
        replace(engine, settings=replace(SETTINGS, max_model_length=4)).check_prompts([problem])
    replace(engine, facts={"max_model_len": 5}).check_prompts([problem])
    with pytest.raises(UserError, match="holds 3. Raise max_model_length: prompts are never truncated"):
        replace(engine, facts={"max_model_len": 3}).check_prompts([problem])
