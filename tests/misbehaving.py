"""A server that speaks HTTP badly on purpose: raw bytes on a socket of 127.0.0.1, one way of going wrong for each path."""

import asyncio
import gzip
import json
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

KEY = "sk-very-secret-0123456789"
PROMPT = "Say 1000."
GOOD_TEXT = "It is $\\boxed{5}$."
USAGE = {"prompt_tokens": 5, "completion_tokens": 7}
DEEP = "[" * 200_000 + "]" * 200_000


def sse(event: dict | str) -> bytes:
    return b"data: " + (event if isinstance(event, str) else json.dumps(event)).encode() + b"\n\n"


def piece(content: object = None, *, finish: object = None, index: object = 0, model: str = "m", **delta) -> bytes:
    choice = {"index": index, "delta": {"content": content, **delta}, "finish_reason": finish}
    return sse({"model": model, "choices": [choice]})


def lines_of(reply: bytes, *, end: bytes) -> bytes:
    """The reply with every event's JSON on several lines, and other ends of lines."""
    return reply.replace(b', "', b',\ndata: "').replace(b"\n", end)


def counted(**usage: object) -> bytes:
    return sse({"choices": [], "usage": USAGE | usage})


DONE = sse("[DONE]")
REPLY = piece(GOOD_TEXT) + piece(finish="stop") + counted() + DONE


def answer(body: bytes, *, status: str = "200 OK", headers: str = "", length: bool = True) -> bytes:
    size = f"Content-Length: {len(body)}\r\n" if length else ""
    kind = "" if "content-type" in headers.lower() else "Content-Type: text/event-stream\r\n"
    return f"HTTP/1.1 {status}\r\n{kind}{size}{headers}Connection: close\r\n\r\n".encode("latin-1") + body


def chunked(frames: bytes) -> bytes:
    return answer(frames, headers="Transfer-Encoding: chunked\r\n", length=False)


