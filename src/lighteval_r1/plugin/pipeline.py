"""LightEval's pipeline around an engine that none of LightEval's own commands would create."""

from lighteval import main_vllm
from lighteval.logging.evaluation_tracker import EvaluationTracker
from lighteval.models.abstract_model import ModelConfig
from lighteval.models.model_input import GenerationParameters
from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters

from lighteval_r1 import plugin
from lighteval_r1.engines import Engine
from lighteval_r1.plugin.model import R1Model


def run_command(**known: object) -> None:
    """What `lighteval vllm …` does, the command that stands in sys.argv. known: as plugin.vllm_model has it."""
    command = plugin.command_line()
    plugin.put_in_place(**known, output_dir=str(command["output_dir"]))
    main_vllm.vllm(**command)


class EngineConfig(ModelConfig):
    """LightEval's configuration of any model, with what ours adds to the results."""

    lighteval_r1: dict = {}


def run(
    engine: Engine,
    tasks: str,
    *,
    output_dir: str,
    cache_dir: str,
    wandb: bool = False,
    sampled: dict | None = None,
) -> None:
    """What `lighteval vllm TASKS --custom-tasks lighteval_r1.plugin --save-details` does, with this engine.

    sampled: as R1Model has it.
    """
    settings = engine.settings
    given = GenerationParameters(
        temperature=settings.temperature, top_p=settings.top_p, max_new_tokens=settings.max_tokens
    )
    config = EngineConfig(
        model_name=settings.model,
        generation_parameters=given,
        system_prompt=settings.system_prompt,
        cache_dir=cache_dir,
    )
    pipeline = Pipeline(
        tasks=tasks,
        pipeline_parameters=PipelineParameters(
            launcher_type=ParallelismManager.CUSTOM, custom_tasks_directory="lighteval_r1.plugin"
        ),
        evaluation_tracker=EvaluationTracker(output_dir=output_dir, save_details=True, use_wandb=wandb),
        model=R1Model(config, engine=engine, output_dir=output_dir, sampled=sampled),
    )
    pipeline.evaluate()
    pipeline.show_results()
    pipeline.save_and_push_results()
