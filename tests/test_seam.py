"""What LightEval hands over and cannot run: refused before a weight is read. In one process with the other tests that import LightEval."""

import os

import pytest

from lighteval_r1.cli.evaluate import DEMO_MODEL
from lighteval_r1.engines.model_files import ModelIdentity
from lighteval_r1.records import UserError
from lighteval_r1.sampling import preflight
from lighteval_r1.sampling.preflight import Findings
from lighteval_r1.tasks import TASKS

pytestmark = pytest.mark.timeout(200)


@pytest.fixture(scope="module")
def seam():
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
def test_model_arguments_that_cannot_run_are_refused_before_a_weight_is_read(arguments, message, monkeypatch, seam):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(4))
    with pytest.raises(UserError, match=message):
        seam.vllm_arguments.make_engine(
            seam.vllm_arguments.read_config(f"model_name={DEMO_MODEL},{arguments}"),
            identity=ModelIdentity("model", "main"),
            processes=[],
        )


def test_several_samples_at_temperature_0_are_refused(seam):
    task = TASKS["demo_sums"]
    doc = seam.documents.task_config(task, None).prompt_function(next(iter(task.rows())), task.name)
    doc.num_samples = 1
    seam.model.check_docs([doc], temperature=0)
    doc.num_samples = 2
    with pytest.raises(UserError, match="temperature 0 draws the same reply 2 times"):
        seam.model.check_docs([doc], temperature=0)


def test_the_command_line_is_read_as_lighteval_reads_it(seam, monkeypatch):
    options = ["--custom-tasks", "lighteval_r1.plugin", "--save-details", "--output-dir=o", "--max-samples", "3"]
    monkeypatch.setattr("sys.argv", ["/bin/lighteval", "vllm", *options[:3], "a=b", *options[3:], "demo_sums@n=4|0"])
    asked = seam.command_line()
    assert (asked["model_args"], asked["tasks"], asked["output_dir"]) == ("a=b", "demo_sums@n=4|0", "o")
    monkeypatch.setattr("sys.argv", ["/bin/lighteval-r1", "endpoint", "demo_sums"])
    assert seam.command_line() is None


@pytest.mark.parametrize(
    ("model", "tasks", "message"),
    [
        ("model_name=/nowhere/at/all", "demo_sums|0", "there is no model folder /nowhere/at/all"),
        (f"model_name={DEMO_MODEL}", "demo_suns|0", "there is no task 'demo_suns'"),
        (f"model_name={DEMO_MODEL},data_parallel_size=4096", "demo_sums|0", "asks for 4096 devices"),
    ],
)
def test_a_mistake_ends_lighteval_with_its_line_and_2(model, tasks, message, seam, capsys):
    with pytest.raises(SystemExit) as ended:
        seam.check_command(model, tasks, findings=Findings())
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.startswith("lighteval-r1: ") and message in said and said.count("\n") == 1


def test_before_lighteval_goes_on_the_model_was_hashed_once(seam, monkeypatch):
    hashed = []
    identify = preflight.identify
    monkeypatch.setattr(
        preflight, "identify", lambda *model, **named: hashed.append(model) or identify(*model, **named)
    )
    monkeypatch.setattr(seam, "start_replicas", lambda layout: [])
    model, findings = f"model_name={DEMO_MODEL},dtype=float32", Findings()
    seam.check_command(model, "demo_sums|0", findings=findings)
    made = seam.vllm_model(seam.read_config(model), findings=findings, processes=[], output_dir="")
    assert hashed == [(str(DEMO_MODEL),)]
    assert made.engine.settings.revision == "sha256:bd734a89c6d70f3b59acde23495c88de"
    assert (made.engine.settings.seed, made.engine.settings.max_tokens) == (1234, 32768)
