"""At LightEval's border: what it hands over and cannot run is refused, replies of another engine are graded.

In one process with the other tests that import LightEval.
"""

import json
import os
import re
import shutil
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from lighteval_r1.cli.evaluate import DEMO_MODEL
from lighteval_r1.engines.engine_options import split_options
from lighteval_r1.engines.model_files import ModelIdentity
from lighteval_r1.engines.model_parameters import GENERATION, PARAMETERS, check_parameters
from lighteval_r1.engines.model_section import named_values
from lighteval_r1.outside.words import storable
from lighteval_r1.records import UserError
from lighteval_r1.tasks import TASKS
from lighteval_r1.tasks.specs import check_data, parse_spec
from lighteval_r1.tasks.task import task_rows

pytestmark = pytest.mark.timeout(200)


@pytest.fixture(scope="module")
def plugin():
    """Imported here: it takes LightEval a quarter of a minute."""
    import lighteval_r1.plugin.documents
    import lighteval_r1.plugin.model
    import lighteval_r1.plugin.vllm_arguments

    return lighteval_r1.plugin


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("tensor_parallel_size=3", "does not divide the model's 4 attention heads"),
        ("override_chat_template=maybe", "model argument override_chat_template"),
        ("revision", "model argument revision: Input should be a valid string"),
    ],
)
def test_model_arguments_that_cannot_run_are_refused_before_a_weight_is_read(arguments, message, monkeypatch, plugin):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(4))
    with pytest.raises(UserError, match=message):
        plugin.vllm_arguments.make_engine(
            plugin.vllm_arguments.read_config(f"model_name={DEMO_MODEL},{arguments}"),
            identity=ModelIdentity("model", "main"),
            processes=[],
        )


RECIPES = sorted((Path(__file__).resolve().parents[1] / "recipes").glob("*.yaml"))


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("config.json", "num_hidden_layers", "two"),
        ("config.json", "model_type", 5),
        ("config.json", "rope_parameters", []),
        ("tokenizer_config.json", "added_tokens_decoder", 1),
    ],
)
def test_a_model_whose_files_say_what_no_library_reads_is_one_line(plugin, tmp_path, name, field, value):
    model = Path(shutil.copytree(DEMO_MODEL, tmp_path / "model"))
    (model / name).write_text(json.dumps(json.loads((model / name).read_text()) | {field: value}))
    config = plugin.vllm_arguments.read_config(f"model_name={model}")
    with pytest.raises(UserError) as refused:
        plugin.vllm_arguments.make_engine(config, identity=ModelIdentity("model", "main"), processes=[])
    assert str(refused.value).startswith(f"cannot read model {model}: ") and "\n" not in str(refused.value)


