"""A local stand-in for the Hugging Face Hub: enough of it for commits, large files, pull requests and load_dataset.

Everything is kept in memory. `faults` hold what is to go wrong: each is used up by the request that it matches.
"""

import base64
import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

TOKENS = {
    "hf_writer": {"name": "tester", "orgs": ["team"], "role": "write"},
    "hf_reader": {"name": "tester", "orgs": ["team"], "role": "read"},
}
LARGE = (".parquet", ".safetensors")


@dataclass
class Fault:
    """What goes wrong with the next `times` requests whose "METHOD path" matches. after: the work is done, the answer is lost."""

    pattern: str
    status: int = 0
    times: int = 1
    after: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


@dataclass
class Commit:
    id: str
    parent: str | None
    title: str
    files: dict[str, bytes]


@dataclass
class Repository:
    kind: str
    name: str
    private: bool
    heads: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def add(self, files: dict[str, bytes], *, title: str, branch: str = "main", parent: str | None = None) -> str:
        parent = self.heads.get(branch) if parent is None else parent
        sha = hashlib.sha1(f"{self.name} {branch} {len(self.commits)} {title}".encode()).hexdigest()
        self.commits[sha] = Commit(sha, parent, title, files)
        self.heads[branch] = sha
        return sha

    def at(self, revision: str) -> Commit | None:
        return self.commits.get(self.heads.get(revision, revision))

    def history(self) -> list[Commit]:
        """Commits of main, newest first, without the one that made the repository."""
        found, sha = [], self.heads["main"]
        while sha:
            found.append(self.commits[sha])
            sha = self.commits[sha].parent
        return found[:-1]

    def files(self) -> dict[str, bytes]:
        return self.commits[self.heads["main"]].files


