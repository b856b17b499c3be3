"""`lighteval-r1 upload`: a run's results on the Hub; and a checkpoint as a revision of its model."""

from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.cli.evaluate import run_folder
from lighteval_r1.cli.options import argument, option
from lighteval_r1.outside.words import say
from lighteval_r1.records import UserError


@dataclass(frozen=True, kw_only=True)
class UploadOptions:
    run: str = argument("A run's output folder (its newest run), one results_….json, or the MODEL of make evaluate.")
    repo: str = argument("Data set repository, NAMESPACE/NAME; made private where it does not exist.", default="")
    public: bool = option(False, "Publish: make the repository public, or push to a public one.")
    include_gated: bool = option(False, "Push GPQA's questions and replies in clear, too.")
    with_details: bool = option(False, "Push LightEval's own details, too: the rows hold all that they say.")
    results_to_model: str = option("", "Open a pull request with the scores on this model.", metavar="MODEL")
    model_index: bool = option(False, "In that, tasks that are no benchmark of the Hub, too.")


def upload_command(options: UploadOptions) -> None:
    """Push a run to the Hub: rows, results, a card. In one commit; the same push again makes none."""
    if not options.repo and not options.results_to_model:
        raise UserError("say where to: a data set REPO (UPLOAD=NAMESPACE/NAME), --results-to-model MODEL, or both.")
    if options.model_index and not options.results_to_model:
        raise UserError("--model-index needs --results-to-model MODEL.")
    from lighteval_r1.hub import proposals, push

    source = run_folder(options.run)
    if options.repo:
        asked = {"public": options.public, "include_gated": options.include_gated}
        say(push.upload(source, options.repo, **asked, with_details=options.with_details))
    if options.results_to_model:
        model = options.results_to_model
        say(proposals.propose(source, model, details_repo=options.repo, model_index=options.model_index))


@dataclass(frozen=True, kw_only=True)
class PushRevisionOptions:
    folder: Path = argument("A model's folder.")
    repo: str = argument("Model repository, NAMESPACE/NAME; made private where it does not exist.")
    revision: str = argument("The branch.")


def push_revision_command(options: PushRevisionOptions) -> None:
    """Push a model's files as a branch of its repository; the same again makes no commit."""
    from lighteval_r1.hub.push import push_revision

    push_revision(options.folder, options.repo, revision=options.revision)
