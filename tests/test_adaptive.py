"""Adaptive runs: the error is reached, the mean is unbiased where rates are skewed, and the journal alone says it all."""

import asyncio
import json
import shutil
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soak

from lighteval_r1.cli.plan import Speed, time_in_words
from lighteval_r1.engines import Owed
from lighteval_r1.hub.rows import RowsFile, rows_of
from lighteval_r1.numbers.allocation import allocate, pilot_size, planned, scaled
from lighteval_r1.numbers.distances import difference
from lighteval_r1.numbers.estimates import estimate
from lighteval_r1.numbers.plans import Known, known_from
from lighteval_r1.numbers.scores import problem_figures, task_row
from lighteval_r1.outside.decoding import decoded
from lighteval_r1.records import EngineError, OwedError, Problem, Sample, Settings, TaskRun, UserError
from lighteval_r1.runs.journals import holdings
from lighteval_r1.runs.pairing import with_more
from lighteval_r1.runs.reading import read_run
from lighteval_r1.runs.results_file import SaidTask
from lighteval_r1.runs.rows_file import task_of_rows
from lighteval_r1.sampling.journal_files import Asked
from lighteval_r1.sampling.loop import run
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.sampling.work import Work, announce

pytestmark = pytest.mark.soak("adaptive")

KINDS = {
    "most hard": (0.2, 1.0),
    "hard": (0.5, 3.0),
    "most easy": (1.0, 0.2),
    "easy": (3.0, 0.5),
    "both": (0.1, 0.1),
    "spread": (0.5, 0.5),
}
DEMO_RUN = Path(__file__).with_name("demo_run")
JOURNAL = Path("lighteval_r1", "model", "demo_sums", "f4adf19c2daeba72")
SETTINGS = Settings("org/model", "abc", None, "", 0.6, 0.95, 0, 100, 1)
PROBLEMS = [Problem(f"What is {i}?", str(i), "expression", name=f"p{i}", row_sha256=f"{i:02}") for i in range(16)]
# of problem i, the share of right samples: certain ones, and others
RATES = [0.0] * 5 + [0.1, 0.3, 0.4, 0.5, 0.8] + [1.0] * 6


def simulated(kind, *, n_runs, seed):
    """Of each run: how far its mean is from the rates', the plain mean's distance, its error, and the error asked for."""
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(n_runs):
        rates = rng.beta(*KINDS[kind], 30)
        error = max(1e-3, float(np.sqrt(np.sum(rates * (1 - rates)) / 64) / 30))
        scores = (rng.random((30, 256)) < rates[:, None]).astype(float)
        allocation = allocate(scores, 26.0 - 20.0 * scores, error=error)
        mean = np.mean([row[: len(w)] @ w for row, w in zip(scores, allocation.weights, strict=True)])
        plain = np.mean([row[:size].mean() for row, size in zip(scores, allocation.sizes, strict=True)])
        lines.append((mean - rates.mean(), plain - rates.mean(), allocation.se, error))
    return np.array(lines).T


@pytest.mark.parametrize("kind", KINDS)
def test_the_mean_is_unbiased_and_its_interval_covers(kind):
    """The long count holds what is promised; the short one has room for its own chance, and a plain mean fails it."""
    n_runs = soak.count("adaptive")
    off, plain, errors, asked = simulated(kind, n_runs=n_runs, seed=3)
    chance = 1 / np.sqrt(n_runs)
    bias, covered = off.mean() / errors.mean(), np.mean(np.abs(off) < 1.96 * errors)
    assert np.mean(errors <= asked) > 0.98
    assert abs(bias) < (0.1 if n_runs >= 2000 else 3 * chance), bias
    pairs = (off[::2] - off[1::2]) / np.hypot(errors[::2], errors[1::2])
    null = np.mean(np.abs(pairs) > 1.96)
    if n_runs >= 2000:
        assert 0.93 <= covered <= 0.97, covered
        assert 0.03 <= null <= 0.07, null
        print(kind, f"bias {bias:.3f}, covered {covered:.3f}, null {null:.3f}")
    else:
        assert covered > 0.95 - 4 * chance * 0.22 and null < 0.05 + 4 * chance * 0.31
    if kind == "most hard":
        assert plain.mean() / errors.mean() < -0.35, (
            "the kind on which a plain mean is biased is not simulated any more"
        )


