"""Cards and proposals as texts: what others wrote stays, and every number is an estimate's."""

import re

import pytest
import yaml
from huggingface_hub import RepoCard
from runs import asked, write_run

from lighteval_r1.hub.card import merged_card, read_card
from lighteval_r1.hub.proposals import Proposal, eval_results, scores_of, with_model_index
from lighteval_r1.hub.published import PublishedRun, published_run
from lighteval_r1.numbers.estimates import estimate
from lighteval_r1.records import OwedError, UserError
from lighteval_r1.runs.locate import run_files
from lighteval_r1.runs.reading import read_run
from lighteval_r1.tasks import TASKS

LINE = ("r1_aime24", "2026_11_20", "some/model", "4", "12", "33.3", "temperature 0.6")
PUBLISHED = PublishedRun("2026_11_20", ["r1_aime24"], {}, [LINE], [])


def head_of(card: str) -> dict:
    return yaml.safe_load(card.split("---")[1])


def published(folder, **problems: str) -> PublishedRun:
    files = run_files(write_run(folder, {"r1_aime24": asked(**problems)}))
    return published_run(files, folder / "rows", gated=[])


def proposal(scores: dict[str, list[list[float]]], run) -> Proposal:
    return Proposal(run, "2026-11-20T10-00", {task: estimate(rows) for task, rows in scores.items()}, "me/details")


def test_a_card_says_the_score_that_its_problems_have(tmp_path):
    # Problems of 2 and of 4 samples weigh the same: (1/2 + 1) / 2, not 5 of 6.
    (line,) = published(tmp_path, p1="cw", p2="cccc").lines
    assert line[2:6] == ("org/model", "2", "6", "–"), "two samples of p1 are owed"
    (line,) = published(tmp_path / "even", p1="cwcw", p2="cccc").lines
    assert line[2:5] == ("org/model", "2", "8")
    assert re.fullmatch(r"75\.0 \(95 %: [0-9.]+ to [0-9.]+, other problems [0-9.]+ to [0-9.]+\)", line[5])
    assert line[-1] == "temperature 0.6, top p 0.95, max tokens 32768, revision main"


@pytest.mark.parametrize("outcomes", ["cc-", "cc."])
def test_there_is_no_score_to_propose_while_samples_are_ungraded_or_owed(tmp_path, outcomes):
    run = read_run(write_run(tmp_path, {"r1_gpqa_diamond": asked(p1="ccw", p2=outcomes)}))
    with pytest.raises(OwedError, match="no score to propose"):
        scores_of(run, model_index=False)


def test_a_proposed_score_is_the_estimate_in_percent(tmp_path):
    run = read_run(write_run(tmp_path, {"r1_gpqa_diamond": asked(p="c")}))
    # 2 of 3 and 0 of 3: a third, which no text of the card was read for
    text = eval_results(["r1_gpqa_diamond"], proposal({"r1_gpqa_diamond": [[1, 1, 0], [0, 0, 0]]}, run))
    (entry,) = yaml.safe_load(text)
    assert entry["value"] == 33.33 and isinstance(entry["value"], float)
    assert entry["notes"].startswith("r1_gpqa_diamond: pass@1, mean over 6 samples of 2 problems; temperature 0.6")


@pytest.mark.parametrize(
    ("task", "dataset"),
    [
        ("r1_gpqa_diamond", {"id": "Idavidrein/gpqa", "task_id": "diamond"}),
        ("r1_aime26", {"id": "MathArena/aime_2026", "task_id": "MathArena/aime_2026"}),
        ("r1_hmmt_feb26", {"id": "MathArena/hmmt_feb_2026", "task_id": "MathArena/hmmt_feb_2026"}),
    ],
)
def test_the_hubs_benchmarks_go_by_the_names_that_their_boards_read(tmp_path, task, dataset):
    n = TASKS[task].n_problems
    run = read_run(write_run(tmp_path, {task: asked(**{f"p{i}": "cccw" for i in range(n)})}))
    scores = scores_of(run, model_index=False)
    (entry,) = yaml.safe_load(eval_results([task], Proposal(run, "2026-11-20T10-00", scores, "")))
    assert entry["dataset"] == dataset and entry["value"] == 75.0


