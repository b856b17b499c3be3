"""What compare says of runs: what differs first, then differences with their errors; and what it refuses."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from runs import Asked, asked, write_run

from lighteval_r1.records import OwedError, UserError
from lighteval_r1.report.comparison import compare
from lighteval_r1.report.differences import p_words
from lighteval_r1.runs import pairing
from lighteval_r1.runs.reading import read_run

EASY, FLAKY, HARD = "cccccccccccccccc", "cwcwcwcwcwcwcwcw", "wwwwwwwwwwwwwwww"


@pytest.fixture(autouse=True)
def no_rows_of_this_machines_user(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("LIGHTEVAL_R1_BASELINES", raising=False)


def line_with(text: str, words: str) -> str:
    return next(line for line in text.splitlines() if words in line)


def test_two_runs_are_compared_problem_by_problem(tmp_path):
    a = write_run(tmp_path / "a", {"r1_aime24": asked(p=FLAKY, q=HARD, r=EASY, s=HARD)}, model="org/old")
    b = write_run(tmp_path / "b", {"r1_aime24": asked(p=EASY, q=EASY, r=HARD, s=HARD)}, model="org/new")
    said = compare([str(a), str(b)])
    # Means 1/2, 0, 1, 0 and 1, 1, 0, 0: +1/8; moved 1/2, 1, -1, 0, spread 0.854, over sqrt(4): 0.427. Only p's 16 samples
    # vary: variance 0.25 * 16/15 / 16, over 4: 0.0323. Ratio 3.87 with 15 degrees: p 0.0015.
    found = line_with(said, "r1_aime24: +")
    assert found.startswith(
        "r1_aime24: +12.5, 95 % interval +3.7 to +20.9 for the same problems (p 0.002), -100.0 to +100.0 for others (p 0.79): "
        "B is better on these problems;"
    )
    assert line_with(said, "problems gained").endswith("only in B): 2 (p, q)")
    assert line_with(said, "problems lost").endswith("only in A): 1 (r)")
    assert re.search(r"^r1_aime24 A +37\.5 +31\.3 to 44\.1 +7\.6 to 82\.2 +4 +64 ", said, re.M)


def test_what_differs_is_named_before_the_numbers(tmp_path):
    a = write_run(tmp_path / "a", {"r1_aime24": asked(p="cw", q="cw")})
    b = write_run(
        tmp_path / "b",
        {"r1_aime24": asked(p="cwcw", q="cwcw")},
        temperature=0.7,
        data_sha256="e" * 64,
        prompt="Think. {question} Box it.",
        model="org/other",
        revision="v2",
    )
    said = compare([str(a), str(b)])
    differs = line_with(said, "Differs from A to B")
    assert "temperature 0.6 -> 0.7" in differs and "r1_aime24: n 2 -> 4" in differs
    assert "r1_aime24: prompts " in differs and "data hash dddddddddddd… -> eeeeeeeeeeee…" in differs
    # Another model has another revision; that needs no saying.
    assert "revision" not in differs
    assert said.index("Differs") < said.index("pass@1")


def test_the_same_problems_are_known_again_under_another_prompt(tmp_path):
    a = write_run(tmp_path / "a", {"r1_aime24": asked(p1="cc", q2="ww", r3="cw")})
    b = write_run(
        tmp_path / "b", {"openr1_aime24": asked(r3="cc", q2="cc", p1="cc")}, prompt="Solve this:\n\n{question} Box it."
    )
    said = compare([str(a), str(b)])
    assert line_with(said, "r1_aime24: +").startswith("r1_aime24: +50.0, ")
    assert "on the" not in line_with(said, "r1_aime24: +").split(":")[1]
    assert line_with(said, "problems gained").endswith("2 (q2, r3)")


def test_only_problems_in_common_are_compared_and_their_number_said(tmp_path):
    a = write_run(tmp_path / "a", {"r1_aime24": asked(p="cc", q="ww", r="ww")})
    b = write_run(tmp_path / "b", {"r1_aime24": asked(q="cc", r="cc", s="ww")})
    assert "+100.0, 95 % interval -1.4 to +100.0 for the same problems" in (
        found := line_with(compare([str(a), str(b)]), "r1_aime24: +")
    )
    assert "on the 2 problems in common" in found


def test_samples_that_stand_in_both_runs_are_named(tmp_path):
    a = write_run(tmp_path / "a", {"r1_aime24": asked(p="cw", q="cw")})
    b = write_run(tmp_path / "b", {"r1_aime24": asked(p="cwcc", q="cwcc")})
    assert "r1_aime24: 4 samples stand in both" in compare([str(a), str(b)])


def test_a_run_stands_beside_its_models_published_numbers(tmp_path):
    problems = [Asked(f"p{i}", FLAKY, gold=str(i)) for i in range(30)]
    run = write_run(tmp_path, {"r1_aime24": problems}, model="deepseek-ai/DeepSeek-R1-Distill-Qwen-7B")
    said = compare([str(run)])
    # 30 problems of p 1/2: error sqrt(0.25 / 15 / 30) = 2.357; with theirs of 64 samples times sqrt(1.25): 2.635.
    assert (
        "50.0 against 55.5 of DeepSeek-R1-Distill-Qwen-7B (DeepSeek, 2025-01-20, n 64): 2.1 standard errors below"
        in said
    )
    assert (
        "50.0 against 50.8 of DeepSeek-R1-Distill-Qwen-7B (open-r1 (LightEval), 2025, n 64): within 1 standard error"
        in said
    )


@pytest.mark.parametrize("name", ["deepseek-r1", "deepseek-ai/DeepSeek-R1", "DeepSeek-R1"])
def test_a_run_is_compared_with_a_published_model_by_name(tmp_path, name):
    run = write_run(tmp_path, {"r1_aime24": [Asked(f"p{i}", FLAKY, gold=str(i)) for i in range(30)]})
    # (50 - 79.8) / 2.635
    assert (
        "50.0 against 79.8 of DeepSeek-R1 (DeepSeek, 2025-01-20, n 64): more than 10 standard errors below"
        in compare([str(run), name])
    )


def test_a_published_model_without_a_number_on_the_task_is_said(tmp_path):
    run = write_run(tmp_path, {"demo_sums": asked(p="cw")})
    assert "deepseek-r1 has no published number on these tasks; it has on aime24" in compare([str(run), "deepseek-r1"])


def test_numbers_of_a_group_are_compared_with_ours_of_that_group(tmp_path):
    problems = [
        Asked(f"p{i}", "cccc" if i else "cwww", gold=str(i), groups={"level": str(1 + i % 2)}) for i in range(4)
    ]
    said = compare([str(write_run(tmp_path, {"r1_math_500": problems}, model="Qwen/QwQ-32B"))])
    # Level 1: problems 0 and 2, of means 1/4 and 1.
    assert "r1_math_500 A level=1: 62.5 against 95.3 of QwQ-32B (EvalScope, 2025-03-06, n 1)" in said
    assert "level=5" not in said


def test_a_users_own_rows_are_compared_with(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(
        '[[published]]\nmodel = "org/model"\ntask = "our_task"\nvalue = 50\nsource = "us"\ndate = "2026-11-14"\n'
    )
    run = write_run(tmp_path / "run", {"our_task": asked(p="cw", q="cw")})
    assert "50.0 against 50.0 of model (us, 2026-11-14): within 1 standard error" in compare([str(run)], baselines=own)


def test_a_suite_has_its_two_means_by_name(tmp_path):
    run = write_run(
        tmp_path,
        {"r1_aime24": asked(p="cc", q="cc"), "r1_math_500": asked(x="ww", y="ww", z="ww", v="ww", w="ww", u="ww")},
    )
    said = compare([str(run)])
    assert re.search(r"^over 2 tasks A +50\.0 ", said, re.M) and re.search(r"^over 8 problems A +25\.0 ", said, re.M)


def test_a_run_with_owed_samples_is_refused_naming_the_first(tmp_path):
    run = write_run(tmp_path, {"r1_aime24": asked(p="cccc", q="c.-c", r="ccc")}, n=4)
    with pytest.raises(OwedError, match=r"3 of 12 samples are owed or ungraded, first q\[1\] \(not drawn\)"):
        compare([str(run)])


def test_a_partial_comparison_says_so_on_every_line(tmp_path):
    a = write_run(
        tmp_path / "a", {"r1_aime24": asked(p="cccc", q="c.-c", r="ccc")}, n=4, model="deepseek-ai/DeepSeek-R1"
    )
    b = write_run(tmp_path / "b", {"r1_aime24": asked(p="cccc", q="cccc", r="cccc")})
    said = compare([str(a), str(b)], partial=True)
    assert "A, r1_aime24: partial, 3 of 12 samples are owed or ungraded, first q[1] (not drawn)." in said
    for words in ("r1_aime24 A", "r1_aime24 (partial): ", " against 79.8"):
        assert "(partial)" in line_with(said, words)
    assert "(partial)" not in line_with(said, "r1_aime24 B")


def test_problems_without_any_graded_sample_are_left_out_of_a_partial_comparison(tmp_path):
    run = write_run(tmp_path, {"r1_aime24": asked(p="cw", q="--")})
    assert re.search(r"^r1_aime24 A \(partial\) +50\.0 .* 1 +2 ", compare([str(run)], partial=True), re.M)


def test_lightevals_own_grades_serve_where_they_are_certain(tmp_path):
    plain = write_run(tmp_path / "plain", {"aime24": asked(p="cw", q="cc")}, plain=True)
    ours = write_run(tmp_path / "ours", {"r1_aime24": asked(p="cc", q="cc")}, prompt="Other words: {question}")
    said = compare([str(plain), str(ours)])
    assert "A: aime24 was graded by LightEval's own pass@k:k=1&n=2." in said
    assert "A: it does not say: data hash, grades, extracted answers, finish reasons, seeds." in said
    assert line_with(said, "aime24: +").startswith("aime24: +25.0, 95 % interval ")
    # What is not known is not a zero: truncated and no answer.
    assert re.search(r"^aime24 A +75\.0 +[0-9.]+ to [0-9.]+ +[0-9.]+ to [0-9.]+ +2 +4 +– +– ", said, re.M)


@pytest.mark.parametrize(
    ("metrics", "scores"),
    [
        ({"avg@n:n=4": 0.25}, [1, 0, 0, 0]),
        ({"pass@k:k=1&n=4": 0.5, "avg@n:n=4": 0.5}, [1, 1, 0, 0]),
        ({"gpqa_pass@k:k=1": 1.0}, [1, 1, 1, 1]),
        ({"extractive_match": 0.0, "output_tokens": 812.0}, [0, 0, 0, 0]),
        ({"codegen_pass@1:16": 1.0}, [1, 1, 1, 1]),
        # Declared for 64 samples and divided by them, though 4 were drawn.
        ({"pass@k:k=1&n=64": 0.25}, None),
        ({"avg@n:n=4": 0.3}, None),
        ({"avg@n:n=4": 0.25, "pass@k:k=1&n=4": 0.5}, None),
        ({"pass@k:k=2&n=4": 0.5}, None),
        ({"f1": 0.5}, None),
    ],
)
def test_only_a_mean_of_whole_numbers_of_right_samples_is_certain(tmp_path, metrics, scores):
    write_run(tmp_path, {"aime24": asked(p="cccc")}, plain=True)
    path = next(tmp_path.rglob("details_*.parquet"))
    rows = parquet.read_table(path).to_pylist()
    import pyarrow

    parquet.write_table(pyarrow.Table.from_pylist([row | {"metric": metrics} for row in rows]), path)
    found = pairing.metric_scores(read_run(tmp_path).tasks["aime24"])
    assert (None if found is None else found[1][0].tolist()) == scores
    if scores is None:
        with pytest.raises(UserError, match="Grade it: lighteval-r1 score"):
            compare([str(tmp_path)])


def test_runs_of_one_model_are_pooled_as_more_samples_of_the_same_problems(tmp_path):
    a = write_run(tmp_path / "a", {"r1_aime24": asked(p="cc", q="ww")}, seed=1)
    more = [Asked("p", "cwww", first_seed=100), Asked("q", "wwww", first_seed=100)]
    b = write_run(tmp_path / "b", {"r1_aime24": more}, seed=2)
    other = write_run(tmp_path / "c", {"r1_aime24": asked(p="cc", q="cc")}, model="org/other")
    said = compare([str(a), str(b), str(other)], pool=True)
    # p: 3 of 6, q: 0 of 6.
    assert re.search(r"^r1_aime24 A +25\.0 .* 2 +12 ", said, re.M)
    assert re.search(r"^r1_aime24 B +100\.0 ", said, re.M)


@pytest.mark.parametrize(
    ("second", "options", "line"),
    [
        (asked(p="cc", q="ww"), {}, "holds the same replies once more"),
        (asked(p="ccc", q="ww"), {}, "are the same samples, and pooling would count them twice"),
        (
            [Asked("p", "cc", first_seed=9), Asked("q", "cw", first_seed=9)],
            {"temperature": 1.0},
            "they differ: temperature 0.6 -> 1.0",
        ),
        (
            [Asked("p", "cc", first_seed=9), Asked("z", "cw", first_seed=9)],
            {},
            "cannot be pooled, they differ: r1_aime24: prompts",
        ),
        ([Asked("p", "cc", first_seed=9)], {"model": "org/other"}, "are all of different models"),
    ],
)
def test_runs_that_are_not_more_samples_of_the_same_are_not_pooled(tmp_path, second, options, line):
    a = write_run(tmp_path / "a", {"r1_aime24": asked(p="cc", q="ww")})
    b = write_run(tmp_path / "b", {"r1_aime24": second}, **options)
    with pytest.raises(UserError) as refused:
        compare([str(a), str(b)], pool=True)
    assert line in str(refused.value)


def test_runs_of_other_tasks_are_not_pooled(tmp_path):
    a = write_run(tmp_path / "a", {"r1_aime24": asked(p="cc")})
    b = write_run(tmp_path / "b", {"r1_math_500": asked(p="cc")})
    with pytest.raises(UserError, match="one is of r1_aime24, the other of r1_math_500"):
        compare([str(a), str(b)], pool=True)


def test_checkpoints_make_a_table_over_the_steps_of_the_training(tmp_path):
    steps = {300: "cccc", 100: "wwww", 200: "cwcw"}
    runs = [
        write_run(tmp_path / str(step), {"r1_aime24": asked(p=codes, q="cwcw")}, revision=f"step-{step}")
        for step, codes in steps.items()
    ]
    said = compare([str(run) for run in runs], checkpoints=True)
    lines = [line.split() for line in said.splitlines() if re.match(r"\d+ [ABC] ", line)]
    assert [line[:3] for line in lines] == [["100", "A", "25.0"], ["200", "B", "50.0"], ["300", "C", "75.0"]]
    # First to second: variances of q twice and p once, 1/12 each: error 1/4, ratio 1 with 9 degrees: p 0.34.
    # Both steps of two are p 0.34, so Holm's is 0.69; the first to the last is surer, and twice that.
    assert lines[1][9:] == ["+25.0", "0.34,", "0.69", "+25.0", "0.34,", "0.34"]
    assert lines[2][9:] == ["+25.0", "0.34,", "0.69", "+50.0", "0.050,", "0.100"]
    assert said.endswith("2 comparisons in a column: the second of two p is Holm's, for all of them.")
    # They are meant to differ in this.
    assert "revision" not in said


def test_checkpoints_make_a_picture(tmp_path):
    runs = [
        write_run(tmp_path / str(step), {"r1_aime24": asked(p="cwcw", q=codes)}, revision=f"step-{step}")
        for step, codes in ((1, "wwww"), (2, "c.cc"))
    ]
    said = compare([str(run) for run in runs], checkpoints=True, partial=True, figures=tmp_path / "figures")
    assert said.endswith(f"{tmp_path}/figures/r1_aime24_checkpoints.png\n{tmp_path}/figures/r1_aime24_checkpoints.svg")
    assert (tmp_path / "figures" / "r1_aime24_checkpoints.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match="--figures draws the curve of --checkpoints"):
        compare([str(runs[0])], figures=tmp_path / "figures")


@pytest.mark.parametrize(
    "name", ["out/checkpoint-100", "org/model-step_100", "runs/global_step100/hf", "org/m-iter=100"]
)
def test_the_step_is_read_from_the_models_name(tmp_path, name):
    run = read_run(write_run(tmp_path, {"t": asked(p="c")}, model=name))
    assert pairing.step_of(run) == 100


def test_runs_without_a_step_or_with_the_same_are_no_checkpoints(tmp_path):
    a = write_run(tmp_path / "a", {"t": asked(p="cc")}, revision="step-1")
    b = write_run(tmp_path / "b", {"t": asked(p="cc")}, revision="step-1")
    c = write_run(tmp_path / "c", {"t": asked(p="cc")})
    with pytest.raises(UserError, match="two runs are of step 1"):
        compare([str(a), str(b)], checkpoints=True)
    with pytest.raises(UserError, match="tells no training step"):
        compare([str(a), str(c)], checkpoints=True)


def test_runs_without_a_common_task_or_problem_are_refused_in_one_line(tmp_path):
    a = write_run(tmp_path / "a", {"r1_aime24": asked(p1="cc", q="cc")})
    b = write_run(tmp_path / "b", {"r1_aime25": asked(p1="cc", q="cc")})
    c = write_run(
        tmp_path / "c", {"r1_aime24": [Asked("x", "cc", question="Why?"), Asked("y", "cc", question="How long?")]}
    )
    with pytest.raises(UserError, match="have no task in common"):
        compare([str(a), str(b)])
    with pytest.raises(UserError, match="have no problem in common on r1_aime24"):
        compare([str(a), str(c)])


def test_small_p_values_are_not_told_as_zero():
    assert [p_words(p) for p in (0.0, 0.0123, 0.5)] == ["< 0.001", "0.012", "0.50"]


def command(*arguments: str, home: Path) -> subprocess.CompletedProcess:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ":".join(sys.path)}
    program = [sys.executable, "-m", "lighteval_r1.cli", "compare", *arguments]
    return subprocess.run(program, capture_output=True, text=True, timeout=120, env=environment, check=False)


def test_the_command_prints_the_comparison(tmp_path):
    run = write_run(tmp_path / "run", {"r1_aime24": asked(p="cw", q="cc")})
    done = command(str(run), home=tmp_path)
    assert done.returncode == 0 and "r1_aime24 A" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["EMPTY"], "holds no run"),
        (["OLD"], "is not a details file of LightEval 0.13"),
        (["RUN", "OTHER"], "have no problem in common"),
        (["RUN", "deepseek-r2"], "no such file or folder. Published models of a near name: DeepSeek-R1"),
        (["deepseek-r1"], "name at least one run"),
        (["RUN", "--baselines", "nowhere.toml"], "there is no file of baselines nowhere.toml"),
        (["OWING"], "1 of 3 samples are owed or ungraded, first p[1] (not drawn)"),
    ],
)
def test_bad_input_is_one_line_and_a_non_zero_exit(tmp_path, main, arguments, line):
    old = write_run(tmp_path / "old", {"r1_aime24": asked(p="cw")})
    parquet.write_table(
        parquet.read_table(next(old.rglob("*.parquet"))).rename_columns(["full_doc", "metric", "predictions"]),
        next(old.rglob("*.parquet")),
    )
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.json").write_text(json.dumps({}))
    places = {
        "EMPTY": tmp_path / "empty",
        "OLD": old,
        "RUN": write_run(tmp_path / "run", {"r1_aime24": asked(p="cw", q="cc")}),
        "OTHER": write_run(
            tmp_path / "other", {"r1_aime24": [Asked("x", "cw", question="Why?"), Asked("y", "cc", question="How?")]}
        ),
        "OWING": write_run(tmp_path / "owing", {"r1_aime24": asked(p="c.c")}),
    }
    code, told, refused = main("compare", *(places.get(each, each) for each in arguments))
    assert (code, told) == (2, "")
    assert line in refused and refused.count("\n") == 1


def test_names_of_problems_do_not_reach_the_terminal_as_commands(capsys):
    from lighteval_r1.outside.words import say

    say("lost: \x1b[2J\x1b]0;title\x07 a\u202eb \ud800 数\n\tend")
    assert capsys.readouterr().out == "lost: \ufffd[2J\ufffd]0;title\ufffd a\ufffdb \ufffd 数\n\tend\n"
