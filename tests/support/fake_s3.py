"""A small object store that speaks S3 on the loopback address, and fails when it is told to."""

import http.server
import threading
import time
from contextlib import contextmanager
from urllib.parse import unquote


class ObjectStore(http.server.ThreadingHTTPServer):
    """`objects` holds contents by "/bucket/key"; `faults` what the next answers do: "cut", "slow", "error" or "fine"."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects, self.faults, self.asked, self.longer = {}, [], [], 0
        self.address = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        """A client that went away is no error of this server."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(self.path.partition("?")[0])
        content = self.server.objects.get(path)
        if "list-type=2" in self.path:  # which asks whether a missing object is a folder
            return self.answer(200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        if content is None:
            return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        if self.command == "HEAD":
            return self.answer(200, b"", len(content) + self.server.longer)
        self.server.asked.append(path)
        fault = self.server.faults.pop(0) if self.server.faults else "fine"
        if fault == "error":
            return self.answer(503, b"<Error><Code>SlowDown</Code></Error>")
        first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last) + 1]
        self.part(part, f"bytes {first}-{int(first) + len(part) - 1}/{len(content) + self.server.longer}", fault)

    def part(self, part, area, fault):
        self.send_response(206)
        self.send_header("Content-Range", area)
        self.common(len(part))
        half = len(part) // 2
        self.wfile.write(part[:half])
        self.wfile.flush()
        if fault == "cut":
            self.close_connection = True
            self.connection.close()
            return
        if fault == "slow":
            time.sleep(3)
        self.wfile.write(part[half:])

    def answer(self, status, body, length=None):
        self.send_response(status)
        self.common(len(body) if length is None else length)
        if self.command != "HEAD":
            self.wfile.write(body)

    def common(self, length):
        self.send_header("Content-Length", str(length))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Sat, 28 Nov 2026 00:00:00 GMT")
        self.end_headers()


@contextmanager
def object_store():
    """The store, running, in a thread of its own."""
    server = ObjectStore()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
