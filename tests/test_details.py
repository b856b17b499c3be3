"""Runs are read back as they were written, and what cannot be read says why in one line."""

import json
import re
import shutil
from pathlib import Path

import httpx
import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from runs import DATE, Asked, asked, write_run

from lighteval_r1.records import UserError, unpack_token_ids
from lighteval_r1.runs.locate import run_files
from lighteval_r1.runs.reading import read_run
from lighteval_r1.runs.results_file import Ours, read_results

RECORDED = Path(__file__).with_name("lighteval_run")
LATER = "2026-11-21T09-00-00.000001"


def results_in(folder: Path, date: str = DATE) -> Path:
    return next(folder.rglob(f"results_{date}.json"))


def details_in(folder: Path) -> Path:
    return next(folder.rglob("details_*.parquet"))


def test_a_run_is_read_with_everything_it_says(tmp_path):
    problems = [Asked("2024-I-1", "cwnt", groups={"level": "3"}), Asked("2024-I-2", "cccu", gold="7")]
    run = read_run(write_run(tmp_path, {"r1_aime24": problems}, temperature=0.7))
    assert (run.model, run.settings["temperature"], run.environment["versions"]["lighteval"]) == (
        "org/model",
        0.7,
        "0.13.0",
    )
    assert run.missing == () and list(run.tasks) == ["r1_aime24"]
    task = run.tasks["r1_aime24"]
    assert (task.version, task.n, task.n_problems, task.data_sha256) == (1, 4, 2, "d" * 64)
    first, second = task.problems
    assert (first.name, first.gold, first.grader, first.groups) == ("2024-I-1", "42", "expression", {"level": "3"})
    assert [sample.outcome for sample in first.samples] == ["correct", "wrong", "no_answer", "no_answer"]
    assert [sample.finish_reason for sample in first.samples] == ["stop", "stop", "stop", "length"]
    assert (second.samples[3].outcome, second.samples[0].answer) == ("undecided", "7")
    sample = first.samples[1]
    assert (sample.index, sample.thinking_opened, sample.n_tokens) == (1, True, 101)
    assert unpack_token_ids(sample.token_ids).tolist() == [1, 2, 4]
    assert sample.reply.startswith("Thinking about 2024-I-1, sample 1.</think>")


def test_a_run_of_lightevals_own_engine_says_what_it_lacks(tmp_path):
    run = read_run(write_run(tmp_path, {"aime24": asked(p="cw")}, plain=True))
    assert run.missing == ("data hash", "grades", "extracted answers", "finish reasons", "seeds")
    problem = run.tasks["aime24"].problems[0]
    assert [sample.n_tokens for sample in problem.samples] == [10, 11]
    assert unpack_token_ids(problem.samples[1].token_ids).tolist() == [7] * 11
    assert all(sample.thinking_opened and sample.outcome is None for sample in problem.samples)
    assert problem.metric == {"pass@k:k=1&n=2": 0.5} and problem.name == "0"
    assert run.settings == {"model": "org/model", "revision": "main", "temperature": 0.6, "max_tokens": 32768}


def test_grades_that_score_wrote_beside_the_details_are_read(tmp_path):
    write_run(tmp_path, {"aime24": asked(p="cw")}, plain=True)
    lines = [{"uid": f"0[{at}]", "outcome": word, "answer": "42"} for at, word in enumerate(("correct", "wrong"))]
    beside = details_in(tmp_path).with_name(details_in(tmp_path).name + ".grades.jsonl")
    beside.write_text("".join(json.dumps(line) + "\n" for line in lines))
    samples = read_run(tmp_path).tasks["aime24"].problems[0].samples
    assert [(sample.outcome, sample.answer) for sample in samples] == [("correct", "42"), ("wrong", "42")]


def test_problems_come_in_the_order_of_the_data_set(tmp_path):
    write_run(tmp_path, {"r1_aime24": asked(**{f"p{i}": "c" for i in range(12)})})
    path = details_in(tmp_path)
    parquet.write_table(parquet.read_table(path).take(list(reversed(range(12)))), path)
    assert [problem.name for problem in read_run(tmp_path).tasks["r1_aime24"].problems] == [f"p{i}" for i in range(12)]


