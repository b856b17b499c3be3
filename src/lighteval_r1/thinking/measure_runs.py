"""From runs to their measures: which replies, where each first states the gold (by rule or judge), and the
summaries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lighteval_r1.graders import Grader, grader_named
from lighteval_r1.outside.collecting import uncollected
from lighteval_r1.records import Run, RunProblem, Sample, TaskRun, Unfinished, UserError
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.thinking.first_correct import Stated, first_correct
from lighteval_r1.thinking.judge import Judge, Question, agreement, steps_of
from lighteval_r1.thinking.measures import Measured, Thinking, measured, thinking_of
from lighteval_r1.thinking.summary import Told, all_tasks, task_thinking
from lighteval_r1.thinking.tokens import ANEW, NOT_SPELLING, SAMPLED, NoTokenizer, Offsets, load_tokenizer

# Characters of replies from which a user should be told to wait: about half a minute on four cores.
LONG_WAIT = 30_000_000
# CPU seconds for one candidate: what takes longer to compare is no answer as people state it.
LIMIT_S = 2.0
COUNTED = {
    SAMPLED: "replies by the ids that were sampled",
    ANEW: "tokenized anew, as no ids were kept",
    NOT_SPELLING: "tokenized anew, as their ids do not spell them by this tokenizer",
}


@dataclass(frozen=True)
class Choice:
    """Which replies are measured, and how.

    tokenizer: "" for each run's own, which fetch allows to download. Limits 0: none.
    """

    tokenizer: str = ""
    max_tokens: int = 0
    per_level: int = 0
    partial: bool = False
    judge: Judge | None = None
    agree: bool = False
    fetch: bool = True


@dataclass
class Thought:
    """The thinking of one sample.

    end: just past its first correct answer by the rule in force; known: it was looked for.
    """

    run: str
    task: str
    problem: RunProblem
    sample: Sample
    thinking: Thinking
    end: int | None = None
    known: bool = True
    measured: Measured | None = field(default=None, repr=False)

    @property
    def grader(self) -> Grader:
        return grader_named(self.problem.grader)


def measure_runs(labels: Sequence[str], runs: Sequence[Run], *, choice: Choice) -> Told:
    """Raises OwedError while samples are owed or ungraded, unless partial; UserError without a tokenizer."""
    if not choice.partial:
        refuse_owed(labels, runs)
    thoughts = [
        Thought(label, name, problem, sample, thinking_of(sample))
        for label, run in zip(labels, runs, strict=True)
        for name, task in run.tasks.items()
        for problem in chosen(task.problems, per_level=choice.per_level)
        for sample in problem.samples
        if sample.outcome is not None
    ]
    if not thoughts:
        raise UserError("these runs hold no graded reply, so there is no thinking to measure.")
    with uncollected():
        return measure(labels, runs, thoughts, choice=choice)


def measure(labels: Sequence[str], runs: Sequence[Run], thoughts: list[Thought], *, choice: Choice) -> Told:
    notes: list[str] = []
    offsets: dict[str, tuple[Offsets, str]] = {}
    for label, run in zip(labels, runs, strict=True):
        tokenizer, source = load_tokenizer(run, named=choice.tokenizer, fetch=choice.fetch)
        offsets[label] = (Offsets(tokenizer, like=[others for others, _ in offsets.values()]), source)
    thoughts = short_enough(thoughts, offsets, choice=choice, notes=notes)
    stopped = by_rule(thoughts)
    agreed = by_judge(thoughts, choice=choice, notes=notes) if choice.judge is not None else ""
    for thought in thoughts:
        counted = offsets[thought.run][0]
        thought.measured = measured(
            thought.problem,
            thought.sample,
            thinking=thought.thinking,
            end=thought.end,
            known=thought.known,
            offsets=counted,
        )
    notes += [tokens_note(label, *offsets[label]) for label in labels]
    notes += [*left_out_notes(runs, choice=choice), *reply_notes(thoughts, stopped=stopped)]
    return summaries(labels, runs, thoughts, notes=notes, agreed=agreed)


def for_report(labels: Sequence[str], runs: Sequence[Run], *, tokenizer: str, partial: bool) -> Told:
    """As measure_runs of the tasks that have grades; a note says what is left out, and without a tokenizer what to do.

    partial: as the report was asked for.
    """
    kept = [replace(run, tasks={name: task for name, task in run.tasks.items() if has_grades(task)}) for run in runs]
    notes = [
        f"How replies think is left out of {name} of {label}: it has no grades (lighteval-r1 score gives them)."
        for label, run, left in zip(labels, runs, kept, strict=True)
        for name in run.tasks
        if name not in left.tasks
    ]
    members = [(label, run) for label, run in zip(labels, kept, strict=True) if run.tasks]
    if not members:
        return Told([], [], notes)
    if not partial:
        refuse_owed(*zip(*members, strict=True), purpose="report")
    try:
        # A report is written where there is no internet, too, without waiting for it.
        told = measure_runs(
            *zip(*members, strict=True), choice=Choice(tokenizer=tokenizer, partial=partial, fetch=False)
        )
    except NoTokenizer as error:
        return Told([], [], [*notes, f"How replies think is left out: {error}"])
    return replace(told, notes=[*notes, *told.notes])


def n_characters(runs: Sequence[Run]) -> int:
    return sum(len(sample.reply) for run in runs for task in run.tasks.values() for sample in task.samples)


def has_grades(task: TaskRun) -> bool:
    return any(sample.outcome is not None for sample in task.samples)


def refuse_owed(labels: Sequence[str], runs: Sequence[Run], *, purpose: str = "measure") -> None:
    for label, run in zip(labels, runs, strict=True):
        for name, task in run.tasks.items():
            missing = task.owed
            if missing:
                raise Unfinished(
                    f"{name} of {label}: {len(missing)} samples are owed or ungraded, first {missing[0]}. Run the "
                    "same command again to draw and grade only these (lighteval-r1 score grades replies drawn "
                    f"elsewhere), or {purpose} what there is with --partial."
                )


def chosen(problems: Sequence[RunProblem], *, per_level: int) -> list[RunProblem]:
    """The first problems of each level; all where per_level is 0."""
    seen: dict[str, int] = {}
    kept = []
    for problem in problems:
        level = problem.groups.get("level", "")
        seen[level] = seen.get(level, 0) + 1
        if not per_level or seen[level] <= per_level:
            kept.append(problem)
    return kept


def short_enough(
    thoughts: list[Thought], offsets: Mapping[str, tuple[Offsets, str]], *, choice: Choice, notes: list[str]
) -> list[Thought]:
    if not choice.max_tokens:
        return thoughts
    kept = []
    for thought in thoughts:
        text = thought.thinking.text
        counted = offsets[thought.run][0]
        # others than these: what is only looked at is not told of as counted
        (tokens,) = Offsets(counted.tokenizer, like=[counted]).counts(thought.sample, [len(text)], within=len(text))
        if tokens <= choice.max_tokens:
            kept.append(thought)
    notes.append(
        f"Left out: {len(thoughts) - len(kept)} of {len(thoughts)} replies whose thinking is longer than "
        f"{choice.max_tokens} tokens (--max-tokens)."
    )
    if not kept:
        raise UserError(f"no reply thinks in at most {choice.max_tokens} tokens; raise --max-tokens.")
    return kept


def by_rule(thoughts: Sequence[Thought]) -> int:
    """Sets the ends; the number of candidates that the grader's limit stopped."""
    stating, stated = [], []
    for thought in thoughts:
        if (candidates := thought.grader.candidates) is not None:
            problem = thought.problem
            statements = candidates(thought.thinking.text, problem=problem.prompt, gold=problem.gold)
            stating.append(thought)
            stated.append(Stated(replace(thought.grader, limit_s=LIMIT_S), problem.gold, statements))
    with Pool() as pool:
        places, stopped = first_correct(stated, pool=pool)
    for thought, place in zip(stating, places, strict=True):
        thought.end = None if place is None else place.end
    return stopped


