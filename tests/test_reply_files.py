"""Replies in the files of other programs: read as what they are, by the task's own questions, or refused in one line."""

import json
import re
import shutil
from pathlib import Path

import pytest

from lighteval_r1.records import UserError
from lighteval_r1.runs import grading
from lighteval_r1.runs.export import write_jsonl
from lighteval_r1.runs.grades_file import grades_path
from lighteval_r1.runs.reading import read_run
from lighteval_r1.runs.reply_files import read_replies
from lighteval_r1.tasks import TASKS

RECORDED = Path(__file__).parent / "recorded" / "replies"
FORMATS = {
    "lm_eval_samples.jsonl": "samples of lm-evaluation-harness",
    "evalscope_predictions.jsonl": "predictions of EvalScope",
    "evalscope_reviews.jsonl": "reviews of EvalScope",
    "inspect_log.eval": "a log of Inspect",
    "lighteval_0_8.parquet": "details of LightEval 0.6 to 0.9",
    "lighteval_0_9.parquet": "details of LightEval 0.6 to 0.9",
}
SUM = {"problem": "What is 140 + 990?", "answer": "1130"}


def put(path: Path, *rows: dict) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def outcomes(path: Path, *, task: str = "demo_sums", **more: object) -> list[str]:
    grading.run([path], task=task, **more)
    return [json.loads(line)["outcome"] for line in grades_path(path).read_text().splitlines()]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_of_another_program_is_named_graded_and_then_a_run_for_every_command(name, tmp_path, capsys, main):
    path = Path(shutil.copy(RECORDED / name, tmp_path))
    graded = outcomes(path)
    assert sorted(graded) == ["correct"] * 4 + ["wrong"] * 2
    assert capsys.readouterr().err == f"{path}: {FORMATS[name]}, 6 replies\n"
    run = read_run(path)
    problems = run.tasks["demo_sums"].problems
    assert [problem.name for problem in problems] == ["sums-0", "sums-1", "sums-2"], "as the task's data calls them"
    assert [list(problem.scores) for problem in problems] == [[0, 0], [1, 1], [1, 1]]
    assert run.tasks["demo_sums"].data_sha256 and problems[0].groups == {"level": "3"}
    code, said, _ = main("compare", path)
    assert code == 0 and "66.7" in said


def test_output_of_a_batch_is_known_by_its_custom_ids(tmp_path):
    path = Path(shutil.copy(RECORDED / "batch_output.jsonl", tmp_path))
    task_run = read_replies(path, TASKS["demo_sums"])
    assert [(problem.name, len(problem.samples)) for problem in task_run.problems] == [
        ("sums-0", 2),
        ("sums-1", 2),
        ("sums-2", 2),
    ]
    assert {sample.finish_reason for sample in task_run.samples} <= {"stop", "length"}
    assert all(sample.n_tokens for sample in task_run.samples)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[1]["response"] = {"status_code": 500, "body": {}}
    with pytest.raises(UserError, match="row 2 .*batch output.*the request 'sums-0-1' has no reply"):
        read_replies(put(path, *lines), TASKS["demo_sums"])
    lines[1] = {**lines[0], "custom_id": "sums-999-0"}
    with pytest.raises(UserError, match="row 2 .*no gold"):
        read_replies(put(path, *lines), TASKS["demo_sums"])


THOUGHT = {"role": "assistant", "content": "It is \\boxed{1130}.", "reasoning_content": "So."}


@pytest.mark.parametrize(
    "row",
    [
        SUM | {"response": "\\boxed{1130}"},
        SUM | {"responses": ["\\boxed{1130}"]},
        SUM | {"completion": "\\boxed{1130}"},
        SUM | {"generations": ["\\boxed{1130}"]},
        {"problem": SUM["problem"], "expected_answer": "1130", "generation": "\\boxed{1130}"},
        {
            "problem": SUM["problem"],
            "answer": "140 + 990 are eleven hundred and some more.\n#### 1130",
            "gen": "\\boxed{1130}",
        },
        {"answer": 1130, "messages": [{"role": "user", "content": SUM["problem"]}, THOUGHT]},
        {"messages": [{"role": "user", "content": f"Q: {SUM['problem']}\nThink."}, THOUGHT]},
        {"messages": [{"role": "user", "content": SUM["problem"]}], "response": "\\boxed{1130}"},
        SUM | {"outputs": [{"text": "\\boxed{1130}", "finish_reason": "stop"}]},
    ],
)
def test_usual_columns_hold_replies_golds_and_conversations(tmp_path, row):
    assert outcomes(put(tmp_path / "r.jsonl", row)) == ["correct"]