class FakeHub:
    """`with FakeHub() as hub:` serves at hub.url until the block ends."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.large: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.leaderboards: dict[str, list[dict]] = {}
        self.committed: list[list[str]] = []  # the paths in each commit that was taken
        self.log: list[tuple[float, str, int]] = []
        self.lock = threading.RLock()

    def __enter__(self) -> "FakeHub":
        hub = self

        class Handler(Requests):
            fake = hub

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def dataset(self, name: str) -> Repository:
        return self.repositories["dataset", name]

    def add_repository(
        self, kind: str, name: str, *, private: bool, files: dict[str, bytes] | None = None
    ) -> Repository:
        repository = self.repositories[kind, name] = Repository(kind, name, private)
        repository.add({".gitattributes": b"*.parquet filter=lfs\n", **(files or {})}, title="initial commit")
        return repository

    def fault_for(self, line: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.pattern, line):
                    fault.times -= 1
                    return fault
        return None

    def seen(self, pattern: str) -> list[tuple[float, str, int]]:
        return [entry for entry in self.log if re.search(pattern, entry[1])]


class Refused(Exception):
    def __init__(self, status: int, message: str, code: str = "") -> None:
        self.status, self.message, self.code = status, message, code


NAME = r"([^/]+/[^/]+)"
ROUTES = [
    ("GET", r"/api/whoami-v2", "whoami"),
    ("POST", r"/api/repos/create", "create"),
    ("POST", r"/api/validate-yaml", "validate"),
    ("GET", rf"/api/(models|datasets)/{NAME}(?:/revision/(.+))?", "info"),
    ("GET", rf"/api/datasets/{NAME}/leaderboard", "leaderboard"),
    ("GET", rf"/api/(models|datasets)/{NAME}/discussions", "discussions"),
    ("GET", rf"/api/(models|datasets)/{NAME}/tree/([^/]+)/?(.*)", "tree"),
    ("POST", rf"/api/(models|datasets)/{NAME}/paths-info/(.+)", "paths_info"),
    ("POST", rf"/api/(models|datasets)/{NAME}/preupload/(.+)", "preupload"),
    ("POST", rf"/api/(models|datasets)/{NAME}/commit/(.+)", "commit"),
    ("POST", rf"/api/(models|datasets)/{NAME}/branch/(.+)", "branch"),
    ("POST", rf"/(datasets/)?{NAME}\.git/info/lfs/objects/batch", "batch"),
    ("PUT", r"/large/([0-9a-f]{64})", "put_large"),
    ("POST", r"/large/([0-9a-f]{64})/verify", "verify_large"),
    ("GET", rf"/(datasets/)?{NAME}/resolve/([^/]+)/(.+)", "resolve"),
    ("HEAD", rf"/(datasets/)?{NAME}/resolve/([^/]+)/(.+)", "resolve"),
]


def git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def is_large(path: str) -> bool:
    return path.endswith(LARGE)


def describe(path: str, data: bytes) -> dict:
    entry = {"type": "file", "path": path, "size": len(data), "oid": git_oid(data)}
    if is_large(path):
        digest = hashlib.sha256(data).hexdigest()
        entry |= {"oid": git_oid(digest.encode()), "lfs": {"oid": digest, "size": len(data), "pointerSize": 134}}
    return entry


class Requests(BaseHTTPRequestHandler):
    """One request: the fault that is due, or the answer."""

    fake: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Tests read FakeHub.log."""

    def do_GET(self) -> None:
        self.serve()

    do_POST = do_PUT = do_HEAD = do_GET

    def serve(self) -> None:
        url = urlsplit(self.path)
        path, self.query = unquote(url.path), parse_qs(url.query, keep_blank_values=True)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        line = f"{self.command} {path}"
        fault = self.fake.fault_for(line)
        if fault:
            time.sleep(fault.delay_s)
        if fault and fault.status and not fault.after:
            self.answer(fault.status, {"error": "injected"}, fault.headers, line=line)
            return
        try:
            status, body, headers = self.dispatch(path)
        except Refused as refused:
            code = {"X-Error-Code": refused.code} if refused.code else {}
            status, body = refused.status, {"error": refused.message}
            headers = {"X-Error-Message": refused.message, **code}
        if fault and fault.after and not fault.status:
            self.fake.log.append((time.monotonic(), line, 0))
            self.close_connection = True
            self.connection.close()
            return
        if fault and fault.after:
            status, body, headers = fault.status, {"error": "injected"}, fault.headers
        self.answer(status, body, headers, line=line)

    def answer(self, status: int, body: object, headers: dict[str, str], *, line: str) -> None:
        self.fake.log.append((time.monotonic(), line, status))
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream" if isinstance(body, bytes) else "application/json")
        self.send_header("Content-Length", headers.pop("Content-Length", str(len(data))))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def dispatch(self, path: str) -> tuple[int, object, dict[str, str]]:
        for method, pattern, name in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method == self.command:
                with self.fake.lock:
                    made = getattr(self, name)(*match.groups())
                return made if isinstance(made, tuple) else (200, made, {})
        raise Refused(404, f"the stand-in has no {self.command} {path}")

    # -- accounts and repositories

    def user(self) -> dict | None:
        return TOKENS.get(self.headers.get("Authorization", "").removeprefix("Bearer "))

    def find(self, kinds: str | None, name: str, *, write: bool = False) -> Repository:
        kind = "dataset" if kinds in ("datasets", "datasets/") else "model"
        user, repository = self.user(), self.fake.repositories.get((kind, name))
        may = user and name.split("/")[0] in (user["name"], *user["orgs"])
        if repository is None or (repository.private and not may):
            raise Refused(404 if user else 401, "Repository not found", "RepoNotFound")
        if write and (not may or user["role"] == "read"):
            raise Refused(403, "Forbidden")
        return repository

    def commit_at(self, repository: Repository, revision: str) -> Commit:
        commit = repository.at(revision)
        if commit is None:
            raise Refused(404, f"no revision {revision}", "RevisionNotFound")
        return commit

    def whoami(self) -> object:
        user = self.user()
        if user is None:
            raise Refused(401, "Invalid username or password.")
        return {
            "type": "user",
            "name": user["name"],
            "orgs": [{"name": org, "roleInOrg": "write"} for org in user["orgs"]],
            "auth": {"type": "access_token", "accessToken": {"displayName": "t", "role": user["role"]}},
        }

    def create(self) -> object:
        user, asked = self.user(), json.loads(self.body)
        if user is None or user["role"] == "read":
            raise Refused(403 if user else 401, "no rights")
        kind, name = asked.get("type") or "model", f"{asked.get('organization') or user['name']}/{asked['name']}"
        url = f"{self.fake.url}/{'datasets/' if kind == 'dataset' else ''}{name}"
        if (kind, name) in self.fake.repositories:
            return 409, {"error": "You already created this repo", "url": url}, {}
        private = asked.get("private") or asked.get("visibility") == "private"
        self.fake.add_repository(kind, name, private=bool(private))
        return {"url": url, "name": name, "id": name}

    def validate(self) -> object:
        return {"errors": [], "warnings": []}

    def info(self, kinds: str, name: str, revision: str | None) -> object:
        repository = self.find(kinds, name)
        commit = self.commit_at(repository, revision or "main")
        return {
            "_id": "0" * 24,
            "id": name,
            "sha": commit.id,
            "private": repository.private,
            "gated": False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "lastModified": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "siblings": [{"rfilename": path, "size": len(data)} for path, data in sorted(commit.files.items())],
        }

    def leaderboard(self, name: str) -> object:
        if name not in self.fake.leaderboards:
            raise Refused(404, "no leaderboard")
        return self.fake.leaderboards[name]

    def discussions(self, kinds: str, name: str) -> object:
        repository = self.find(kinds, name)
        found = [
            {
                "num": number,
                "title": title,
                "status": "open",
                "isPullRequest": True,
                "createdAt": "2026-11-01T00:00:00.000Z",
                "author": {"name": "tester"},
                "repo": {"name": name, "type": repository.kind},
            }
            for number, title in enumerate(repository.requests, start=1)
        ]
        return {"discussions": found, "count": len(found), "start": 0}

    # -- reading

    def tree(self, kinds: str, name: str, revision: str, folder: str) -> object:
        commit = self.commit_at(self.find(kinds, name), revision)
        inside = {path: data for path, data in commit.files.items() if not folder or path.startswith(folder + "/")}
        if folder and not inside:
            raise Refused(404, f"no folder {folder}", "EntryNotFound")
        deep = self.query.get("recursive", ["false"])[0].lower() in ("true", "1")
        entries = {}
        for path, data in sorted(inside.items()):
            rest = path[len(folder) + 1 :] if folder else path
            first, slash, _ = rest.partition("/")
            if deep or not slash:
                entries[path] = describe(path, data)
            else:
                at = f"{folder}/{first}" if folder else first
                entries[at] = {"type": "directory", "path": at, "size": 0, "oid": git_oid(at.encode())}
        return list(entries.values())

    def paths_info(self, kinds: str, name: str, revision: str) -> object:
        commit = self.commit_at(self.find(kinds, name), revision)
        if "json" in self.headers.get("Content-Type", ""):
            paths = json.loads(self.body)["paths"]
        else:
            paths = parse_qs(self.body.decode())["paths"]
        paths = [paths] if isinstance(paths, str) else paths
        return [describe(path, commit.files[path]) for path in paths if path in commit.files]

    def resolve(self, kinds: str | None, name: str, revision: str, path: str) -> object:
        commit = self.commit_at(self.find(kinds, name), revision)
        if path not in commit.files:
            return 404, {"error": "no file"}, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit.id}
        data = commit.files[path]
        tag = hashlib.sha256(data).hexdigest() if is_large(path) else git_oid(data)
        headers = {"X-Repo-Commit": commit.id, "ETag": f'"{tag}"'}
        given = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if given and self.command == "GET":
            first, last = int(given[1]), int(given[2] or len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{min(last, len(data) - 1)}/{len(data)}"
            return 206, data[first : last + 1], headers
        return 200, data, headers

    # -- writing

    def preupload(self, kinds: str, name: str, revision: str) -> object:
        repository = self.find(kinds, name, write="create_pr" not in self.query)
        commit = self.commit_at(repository, revision)
        files = []
        for path in (file["path"] for file in json.loads(self.body)["files"]):
            mode = {"path": path, "uploadMode": "lfs" if is_large(path) else "regular", "shouldIgnore": False}
            if (data := commit.files.get(path)) is not None:
                mode["oid"] = hashlib.sha256(data).hexdigest() if is_large(path) else git_oid(data)
            files.append(mode)
        return {"files": files, "commitOid": commit.id}

    def batch(self, kinds: str | None, name: str) -> object:
        self.find(kinds, name, write=True)
        objects = []
        for asked in json.loads(self.body)["objects"]:
            entry = {"oid": asked["oid"], "size": asked["size"]}
            if asked["oid"] not in self.fake.large:
                where = f"{self.fake.url}/large/{asked['oid']}"
                entry["actions"] = {"upload": {"href": where}, "verify": {"href": f"{where}/verify"}}
            objects.append(entry)
        return 200, json.dumps({"transfer": "basic", "objects": objects}).encode(), {}

    def put_large(self, oid: str) -> object:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise Refused(400, "the digest does not match")
        self.fake.large[oid] = self.body
        return {}

    def verify_large(self, oid: str) -> object:
        if oid not in self.fake.large:
            raise Refused(404, "not stored")
        return {}

    def branch(self, kinds: str, name: str, branch: str) -> object:
        repository = self.find(kinds, name, write=True)
        if branch in repository.heads:
            return 409, {"error": "Reference already exists"}, {}
        repository.heads[branch] = repository.heads["main"]
        return {}

    def commit(self, kinds: str, name: str, revision: str) -> object:
        as_request = "create_pr" in self.query
        repository = self.find(kinds, name, write=not as_request)
        base = self.commit_at(repository, revision)
        head, files, paths = {}, dict(base.files), []
        for line in self.body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            paths += [value["path"]] if "path" in value else []
            if entry["key"] == "header":
                head = value
            elif entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile" and value["oid"] in self.fake.large:
                files[value["path"]] = self.fake.large[value["oid"]]
            else:
                raise Refused(400, f"cannot do {entry['key']} of {value.get('path')}")
        if head.get("parentCommit") and head["parentCommit"] != base.id:
            raise Refused(412, "A commit has happened since. Please refresh and try again.")
        self.fake.committed.append(paths)
        at, more = f"{self.fake.url}/{'datasets/' if repository.kind == 'dataset' else ''}{name}", {}
        if as_request:
            repository.requests.append(head["summary"])
            branch = f"refs/pr/{len(repository.requests)}"
            sha = repository.add(files, title=head["summary"], branch=branch, parent=base.id)
            more = {"pullRequestUrl": f"{at}/discussions/{len(repository.requests)}"}
        else:
            sha = repository.add(files, title=head["summary"], branch=revision)
        return {"success": True, "commitOid": sha, "commitUrl": f"{at}/commit/{sha}", "hookOutput": "", **more}
