"""Replies of another engine than ours, graded: what LightEval's own backends drew for our tasks."""

from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import Doc

from lighteval_r1.engines.model_section import said_by_hand
from lighteval_r1.graders import GRADERS
from lighteval_r1.graders.marks import AUTO, choose, opens_thinking
from lighteval_r1.graders.token_marks import Divider
from lighteval_r1.outside.words import storable, tell
from lighteval_r1.plugin.metrics import task_of
from lighteval_r1.records import GraderDied, OwedError, Sample
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.sampling.work import shown

FOREIGN_ENGINE = (
    "lighteval-r1 grades replies that another engine of LightEval's drew: its cache, truncation and retries applied, "
    "and no seeds, finish reasons and token counts are known. lighteval-r1 endpoint asks any OpenAI-compatible server "
    "itself."
)


def grade_foreign(pairs: list[tuple[Doc, ModelResponse]]) -> None:
    """Grades replies of another engine than ours; their docs take them. OwedError while replies are missing."""
    missing = [(doc, doc.num_samples - len(response.text)) for doc, response in pairs]
    missing = [(doc, n) for doc, n in missing if n > 0]
    if missing:
        first = missing[0][0]
        raise OwedError(
            f"{sum(n for _, n in missing)} of {sum(doc.num_samples for doc, _ in pairs)} replies are missing, so there "
            f"is no score: the engine gave {first.num_samples - missing[0][1]} of {first.num_samples} for problem "
            f"{first.problem.name or first.problem.id}. Ask for fewer ({task_of(first)}@n=1|0), or let lighteval-r1 "
            "endpoint draw each reply by itself."
        )
    tell(FOREIGN_ENGINE)
    divider = Divider(choose(said_by_hand().reasoning_parser or AUTO))
    samples = [[divider.divided(sample) for sample in foreign_samples(doc, response)] for doc, response in pairs]
    items = [
        (GRADERS[doc.problem.grader], GRADERS[doc.problem.grader].answer_text(sample), doc.problem.gold)
        for (doc, _), row in zip(pairs, samples, strict=True)
        for sample in row
    ]
    with Pool() as pool:
        grades = pool.grade_many(items)
    died = [grade for grade in grades if isinstance(grade, GraderDied)]
    if died:
        raise OwedError(f"{len(died)} of {len(grades)} replies have no grade, so there is no score. First: {died[0]}")
    verdicts = iter(grades)
    for (doc, response), row in zip(pairs, samples, strict=True):
        doc.take(shown(doc.problem, [sample.graded(next(verdicts)) for sample in row]))
        # The details file, which holds no half characters, is made of these.
        for name in ("input", "text", "text_post_processed"):
            setattr(response, name, storable(getattr(response, name)))


def foreign_samples(doc: Doc, response: ModelResponse) -> list[Sample]:
    """The replies as samples of which only the text is known: no finish reason, no seed, no count of tokens."""
    opened = opens_thinking(str(response.input or ""))
    problem_id = doc.problem.id
    return [
        Sample(f"{problem_id}[{index}]", problem_id, index, None, reply, thinking_opened=opened)
        for index, reply in enumerate(response.text)
    ]
