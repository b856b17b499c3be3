"""An OpenAI-compatible server: where it is, what its refusals mean, what it says of a model before it draws."""

import asyncio
import json
from dataclasses import dataclass, field

import httpx2
import openai

from lighteval_r1.engines.streamed import Refused, refusal
from lighteval_r1.outside.retries import FailedTry, Patience, retry_after_s
from lighteval_r1.records import UserError

# Where a server wants no key, the client still needs some text.
NO_KEY = "none"
# A server that comes up is waited for, about a minute.
LOOKS = Patience(first_pause_s=1.0, most_tries=8)


@dataclass(frozen=True)
class Address:
    """Where the server is, and the key that it wants; the key is never shown."""

    base_url: str
    api_key: str = field(default=NO_KEY, repr=False)

    def client(self, *, connections: int = 1) -> openai.AsyncOpenAI:
        # aiohttp below the client: it takes half the CPU time per streamed token
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        transport = openai.DefaultAioHttpClient(limits=limits)
        timeout = httpx2.Timeout(None, connect=30.0)
        return openai.AsyncOpenAI(
            base_url=self.base_url, api_key=self.api_key, max_retries=0, timeout=timeout, http_client=transport
        )

    def without_key(self, text: str) -> str:
        """Servers quote the key in their refusals."""
        return text if self.api_key == NO_KEY else text.replace(self.api_key, "…")

    def judged(self, error: openai.APIStatusError) -> FailedTry | Refused:
        body = error.body if isinstance(error.body, dict) else {}
        message = body.get("message") or body.get("detail") or error.response.text
        waits = retry_after_s(error.response.headers.get("retry-after"))
        return refusal(error.status_code, self.without_key(str(message)), retry_after_s=waits)


def first_cause(error: BaseException) -> str:
    """What the system said, below the names that three libraries give it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().partition("\n")[0] or type(error).__name__


@dataclass(frozen=True)
class Served:
    """What a server says of one of its models.

    root: where its weights came from, "" where it does not say (vLLM does). thinking_opened: whether its chat template
    ends in `<think>`; None where it does not say (vLLM does).
    """

    model: str
    root: str = ""
    thinking_opened: bool | None = None


async def look(address: Address, *, model: str, template_kwargs: dict | None = None) -> Served:
    """Is the server there, and does it serve the model ("": its first)? UserError, in one line, where not."""
    client = address.client()
    try:
        models = await listed_models(client, address)
        names = list(models)
        if model and model not in models:
            raise UserError(
                f"{address.base_url} does not serve {model!r}; it serves {', '.join(names[:8]) or 'nothing'}."
            )
        if not names:
            raise UserError(f"{address.base_url} serves no model.")
        name = model or names[0]
        root = str(models[name].get("root") or "")
        opened = await asks_template(client, address, model=name, template_kwargs=template_kwargs)
    finally:
        await client.close()
    return Served(name, "" if root == name else root, opened)


async def listed_models(client: openai.AsyncOpenAI, address: Address) -> dict[str, dict]:
    """What the server says of each of its models, by name."""
    place = f"{address.base_url}/models"

    async def listed() -> dict[str, dict]:
        try:
            async with asyncio.timeout(60):
                answer = await client.models.with_raw_response.list()
            return {str(entry["id"]): entry for entry in json.loads(answer.http_response.content)["data"] or ()}
        except openai.APIStatusError as error:
            if error.status_code == 404:
                raise UserError(
                    f"{place} is not found. Does the base URL end as it should ({address.base_url}/v1)?"
                ) from None
            raise address.judged(error) from None
        except (openai.APIConnectionError, TimeoutError) as error:
            raise UserError(f"no server answers at {address.base_url} ({first_cause(error)}).") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise FailedTry("no list of models came back") from None

    try:
        return await LOOKS.wait_for(listed)
    except FailedTry as last:
        raise UserError(f"{place} cannot be read, after {LOOKS.most_tries} tries: {last}.") from None


async def asks_template(
    client: openai.AsyncOpenAI, address: Address, *, model: str, template_kwargs: dict | None
) -> bool | None:
    """Whether prompts end in `<think>`, by vLLM's /tokenize; None where the server has no such thing."""
    root, _, version = address.base_url.rstrip("/").rpartition("/")
    if version != "v1":
        return None
    body = {"model": model, "messages": [{"role": "user", "content": "?"}], "return_token_strs": True}
    if template_kwargs:
        body["chat_template_kwargs"] = template_kwargs
    try:
        async with asyncio.timeout(30):
            answer = await client.post(f"{root}/tokenize", cast_to=httpx2.Response, body=body)
        pieces = json.loads(answer.content)["token_strs"]
        # white space as byte-level and sentencepiece vocabularies spell it
        return "".join(pieces).rstrip("ĊĠ▁ \n").removesuffix("<0x0A>").endswith("<think>")
    except (openai.APIError, TimeoutError, ValueError, KeyError, TypeError):
        return None