def test_a_problem_at_zero_keeps_its_spread_and_zero_of_all_is_no_zero_error():
    rows = [np.zeros(4)] * 30
    allocation = allocate(rows, [np.ones(4)] * 30, error=0.05)
    assert not allocation.owed and allocation.reached
    assert 0 < allocation.se < 0.05
    assert allocate([np.zeros(32)] * 30, [np.ones(32)] * 30, error=0.0001).owed


def test_what_is_certain_is_drawn_less_and_what_is_long_less_than_what_is_short():
    rng = np.random.default_rng(1)
    even = [(rng.random(256) < 0.5).astype(float) for _ in range(10)]
    certain = [np.ones(256)] * 10
    lengths = [np.full(256, 1.0)] * 5 + [np.full(256, 16.0)] * 5 + [np.full(256, 1.0)] * 10
    sizes = allocate([*even, *certain], lengths, error=0.01).sizes
    short, long, sure = sizes[:5].mean(), sizes[5:10].mean(), sizes[10:].mean()
    assert short > 2 * long and short > 2 * sure


def test_weights_sum_to_one_and_hardly_know_their_own_sample():
    """A pilot's sample turned over changes what the others of its problem weigh, not what it weighs itself."""
    rng = np.random.default_rng(2)
    scores = [(rng.random(256) < p).astype(float) for p in np.linspace(0.02, 0.98, 30)]
    lengths = [np.ones(256)] * 30
    size = pilot_size(30, error=0.01, most=256)
    first = allocate(scores, lengths, error=0.01)
    assert all(abs(weights.sum() - 1) < 1e-9 for weights in first.weights)
    for at in range(size):
        turned = [row.copy() for row in scores]
        turned[3][at] = 1 - turned[3][at]
        plans = [planned(rows, lengths, size=size, error=0.01, most=256) for rows in (scores, turned)]
        before, after = (scaled(plan, scores, scale=1.0, most=256).weights[3][:size] for plan in plans)
        others = np.arange(size) != at
        assert abs(after[at] / before[at] - 1) < 0.02 < np.abs(after[others] / before[others] - 1).min()


def test_the_pilot_follows_from_the_error_and_the_number_of_problems_alone():
    assert [pilot_size(30, error=error, most=256) for error in (0.05, 0.015, 0.007, 0.001)] == [4, 4, 17, 32]
    assert pilot_size(500, error=0.01, most=256) == 4 and pilot_size(30, error=0.001, most=8) == 8


def test_at_most_so_many_samples_are_drawn_and_it_is_said_that_the_error_was_not_reached():
    rng = np.random.default_rng(1)
    scores = (rng.random((30, 40)) < 0.5).astype(float)
    allocation = allocate(scores, scores + 1, error=0.002, most=40)
    assert not allocation.reached and allocation.se > 0.002 and allocation.sizes.max() == 40


@pytest.mark.parametrize("kind", ["both", "hard"])
def test_round_after_round_ends_where_all_samples_at_once_would(kind):
    rng = np.random.default_rng(1)
    scores = (rng.random((30, 256)) < rng.beta(*KINDS[kind], 30)[:, None]).astype(float)
    sizes = np.zeros(30, int)
    while True:
        here = [row[:size] for row, size in zip(scores, sizes, strict=True)]
        allocation = allocate(here, [26.0 - 20.0 * row for row in here], error=0.01)
        if not allocation.owed:
            break
        assert (allocation.sizes > sizes).any(), "a round that asks for nothing"
        sizes = np.maximum(sizes, allocation.sizes)
    whole = allocate(scores, 26.0 - 20.0 * scores, error=0.01)
    assert (whole.sizes == sizes).all() and all(map(np.array_equal, whole.weights, allocation.weights))