def test_a_models_own_code_runs_where_it_was_said_alone(plugin, tmp_path):
    model = Path(shutil.copytree(DEMO_MODEL, tmp_path / "model"))
    (model / "own.py").write_text("from transformers import Qwen2Config\nclass Own(Qwen2Config): model_type = 'own'\n")
    file = model / "config.json"
    file.write_text(
        json.dumps(json.loads(file.read_text()) | {"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}})
    )

    def engine(**said: bool):
        config = plugin.vllm_arguments.VLLMModelConfig(model_name=str(model), **said)
        return plugin.vllm_arguments.make_engine(config, identity=ModelIdentity("model", "r"), processes=[])

    with pytest.raises(UserError, match="code of its own, .* --vllm trust_remote_code=true"):
        engine()
    parameters, rest = split_options(named_values(["trust_remote_code=true"], option="--vllm"))
    ours = engine(**parameters)
    assert not rest and ours.engine_args["trust_remote_code"] is True


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_lighteval_reads_every_recipe(recipe, plugin):
    config = plugin.vllm_arguments.read_config(str(recipe))
    section = plugin.section_of(str(recipe))
    settings = plugin.vllm_arguments.settings_of(
        config, section, identity=ModelIdentity("m", "r"), template="t", adapter=None
    )
    assert settings.template_args == section.template_args and config.max_model_length >= settings.max_tokens + 2048
    given = config.generation_parameters.model_fields_set
    # what a recipe does not state comes from the model's own file
    assert section.generation_config or {"temperature", "top_p"} <= given


def test_a_makers_sampling_holds_where_nothing_else_is_said(plugin, tmp_path, capsys):
    (tmp_path / "generation_config.json").write_text('{"temperature": 0.7, "top_p": 0.8, "top_k": 20, "min_p": 0.1}')
    for asked, line, drawn in (
        (True, "says temperature=0.7, top_p=0.8, top_k=20, min_p=0.1.", (0.7, 0.9, 20, {"min_p": 0.1})),
        (False, "says temperature=0.7, top_k=20, min_p=0.1, which is not used", (0.6, 0.9, 0, {})),
    ):
        config = plugin.vllm_arguments.VLLMModelConfig(model_name=str(tmp_path), generation_parameters={"top_p": 0.9})
        section = plugin.ModelSection(generation_config=asked)
        settings = plugin.vllm_arguments.settings_of(
            config, section, identity=ModelIdentity("m", "r"), template="t", adapter=None
        )
        assert (settings.temperature, settings.top_p, settings.top_k, settings.extra) == drawn
        assert line in capsys.readouterr().err


def test_several_samples_at_temperature_0_are_refused(plugin):
    task = TASKS["demo_sums"]
    doc = plugin.documents.task_config(task, None).prompt_function(next(iter(task.rows())), task.name)
    doc.num_samples = 1
    plugin.model.check_docs([doc], temperature=0)
    doc.num_samples = 2
    with pytest.raises(UserError, match="temperature 0 draws the same reply 2 times"):
        plugin.model.check_docs([doc], temperature=0)


def test_the_command_line_is_read_as_lighteval_reads_it(plugin, monkeypatch):
    options = ["--custom-tasks", "lighteval_r1.plugin", "--save-details", "--output-dir=o", "--max-samples", "3"]
    monkeypatch.setattr("sys.argv", ["/bin/lighteval", "vllm", *options[:3], "a=b", *options[3:], "demo_sums@n=4|0"])
    asked = plugin.command_line()
    assert (asked["model_args"], asked["tasks"], asked["output_dir"]) == ("a=b", "demo_sums@n=4|0", "o")
    monkeypatch.setattr("sys.argv", ["/bin/lighteval-r1", "endpoint", "demo_sums"])
    assert plugin.command_line() is None


@pytest.mark.parametrize(
    ("model", "tasks", "message"),
    [
        ("model_name=/nowhere/at/all", "demo_sums|0", "there is no model folder /nowhere/at/all"),
        (f"model_name={DEMO_MODEL}", "demo_suns|0", "there is no task 'demo_suns'"),
        (f"model_name={DEMO_MODEL},data_parallel_size=4096", "demo_sums|0", "asks for 4096 devices"),
        (
            f"model_name={DEMO_MODEL},generation_parameters={{top_p:1.5}}",
            "demo_sums|0",
            "top_p 1.5 is not above 0, up to 1",
        ),
        (
            f"model_name={DEMO_MODEL},generation_parameters={{max_new_tokens:0}}",
            "demo_sums|0",
            "max_new_tokens 0 is not a",
        ),
        (f"model_name={DEMO_MODEL},generation_parameters={{temperature:-1}}", "demo_sums|0", "temperature"),
        (f"model_name={DEMO_MODEL},foo_bar=3", "demo_sums|0", "model argument foo_bar"),
        ("dtype=float32", "demo_sums|0", "model argument model_name"),
        ("model_name=a/NoSuch", "demo_sums|0", "a/NoSuch (revision main) is neither a local folder nor in the cache"),
        (f"model_name={DEMO_MODEL}", "r1_gpqa_diamond|0", "is gated, and there is no Hugging Face token"),
        (f"model_name={DEMO_MODEL}", "r1_aime24|0", "the Hub is out of reach"),
        ("nowhere.yaml", "demo_sums|0", "there is no model configuration nowhere.yaml"),
    ],
)
def test_a_mistake_ends_lighteval_with_its_line_and_2(model, tasks, message, plugin, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("lighteval_r1.tasks.specs.token", lambda: None)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    monkeypatch.delenv("LIGHTEVAL_R1_DATA", raising=False)
    with pytest.raises(SystemExit) as ended:
        plugin.check_command(model, plugin.tasks_named(tasks))
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.startswith("lighteval-r1: ") and message in said and said.count("\n") == 1


@pytest.mark.parametrize("what", ["weights", "section"])
def test_a_damaged_model_and_a_wrong_section_end_lighteval_before_anything_starts(
    what, plugin, capsys, monkeypatch, tmp_path
):
    model = Path(shutil.copytree(DEMO_MODEL, tmp_path / "model"))
    weights, said = model / "model.safetensors", plugin.NOTHING
    if what == "weights":
        weights.write_bytes(weights.read_bytes()[:-1])
    else:
        said = plugin.ModelSection(template_args={"enable_thinknig": False})
    monkeypatch.setattr(plugin, "start_replicas", None)
    with pytest.raises(SystemExit) as ended:
        plugin.check_command(f"model_name={model}", plugin.tasks_named("demo_sums|0"), section=said)
    refused = capsys.readouterr().err
    assert ended.value.code == 2 and refused.count("\n") == 1
    assert {"weights": "is cut off", "section": "knows no enable_thinknig"}[what] in refused


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--load-responses-from-details-date-id=x", "draws none twice"),
        ("--push-to-hub", "--push-to-hub: the Hub is out of reach. Leave it out: `lighteval-r1 upload`"),
    ],
)
def test_options_of_lightevals_that_end_in_a_traceback_are_a_line(option, message, plugin, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["/bin/lighteval", "vllm", "a=b", "demo_sums|0", option])
    with pytest.raises(SystemExit) as ended:
        plugin.check_theirs(plugin.command_line())
    said = capsys.readouterr().err
    assert ended.value.code == 2 and message in said and said.count("\n") == 1
    monkeypatch.setattr("sys.argv", ["/bin/lighteval", "vllm", "a=b", "demo_sums|0"])
    plugin.check_theirs(plugin.command_line())


def test_the_model_parameters_that_are_known_are_lightevals(plugin):
    from lighteval.models.model_input import GenerationParameters

    assert set(PARAMETERS) == set(plugin.vllm_arguments.VLLMModelConfig.model_fields)
    assert set(GENERATION) == set(GenerationParameters.model_fields)
    check_parameters(plugin.read_config(f"model_name={DEMO_MODEL}").model_dump())


def test_before_lighteval_goes_on_the_model_was_hashed_once(plugin, monkeypatch):
    hashed = []
    identify = plugin.identify
    monkeypatch.setattr(plugin, "identify", lambda parameters: hashed.append(1) or identify(parameters))
    monkeypatch.setattr(plugin, "start_replicas", lambda layout: [])
    model = f"model_name={DEMO_MODEL},dtype=float32"
    identity, processes = plugin.check_command(model, plugin.tasks_named("demo_sums|0"))
    made = plugin.vllm_model(plugin.read_config(model), identity=identity, processes=processes, output_dir="")
    assert hashed == [1]
    assert made.engine.settings.revision == "sha256:bd734a89c6d70f3b59acde23495c88de"
    assert (made.engine.settings.seed, made.engine.settings.max_tokens) == (1234, 32768)


# -- replies of an engine that is not ours

# Per demo_sums problem: the prompt as the engine says it sent it, its two replies, and how each is to be graded.
FOREIGN = [
    ("What is it?", [r"<think>hm</think>\boxed{GOLD}", r"\boxed{GOLD}"], ["correct", "correct"]),
    ("What is it?<think>\n", [r"hm</think>\boxed{GOLD}", r"\boxed{GOLD}"], ["correct", "no_answer"]),
    ("What is it?", [r"\boxed{GOLD1}", "I do not know."], ["wrong", "no_answer"]),
    (None, [r"\boxed{GOLD1}", r"\boxed{GOLD}"], ["wrong", "correct"]),
    ("What\ud800?", ["\ud800\0\x1b[2J\u202e\\boxed{GOLD}", "\udfff" + "{" * 1_000_000], ["correct", "no_answer"]),
]


@pytest.fixture(scope="module")
def foreign_run(plugin, tmp_path_factory) -> Path:
    """The output folder of LightEval's own pipeline around an engine of somebody else's, on the first demo sums."""
    from lighteval.logging.evaluation_tracker import EvaluationTracker
    from lighteval.models.abstract_model import LightevalModel, ModelConfig
    from lighteval.models.model_output import ModelResponse
    from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters
    from lighteval.utils.cache_management import SampleCache

    folder = tmp_path_factory.mktemp("foreign")

    class Foreign(LightevalModel):
        is_async = False
        tokenizer = add_special_tokens = max_length = None

        def __init__(self) -> None:
            self.config = ModelConfig(model_name="somebody/else", cache_dir=str(folder / "cache"))
            self._cache = SampleCache(self.config)

        def greedy_until(self, docs):
            return [
                ModelResponse(input=sent, text=[text.replace("GOLD", doc.choices[0]) for text in replies])
                for doc, (sent, replies, _) in zip(docs, FOREIGN, strict=True)
            ]

        loglikelihood = loglikelihood_rolling = greedy_until

    parameters = PipelineParameters(
        launcher_type=ParallelismManager.CUSTOM, custom_tasks_directory="lighteval_r1.plugin", max_samples=len(FOREIGN)
    )
    tracker = EvaluationTracker(output_dir=str(folder), save_details=True)
    pipeline = Pipeline(
        tasks="demo_sums@n=2|0", pipeline_parameters=parameters, evaluation_tracker=tracker, model=Foreign()
    )
    pipeline.evaluate()
    pipeline.save_and_push_results()
    return folder


def results_of(folder: Path) -> dict:
    (path,) = folder.rglob("results_*.json")
    return json.loads(path.read_text())


def test_replies_of_another_engine_are_graded_as_ours_are(foreign_run):
    (path,) = foreign_run.rglob("details_*.parquet")
    expected = {storable((sent, *texts)): outcomes for sent, texts, outcomes in FOREIGN}
    rows = parquet.read_table(path).to_pylist()
    assert len(rows) == len(FOREIGN)
    for row in rows:
        (gold,), replies = row["doc"]["choices"], row["model_response"]["text"]
        outcomes = expected[row["model_response"]["input"], *(reply.replace(gold, "GOLD") for reply in replies)]
        boxed = [re.search(r"\\boxed{(.+)}", reply) for reply in replies]
        samples = row["doc"]["specific"]["samples"]
        assert [sample["outcome"] for sample in samples] == outcomes
        assert [sample["answer"] for sample in samples] == [
            "" if outcome == "no_answer" else box[1] for outcome, box in zip(outcomes, boxed, strict=True)
        ]
        assert row["metric"]["pass@1"] == outcomes.count("correct") / 2


def test_the_scores_of_another_engine_stand_in_lightevals_results(foreign_run):
    scores = results_of(foreign_run)["results"]["demo_sums|0"]
    # (1 + 1/2 + 0 + 1/2 + 1/2) / 5; one right of two: pass@2 is 1 for four of five problems
    assert scores["pass@1"] == 0.5 and scores["pass@2"] == 0.8
    # 3 of 10 replies
    assert scores["no_answer"] == 0.3 and scores["undecided"] == 0.0


def test_metrics_say_which_way_is_better(foreign_run):
    (pass_at_1, figures) = results_of(foreign_run)["config_tasks"]["demo_sums|0"]["metrics"]
    assert pass_at_1["metric_name"] == "pass@1" and pass_at_1["higher_is_better"] is True
    lower = {name for name, higher in figures["higher_is_better"].items() if not higher}
    reasons = ("cut off", "looping", "refused by the server", "ended without an answer", "nothing announced")
    shares = {"truncated", "looping", "no_answer", "undecided", *(f"no_answer {why}" for why in reasons)}
    assert lower == shares | {"output_tokens", "thinking_tokens"}
    assert {"pass@2", "maj@n", "pass@1 level=3"} <= set(figures["higher_is_better"])


def test_lighteval_reads_the_chosen_rows_alone(plugin, tmp_path, monkeypatch, shared):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("LIGHTEVAL_R1_DATA", str(shared / "data"))
    task = parse_spec("math_500@level=5@limit=7").task
    check_data(task)
    (file,) = Path(plugin.documents.stage(task)).iterdir()
    staged = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(staged) == 7 and {row["level"] for row in staged} == {5}
    # The same problems as of the whole task: what was drawn of a part is there for the whole.
    whole = {task.problem(row).id for row in task_rows(TASKS["r1_math_500"])}
    assert {task.problem(row).id for row in staged} <= whole
