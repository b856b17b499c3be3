"""Pushes a run to a data set repository on the Hub: one atomic commit, retried, and none where all is there already.

The commit names the head it was made from, so that of six concurrent pushes one lands and the others are made anew from
the new head. Nothing is deleted, neither here nor there.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import httpx
from huggingface_hub import CommitOperationAdd, HfApi, constants, get_token
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import validate_repo_id

from lighteval_r1.hub.card import merged_card
from lighteval_r1.hub.published import PublishedRun, published_run
from lighteval_r1.outside.retries import FailedTry, Patience, may_pass, retry_after_s
from lighteval_r1.outside.words import first_line, one_line, tell
from lighteval_r1.records import UserError
from lighteval_r1.runs.locate import run_files
from lighteval_r1.tasks.added import all_tasks

T = TypeVar("T")

# 412: another commit came first. 403 is said for a moment after a repository was made, too.
ALSO_PASSING = {403, 412}
MOST_403 = 3
RETRY_FOR_S = 600.0
FIRST_PAUSE_S = 0.5
TRANSPORT_ERRORS = (HfHubHTTPError, httpx.TransportError, ConnectionError)
PRIVATE_NOTE = (
    "It is private. On free accounts private data sets have no viewer; load_dataset reads them with your token. "
    "--public publishes a new repository."
)


def upload(
    source: Path, repo: str, *, public: bool = False, include_gated: bool = False, with_details: bool = False
) -> str:
    """Pushes the run; what was done, in words. UserError where it cannot be, with nothing changed on either side."""
    files = run_files(source)
    gated = [task.name for task in all_tasks().values() if task.gated]
    repo = check_can_write(repo, public=public)
    api = HfApi()
    with TemporaryDirectory(prefix="lighteval-r1-push-") as folder:
        published = published_run(
            files, Path(folder), gated=gated, include_gated=include_gated, with_details=with_details
        )
        retried(
            lambda: api.create_repo(repo, repo_type="dataset", private=not public, exist_ok=True), what=f"make {repo}"
        )
        private = retried(lambda: api.repo_info(repo, repo_type="dataset").private, what=f"look at {repo}")
        url = retried(lambda: push(api, repo, published), what=f"push to {repo}")
    notes = [f"Pushed {source} to {url}" if url else f"{repo} already holds {source}; no commit was made."]
    if private:
        notes.append(PRIVATE_NOTE)
    if published.withheld:
        notes.append(
            f"{', '.join(published.withheld)}: the data set's authors ask not to show its questions, so prompts and "
            "replies were left out; their hashes are there. --include-gated pushes them."
        )
    return "\n".join(notes)


def push(api: HfApi, repo: str, published: PublishedRun) -> str | None:
    """One commit on top of the head as it is now, or None where the head holds everything. Raises what the Hub says."""
    head = api.repo_info(repo, repo_type="dataset").sha
    readme = text_at(api, repo, repo_type="dataset", path="README.md", revision=head)
    files = {**published.files, "README.md": merged_card(readme, published, repo=repo).encode()}
    commit = api.create_commit(
        repo,
        additions(files),
        repo_type="dataset",
        parent_commit=head,
        commit_message=f"{', '.join(published.configs)}: run {published.split}"[:200],
    )
    return None if commit.oid == head else commit.commit_url


def additions(files: Mapping[str, bytes | Path]) -> list[CommitOperationAdd]:
    """Operations for one try: a used one remembers the remote file that it saw. create_commit drops unchanged files."""
    return [CommitOperationAdd(path, content) for path, content in files.items()]


def text_at(api: HfApi, repo: str, *, repo_type: str, path: str, revision: str) -> str | None:
    """A text file's content at a commit; None where there is no such file."""
    try:
        return Path(api.hf_hub_download(repo, path, repo_type=repo_type, revision=revision)).read_text(encoding="utf-8")
    except RemoteEntryNotFoundError:
        return None


def push_revision(folder: Path, repo: str, *, revision: str) -> None:
    """The model's files as a branch of its repository, made private where it is new; the same again makes no commit."""
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}.")
    check_name(repo)
    api = HfApi()
    files = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}

    def commit() -> None:
        api.create_repo(repo, repo_type="model", private=True, exist_ok=True)
        api.create_branch(repo, branch=revision, exist_ok=True)
        head = api.repo_info(repo, revision=revision).sha
        api.create_commit(repo, additions(files), revision=revision, parent_commit=head, commit_message=revision)

    try:
        retried(commit, what=f"push {revision} to {repo}")
    except RepositoryNotFoundError:
        raise UserError(f"there is no model {repo} on the Hub, or the token may not see it.") from None


def check_name(repo: str) -> None:
    """UserError where the Hub would refuse the repository's name, or nobody is to be asked."""
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise UserError(f"{repo!r} is not a repository; write NAMESPACE/NAME ({first_line(error)}).") from None
    if constants.is_offline_mode():
        raise UserError("HF_HUB_OFFLINE is set, so nothing can be uploaded. Unset it.")


