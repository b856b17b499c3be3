"""Published numbers are those of their sources, found by a model's usual names, and a user's own stand beside them."""

import tomllib

import pytest
from fake_hub import FakeHub
from runs import asked, write_run

from lighteval_r1.numbers.baselines import (
    ESTIMATORS,
    SHIPPED,
    benchmark_of,
    nearest,
    of_model,
    on_task,
    published_numbers,
    read_baselines,
    spread,
)
from lighteval_r1.records import Estimate, UserError
from lighteval_r1.tasks import TASKS

DISTILLED = ("Qwen-1.5B", "Qwen-7B", "Qwen-14B", "Qwen-32B", "Llama-8B", "Llama-70B")
# open-r1's LightEval number / DeepSeek's own, in the order of DISTILLED.
OPEN_R1_AND_DEEPSEEK = {
    "aime24": "30.7/28.9, 50.8/55.5, 65.9/69.7, 69.7/72.6, 43.9/41.7, 63.0/70.0",
    "math_500": "83.1/83.9, 94.5/92.8, 94.1/93.9, 95.6/94.3, 88.6/89.1, 95.1/94.5",
    "gpqa_diamond": "35.8/33.8, 50.5/49.1, 61.5/59.1, 63.1/62.1, 46.7/49.0, 67.4/65.2",
    "lcb": "16.1/16.9, 37.4/37.6, 51.3/53.1, 56.0/57.2, 37.4/39.6, 55.9/57.5",
}