class Scripted:
    """Right as often as RATES say, by the sample's seed. Dies after so many samples."""

    def __init__(self, *, dies_after: int = 10**9) -> None:
        self.settings = SETTINGS
        self.drawn: list[str] = []
        self.dies_after = dies_after

    def lanes(self) -> list[int]:
        return [0] * 8

    async def start(self) -> None:
        pass

    async def draw(self, owed: Owed, *, replica: int) -> Sample:
        if len(self.drawn) >= self.dies_after:
            raise EngineError("replica 0 died.")
        self.drawn.append(owed.key)
        right = owed.seed / 2**31 < RATES[int(owed.problem.gold)]
        reply = f"\\boxed{{{owed.problem.gold if right else -1}}}"
        return Sample(owed.key, owed.problem.id, owed.index, owed.seed, reply, False, "stop", 3, 6 if right else 26)

    async def stop(self) -> None:
        pass


@pytest.fixture(scope="module")
def pool():
    with Pool(workers=1) as pool:
        yield pool


def go(cache: Path, pool: Pool, *, error: float | None, n: int = 256, dies_after: int = 10**9) -> tuple[Scripted, Work]:
    engine = Scripted(dies_after=dies_after)
    work = Work.open("r1_aime24|0", PROBLEMS, Asked(n, 2, error=error), settings=SETTINGS, cache_dir=str(cache))
    try:
        asyncio.run(run([work], engine=engine, pool=pool))
    finally:
        work.journal.close()
    return engine, work


@pytest.fixture(scope="module")
def whole(tmp_path_factory, pool) -> tuple[Path, Scripted, TaskRun]:
    folder = tmp_path_factory.mktemp("whole")
    engine, work = go(folder, pool, error=0.02)
    return folder, engine, work.result()


def shares(task: TaskRun) -> list[list[float]]:
    return [problem.weighing.weights for problem in task.problems]


def test_a_run_draws_until_its_error_is_reached_and_not_more(whole):
    _, engine, task = whole
    score = estimate([problem.scores for problem in task.problems])
    assert score.se_resampling <= 0.02 and task.adaptive.reached
    assert len(engine.drawn) == score.n_samples == sum(task.adaptive.sizes.values())
    by_name = {problem.name: len(problem.samples) for problem in task.problems}
    assert by_name["p8"] > by_name["p0"]
    plain = [np.array(problem.scores) for problem in task.problems]
    assert score.value != estimate(plain).value, "weights make no difference"
    # by hand: the mean of weighted means
    means = [
        np.asarray(problem.weighing.weights) @ [s.outcome.score for s in problem.samples] for problem in task.problems
    ]
    assert score.value == pytest.approx(np.mean(means))


def test_a_killed_run_draws_what_the_whole_one_drew_and_says_the_same(whole, tmp_path, pool):
    _, unbroken, task = whole
    keys: list[str] = []
    for dies_after in (5, 40):
        with pytest.raises(EngineError):
            go(tmp_path, pool, error=0.02, dies_after=dies_after)
    engine, work = go(tmp_path, pool, error=0.02)
    keys = [*work.journal.samples]
    assert sorted(keys) == sorted(unbroken.drawn) and 0 < len(engine.drawn) < len(keys)
    assert shares(work.result()) == shares(task)


def test_a_smaller_error_adds_to_a_finished_run_and_what_was_drawn_before_makes_no_difference(whole, tmp_path, pool):
    _, unbroken, task = whole
    go(tmp_path / "twice", pool, error=0.04)
    first, twice = go(tmp_path / "twice", pool, error=0.02)
    assert shares(twice.result()) == shares(task) and len(first.drawn) < len(unbroken.drawn)
    go(tmp_path / "fixed", pool, error=None, n=12)
    second, fixed = go(tmp_path / "fixed", pool, error=0.02)
    assert shares(fixed.result()) == shares(task) and len(second.drawn) < len(unbroken.drawn)
    # and from an adaptive run to a fixed one: the rest of each problem's 20
    third, back = go(tmp_path / "fixed", pool, error=None, n=20)
    plain = back.result()
    assert plain.adaptive is None and {len(problem.samples) for problem in plain.problems} == {20}
    assert not set(third.drawn) & set(second.drawn)