def by_judge(thoughts: Sequence[Thought], *, choice: Choice, notes: list[str]) -> str:
    """Replaces the rule's ends by the judge's; "" or how far they agree."""
    judge = choice.judge
    assert judge is not None
    asked_of = [thought for thought in thoughts if thought.grader.candidates is not None and thought.thinking.there]
    judged = judge.judge(
        [
            Question(
                thought.problem.prompt, thought.grader.shown_gold(thought.problem.gold), steps_of(thought.thinking.text)
            )
            for thought in asked_of
        ]
    )
    said = agreement([thought.end for thought in asked_of], judged) if choice.agree else ""
    for thought, place in zip(asked_of, judged, strict=True):
        thought.end = place.end if place is not None else None
        thought.known = place is not None
    n_unjudged = judged.count(None)
    notes.append(
        f"T^ is what {judge.model} judges: {len(judged) - n_unjudged} replies judged, {n_unjudged} unjudged; "
        f"{judge.n_asked} calls in this run."
    )
    if n_unjudged:
        why = ", ".join(f"{n} {words}" for words, n in judge.failures.most_common())
        notes.append(
            f"Unjudged: {why}. They are in no measure that needs T^; run the same command again to ask only these."
        )
    return said


def tokens_note(label: str, offsets: Offsets, source: str) -> str:
    counted = ", ".join(f"{n} {words}" for how, words in COUNTED.items() if (n := offsets.how[how]))
    return f"Tokens of {label} by the tokenizer of {source}: {counted or 'no reply thinks'}."


