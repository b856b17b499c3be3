"""Whole replies of a server's model to single prompts, for those who ask and draw no samples."""

import asyncio
from dataclasses import dataclass

from lighteval_r1.engines.server_facts import Address
from lighteval_r1.engines.streamed import json_object
from lighteval_r1.outside.retries import FailedTry


@dataclass
class Chat:
    """`async with` around it closes its connections, of which there are at most `connections` at once."""

    address: Address
    model: str
    timeout_s: float
    connections: int = 1

    async def __aenter__(self) -> "Chat":
        self._client = self.address.client(connections=self.connections)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def reply(self, prompt: str, **fields: object) -> str:
        """One try. fields: of the request, as temperature. Raises FailedTry, Refused where another try is in vain."""
        messages = [{"role": "user", "content": prompt}]
        create = self._client.chat.completions.with_raw_response.create
        try:
            with self.address.gate():
                async with asyncio.timeout(self.timeout_s):
                    answer = await create(model=self.model, messages=messages, **fields)
        except TimeoutError:
            raise FailedTry(f"no answer within {self.timeout_s:g} s") from None
        except FailedTry as failure:
            # Without the server's words, so that failures of one kind can be counted.
            kind = f"error {failure.status}" if failure.status else "no connection"
            raise FailedTry(kind, retry_after_s=failure.retry_after_s) from None
        try:
            text = json_object(answer.content, what="no JSON")["choices"][0]["message"]["content"]
        except (FailedTry, KeyError, IndexError, TypeError):
            raise FailedTry("an answer that is no chat completion") from None
        if not isinstance(text, str):
            raise FailedTry("an empty answer")
        return text