@pytest.fixture(autouse=True)
def no_rows_of_this_machines_user(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("LIGHTEVAL_R1_BASELINES", raising=False)


def told(model: str, task: str, group: str = "") -> dict[str, float]:
    rows = on_task(task, of_model(model, read_baselines()), group=group)
    return {row.by: round(100 * row.value, 3) for row in rows if row.estimator == "mean"}


@pytest.mark.parametrize("task", OPEN_R1_AND_DEEPSEEK)
@pytest.mark.parametrize("place", range(6))
def test_the_distilled_models_numbers_are_deepseeks_and_open_r1s(task, place):
    open_r1, deepseek = map(float, OPEN_R1_AND_DEEPSEEK[task].split(", ")[place].split("/"))
    found = told(f"deepseek-ai/DeepSeek-R1-Distill-{DISTILLED[place]}", task)
    assert (found["open-r1 (LightEval)"], found["DeepSeek"]) == (open_r1, deepseek)


@pytest.mark.parametrize(
    ("model", "task", "group", "numbers"),
    [
        ("DeepSeek-R1", "aime24", "", {"DeepSeek": 79.8}),
        ("DeepSeek-R1", "math_500", "", {"DeepSeek": 97.3}),
        ("DeepSeek-R1", "gpqa_diamond", "", {"DeepSeek": 71.5}),
        ("DeepSeek-R1", "lcb", "", {"DeepSeek": 65.9}),
        ("QwQ-32B", "aime24", "", {"Qwen": 79.5, "LLMEval": 78.65, "EvalScope": 80.0}),
        ("QwQ-32B", "aime25", "", {"Qwen": 69.5, "LLMEval": 67.22}),
        ("QwQ-32B", "gpqa_diamond", "", {"EvalScope": 67.17}),
        ("QwQ-32B", "math_500", "level=1", {"EvalScope": 95.35}),
        ("QwQ-32B", "math_500", "level=2", {"EvalScope": 100.0}),
        ("QwQ-32B", "math_500", "level=3", {"EvalScope": 97.14}),
        ("QwQ-32B", "math_500", "level=4", {"EvalScope": 93.75}),
        ("QwQ-32B", "math_500", "level=5", {"EvalScope": 94.03}),
        ("Skywork-OR1-32B", "aime24", "", {"Skywork": 82.2, "LLMEval": 81.25}),
        ("Skywork-OR1-32B", "aime25", "", {"Skywork": 73.3, "LLMEval": 72.66}),
        ("OpenThinker3-7B", "aime24", "", {"Open Thoughts": 69.0, "LLMEval": 70.41}),
        ("OpenThinker3-7B", "aime25", "", {"Open Thoughts": 53.3, "LLMEval": 59.16}),
        ("DeepSeek-R1-Distill-Qwen-32B", "aime25", "", {"LLMEval": 55.052}),
    ],
)
def test_the_other_models_numbers_are_those_of_their_sources(model, task, group, numbers):
    assert numbers.items() <= told(model, task, group).items()


def test_measurements_of_other_tools_stand_beside_a_distilled_models_own():
    assert told("DeepSeek-R1-Distill-Qwen-32B", "aime24")["LLMEval"] == 70.625
    assert told("DeepSeek-R1-Distill-Qwen-32B", "math_500")["LLMEval"] == 93.2
    small = [
        told("DeepSeek-R1-Distill-Qwen-1.5B", task)["EvalScope"] for task in ("math_500", "gpqa_diamond", "aime24")
    ]
    assert small == [78.32, 34.34, 20.0]


def test_every_number_has_its_source_estimator_and_date_and_stands_there_once():
    contents = tomllib.loads(SHIPPED.read_text())
    for row in contents["published"]:
        source = contents["sources"][row["source"]]
        assert row.get("estimator", source["estimator"]) in ESTIMATORS
        assert source["url"].startswith("https://") and source["date"][:2] == "20" and source["by"]
        assert row["task"] in contents["tasks"], "numbers of problems that no task asks are left out"
    rows = read_baselines()
    assert len(rows) >= 200 and sum(row.confirmed for row in rows) >= 200
    assert len({(row.model, row.task, row.group, row.by, row.date, row.estimator) for row in rows}) == len(rows)


# As six groups measured it; all of them pass@1.
MEASURED = {
    "DeepSeek": 72.6,
    "open-r1 (LightEval)": 69.7,
    "LLMEval": 70.625,
    "NVIDIA (OpenMathReasoning)": 66.9,
    "POLARIS": 72.6,
    "ML Foundations (Evalchemy)": 73.7,
}


def test_the_spread_among_those_who_measured_a_model_stands_beside():
    assert told("DeepSeek-R1-Distill-Qwen-32B", "aime24") == MEASURED
    model = "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"
    for value, place in ((0.70, "within"), (0.60, "below"), (0.75, "above")):
        numbers = published_numbers()(model, {}, "r1_aime24", Estimate(value, 0.02, 0.08, 30, 1920), "")
        assert spread(numbers, value) == f"measured by 6: 66.9 to 73.7; ours is {place}"
    assert spread(numbers[:1], 0.7) == ""


def test_what_was_measured_alike_stands_first_and_of_the_others_it_is_said_what_differs(tmp_path):
    path = tmp_path / "own.toml"
    rows = (
        'model = "m"\ntask = "aime25"\nvalue = 50\nsource = "a"\ndate = "2026"\ntemperature = 1.0\nmax_tokens = 65536',
        'model = "m"\ntask = "aime25"\nvalue = 80\nsource = "b"\ndate = "2026"\nestimator = "maj"\nn = 64',
        'model = "m"\ntask = "aime25"\nvalue = 50\nsource = "c"\ndate = "2026"\nconfirmed = false',
        'model = "m"\ntask = "aime25"\nvalue = 50\nsource = "d"\ndate = "2026"\ntemperature = 0.6',
    )
    path.write_text("".join(f"[[published]]\n{row}\n" for row in rows))
    settings = {"temperature": 0.6, "max_tokens": 32768}
    told_beside = published_numbers(path)("m", settings, "r1_aime25", Estimate(0.5, 0.02, 0.08, 30, 1920), "")
    assert [(each.by, each.alike) for each in told_beside] == [("d", True), ("a", False), ("b", False), ("c", False)]
    assert [each.words for each in told_beside] == [
        "within 1 standard error",
        "within 1 standard error; temperature 1.0, ours 0.6; max tokens 65,536, ours 32,768",
        "not compared: it is a majority vote, ours pass@1",
        "within 1 standard error; not confirmed at its source",
    ]
    assert told_beside[2].name == "m (b, 2026, maj@64)" and not told_beside[2].is_mean
    assert spread(told_beside, 0.5) == "measured by 3: 50.0 to 50.0; ours is within"


@pytest.mark.parametrize(
    "name",
    ["deepseek-r1-distill-qwen-7b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "/models/DeepSeek-R1-Distill-Qwen-7B/"],
)
def test_a_model_is_found_by_its_usual_names(name):
    assert {row.model for row in of_model(name, read_baselines())} == {"deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"}


def test_a_model_is_not_taken_for_one_whose_name_begins_alike():
    assert {row.model for row in of_model("deepseek-r1", read_baselines())} == {"deepseek-ai/DeepSeek-R1"}
    assert not of_model("DeepSeek-R1-Distill-Qwen-15B", read_baselines())
    assert nearest("deepseek-r2", read_baselines())[0] == "DeepSeek-R1"


def test_tasks_that_ask_the_same_problems_share_the_published_numbers():
    for name, task in TASKS.items():
        known = benchmark_of(name)
        if name.startswith(("demo_", "r1_lcb_")) or task.orders > 1:
            assert known is None, name
        else:
            assert known.n_problems == task.n_problems, name
    assert benchmark_of("gpqa:diamond").name == "gpqa_diamond"


OWN = """
[sources.us]
by = "Us"
url = "https://example.org/notes"
date = "2026-11-01"

[[published]]
source = "us"
model = "org/Ours-7B"
task = "r1_aime24"
value = 61
n = 32

[[published]]
source = "last week's run"
date = "2026-11-14"
model = "org/Ours-7B"
task = "our_task"
value = 12.5
"""


def test_a_users_rows_stand_beside_the_shipped_ones(tmp_path, monkeypatch):
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    row, other = of_model("ours-7b", read_baselines(path))
    assert (row.task, row.value, row.n, row.by, row.source) == ("aime24", 0.61, 32, "Us", "https://example.org/notes")
    assert (other.task, other.by, other.source) == ("our_task", "last week's run", "last week's run")
    monkeypatch.setenv("LIGHTEVAL_R1_BASELINES", str(path))
    assert of_model("ours-7b", read_baselines())
    monkeypatch.delenv("LIGHTEVAL_R1_BASELINES")
    home = tmp_path / ".config" / "lighteval-r1"
    home.mkdir(parents=True)
    (home / "baselines.toml").write_text(OWN)
    assert of_model("ours-7b", read_baselines())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("published = [", "cannot read"),
        ("", "has no rows under"),
        ("published = [3]", "row 1: not a table"),
        (OWN.replace("value = 61\n", ""), "row 1: no value"),
        (OWN.replace("value = 61", 'value = "61 %"'), "row 1: value '61 %' is not a number of percent"),
        (OWN.replace("value = 61", "value = 610"), "not a number of percent, 0 to 100"),
        (OWN.replace("n = 32", "n = 0"), "n 0 is not a number of samples"),
        (OWN.replace("n = 32", "samples = 32"), "row 1: unknown 'samples'"),
        (OWN.replace("n = 32", 'estimator = "pass@8"'), "row 1: estimator 'pass@8' is not one of mean"),
        (OWN.replace("n = 32", 'temperature = "low"'), "row 1: temperature 'low' is not a number"),
        (OWN.replace("n = 32", 'confirmed = "yes"'), "row 1: confirmed 'yes' is not a truth value"),
        (OWN.replace('date = "2026-11-14"\n', ""), "row 2: no date"),
    ],
)
def test_a_users_file_that_is_not_as_it_should_be_is_refused_naming_the_row(tmp_path, text, line):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(UserError) as refused:
        read_baselines(path)
    assert line in str(refused.value) and "\n" not in str(refused.value)


