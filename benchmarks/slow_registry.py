"""A registry that applies everything and answers after 20 ms, so that what is measured is the delivery, not a registry.

`python -m benchmarks.slow_registry PORT`; waits to be ended by the process that started it. It keeps nothing and checks
no signature: `padan registry` is the one that does.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.processes import HOST

LATENCY_S = 0.020


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _lock, _number = threading.Lock(), 0

    def do_GET(self) -> None:
        self._answer(404, {"code": "unknown_key"})

    def do_PUT(self) -> None:
        begun = time.perf_counter()
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self._lock:
            _Handler._number += 1
            number = _Handler._number
        receipt = {
            "number": f"R{number:08d}",
            "household_id": self.path.rpartition("/")[2],
            "version": asked["version"],
            "action": "deliver",
            "content_digest": asked["content_digest"],
            "idempotency_key": asked["idempotency_key"],
            "applied_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        time.sleep(max(0.0, LATENCY_S - (time.perf_counter() - begun)))
        self._answer(201, {"status": "accepted", "receipt": receipt})

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def _answer(self, status: int, body: dict[str, object]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    ThreadingHTTPServer((HOST, int(sys.argv[1])), _Handler).serve_forever()