def test_a_question_that_stands_twice_in_the_data_is_two_problems(tmp_path):
    write_run(tmp_path, {"r1_aime24": [Asked("a", "c", question="Why?"), Asked("b", "w", question="Why?")]})
    ids = [problem.id for problem in read_run(tmp_path).tasks["r1_aime24"].problems]
    assert len(set(ids)) == 2


def test_the_newest_run_of_a_folder_is_read_and_an_older_one_by_its_results_file(tmp_path):
    write_run(tmp_path, {"r1_aime24": asked(p="ww")})
    write_run(tmp_path, {"r1_aime24": asked(p="cc")}, date=LATER)
    newest, older = read_run(tmp_path), read_run(results_in(tmp_path))
    assert (newest.tasks["r1_aime24"].problems[0].samples[0].outcome, newest.n_runs) == ("correct", 2)
    assert older.tasks["r1_aime24"].problems[0].samples[0].outcome == "wrong"


@pytest.mark.parametrize("part", ["results", "details", "details/org/model", f"details/org/model/{DATE}"])
def test_any_part_of_the_output_folder_names_the_run(tmp_path, part):
    write_run(tmp_path, {"r1_aime24": asked(p="c"), "r1_math_500": asked(q="w")})
    run = read_run(tmp_path / part)
    assert sorted(run.tasks) == ["r1_aime24", "r1_math_500"] and run.settings["temperature"] == 0.6


def test_a_details_file_is_a_run_of_one_task(tmp_path):
    write_run(tmp_path, {"r1_aime24": asked(p="c"), "r1_math_500": asked(q="w")}, model="/data/results/m")
    run = read_run(details_in(tmp_path))
    assert len(run.tasks) == 1 and run.model == "/data/results/m" and run.settings


def test_a_details_file_alone_is_read_and_says_that_settings_are_missing(tmp_path):
    write_run(tmp_path / "out", {"r1_aime24": asked(p="c")})
    copied = shutil.copy(details_in(tmp_path / "out"), tmp_path / "anything.parquet")
    run = read_run(copied)
    assert run.missing == ("settings", "data hash") and len(run.tasks) == 1


def test_the_layouts_of_the_hub_are_read(tmp_path):
    write_run(tmp_path / "out", {"r1_aime24": asked(p="c")})
    for name, place in (("lighteval", DATE), ("ours", ".")):
        folder = tmp_path / name
        (folder / place).mkdir(parents=True)
        shutil.copy(results_in(tmp_path / "out"), folder)
        shutil.copy(details_in(tmp_path / "out"), folder / place)
        assert read_run(folder).settings["temperature"] == 0.6


def test_files_of_a_run_are_named_by_task(tmp_path):
    files = run_files(write_run(tmp_path, {"r1_aime24": asked(p="c")}))
    assert (files.date, list(files.details)) == (DATE, ["r1_aime24|0"])


def test_owed_and_ungraded_samples_are_named_in_order(tmp_path):
    run = read_run(write_run(tmp_path, {"r1_aime24": asked(p="cccc", q="c.-c", r="cc")}, n=4))
    assert run.tasks["r1_aime24"].owed == [
        "q[1] (not drawn)",
        "q[2] (without a grade)",
        "r[2] (not drawn)",
        "r[3] (not drawn)",
    ]


def test_problems_that_were_asked_and_are_not_there_are_owed(tmp_path):
    write_run(tmp_path, {"r1_aime24": asked(p="cc", q="cc")})
    path = details_in(tmp_path)
    parquet.write_table(parquet.read_table(path).take([0]), path)
    missing = read_run(tmp_path).tasks["r1_aime24"].owed
    assert missing == ["problem 2 of 2 [0] (not drawn)", "problem 2 of 2 [1] (not drawn)"]


def test_how_many_samples_were_asked_for_stands_in_the_results_where_the_rows_do_not_say(tmp_path):
    write_run(tmp_path, {"r1_aime24": asked(p="c")}, n=2)
    path = details_in(tmp_path)
    rows = parquet.read_table(path).to_pylist()
    rows[0]["doc"]["num_samples"] = None
    parquet.write_table(pa.Table.from_pylist(rows), path)
    task = read_run(tmp_path).tasks["r1_aime24"]
    assert (task.n, task.owed) == (2, ["p[1] (not drawn)"])


