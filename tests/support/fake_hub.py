"""A small Hugging Face Hub on the loopback address: repositories with branches, commits, LFS uploads, and downloads."""

import base64
import hashlib
import http.server
import json
import re
import threading
from contextlib import contextmanager
from urllib.parse import parse_qs, unquote

import yaml

TOKEN = "hf_writes"


class Hub(http.server.ThreadingHTTPServer):
    """`repos` holds files by branch, `blobs` what was uploaded, `log` each request; `fails` makes paths answer a status."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.repos, self.private, self.blobs, self.log, self.fails = {}, {}, {}, [], {}
        self.address = f"http://127.0.0.1:{self.server_port}"

    def files(self, repo, branch="main"):
        return self.repos[repo][branch]


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.route("GET")

    def do_GET(self):
        self.route("GET")

    def do_POST(self):
        self.route("POST")

    def do_PUT(self):
        self.route("PUT")

    def route(self, method):
        path = unquote(self.path.partition("?")[0])
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.log.append((self.command, path))
        for part, status in self.server.fails.items():
            if part in path:
                return self.answer({"error": "no"}, status)
        if method != "GET" and not path.startswith("/lfs/") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer({"error": "no token"}, 403)
        for pattern, name in ROUTES:
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return getattr(self, name)(*found.groups())
        return self.answer({"error": f"no such thing as {path}"}, 404)

    def answer(self, value, status=200, **headers):
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for key, each in headers.items():
            self.send_header(key.replace("_", "-"), each)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def problem(self, code, status=404):
        return self.answer({}, status, X_Error_Code=code)

    def create(self):
        said = json.loads(self.body)
        repo = f"{said['organization']}/{said['name']}"
        if said["organization"] != "me":
            return self.answer({"error": "not yours"}, 403)
        if repo in self.server.repos:
            return self.answer({"error": "exists"}, 409)
        self.server.repos[repo], self.server.private[repo] = {"main": {}}, said.get("visibility")
        return self.answer({"url": f"{self.server.address}/{repo}"})

    def held(self, repo, branch):
        """Files of a branch; None after an answer that there are none."""
        if repo not in self.server.repos:
            return self.problem("RepoNotFound")
        if branch not in self.server.repos[repo]:
            return self.problem("RevisionNotFound")
        return self.server.repos[repo][branch]

    def paths(self, repo, branch):
        if (files := self.held(repo, branch)) is not None:
            asked = parse_qs(self.body.decode())["paths"]
            self.answer([{"type": "file", "path": p, "size": 1, "oid": "0"} for p in asked if p in files])

    def branch(self, repo, branch):
        branches = self.server.repos[repo]
        self.answer({}, 409 if branch in branches else 200)
        branches.setdefault(branch, dict(branches["main"]))

    def validate(self):
        content = json.loads(self.body)["content"]
        try:
            head = yaml.safe_load(content.split("---\n")[1])
            assert head["license"] and all(isinstance(tag, str) for tag in head["tags"])
        except (IndexError, KeyError, AssertionError, yaml.YAMLError) as error:
            return self.answer({"errors": [{"message": str(error)}]}, 400)
        return self.answer({})

    def preupload(self, repo, branch):
        if self.held(repo, branch) is not None:
            names = [each["path"] for each in json.loads(self.body)["files"]]
            modes = {name: "regular" if name.endswith(".md") else "lfs" for name in names}
            self.answer({"files": [{"path": n, "uploadMode": m, "shouldIgnore": False} for n, m in modes.items()]})

    def batch(self, repo):
        objects = []
        for each in json.loads(self.body)["objects"]:
            actions = {
                "upload": {"href": f"{self.server.address}/lfs/{each['oid']}"},
                "verify": {"href": f"{self.server.address}/verify"},
            }
            known = each["oid"] in self.server.blobs
            objects.append({**each, "authenticated": True} | ({} if known else {"actions": actions}))
        self.answer({"transfer": "basic", "objects": objects})

    def upload(self, oid):
        if hashlib.sha256(self.body).hexdigest() != oid:
            return self.answer({"error": "another content"}, 400)
        self.server.blobs[oid] = self.body
        return self.answer({})

    def verify(self):
        said = json.loads(self.body)
        whole = len(self.server.blobs.get(said["oid"], b"")) == said["size"]
        self.answer({}, 200 if whole else 404)

    def commit(self, repo, branch):
        if (files := self.held(repo, branch)) is None:
            return
        added = {}
        for line in self.body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                added[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                added[value["path"]] = self.server.blobs[value["oid"]]
        files.update(added)
        oid = hashlib.sha1(repr(sorted(files)).encode()).hexdigest()
        self.answer({"commitOid": oid, "commitUrl": f"{self.server.address}/{repo}/commit/{oid}", "success": True})

    def resolve(self, repo, branch, name):
        if (files := self.held(repo, branch)) is None:
            return
        if name not in files:
            self.problem("EntryNotFound")
            return
        tag = hashlib.sha256(files[name]).hexdigest()
        self.answer(files[name], ETag=f'"{tag}"', X_Repo_Commit=hashlib.sha1(tag.encode()).hexdigest())


REPO, REST = r"([\w.-]+/[\w.-]+)", r"([^/]+)"
ROUTES = (
    (r"POST /api/repos/create", "create"),
    (rf"POST /api/models/{REPO}/paths-info/{REST}", "paths"),
    (rf"POST /api/models/{REPO}/branch/{REST}", "branch"),
    (r"POST /api/validate-yaml", "validate"),
    (rf"POST /api/models/{REPO}/preupload/{REST}", "preupload"),
    (rf"POST /{REPO}\.git/info/lfs/objects/batch", "batch"),
    (r"PUT /lfs/(\w+)", "upload"),
    (r"POST /verify", "verify"),
    (rf"POST /api/models/{REPO}/commit/{REST}", "commit"),
    (rf"GET /{REPO}/resolve/{REST}/(.+)", "resolve"),
)


@contextmanager
def running_hub(monkeypatch, folder):
    """Let huggingface_hub and this project use a Hub of their own, with its cache in a folder and a token that may write."""
    from huggingface_hub import constants

    with Hub() as hub:
        threading.Thread(target=hub.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(folder / "token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # files go by LFS, which this Hub has
        for switch in ("INSETGAN_OFFLINE", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(switch, raising=False)
        yield hub
        hub.shutdown()