def frame(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


def error(message: object, **more: object) -> bytes:
    return json.dumps({"error": {"message": message, **more}}).encode()


WHOLE = json.dumps(
    {"model": "m", "choices": [{"message": {"content": GOOD_TEXT}, "finish_reason": "stop"}], "usage": USAGE}
).encode()
PACKED = gzip.compress(REPLY)
HALF = frame(piece(GOOD_TEXT))
JSON_KIND = "Content-Type: application/json\r\n"
# what the server sends to the first request; the second is answered well
TRIED_AGAIN: dict[str, bytes] = {
    "bad chunk size": chunked(HALF + b"zz\r\nxx\r\n"),
    "negative chunk size": chunked(HALF + b"-5\r\nxxxxx\r\n"),
    "overflowing chunk size": chunked(HALF + b"f" * 40 + b"\r\n"),
    "chunk without its end": chunked(HALF + b"5\r\nabcdefgh\r\n"),
    "chunk cut short": chunked(HALF + b"ff\r\nabc"),
    "content length too long": answer(REPLY[:60], headers="Content-Length: 99999\r\n", length=False),
    "content length too short": answer(REPLY, headers="Content-Length: 10\r\n", length=False),
    "negative content length": answer(REPLY, headers="Content-Length: -1\r\n", length=False),
    "content length of letters": answer(REPLY, headers="Content-Length: ten\r\n", length=False),
    "two content lengths": answer(REPLY, headers="Content-Length: 10\r\nContent-Length: 20\r\n", length=False),
    "length and chunks": answer(REPLY, headers="Content-Length: 10\r\nTransfer-Encoding: chunked\r\n", length=False),
    "a header of 100 kB": answer(REPLY, headers=f"X-Big: {'a' * 100_000}\r\n"),
    "20,000 headers": answer(REPLY, headers="".join(f"X-{i}: a\r\n" for i in range(20_000))),
    "a NUL in a header": answer(REPLY, headers="X-Nul: a\x00b\r\n"),
    "a header without a colon": answer(REPLY, headers="nonsense\r\n"),
    "a header with no name": answer(REPLY, headers=": x\r\n"),
    "HTTP/0.9": b"<html>hello</html>",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2 settings": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18),
    "HTTP/9.9": b"HTTP/9.9 200 OK\r\n\r\n" + REPLY,
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "status 99": answer(b"", status="99 X"),
    "status of letters": answer(b"", status="abc OK"),
    "status 101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    "status 204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "status 304": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "status 302 to nowhere": answer(b"", status="302 Found"),
    "status 302 to another scheme": answer(b"", status="302 Found", headers="Location: ftp://x/\r\n"),
    "status 302 to no address": answer(b"", status="302 Found", headers="Location: http://[::bad/\r\n"),
    "status 599": answer(error(f"for {KEY}"), status="599 Odd", headers=JSON_KIND),
    "a reason with the key": answer(b"", status=f"500 {KEY}"),
    "an error of deep JSON": answer(DEEP.encode(), status="500 Odd", headers=JSON_KIND),
    "an error with a deep message": answer(error([[[["x"]]]]), status="503 Odd", headers=JSON_KIND),
    "Retry-After of letters": answer(b"", status="429 Wait", headers="Retry-After: a\xe9\r\n"),
    "Retry-After negative": answer(b"", status="429 Wait", headers="Retry-After: -1e9\r\n"),
    "Retry-After not a number": answer(b"", status="429 Wait", headers="Retry-After: nan\r\n"),
    "Retry-After in the year 0": answer(b"", status="429 Wait", headers="Retry-After: Mon, 00 Jan 0000 99:00:00\r\n"),
    "nothing": b"",
    "an empty stream": answer(b""),
    "HTML": answer(b"<html>", headers="Content-Type: text/html\r\n"),
    "a kind with the key": answer(b"{}", headers=f"Content-Type: application/json; {KEY}\r\n"),
    "gzip that is none": answer(REPLY, headers="Content-Encoding: gzip\r\n"),
    "packed in brotli": answer(REPLY, headers="Content-Encoding: br\r\n"),
    "packed twice": answer(gzip.compress(gzip.compress(REPLY)), headers="Content-Encoding: gzip, gzip\r\n"),
    "a gzip bomb": answer(gzip.compress(piece("x" * 30_000_000) + REPLY, 1), headers="Content-Encoding: gzip\r\n"),
    "a bomb of small pieces": answer(
        gzip.compress(piece("x" * 1000) * 30_000, 1), headers="Content-Encoding: gzip\r\n"
    ),
    "gzip cut short": answer(PACKED[: len(PACKED) // 2], headers="Content-Encoding: gzip\r\n"),
    "deflate cut short": answer(zlib.compress(REPLY)[:40], headers="Content-Encoding: deflate\r\n"),
    "deflate without its head": answer(zlib.compress(REPLY)[2:], headers="Content-Encoding: deflate\r\n"),
    "an unknown packing": answer(REPLY, headers="Content-Encoding: \xe9\r\n"),
    "Retry-After of a date long past": answer(
        b"", status="429 Wait", headers="Retry-After: Mon, 01 Jan 1990 00:00:00 GMT\r\n"
    ),
    "an error's page": answer(
        b"<html>" + b"<p>bad</p>" * 100_000, status="503 Odd", headers="Content-Type: text/html\r\n"
    ),
    "no stream, no reply": answer(b'{"object": "list", "data": []}', headers=JSON_KIND),
    "no stream, no JSON": answer(b"[1", headers=JSON_KIND),
    "no stream, half": answer(WHOLE.replace(b'"stop"', b"null"), headers=JSON_KIND),
    "no stream, an error": answer(error(f"no {KEY}", code="overloaded"), headers=JSON_KIND),
    "an error in the middle": answer(piece(GOOD_TEXT) + sse({"error": {"message": "out", "code": 503}}) + REPLY),
    "an error of two lines": answer(piece("a") + b'data: {"error": "one\ndata: two"}\n\n'),
    "an error as the event": answer(sse({"object": "error", "message": "full", "code": 500})),
    "an event cut short": answer(piece(GOOD_TEXT) + piece(finish="stop") + b'data: {"choices": [],\n'),
    "only empty data": answer(b"data:\n\ndata: \n\n"),
    "an end that is none": answer(piece("half", finish="null") + counted() + DONE),
    "content of parts": answer(piece([{"type": "text", "text": "x"}]) + REPLY),
    "deep JSON": answer(sse(DEEP)),
    "a deep event": answer(sse('{"choices":' + "[" * 900 + "]" * 900 + "}")),
    "garbage with the key": answer(b"data: " + b"x" * 55 + KEY.encode() + b"\n\n"),
    "an event of letters": answer(sse('"hello"')),
    "choices of letters": answer(sse({"choices": KEY})),
    "content of numbers": answer(piece(5) + REPLY),
    "a number as finish reason": answer(piece("x", finish=7) + DONE),
    "usage of letters": answer(sse({"choices": [], "usage": "many"}) + REPLY),
    "an error event with the key": answer(sse({"error": {"message": f"no {KEY}", "code": 500}})),
    "an error event of deep JSON": answer(sse({"error": {"message": [[[]]], "code": [[[]]]}})),
    "an error event of text": answer(sse({"error": f"bad {KEY}"})),
    "cut off": answer(piece("half of ") + DONE),
    "network_error": answer(piece("half", finish="network_error") + DONE),
    "null content": answer(piece(None) + piece(finish="stop") + counted(completion_tokens=0) + DONE),
    "usage lacking": answer(piece(GOOD_TEXT) + piece(finish="stop") + DONE),
    "usage of minus one": answer(piece(GOOD_TEXT) + piece(finish="stop") + counted(completion_tokens=-1) + DONE),
    "usage of a fraction": answer(piece(GOOD_TEXT) + piece(finish="stop") + counted(prompt_tokens=4.5) + DONE),
    "usage true": answer(piece(GOOD_TEXT) + piece(finish="stop") + counted(completion_tokens=True) + DONE),
    "usage of 1e400": answer((piece(GOOD_TEXT) + piece(finish="stop") + counted() + DONE).replace(b": 7", b": 1e400")),
    "usage of zero": answer(piece(GOOD_TEXT) + piece(finish="stop") + counted(completion_tokens=0) + DONE),
}
# taken as they come: name -> (what the server sends, the sample's text, its finish reason)
TAKEN: dict[str, tuple[bytes, str, str]] = {
    "two choices": (answer(piece("wrong", index=1) + REPLY), GOOD_TEXT, "stop"),
    "another model": (answer(REPLY.replace(b'"m"', b'"other"')), GOOD_TEXT, "stop"),
    "a model with the key": (answer(REPLY.replace(b'"m"', f'"{KEY}"'.encode())), GOOD_TEXT, "stop"),
    "whole numbers as 7.0": (answer(REPLY.replace(b": 7", b": 7.0")), GOOD_TEXT, "stop"),
    "content_filter": (answer(piece(GOOD_TEXT, finish="content_filter") + DONE), GOOD_TEXT, "content_filter"),
    "tool_calls": (answer(piece(tool_calls=[{"id": "x"}], finish="tool_calls") + DONE), "", "tool_calls"),
    "tool calls that stop": (answer(piece(tool_calls=[{"id": "x"}], finish="stop") + DONE), "", "tool_calls"),
    "a refusal": (answer(piece(refusal="no", finish="stop") + counted() + DONE), "", "refusal"),
    "lines with returns only": (answer(REPLY.replace(b"\n", b"\r")), GOOD_TEXT, "stop"),
    "events of several lines": (answer(lines_of(REPLY, end=b"\n")), GOOD_TEXT, "stop"),
    "events of several lines with returns": (answer(lines_of(REPLY, end=b"\r\n")), GOOD_TEXT, "stop"),
    "a byte order mark": (answer(b"\xef\xbb\xbf" + REPLY), GOOD_TEXT, "stop"),
    "no space and no empty lines": (
        answer(REPLY.replace(b"data: ", b"data:").replace(b"\n\n", b"\n")),
        GOOD_TEXT,
        "stop",
    ),
    "comments, names, numbers, empty data": (
        answer(b": up\n\nretry: 5\nid: 7\ndata\ndata:\n\n" + REPLY.replace(b"data:", b"event: x\nid: 1\ndata:")),
        GOOD_TEXT,
        "stop",
    ),
    "a stream called text": (answer(REPLY, headers="Content-Type: text/plain\r\n"), GOOD_TEXT, "stop"),
    "deflate unasked": (answer(zlib.compress(REPLY), headers="Content-Encoding: deflate\r\n"), GOOD_TEXT, "stop"),
    "chunks with extensions": (
        chunked(f'{len(REPLY):X};name="a;b";other\r\n'.encode() + REPLY + b"\r\n0\r\nTrailer: x\r\n\r\n"),
        GOOD_TEXT,
        "stop",
    ),
    "garbage behind the end": (answer(REPLY + b"data: {garbage\n\n\x00\xff" + DEEP.encode()), GOOD_TEXT, "stop"),
    "usage null until the end": (
        answer(REPLY.replace(b'"choices": [{', b'"usage": null, "choices": [{')),
        GOOD_TEXT,
        "stop",
    ),
    "usage in every event": (answer(counted(completion_tokens=1) + REPLY), GOOD_TEXT, "stop"),
    "other names of the reply": (
        answer(sse({"id": "a"}) + sse({"id": "b", "created": "never", "object": 5}) + REPLY),
        GOOD_TEXT,
        "stop",
    ),
    "an end in every event": (
        answer(REPLY.replace(b'"finish_reason": null', b'"finish_reason": "null"')),
        GOOD_TEXT,
        "stop",
    ),
    "an end before the last words": (
        answer(piece("It is ", finish="stop") + piece("$\\boxed{5}$.") + counted() + DONE),
        GOOD_TEXT,
        "stop",
    ),
    "cut off in other words": (answer(piece("half", finish="model_length") + counted() + DONE), "half", "length"),
    "no stream": (answer(WHOLE, headers=JSON_KIND), GOOD_TEXT, "stop"),
    "the prompt in front": (
        answer(piece(f"<|user|>{PROMPT}<|assistant|>") + piece("<|x|>", role="y") + REPLY),
        "<|x|>" + GOOD_TEXT,
        "stop",
    ),
    "the prompt in front of thinking": (
        answer(piece(f"<|user|>{PROMPT}<|assistant|>") + piece(reasoning_content="hm") + REPLY),
        f"<think>hm</think>{GOOD_TEXT}",
        "stop",
    ),
    "the prompt in the reply": (answer(piece("So: ") + piece(PROMPT) + REPLY), f"So: {PROMPT}{GOOD_TEXT}", "stop"),
    "a reply of one piece that says the prompt": (
        answer(piece(f"{PROMPT} 5", finish="stop") + counted() + DONE),
        f"{PROMPT} 5",
        "stop",
    ),
    "a first piece that says the prompt and goes on": (
        answer(piece(f"{PROMPT} {'Well. ' * 20}") + REPLY),
        f"{PROMPT} {'Well. ' * 20}{GOOD_TEXT}",
        "stop",
    ),
    "a token of the end": (answer(REPLY.replace(b"$.", b"$.<|im_end|>")), GOOD_TEXT, "stop"),
    "cookies": (answer(REPLY, headers="Set-Cookie: a=b; Path=/\r\nSet-Cookie: \xff\r\n"), GOOD_TEXT, "stop"),
    "half characters": (answer(REPLY.replace(b"It is", b"\\ud800")), GOOD_TEXT.replace("It is", "\ud800"), "stop"),
    "gzip unasked": (answer(gzip.compress(REPLY), headers="Content-Encoding: gzip\r\n"), GOOD_TEXT, "stop"),
    "lines with returns": (answer(REPLY.replace(b"\n", b"\r\n")), GOOD_TEXT, "stop"),
    "a key in the reason": (answer(piece("x", finish=f"a {KEY}\x1b") + counted() + DONE), "x", "a ***\ufffd"),
}
# the end of the run: name -> (what the server sends, what is said)
REFUSED: dict[str, tuple[bytes, str]] = {
    "status 401": (answer(error(f"no such key {KEY}"), status="401 No", headers=JSON_KIND), "no such key \\*\\*\\*"),
    "status 422 of a list": (answer(b'{"detail": [{"msg": "bad"}]}', status="422 No", headers=JSON_KIND), "bad"),
    "an event that refuses": (answer(sse({"error": {"message": f"no {KEY}", "code": "401"}})), "401: no \\*\\*\\*"),
    "an event that refuses as itself": (
        answer(sse({"object": "error", "message": "too long", "code": 400})),
        "400: too long",
    ),
    "no stream, a refusal": (answer(error(f"for {KEY}", code=401), headers=JSON_KIND), "401: for \\*\\*\\*"),
    "status 400 in escapes": (answer(error("\x1b[2J\u202e"), status="400 No", headers=JSON_KIND), "\ufffd"),
}


class Misbehaving:
    """Answers the first request to /NUMBER/… as mode NUMBER says, and every further one well."""

    def __init__(self, modes: dict[str, bytes]) -> None:
        self.names, self.answers = [*modes], [*modes.values()]
        self.n_requests: Counter[str] = Counter()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[dict[str, str]]:
        """The base URL of each mode."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            yield {name: f"http://127.0.0.1:{port}/{i}/v1" for i, name in enumerate(self.names)}
        finally:
            server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            await reader.readexactly(length)
            name = self.names[int(head.split(b"/")[1])]
            self.n_requests[name] += 1
            writer.write(answer(REPLY) if self.n_requests[name] > 1 else self.answers[self.names.index(name)])
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