def test_a_run_that_is_not_finished_has_no_score(tmp_path, pool):
    with pytest.raises(EngineError):
        go(tmp_path, pool, error=0.02, dies_after=10)
    work = Work.open("r1_aime24|0", PROBLEMS, Asked(256, 2, error=0.02), settings=SETTINGS, cache_dir=str(tmp_path))
    with pytest.raises(OwedError, match=r"of \d+ samples are owed"):
        work.result()
    work.journal.close()
    assert read_run(tmp_path).tasks["r1_aime24"].owed


def test_journal_and_pushed_rows_are_read_as_the_adaptive_run_that_they_are(whole, tmp_path):
    folder, _, task = whole
    journal = read_run(folder).tasks["r1_aime24"]
    assert shares(journal) == shares(task) and journal.adaptive == task.adaptive and not journal.owed
    (listed,) = holdings(str(folder))
    assert (listed.asked, listed.owed) == (sum(task.adaptive.sizes.values()), 0)
    path = tmp_path / "rows" / "r1_aime24" / "2026_11_20.parquet"
    path.parent.mkdir(parents=True)
    with closing(RowsFile(path)) as file:
        for problem in journal.problems:
            for row in rows_of(problem, {"doc": {}, "metric": {}, "model_response": {}}, clear=True):
                file.add(row | {"model": "org/model", "task": "r1_aime24"})
    pushed = task_of_rows(
        path, described={"r1_aime24": decoded(SaidTask, {"adaptive": asdict(task.adaptive)}, where="")}
    )
    assert shares(pushed) == shares(task) and not pushed.owed
    assert task_row(pushed).pass_at_1 == task_row(task).pass_at_1


def test_it_is_never_shown_under_the_plain_name(whole, tmp_path, capsys):
    folder, _, task = whole
    row = task_row(task)
    assert row.task.endswith("(adaptive)") and "samples a problem, weighed; ± 1." in row.note
    figures = problem_figures(task.problems[8])
    assert not [name for name in figures if name.startswith(("pass@2", "pass@4", "maj"))]
    assert figures["pass@1"] == pytest.approx(
        float(np.asarray(task.problems[8].weighing.weights) @ np.asarray(task.problems[8].scores))
    )
    work = Work.open("r1_aime24|0", PROBLEMS, Asked(256, 2, error=0.02), settings=SETTINGS, cache_dir=str(folder))
    announce([work], settings=SETTINGS)
    work.journal.close()
    assert "16 problems until ± resampling is 2, at most 256 samples each" in capsys.readouterr().err


def test_the_page_says_that_it_is_adaptive_and_draws_no_curve_of_pass_at_k(whole, tmp_path, main):
    folder, _, task = whole
    code, _, error = main("report", folder, "--output", tmp_path / "page.html")
    assert code == 0, error
    text = (tmp_path / "page.html").read_text()
    assert "adaptive, " in text and "samples a problem, weighed; ± 1." in text
    code, printed, _ = main("results", folder)
    value = 100 * estimate([problem.scores for problem in task.problems]).value
    assert code == 0 and f"r1_aime24 (adaptive)  {value:8.1f}".split() == printed.splitlines()[2].split()[:3]


def test_runs_that_are_compared_pair_by_problem_whatever_their_sizes(whole, tmp_path, pool):
    _, work = go(tmp_path, pool, error=None, n=16)
    fixed, task = work.result(), whole[2]
    found = difference([p.scores for p in fixed.problems], [p.scores for p in task.problems])
    both = [estimate([p.scores for p in side.problems]) for side in (fixed, task)]
    assert found.value == pytest.approx(both[1].value - both[0].value)
    assert found.se_resampling == pytest.approx(np.hypot(both[0].se_resampling, both[1].se_resampling))
    with pytest.raises(UserError, match="cannot be pooled"):
        with_more(task, task, "there")


