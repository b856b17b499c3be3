"""HTTP to a server that may send anything: malformed answers are httpx2's errors, and no answer grows without bounds.

aiohttp below takes half the CPU time per streamed token, but what it raises of malformed HTTP is not httpx2's; and a
compressed kilobyte may unpack to a megabyte, which httpx2 does before anyone can count.
"""

import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import httpx2
import openai
from aiohttp.http_exceptions import HttpProcessingError

# Where no caller knows better: lists of models, judgements, what a server says of its refusals.
MOST_BYTES = 16 << 20
PIECE_BYTES = 64 << 10
# gzip or zlib, whichever the first bytes say.
ANY_HEADER = 47
UNPACKED_HERE = ("gzip", "x-gzip", "deflate")


@contextmanager
def named_errors() -> Iterator[None]:
    """What aiohttp raises of a malformed answer, as httpx2's error."""
    try:
        yield
    except httpx2.ConnectTimeout as error:
        # aiohttp's errors of connections, those of later on too
        nobody = isinstance(error.__cause__, aiohttp.ClientConnectorError)
        raise (httpx2.ConnectError if nobody else httpx2.RemoteProtocolError)(str(error)) from None
    except (aiohttp.ClientError, HttpProcessingError, ValueError) as error:
        # Its first line: the rest quotes the headers of the request.
        raise httpx2.RemoteProtocolError(str(error).strip().partition("\n")[0] or type(error).__name__) from None


class Body(httpx2.AsyncByteStream):
    """The bytes of an answer, unpacked; httpx2.RemoteProtocolError beyond most_bytes."""

    def __init__(self, answer: httpx2.Response, *, encoding: str, most_bytes: int) -> None:
        self.answer, self.most_bytes = answer, most_bytes
        self.unpacker = zlib.decompressobj(ANY_HEADER) if encoding else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        n_bytes = 0
        with named_errors():
            async for packed in self.answer.stream:
                for part in self.unpacked(packed):
                    n_bytes += len(part)
                    if n_bytes > self.most_bytes:
                        raise httpx2.RemoteProtocolError(f"an answer of more than {self.most_bytes:,} bytes")
                    yield part

    def unpacked(self, packed: bytes) -> Iterator[bytes]:
        if self.unpacker is None:
            yield packed
            return
        while packed and not self.unpacker.eof:
            try:
                yield self.unpacker.decompress(packed, PIECE_BYTES)
            except zlib.error as error:
                raise httpx2.DecodingError(f"an answer that cannot be unpacked ({error})") from None
            packed = self.unpacker.unconsumed_tail

    async def aclose(self) -> None:
        with named_errors():
            await self.answer.aclose()


class Transport(httpx2.AsyncBaseTransport):
    """openai's client on aiohttp, as what lies below another client."""

    def __init__(self, *, limits: httpx2.Limits, most_bytes: int) -> None:
        self.below = openai.DefaultAioHttpClient(limits=limits)
        self.most_bytes = most_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["Accept-Encoding"] = "identity"
        with named_errors():
            answer = await self.below.send(request, stream=True, follow_redirects=False)
        encoding = answer.headers.get("content-encoding", "").strip().lower()
        encoding = "" if encoding == "identity" else encoding
        if encoding and encoding not in UNPACKED_HERE:
            await answer.aclose()
            raise httpx2.DecodingError(f"an answer packed as {encoding!r}, which nobody asked for")
        headers = [(name, value) for name, value in answer.headers.raw if name.lower() != b"content-encoding"]
        body = Body(answer, encoding=encoding, most_bytes=self.most_bytes)
        return httpx2.Response(answer.status_code, headers=headers, stream=body, extensions=answer.extensions)

    async def aclose(self) -> None:
        await self.below.aclose()


def http_client(*, connections: int, most_bytes: int) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    return openai.DefaultAsyncHttpxClient(transport=Transport(limits=limits, most_bytes=most_bytes), limits=limits)