def test_a_part_of_a_benchmark_or_other_problems_are_not_proposed(tmp_path):
    run = read_run(write_run(tmp_path / "part", {"r1_aime26": asked(p1="cw", p2="cc")}))
    with pytest.raises(UserError, match="2 of its 30 problems, and a part of a benchmark is not proposed"):
        scores_of(run, model_index=False)
    thirty = asked(**{f"p{i}": "c" for i in range(30)})
    run = read_run(write_run(tmp_path / "other", {"r1_aime24": thirty}, data_sha256="d" * 64))
    with pytest.raises(UserError, match="SHA-256 dddddddddddd"):
        scores_of(run, model_index=True)
    twice = {"r1_aime26": thirty, "matharena_aime26": thirty}
    with pytest.raises(UserError, match="one benchmark of the Hub"):
        scores_of(read_run(write_run(tmp_path / "twice", twice)), model_index=False)


def test_a_model_index_keeps_what_others_measured_and_replaces_what_was_ours(tmp_path):
    run = read_run(write_run(tmp_path, {"r1_aime24": asked(p="c")}))
    theirs = {
        "task": {"type": "text-generation"},
        "dataset": {"type": "x/y", "name": "y"},
        "metrics": [{"type": "accuracy", "value": "20.0 ± 1.2"}],
    }
    card = RepoCard("---\nlicense: mit\n---\n# M\n")
    card.data["model-index"] = [{"name": "Their name", "results": [theirs]}]
    first = with_model_index(str(card), ["r1_aime24"], proposal({"r1_aime24": [[1, 0]]}, run), model="some/model")
    again = with_model_index(first, ["r1_aime24"], proposal({"r1_aime24": [[1, 1]]}, run), model="some/model")
    (index,) = head_of(again)["model-index"]
    assert index["name"] == "Their name" and index["results"][0] == theirs and len(index["results"]) == 2
    assert index["results"][1]["metrics"][0]["value"] == 100.0
    assert head_of(again)["license"] == "mit" and again.endswith("# M\n")
    other = with_model_index(again, ["r1_math_500"], proposal({"r1_math_500": [[1, 0]]}, run), model="some/model")
    assert len(head_of(other)["model-index"][0]["results"]) == 3
    new = with_model_index(None, ["r1_aime24"], proposal({"r1_aime24": [[1, 0]]}, run), model="some/model")
    assert head_of(new)["model-index"][0]["name"] == "model"


@pytest.mark.parametrize(
    ("data_files", "kept"),
    [
        ("data/*.parquet", "data/*.parquet"),
        (["a.parquet", "b.parquet"], ["a.parquet", "b.parquet"]),
        ([{"split": "train", "path": "a.parquet"}], "a.parquet"),
    ],
)
def test_files_that_others_named_under_our_config_stay(data_files, kept):
    card = RepoCard("---\n\n---\n")
    card.data["configs"] = [{"config_name": "r1_aime24", "default": True, "data_files": data_files}]
    (entry,) = head_of(merged_card(str(card), PUBLISHED, repo="me/details"))["configs"]
    paths = {file["split"]: file["path"] for file in entry["data_files"]}
    ours = "rows/r1_aime24/2026_11_20.parquet"
    assert entry["default"] and paths == {"latest": ours, "2026_11_20": ours, "train": kept}


def test_the_same_run_merged_again_changes_nothing():
    first = merged_card("---\nlicense: mit\n---\n\n# Mine\n\nKeep.\n", PUBLISHED, repo="me/details")
    assert merged_card(first, PUBLISHED, repo="me/details") == first
    assert first.startswith("---\nlicense: mit\n") and first.count("Keep.") == 1


@pytest.mark.parametrize("head", ["a: [", "- 1\n- 2", "1: x"])
def test_metadata_that_is_none_is_refused_in_one_line(head):
    with pytest.raises(UserError, match="has metadata that cannot be read") as refused:
        read_card(f"---\n{head}\n---\ntext\n")
    assert "\n" not in str(refused.value)


def test_a_card_without_metadata_is_read_in_silence(caplog):
    assert read_card("# Only words\n").text == "# Only words\n" and read_card(None).text == ""
    assert not caplog.records
