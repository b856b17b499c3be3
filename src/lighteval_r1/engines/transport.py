"""HTTP to a server that may send anything: malformed answers are httpx2's errors, and no answer grows without bounds.

aiohttp below takes half the CPU time per streamed token, but what it raises of malformed HTTP is not httpx2's. Answers
are unpacked here: a compressed kilobyte may become a megabyte, which libraries unpack before anyone can count.
"""

import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import httpx2
import openai
from aiohttp.http_exceptions import HttpProcessingError

from lighteval_r1.outside.words import first_line

# Where no caller knows better: lists of models, judgements, what a server says of its refusals.
MOST_BYTES = 16 << 20
PIECE_BYTES = 64 << 10
# gzip or zlib, whichever the first bytes say.
ANY_HEADER = 47
LEFT_OUT = (b"content-encoding", b"set-cookie")
UNPACKED_HERE = ("gzip", "x-gzip", "deflate")


@contextmanager
def named_errors() -> Iterator[None]:
    """What aiohttp raises of a connection or a malformed answer, as httpx2's error."""
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise httpx2.ConnectError(first_line(error)) from None
    except (aiohttp.ClientError, HttpProcessingError, ValueError) as error:
        raise httpx2.RemoteProtocolError(first_line(error)) from None


class Body(httpx2.AsyncByteStream):
    """The bytes of an answer, unpacked; httpx2.RemoteProtocolError beyond most_bytes."""

    def __init__(self, answer: aiohttp.ClientResponse, *, encoding: str, most_bytes: int) -> None:
        self.answer, self.most_bytes = answer, most_bytes
        self.unpacker = zlib.decompressobj(ANY_HEADER) if encoding else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        n_bytes = 0
        with named_errors():
            async for packed in self.answer.content.iter_any():
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
        self.answer.release()


class Transport(httpx2.AsyncBaseTransport):
    """aiohttp below an httpx2 client. No cookies: with them, balancers send all requests to the server that answered
    first."""

    def __init__(self, *, connections: int, most_bytes: int) -> None:
        self.connections, self.most_bytes = connections, most_bytes
        self.session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.session is None:
            connector = aiohttp.TCPConnector(limit=self.connections, ssl=httpx2.create_ssl_context())
            jar = aiohttp.DummyCookieJar()
            self.session = aiohttp.ClientSession(
                connector=connector, cookie_jar=jar, auto_decompress=False, trust_env=True
            )
        request.headers["Accept-Encoding"] = "identity"
        with named_errors():
            answer = await self.session.request(
                request.method,
                str(request.url),
                headers=request.headers,
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(sock_connect=request.extensions["timeout"]["connect"]),
            )
        encoding = answer.headers.get("content-encoding", "").strip().lower()
        encoding = "" if encoding == "identity" else encoding
        if encoding and encoding not in UNPACKED_HERE:
            answer.close()
            raise httpx2.DecodingError(f"an answer packed as {encoding!r}, which nobody asked for")
        headers = [(name, value) for name, value in answer.raw_headers if name.lower() not in LEFT_OUT]
        body = Body(answer, encoding=encoding, most_bytes=self.most_bytes)
        return httpx2.Response(answer.status, headers=headers, stream=body)

    async def aclose(self) -> None:
        if self.session is not None:
            await self.session.close()


def http_client(*, connections: int, most_bytes: int) -> httpx2.AsyncClient:
    return openai.DefaultAsyncHttpxClient(transport=Transport(connections=connections, most_bytes=most_bytes))