def test_thinking_that_stands_apart_in_a_message_is_thinking(tmp_path):
    message = {"role": "assistant", "content": "", "reasoning_content": "It is \\boxed{1130}, or"}
    row = SUM | {"messages": [{"role": "user", "content": "?"}, message]}
    assert outcomes(put(tmp_path / "r.jsonl", row)) == ["no_answer"]


def test_named_columns_go_before_usual_names_and_are_remembered_with_the_grades(tmp_path):
    row = {"problem": "1+1?", "q": "1+2?", "answer": "2", "truth": "3", "gen": "\\boxed{2}", "mine": "\\boxed{3}"}
    path = put(tmp_path / "r.jsonl", row)
    assert outcomes(path, columns="question=q,gold=truth,reply=mine") == ["correct"]
    (problem,) = read_run(path).tasks["demo_sums"].problems
    assert (problem.prompt, problem.gold, problem.samples[0].reply) == ("1+2?", "3", "\\boxed{3}")


def test_one_problem_of_several_rows_keeps_its_samples_apart_by_number(tmp_path):
    rows = [SUM | {"id": "s", "gen": f"\\boxed{{{n}}}"} for n in (1130, 7, 1130)]
    (problem,) = read_replies(put(tmp_path / "r.jsonl", *rows), TASKS["demo_sums"]).problems
    assert [sample.key for sample in problem.samples] == ["s", "s[1]", "s[2]"]


CHOICE = {"question": "Best?", "options": ["x", "y", "z"], "response": "Answer: B"}


@pytest.mark.parametrize("gold", ["B", "(B)", "y", 1])
def test_a_lettered_question_brings_its_options_and_its_gold_in_any_spelling(tmp_path, gold):
    assert outcomes(put(tmp_path / "r.jsonl", CHOICE | {"answer": gold}), task="demo_choices") == ["correct"]


def test_one_text_with_two_letters_is_two_lettered_questions(tmp_path):
    rows = [{"question": "Which is true?", "answer": letter, "response": "Answer: B"} for letter in "BC"]
    assert outcomes(put(tmp_path / "r.jsonl", *rows), task="demo_choices") == ["correct", "wrong"]


def test_a_lettered_question_without_its_options_takes_no_letter_from_the_tasks_own_order(tmp_path):
    task = TASKS["demo_choices"]
    row = task.rows()[0]
    bare = put(tmp_path / "bare.jsonl", {"question": row["question"], "response": "Answer: A"})
    with pytest.raises(UserError, match="row 1: no gold"):
        read_replies(bare, task)
    prompt = task.problem(row).prompt
    whole = put(tmp_path / "whole.jsonl", {"prompt": prompt, "response": f"Answer: {row['letter']}"})
    assert outcomes(whole, task="demo_choices") == ["correct"]