def left_out_notes(runs: Sequence[Run], *, choice: Choice) -> list[str]:
    notes = []
    if choice.per_level:
        problems = [task.problems for run in runs for task in run.tasks.values()]
        n_all = sum(map(len, problems))
        n_kept = sum(len(chosen(each, per_level=choice.per_level)) for each in problems)
        notes.append(
            f"Left out: {n_all - n_kept} of {n_all} problems, all but the first {choice.per_level} of each level "
            "(--per-level)."
        )
    if choice.partial:
        n_missing = sum(len(task.owed) for run in runs for task in run.tasks.values())
        if n_missing:
            notes.append(f"Partial: {n_missing} samples are owed or ungraded and in no measure.")
    return notes


def reply_notes(thoughts: Sequence[Thought], *, stopped: int) -> list[str]:
    notes = []
    measures = [thought.measured for thought in thoughts if thought.measured is not None]
    n_cut = sum(measure.cut_off for measure in measures)
    if n_cut:
        notes.append(f"{n_cut} of {len(measures)} replies were cut off in their thinking: their T is a lower bound.")
    n_without = sum(not measure.there for measure in measures)
    if n_without:
        notes.append(
            f"{n_without} of {len(measures)} replies do not think: their T is 0, and they reach nothing in it."
        )
    others = sorted(
        {
            f"{thought.task} ({thought.problem.grader or 'no grader named'})"
            for thought in thoughts
            if thought.grader.candidates is None
        }
    )
    if others:
        notes.append(
            f"What needs T^ does not apply to {', '.join(others)}: a thinking does not state such an answer. T, "
            "thoughts and accuracy do."
        )
    if stopped:
        notes.append(f"{stopped} stated answers took the grader more than {LIMIT_S:g} s and are taken for wrong.")
    return notes


def summaries(
    labels: Sequence[str], runs: Sequence[Run], thoughts: Sequence[Thought], *, notes: list[str], agreed: str
) -> Told:
    names = list(dict.fromkeys(name for run in runs for name in run.tasks))
    of: dict[tuple[str, str], dict[str, tuple[Mapping[str, str], list[Measured]]]] = {}
    for thought in thoughts:
        problems = of.setdefault((thought.run, thought.task), {})
        assert thought.measured is not None
        problems.setdefault(thought.problem.id, (thought.problem.groups, []))[1].append(thought.measured)
    tasks = []
    for name in names:
        members = {label: list(of[label, name].values()) for label in labels if (label, name) in of}
        if members:
            tasks.append(task_thinking(name, members))
    everything = {
        label: [problem for name in names for problem in of.get((label, name), {}).values()] for label in labels
    }
    return Told(
        tasks, all_tasks(tasks, {label: problems for label, problems in everything.items() if problems}), notes, agreed
    )