def test_a_fixed_journal_says_nothing_of_errors(tmp_path, pool):
    go(tmp_path, pool, error=None, n=2)
    (asked,) = tmp_path.rglob("asked.json")
    assert '"error"' not in asked.read_text()


def test_the_plan_says_what_its_formulas_say():
    """By hand: p (1 - p) = 0.25 on two problems; n for ± 0.05 is 0.5 / (2 x 0.05)^2 = 50; the best for costs 1 and 9 is
    (0.5 + 1.5)^2 / (2 x 0.05)^2 = 400, of the 500 that n = 50 takes."""
    rates, costs = np.full((20, 2), 0.5), np.array([1.0, 9.0])
    known = Known(np.full(2, 0.25), costs, 0.0, "", rates, [np.zeros(0), np.zeros(3)], np.stack([costs, costs], axis=1))
    assert known.n_for(0.05) == 50 and known.error_at(50) == pytest.approx(0.05)
    assert known.n_tokens(50) == 500 and known.owed_tokens(50) == 473 and known.owed_tokens(2) == 2
    whole, owed, reached = known.adaptive_tokens(0.05, most=256).T
    assert 400 <= np.median(whole) <= 480 and np.allclose(whole - owed, 27) and reached.all()
    # 2.8 standard errors of a difference of two such runs
    assert known.n_to_see(0.1) == int(np.ceil(2 * 0.5 / 4 * (2.8016 / 0.1) ** 2))
    assert known.problems_to_see(0.1, n=10) == int(np.ceil(0.05 * (2.8016 / 0.1) ** 2))


@pytest.mark.soak("plans")
@pytest.mark.parametrize("kind", ["both", "most hard", "hard", "spread", "easy"])
def test_a_plan_after_a_pilot_of_four_says_what_the_run_then_takes(kind):
    """Of 30 problems; a pilot leaves open what the run finds out, so one plan of many is further off than 30 %."""
    n_runs, rng, ratios, inside = soak.count("plans"), np.random.default_rng(5), [], []
    for _ in range(n_runs):
        rates = rng.beta(*KINDS[kind], 30)
        error = max(2e-3, float(np.sqrt(np.sum(rates * (1 - rates)) / 64) / 30))
        scores = (rng.random((30, 256)) < rates[:, None]).astype(float)
        lengths = (26.0 - 20.0 * scores) * rng.lognormal(0, 0.3, (30, 1)) * rng.lognormal(0, 0.3, scores.shape)
        sizes = allocate(scores, lengths, error=error).sizes
        taken = sum(row[:size].sum() for row, size in zip(lengths, sizes, strict=True))
        known = known_from(scores[:, :4], lengths[:, :4], source="")
        low, usual, high = np.quantile(known.adaptive_tokens(error, most=256)[:, 0], (0.1, 0.5, 0.9))
        ratios.append(usual / taken)
        inside.append(low <= taken <= high)
    assert 0.85 - 0.4 / np.sqrt(n_runs) < np.median(ratios) < 1.15 + 0.4 / np.sqrt(n_runs)
    near = np.mean(np.abs(np.array(ratios) - 1) < 0.3)
    assert near > (0.6 if n_runs >= 100 else 0.4)
    print(
        f"{kind}: forecast {np.median(ratios):.2f} of the run; {near:.0%} within 30 %; {np.mean(inside):.0%} in 8 of 10"
    )


