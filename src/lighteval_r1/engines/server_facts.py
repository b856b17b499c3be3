"""An OpenAI-compatible server: where it is, what its refusals mean, what it says of a model before it draws."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2
import openai

from lighteval_r1.engines.streamed import Refused, json_object, message_of, refusal, whole_number
from lighteval_r1.engines.transport import MOST_BYTES, http_client
from lighteval_r1.graders.marks import opens_thinking
from lighteval_r1.outside.retries import FailedTry, Patience, retry_after_s
from lighteval_r1.outside.words import first_line, one_line, tell
from lighteval_r1.records import Settings, UserError

# Where a server wants no key, the client still needs some text.
NO_KEY = "none"
# A server that comes up is waited for, about a minute; one that is asked all the same, a few seconds.
LOOKS = Patience(first_pause_s=1.0, most_tries=8)
FEW_LOOKS = Patience(first_pause_s=1.0, most_tries=3)
LIST_S, TEMPLATE_S = 60.0, 30.0


class NoServer(FailedTry):
    """Nothing answers there."""


@dataclass(frozen=True)
class Address:
    """Where the server is, and the key that it wants; the key is never shown."""

    base_url: str
    api_key: str = field(default=NO_KEY, repr=False)

    def client(self, *, connections: int = 1, most_bytes: int = MOST_BYTES) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            base_url=self.base_url,
            api_key=self.api_key,
            max_retries=0,
            timeout=httpx2.Timeout(None, connect=30.0),
            http_client=http_client(connections=connections, most_bytes=most_bytes),
        )

    def words(self, text: object) -> str:
        """A server's words, fit to be shown: servers quote the key in their refusals."""
        return one_line(text, secret="" if self.api_key == NO_KEY else self.api_key)

    @contextmanager
    def gate(self) -> Iterator[None]:
        """Around a request: what fails is a FailedTry or Refused, its words fit to be shown. TimeoutError passes."""
        try:
            yield
        except TimeoutError:
            raise
        except FailedTry as failure:
            failure.args = (self.words(failure),)
            raise failure from None
        except Refused as refused:
            raise Refused(refused.status, self.words(refused.message)) from None
        except openai.APIStatusError as error:
            raise self.judged(error) from None
        except (openai.APIError, httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            there = not isinstance(error.__cause__, httpx2.ConnectError)
            kind, words = (FailedTry, "the connection broke") if there else (NoServer, "no connection")
            raise kind(f"{words} ({self.words(first_cause(error))})") from None

    def judged(self, error: openai.APIStatusError) -> FailedTry | Refused:
        message = message_of(error.body if isinstance(error.body, dict) else {}) or error.response.text
        if error.status_code == 404 and not self.base_url.endswith("/v1"):
            message = f"{self.words(message)[:300]}; does the base URL end as it should ({self.base_url}/v1)?"
        waits = retry_after_s(error.response.headers.get("retry-after"))
        return refusal(error.status_code, self.words(message), retry_after_s=waits)


def first_cause(error: BaseException) -> str:
    """What the system said, below the names that three libraries give it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return first_line(error)


@dataclass(frozen=True)
class Served:
    """What a server says of one of its models.

    root: where its weights came from, "" where it does not say (vLLM does). thinking_opened: whether its chat template
    opens a thought; context: tokens of prompt and reply together; None where it does not say (vLLM does).
    """

    model: str
    root: str = ""
    thinking_opened: bool | None = None
    context: int | None = None


async def look(address: Address, *, model: str, template_kwargs: dict | None = None) -> Served:
    """Is the server there, and does it serve the model ("": its first)? UserError, in one line, where not.

    Where a list of models is absent, empty or broken, a model that was named is asked all the same: its first reply
    tells.
    """
    client = address.client()
    try:
        models = await listed_models(client, address, needed=not model)
        if model and models and model not in models:
            names = address.words(", ".join([*models][:8]))
            raise UserError(f"{address.base_url} does not serve {model!r}; it serves {names}.")
        if not (model or models):
            raise UserError(f"{address.base_url} serves no model. Say which one to ask for with --model.")
        name = model or next(iter(models))
        root = models.get(name, {}).get("root")
        root = address.words(root) if isinstance(root, str) else ""
        context = whole_number(models.get(name, {}).get("max_model_len")) or None
        message = {"role": "user", "content": "?"}
        kwargs = {"chat_template_kwargs": template_kwargs} if template_kwargs else {}
        shown = await tokenized(client, address, model=name, messages=[message], return_token_strs=True, **kwargs)
    finally:
        await client.close()
    return Served(name, "" if root == name else root, opens_thought(shown), context)


async def listed_models(client: openai.AsyncOpenAI, address: Address, *, needed: bool) -> dict[str, dict]:
    """What the server says of each of its models, by name. needed: UserError where nothing can be read; else {}."""
    place = f"{address.base_url}/models"

    async def listed() -> dict[str, dict]:
        try:
            with address.gate():
                async with asyncio.timeout(LIST_S):
                    answer = await client.models.with_raw_response.list()
                return models_of(answer.http_response.content)
        except TimeoutError:
            raise UserError(f"no server answers at {address.base_url} (within {LIST_S:g} s).") from None
        except NoServer as nobody:
            raise UserError(f"no server answers at {address.base_url}: {nobody}.") from None

    def say(failure: FailedTry, pause_s: float) -> None:
        if pause_s >= 30:
            tell(f"{place}: {failure}; the next try is in {pause_s:.0f} s")

    patience = LOOKS if needed else FEW_LOOKS
    try:
        models = await patience.wait_for(listed, say=say)
        why = "is empty"
    except FailedTry as last:
        if needed:
            raise UserError(f"{place} cannot be read, after {patience.most_tries} tries: {last}.") from None
        models, why = {}, f"cannot be read ({last})"
    except Refused as refused:
        if refused.status == 404 and await lists_below(client, address):
            raise UserError(
                f"{place} is not found. Does the base URL end as it should ({address.base_url}/v1)?"
            ) from None
        if needed or refused.status == 401:
            raise
        models, why = {}, f"cannot be read (HTTP {refused.status})"
    if not (models or needed):
        tell(f"{place} {why}; the model is asked for all the same.")
    return models


async def lists_below(client: openai.AsyncOpenAI, address: Address) -> bool:
    """Whether the list of models lies at /v1 below the base URL, where it was forgotten."""
    try:
        with address.gate():
            async with asyncio.timeout(LIST_S):
                answer = await client.get(f"{address.base_url}/v1/models", cast_to=httpx2.Response)
            return bool(models_of(answer.content))
    except (FailedTry, Refused, TimeoutError):
        return False


def models_of(content: bytes) -> dict[str, dict]:
    """The models of a list as OpenAI's API has it, by name. Raises FailedTry where it is none."""
    what = "no list of models came back"
    entries = json_object(content, what=what).get("data") or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise FailedTry(what)
    return {entry["id"]: entry for entry in entries if isinstance(entry.get("id"), str)}


def template_kwargs(settings: Settings) -> dict:
    """What a chat's template is given by vLLM's server, which makes of an effort a switch, too.

    Source: vLLM 0.32, entrypoints/openai/chat_completion/protocol.py, build_chat_params.
    """
    kwargs = settings.template_kwargs
    return {"enable_thinking": settings.effort != "none"} | kwargs if settings.effort else kwargs


async def tokenized(client: openai.AsyncOpenAI, address: Address, **body: object) -> dict | None:
    """vLLM's /tokenize of a prompt or messages; None where the server has no such thing."""
    root, _, version = address.base_url.rstrip("/").rpartition("/")
    if version != "v1":
        return None
    try:
        with address.gate():
            async with asyncio.timeout(TEMPLATE_S):
                answer = await client.post(f"{root}/tokenize", cast_to=httpx2.Response, body=body)
            shown = json_object(answer.content, what="no tokens")
    except (FailedTry, Refused, TimeoutError):
        return None
    return shown if isinstance(shown.get("tokens"), list) and shown["tokens"] else None


def opens_thought(shown: dict | None) -> bool | None:
    """Whether a prompt, as its tokens were shown, opens a thought; None where they were not."""
    pieces = (shown or {}).get("token_strs")
    if not isinstance(pieces, list) or not pieces:
        return None
    # white space as byte-level and sentencepiece vocabularies spell it
    return opens_thinking("".join(map(str, pieces[-8:])).rstrip("ĊĠ▁ \n").removesuffix("<0x0A>"))
