"""`padan serve` with one addition: it writes down when a push begins to be worked on and when its answer went out.

The command itself is the real one. waitress calls the app once the whole body has arrived, so a line `in` stands for
"body received", and one `out` for "answer handed to the socket". Each line is one unbuffered write: what stood in the
file when the process was killed is what had happened.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from server import app as app_module
from server.commands import serve

_numbers = itertools.count(1)


class Marked:
    """A WSGI app whose pushes leave two marks in a file."""

    def __init__(self, app: Callable[..., Iterable[bytes]], marks: int) -> None:
        self._app = app
        self._marks = marks

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        if environ["PATH_INFO"] != "/v1/events":
            return iter(list(self._app(environ, start_response)))
        return self._marked(environ, start_response)

    def _marked(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        number = next(_numbers)
        os.write(self._marks, f"in {number}\n".encode())
        answer = list(self._app(environ, start_response))
        yield from answer
        os.write(self._marks, f"out {number}\n".encode())


def main() -> None:
    """Run `padan serve` with the arguments after the name of the file of marks."""
    marks = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    made = app_module.create_app

    def marked(*args: Any, **kwargs: Any) -> Any:
        app = made(*args, **kwargs)
        app.wsgi_app = Marked(app.wsgi_app, marks)
        return app

    serve.create_app = marked
    serve.command.main(sys.argv[2:], prog_name="padan serve")


if __name__ == "__main__":
    main()