def test_the_plan_reads_lengths_rates_and_speed_of_earlier_runs(main):
    code, words, _ = main("plan", "demo", "demo_sums", "--n", "16", "--error", "1", "--cache-dir", DEMO_RUN)
    assert code == 0
    assert "demo_sums: 40 problems x 16 samples of 50 tokens: 31,936 tokens (160 samples are drawn)" in words
    assert "by 160 replies of this model in the journal" in words and "± 1 needs n = 9" in words
    assert "how fast is not known" in words and "KV cache 1,024 bytes a token" in words
    assert main("plan", "demo", "--task", "demo_sums", "--n", "16", "--error", "1", "--cache-dir", DEMO_RUN)[1] == words


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        (
            "demo_sums@limit=1",
            "demo_sums (first 1): 1 problem x 4 samples of 58 tokens: 232 tokens (4 samples are drawn)",
        ),
        ("demo_sums@level=5", "demo_sums (level 5): 7 problems x 4 samples of 70 tokens: 1,948 tokens (28 samples are"),
    ],
)
def test_a_plan_is_of_the_problems_that_are_asked(asked, size, main):
    assert size in main("plan", "demo", asked, "--cache-dir", DEMO_RUN)[1]


def test_a_plan_after_a_quick_look_is_of_all_problems_and_counts_all_that_is_drawn(main, tmp_path):
    journal = Path(shutil.copytree(DEMO_RUN / JOURNAL, tmp_path / JOURNAL))
    asked = json.loads((journal / "asked.json").read_text())
    for part in ({"n": 1}, {"problem_ids": asked["problem_ids"][:5], "part": "first 5"}):
        (journal / "asked.json").write_text(json.dumps(asked | part))
        words = main("plan", "demo", "demo_sums", "--n", "8", "--cache-dir", tmp_path)[1]
        assert "40 problems x 8 samples of 50 tokens: 15,968 tokens (160 samples are drawn)" in words
        assert "7,984 tokens to draw" in words


def test_samples_of_other_settings_tell_a_plan_lengths_and_count_for_nothing(main, tmp_path):
    shutil.copytree(DEMO_RUN / JOURNAL, tmp_path / JOURNAL)
    said = "by 160 replies of this model in the journal"
    for option in (("--temperature", "0.5"), ("--seed", "7"), ("--top-p", "0.9"), ("--effort", "low")):
        words = main("plan", "demo", "demo_sums", *option, "--cache-dir", tmp_path)[1]
        assert f"{said} (settings {JOURNAL.name}); sampled otherwise than asked here, so none of them counts" in words
        assert "7,984 tokens\n" in words and "7,984 tokens to draw" in words, option
    assert "nothing is owed" in main("plan", "demo", "demo_sums", "--seed", "1234", "--cache-dir", tmp_path)[1]
    # of several, those of these settings go before newer ones
    words = main("plan", "demo", "demo_sums", "--temperature", "1", "--cache-dir", DEMO_RUN)[1]
    assert "(settings 119139caa6c92961)" in words and "nothing is owed" in words


def test_an_error_that_no_number_of_samples_reaches_is_not_promised(main):
    words = main("plan", "demo", "demo_sums", "--error", "0.01", "--n", "8", "--cache-dir", DEMO_RUN)[1]
    assert ", and ends above it: at most 8 of a problem" in words
    assert "ends above it" not in main("plan", "demo", "demo_sums", "--error", "1", "--cache-dir", DEMO_RUN)[1]


def test_the_time_goes_by_an_earlier_runs_speed_and_a_short_ones_is_the_most():
    speed = Speed(8000, 1000.0, 2, "that run")
    assert time_in_words(30_000, speed, n_gpus=None) == "30,000 tokens to draw: 0 min 30 s at 1,000 tokens/s (that run)"
    assert time_in_words(0, None, n_gpus=None) == "0 tokens to draw: nothing is owed."
    assert "0 min 10 s at 4,000" in time_in_words(40_000, speed, n_gpus=8)
    assert time_in_words(40_000, speed, n_gpus=8).endswith("at most, since so short a run does not fill the machine")


def test_a_plan_without_any_run_says_that_it_goes_by_what_is_usual(main, tmp_path):
    code, words, _ = main("plan", "demo", "demo_sums", "--cache-dir", tmp_path)
    assert code == 0 and "by a model of which nothing is known, and replies of a quarter of the limit" in words
    code, _, error = main("plan", "demo", "demo_sums", "--see", "0")
    assert code == 2 and "0 points: a number above 0" in error