@pytest.mark.parametrize(
    ("rows", "task", "words"),
    [
        ([SUM | {"gen": "a", "response": "b"}], "demo_sums", "row 1: gen and response: say which holds the reply"),
        ([SUM | {"gold": "2", "gen": "a"}], "demo_sums", "row 1: answer and gold: say which holds the gold"),
        ([SUM | {"responses": {"0": "2"}}], "demo_sums", "row 1: a reply is not a text but .*'0': '2'"),
        ([SUM | {"gen": {"content": {"a": 1}}}], "demo_sums", "row 1: a reply is not a text but .*'a': 1"),
        ([{"prompt": "a", "query": "b", "gold": "2", "gen": "a"}], "r1_aime24", "say which holds the question"),
        (
            [{"custom_id": "a", "response": {}, "doc": {}, "doc_id": 0, "resps": [], "target": "1"}],
            "demo_sums",
            "may be samples of lm-evaluation-harness or batch output",
        ),
        ([{"custom_id": "a", "method": "POST", "url": "/v1", "body": {}}], "demo_sums", "are the requests of a batch"),
        ([{**SUM, "answer": "7", "gen": "a"}], "demo_sums", "the gold '7' is not demo_sums's own .*'1130'"),
        ([{"problem": "p", "answer": "C", "gen": "a"}], "r1_aime24", "all golds are letters"),
        ([{"problem": "p", "answer": "42", "gen": "a"}], "r1_gpqa_diamond", "'42' is no letter"),
        ([{"problem": "p", "answer": "", "gen": "a"}], "r1_aime24", "reads no answer in the gold ''"),
        (
            [{"problem": "p", "answer": "it is a long story of how one finds the answer", "gen": "a"}],
            "r1_aime24",
            "is a sentence",
        ),
        (
            [{"problem": "p", "answer": "5", "gen": "a"}, {"problem": "p", "answer": "6", "gen": "a"}],
            "r1_aime24",
            "row 2.*row 1",
        ),
        ([{"problem": "p", "answer": "[]", "gen": "a"}], "r1_lcb", "the gold '\\[\\]' holds no tests"),
        ([CHOICE | {"answer": "w"}], "demo_choices", "'w' is none of the 3 options"),
        ([{"doc": {}, "doc_id": 0, "resps": [[[-1.0, False]]], "target": "1"}], "demo_sums", "no generated texts"),
    ],
)
def test_what_may_be_meant_in_two_ways_or_in_none_is_one_line_with_its_row(tmp_path, main, rows, task, words):
    code, out, refused = main("score", put(tmp_path / "r.jsonl", *rows), "--task", task)
    assert (code, out) == (2, "") and refused.count("lighteval-r1:") == 1
    assert re.search(words, refused.splitlines()[-1]), refused


def test_questions_of_another_task_are_said(tmp_path, capsys):
    path = put(tmp_path / "r.jsonl", SUM | {"gen": "\\boxed{1130}"})
    assert outcomes(path, task="r1_math_500") == ["correct"]
    assert "its questions are not r1_math_500's; the first is one of demo_sums" in capsys.readouterr().err


def test_lm_evals_rows_of_several_filters_are_read_once(tmp_path):
    lines = [json.loads(line) for line in (RECORDED / "lm_eval_samples.jsonl").read_text().splitlines()]
    again = [line | {"filter": "flexible-extract"} for line in lines]
    assert len(read_replies(put(tmp_path / "s.jsonl", *lines, *again), TASKS["demo_sums"]).samples) == 6


def test_a_log_of_inspect_may_be_json_and_rows_may_lie_in_a_json_file(tmp_path):
    from inspect_ai.log import read_eval_log, write_eval_log

    log = tmp_path / "log.json"
    write_eval_log(read_eval_log(str(RECORDED / "inspect_log.eval")), str(log), format="json")
    assert sorted(outcomes(log)) == ["correct"] * 4 + ["wrong"] * 2
    assert outcomes(put(tmp_path / "rows.json", SUM | {"gen": "\\boxed{1130}"})) == ["correct"]


def test_what_is_no_log_of_inspect_is_one_line(tmp_path):
    path = tmp_path / "log.eval"
    path.write_text("no log")
    with pytest.raises(UserError, match="is not a log of Inspect"):
        read_replies(path, TASKS["demo_sums"])


def test_a_run_written_as_jsonl_is_read_and_graded_as_it_was(tmp_path, main):
    path = Path(shutil.copy(RECORDED / "lm_eval_samples.jsonl", tmp_path))
    before = outcomes(path)
    (written,) = write_jsonl(read_run(path), tmp_path / "rows")
    assert outcomes(written) == before
    first, second = (read_run(each).tasks["demo_sums"] for each in (path, written))
    assert [problem.id for problem in first.problems] == [problem.id for problem in second.problems]
    code, said, _ = main("view", path, "--jsonl", tmp_path / "other")
    assert code == 0 and said.strip().endswith("demo_sums.jsonl")