def check_can_write(repo: str, *, public: bool = False) -> str:
    """The repository's full name, NAMESPACE/NAME. UserError where the token is missing or may not write there.

    For before sampling: nothing is made or changed. A repository that is public already needs public=True.
    """
    check_name(repo)
    if get_token() is None:
        raise UserError(f"no Hugging Face token, so {repo} cannot be written. Run `hf auth login` or set HF_TOKEN.")
    api = HfApi()
    me = retried(api.whoami, what="ask who the token belongs to")
    namespace, _, name = repo.rpartition("/")
    namespace = namespace or me["name"]
    if "/" in namespace or not name or repo.startswith("/"):
        raise UserError(f"{repo!r} is not a repository; write NAMESPACE/NAME.")
    full = f"{namespace}/{name}"
    organizations = {org["name"]: org.get("roleInOrg") for org in me.get("orgs", [])}
    if namespace != me["name"] and organizations.get(namespace, "read") == "read":
        raise UserError(
            f"the token belongs to {me['name']}, who may not write to {namespace}. "
            f"Name a repository of {', '.join([me['name'], *organizations])}, or use another token."
        )
    check_token_role(me, namespace=namespace, repo=full)
    try:
        info = retried(lambda: api.repo_info(full, repo_type="dataset"), what=f"look at {full}")
    except RepositoryNotFoundError:
        return full
    if not info.private and not public:
        raise UserError(f"{full} is public, so the run would be published. Say --public, or name another repository.")
    return full


def check_token_role(me: dict, *, namespace: str, repo: str) -> None:
    """UserError where the token's role shows that it cannot write."""
    token = me.get("auth", {}).get("accessToken", {})
    role = token.get("role")
    allowed = role != "read"
    if role == "fineGrained":
        scopes = token.get("fineGrained", {}).get("scoped", [])
        allowed = any(
            scope.get("entity", {}).get("name") in (namespace, repo, f"datasets/{repo}")
            and any(permission.startswith("repo.write") for permission in scope.get("permissions", []))
            for scope in scopes
        )
    if not allowed:
        raise UserError(
            f"the Hugging Face token {token.get('displayName', '')!r} may not write to {repo} (its role is {role}). "
            "Make one that may at https://huggingface.co/settings/tokens."
        )


def retried(action: Callable[[], T], *, what: str, limit_s: float = RETRY_FOR_S) -> T:
    """The action's result. Tries again while the Hub is busy, out of reach, or another commit came first.

    RepositoryNotFoundError passes; every other refusal becomes a UserError that says what was to be done.
    """
    n_forbidden, what = 0, one_line(what)

    def tried() -> T:
        nonlocal n_forbidden
        try:
            return action()
        except RepositoryNotFoundError as error:
            if error.response.status_code == 401:
                raise UserError(refusal_words(error, what)) from None
            raise
        except LocalTokenNotFoundError:
            raise UserError(
                f"cannot {what}: there is no Hugging Face token. Run `hf auth login` or set HF_TOKEN."
            ) from None
        except ValueError as error:
            # A name or a card that the Hub does not take; looked at before anything is sent.
            raise UserError(f"cannot {what}: {' '.join(str(error).split())}") from None
        except (*TRANSPORT_ERRORS, LocalEntryNotFoundError, RuntimeError) as error:
            failure = transport_error(error)
            if not isinstance(failure, HfHubHTTPError):
                raise FailedTry(first_line(failure)) from None
            status = failure.response.status_code
            n_forbidden += status == 403
            if n_forbidden >= MOST_403 or not (may_pass(status) or status in ALSO_PASSING):
                raise UserError(refusal_words(failure, what)) from None
            waits = retry_after_s(failure.response.headers.get("Retry-After"))
            raise FailedTry(first_line(failure), retry_after_s=waits) from None

    try:
        return Patience(first_pause_s=FIRST_PAUSE_S, give_up_after_s=limit_s).call(tried, say=say_again)
    except FailedTry as last:
        raise UserError(
            f"cannot {what}: {last}. The Hub did not take it within {limit_s:.0f} s. "
            "All files are still here; run the same command again."
        ) from None


def say_again(failure: FailedTry, pause_s: float) -> None:
    tell(f"The Hub: {failure}; trying again in {pause_s:.1f} s.")


def transport_error(error: Exception) -> Exception:
    """The Hub's or the network's error, where huggingface_hub hides it in one of its own or in a RuntimeError."""
    if isinstance(error, TRANSPORT_ERRORS):
        return error
    if isinstance(error.__cause__, TRANSPORT_ERRORS):
        return error.__cause__
    raise error


def refusal_words(error: HfHubHTTPError, what: str) -> str:
    status = error.response.status_code
    if status == 401:
        return f"cannot {what}: the Hub does not know the token. Run `hf auth login` or set HF_TOKEN."
    if status == 403:
        return f"cannot {what}: the token may not ({first_line(error)}). Use one with write access."
    return f"cannot {what}: {first_line(error)}"