def lightevals_own(folder: Path) -> Path:
    """What unmodified lighteval 0.13.0 wrote of 12 sums asked of the demo model, one sample each (2026-11-21): `lighteval
    accelerate model_name=/models/demo-sums,dtype=float32,generation_parameters={max_new_tokens:96,temperature:0.6,top_p:0.95}
    "plain_sums|0"`, graded by its pass_at_k_math."""
    results, details = folder / "results" / "models" / "demo-sums", folder / "details" / "models" / "demo-sums" / DATE
    results.mkdir(parents=True)
    details.mkdir(parents=True)
    shutil.copy(RECORDED / "results.json", results / f"results_{DATE}.json")
    shutil.copy(RECORDED / "details.parquet", details / f"details_plain_sums|0_{DATE}.parquet")
    return folder


def test_what_lighteval_itself_writes_is_read(tmp_path):
    run = read_run(lightevals_own(tmp_path))
    assert (run.model, run.settings["temperature"], run.settings["max_tokens"]) == ("/models/demo-sums", 0.6, 96)
    assert run.missing == ("data hash", "grades", "extracted answers", "finish reasons", "seeds")
    task = run.tasks["plain_sums"]
    first = task.problems[0]
    assert (task.version, task.n, len(task.problems), first.name, first.gold) == (1, 1, 12, "0", "1130")
    assert first.prompt.startswith("What is 140 + 990?") and first.metric == {"pass@k:k=1&n=1": 0.0}
    (sample,) = first.samples
    assert (
        sample.reply.endswith("The answer is $\\boxed{1121}$.")
        and sample.n_tokens == len(unpack_token_ids(sample.token_ids)) == 76
    )


def test_what_lighteval_itself_writes_is_compared(tmp_path, main):
    code, told, _ = main("compare", lightevals_own(tmp_path))
    assert code == 0 and "plain_sums was graded by LightEval's own pass@k:k=1&n=1." in told
    assert re.search(r"^plain_sums A +58\.3 +– +\d.* +12 +12 +– +– +61", told, re.M)