def test_a_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(UserError, match="there is no file of baselines"):
        read_baselines(tmp_path / "nowhere.toml")


def test_ours_is_told_in_standard_errors_from_the_published_number():
    published = published_numbers()
    ours = Estimate(0.508, 0.018, 0.08, 30, 1920)
    found = {
        each.name: (each.value, each.words)
        for each in published("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", {}, "r1_aime24", ours, "")
        if each.by in ("DeepSeek", "open-r1 (LightEval)")
    }
    # 64 samples of each problem on both sides: 0.047 / (0.018 * sqrt(2)) = 1.85.
    assert found == {
        "DeepSeek-R1-Distill-Qwen-7B (DeepSeek, 2025-01-20, n 64)": (0.555, "1.8 standard errors below"),
        "DeepSeek-R1-Distill-Qwen-7B (open-r1 (LightEval), 2025, n 64)": (0.508, "within 1 standard error"),
    }


def test_ours_over_some_of_the_problems_is_not_compared_with_a_number_over_all():
    (found, *_) = published_numbers()("DeepSeek-R1", {}, "r1_aime24", Estimate(0.8, 0.02, 0.1, 20, 320), "")
    assert found.words == "not compared: ours is over 20 of its 30 problems"


def test_the_hubs_leaderboards_are_asked_where_that_is_wished(tmp_path, monkeypatch, main):
    run = write_run(tmp_path / "run", {"r1_aime26": asked(**{f"p{i}": "cw" for i in range(30)})}, model="org/model")
    entry = {
        "rank": 1,
        "modelId": "org/model",
        "value": 48.5,
        "filename": ".eval_results/a.yaml",
        "verified": True,
        "author": {"name": "org", "fullname": "Org", "avatarUrl": "", "type": "org"},
    }
    with FakeHub() as hub:
        hub.leaderboards["MathArena/aime_2026"] = [entry, entry | {"value": 0.485, "rank": 2}]
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        code, said, told = main("compare", run, "--refresh")
    assert code == 0 and said.count("leaderboard (verified)") == 1 and " 48.5" in said
    assert "The leaderboard of Idavidrein/gpqa cannot be read; its numbers are those that came along." in told
    code, said, told = main("compare", run)
    assert code == 0 and "leaderboard (" not in said + told
