"""lighteval-r1 score: replies drawn elsewhere, in several formats, graded like those of a run."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from scripted_worker import SCRIPTED

from lighteval_r1.graders.program import DIFFERS
from lighteval_r1.records import OwedError, UserError
from lighteval_r1.runs import grading as score
from lighteval_r1.runs.grades_file import grades_path
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.tasks import TASKS


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def grades_of(path):
    return [json.loads(line) for line in grades_path(path).read_text().splitlines()]


ROWS = [
    {
        "problem": "1+1?",
        "answer": "2",
        "gen": [r"<think>a</think>\boxed{2}", r"<think>a</think>\boxed{3}"],
        "finish_reason": ["stop", "stop"],
    },
    {
        "problem": "2+2?",
        "answer": 4,
        "gen": [r"<think>\boxed{4}", r"</think>\boxed{4}"],
        "finish_reason": ["length", "stop"],
    },
]


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "lighteval_r1.cli", "score", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_client_side_file_gets_the_table_of_a_run_and_grades_beside_it(tmp_path):
    path = write(tmp_path / "gen.jsonl", ROWS)
    done = command(path, "--task", "r1_math_500")
    assert done.returncode == 0, done.stderr
    header, _, line, why, bounds = done.stdout.splitlines()
    assert why == "r1_math_500: without an answer 1 cut off."
    assert bounds == "r1_math_500: 25.0 % cut off: the score is at least 50.0, at most 75.0."
    assert header.split()[:2] == ["task", "pass@1"]
    cells = line.split()
    assert [cells[1], *cells[-5:]] == ["50.0", "2", "4", "1", "1", "–"] and cells.count("to") == 2
    assert [(g["uid"], g["index"], g["outcome"]) for g in grades_of(path)] == [
        ("row 1[0]", 0, "correct"),
        ("row 1[1]", 1, "wrong"),
        ("row 2[0]", 0, "no_answer"),
        ("row 2[1]", 1, "correct"),
    ]


def test_scoring_again_gives_the_same_grades_and_leaves_no_other_file(tmp_path):
    path = write(tmp_path / "gen.jsonl", ROWS)
    first = score.run([path], task="r1_math_500")
    before = grades_of(path)
    assert score.run([path], task="r1_math_500") == first and grades_of(path) == before
    assert sorted(os.listdir(tmp_path)) == ["gen.jsonl", "gen.jsonl.grades.jsonl"]


def test_rows_with_one_reply_each_are_samples_of_the_problem_they_share(tmp_path):
    rows = [
        {"uid": f"u{i}", "prompt": "p", "gold": "B", "output": f"Answer: {letter}"} for i, letter in enumerate("BBA")
    ]
    path = write(tmp_path / "rows.jsonl", rows)
    assert "66.7" in score.run([path], task="r1_gpqa_diamond")
    assert [(g["uid"], g["index"]) for g in grades_of(path)] == [("u0", 0), ("u1", 1), ("u2", 2)]


def test_a_prompt_that_opened_the_thinking_leaves_an_endless_thought_without_answer(tmp_path, capsys):
    rows = [
        {"problem": str(i), "answer": "1", "gen": text}
        for i, text in enumerate([r"so</think>\boxed{1}", r"so \boxed{1} and"])
    ]
    path = write(tmp_path / "gen.jsonl", rows)
    score.run([path], task="r1_aime24", thinking_opened=True)
    assert [g["outcome"] for g in grades_of(path)] == ["correct", "no_answer"]
    score.run([path], task="r1_aime24")
    assert [g["outcome"] for g in grades_of(path)] == ["correct", "correct"]
    assert "--thinking-opened" in capsys.readouterr().err


@pytest.mark.parametrize("ours", [True, False])
def test_details_of_lighteval_are_read_with_and_without_our_fields(tmp_path, ours):
    import pyarrow
    import pyarrow.parquet

    specific = {"problem_id": "abc", "name": "I-1", "finish_reasons": ["stop", "length"], "n_tokens": [5, 7]}
    row = {
        "doc": {
            "query": "q",
            "choices": ["7", "8"],
            "gold_index": 1 if ours else [1],
            "id": "0",
            "specific": specific if ours else None,
        },
        "model_response": {
            "input": "<|User|>q<|Assistant|><think>\n",
            "text": [r"</think>\boxed{8}", r"\boxed{8"],
            "output_tokens": [] if ours else [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6, 7]],
        },
        "metric": {"m": 1.0},
    }
    path = tmp_path / "details.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), path)
    line = score.run([path], task="r1_aime24").splitlines()[2].split()
    assert [line[1], *line[-5:]] == ["50.0", "1", "2", "1" if ours else "–", "1", "6"]
    assert grades_of(path)[1]["uid"] == ("I-1[1]" if ours else "0[1]")


def test_explain_shows_what_was_extracted_compared_and_decided(tmp_path):
    path = write(tmp_path / "gen.jsonl", ROWS)
    text = score.run([path], task="r1_math_500", explain="row 1[1]")
    for part in ("answer: '3'", "gold: '2'", "decided by: box", "outcome: wrong"):
        assert part in text
    assert not grades_path(path).exists()
    with pytest.raises(UserError, match=r"row 1\[1\]"):
        score.run([path], task="r1_math_500", explain="row 1[9]")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"problem": "p", "answer": "1", "gen": "x"}\n{"problem": \n', "line 2: not JSON"),
        ('{"a": 1, "b": 2}\n', "no question"),
        ('{"problem": "p", "answer": "1", "text": "x"}\n', "no reply"),
        ('{"problem": "p", "gen": "x"}\n', "no gold"),
        ('{"problem": "p", "answer": "1", "gen": [1]}\n', "not a text"),
        ('{"problem": "p", "answer": "1", "gen": ["a", "b"], "finish_reason": ["stop"]}\n', "2 replies, but 1"),
        ("", "no reply"),
        ("[1]\n", "not an object"),
    ],
)
def test_a_file_that_cannot_be_graded_is_one_line_and_exit_2(tmp_path, main, content, said):
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    code, out, refused = main("score", path, "--task", "r1_math_500")
    assert (code, out) == (2, "")
    assert said in refused and str(path) in refused and len(refused.splitlines()) == 1


def test_missing_files_unknown_tasks_and_what_is_no_parquet_are_one_line_and_exit_2(tmp_path, main):
    path = write(tmp_path / "gen.jsonl", ROWS)
    fake = tmp_path / "fake.parquet"
    fake.write_text("no parquet")
    for arguments, said in (
        ((tmp_path / "none", "--task", "r1_math_500"), "no file"),
        ((path, "--task", "r1_mth_500"), "r1_math_500"),
        ((fake, "--task", "r1_math_500"), "not a parquet"),
    ):
        code, _, refused = main("score", *arguments)
        assert code == 2 and said in refused and len(refused.splitlines()) == 1


def test_a_dead_grader_leaves_no_score_and_names_the_first_reply(tmp_path, monkeypatch):
    here = os.path.dirname(__file__)
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([here, os.path.join(here, "..", "src"), os.environ.get("PYTHONPATH", "")])
    )
    monkeypatch.setattr(score, "Pool", lambda: Pool(1, module="scripted_worker"))
    monkeypatch.setitem(TASKS, "scripted", replace(TASKS["r1_gpqa_diamond"], name="scripted", grader=SCRIPTED))
    rows = [{"uid": uid, "problem": "p", "answer": "A", "gen": deed} for uid, deed in (("fine", "A"), ("bad", "exit"))]
    path = write(tmp_path / "gen.jsonl", rows)
    with pytest.raises(OwedError, match=r"1 of 2 replies.*First: bad: .*exit code 3"):
        score.run([path], task="scripted")
    assert not grades_path(path).exists()


def test_golds_of_programs_come_from_the_tasks_own_data(tmp_path, shared, monkeypatch):
    rows = [json.loads(line) for line in (shared / "grading" / "livecodebench_rows_dev.jsonl").open()][:3]
    write(tmp_path / "livecodebench.jsonl", rows)
    path = write(tmp_path / "gen.jsonl", [{"question_id": row["question_id"], "output": "no code"} for row in rows])
    monkeypatch.setenv("LIGHTEVAL_R1_DATA", str(tmp_path))
    table = score.run([path], task="r1_lcb")
    assert [g["outcome"] for g in grades_of(path)] == ["no_answer"] * 3
    assert table.count(DIFFERS) == 1, "how LiveCodeBench's own verdicts differ stands beside the score"
    assert score.run([path, path], task="r1_lcb").count(DIFFERS) == 1, "once, however many lines"