class HubStandIn:
    """Two runs in a data set, as huggingface_hub lists and downloads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []

    def list_repo_files(self, **repo):
        assert repo == {"repo_id": "org/details", "repo_type": "dataset", "revision": None}
        return [str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()]

    def snapshot_download(self, *, allow_patterns, **repo):
        self.asked = allow_patterns
        return str(self.folder)


def test_a_data_set_of_details_on_the_hub_is_read_and_only_its_newest_run_downloaded(tmp_path, monkeypatch):
    write_run(tmp_path, {"r1_aime24": asked(p="ww")})
    write_run(tmp_path, {"r1_aime24": asked(p="cc")}, date=LATER)
    hub = HubStandIn(tmp_path)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    run = read_run("hf://datasets/org/details")
    assert run.tasks["r1_aime24"].problems[0].samples[0].outcome == "correct"
    assert len(hub.asked) == 2 and all(LATER in name for name in hub.asked)


def test_a_hub_out_of_reach_is_one_line(monkeypatch):
    class OutOfReach:
        def list_repo_files(self, **repo):
            raise httpx.ConnectError("[Errno 111] Connection refused")

    monkeypatch.setattr(huggingface_hub, "HfApi", OutOfReach)
    with pytest.raises(UserError, match=r"cannot read hf://datasets/org/details: \[Errno 111\] Connection refused"):
        read_run("hf://datasets/org/details")


def broken_results(folder: Path) -> Path:
    results_in(folder).write_text("{")
    return folder


def another_versions_details(folder: Path) -> Path:
    parquet.write_table(pa.table({"full_prompt": ["x"], "predictions": [["y"]]}), details_in(folder))
    return folder


def other_outcomes(folder: Path) -> Path:
    table = parquet.read_table(details_in(folder)).to_pylist()
    table[0]["doc"]["specific"]["samples"][0]["outcome"] = "splendid"
    parquet.write_table(pa.Table.from_pylist(table), details_in(folder))
    return folder


def lists_of_other_lengths(folder: Path) -> Path:
    table = parquet.read_table(details_in(folder)).to_pylist()
    table[0]["doc"]["specific"]["samples"] *= 3
    parquet.write_table(pa.Table.from_pylist(table), details_in(folder))
    return folder


def no_parquet(folder: Path) -> Path:
    details_in(folder).write_bytes(b"PAR1 not really")
    return folder


def no_details(folder: Path) -> Path:
    details_in(folder).unlink()
    return folder


def two_models(folder: Path) -> Path:
    return write_run(folder, {"r1_aime24": asked(p="c")}, model="org/other")


def unreadable_grades(folder: Path) -> Path:
    details_in(folder).with_name(details_in(folder).name + ".grades.jsonl").write_text('{"uid": "p[0]"}\n')
    return folder


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda folder: folder / "nowhere", "no such file or folder"),
        (lambda folder: Path(__file__), "is no run: name LightEval's output folder"),
        (lambda folder: (folder / "empty").mkdir() or folder / "empty", "holds no run: no results_<date>.json"),
        (lambda folder: "hf://datasets/nobody", "is not hf://datasets/NAMESPACE/NAME"),
        (lambda folder: "hf://datasets/nobody/nothing", "cannot read hf://datasets/nobody/nothing"),
        (broken_results, "cannot read"),
        (another_versions_details, "is not a details file of LightEval 0.13: it has no doc"),
        (other_outcomes, "problem 0: Invalid enum value 'splendid'"),
        (lists_of_other_lengths, "problem 0: it has 1 replies but 3 samples"),
        (no_parquet, "cannot read"),
        (no_details, "has no details beside it. Run LightEval with --save-details"),
        (two_models, "holds runs of 2 models"),
        (unreadable_grades, "line 1: not a grade"),
        (
            lambda folder: write_run(folder, {"t": asked(p="c")}, date=LATER, lighteval="0.9.2"),
            "was written by LightEval 0.9.2",
        ),
    ],
)
def test_what_is_no_run_is_refused_in_one_line(tmp_path, spoil, line):
    source = spoil(write_run(tmp_path / "out", {"r1_aime24": asked(p="c")}))
    with pytest.raises(UserError) as refused:
        read_run(source)
    assert line in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "command", [("compare",), ("report", "-o", "PAGE"), ("view", "--logs", "LOGS", "--bundle", "SITE")]
)
def test_every_command_refuses_what_is_no_run_in_one_line(tmp_path, main, command):
    places = {"PAGE": tmp_path / "report.html", "LOGS": tmp_path / "logs", "SITE": tmp_path / "site"}
    whole = details_in(write_run(tmp_path / "out", {"r1_aime24": asked(p="c")}))
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(whole.read_bytes()[:2000])
    another_versions_details(tmp_path / "out")
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "nowhere", tmp_path / "empty", cut, whole):
        code, told, refused = main(command[0], source, *(places.get(each, each) for each in command[1:]))
        assert (code, told, refused.count("\n")) == (2, "", 1)
        assert refused.startswith("lighteval-r1: ") and str(source) in refused
    assert not any(place.exists() for place in places.values())


def test_the_place_of_a_report_is_checked_before_anything_is_read(tmp_path, main):
    code, _, refused = main("report", tmp_path / "nowhere", "-o", "report.pdf")
    assert code == 2 and "report.pdf does not end in .html" in refused


def test_a_results_file_of_an_engine_that_names_no_model_is_read(tmp_path):
    """LightEval's client of a TGI server writes null where it knows no name."""
    path = tmp_path / "results_2026-11-20T10-00-00.000001.json"
    config = {"model_name": None, "dtype": None, "generation_parameters": {"temperature": None, "seed": 4}}
    general = {"model_name": "served", "model_config": config}
    path.write_text(json.dumps({"config_general": general, "config_tasks": {"t|0": {"version": None}, "u|0": None}}))
    results = read_results(path)
    assert (results.model, results.config.settings, results.ours) == ("served", {"seed": 4}, Ours())
    assert [results.version(task) for task in ("t|0", "u|0", "v|0")] == [0, 0, 0]
