"""What LightEval hands over and cannot run: refused before a weight is read. In one process with the other tests that import LightEval."""

import os

import pytest

from lighteval_r1.cli.evaluate import DEMO_MODEL
from lighteval_r1.engines.model_files import ModelIdentity
from lighteval_r1.records import UserError
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
