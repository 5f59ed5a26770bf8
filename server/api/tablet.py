"""The tablet app's files at `/tablet/`: static, the same for everybody, without a token and without a cookie.

The page itself answers 200 at its own address: a kept redirect made the start without a network fail (docs/tablet.md).
Nothing here reads the store.
"""

from __future__ import annotations

from mimetypes import guess_type
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory

from field_forms.tablet import ENTRY, built_folder, is_there
from schemas.problems import ProblemError

blueprint = Blueprint("tablet", __name__)

FOR_EVER_S = 31_536_000
PACKED = ".br"
# 'wasm-unsafe-eval': XPath and Argon2 are WebAssembly. No inline script, no other origin, no form that posts.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
PERMISSIONS = "geolocation=(self), camera=(self), microphone=(), payment=(), usb=(), display-capture=()"


@blueprint.get("/tablet", provide_automatic_options=False)
@blueprint.get("/tablet/", provide_automatic_options=False)
def page() -> Response:
    """The page, at both addresses, without a redirect."""
    return _file(ENTRY)


@blueprint.get("/tablet/<path:name>", provide_automatic_options=False)
def file(name: str) -> Response:
    """One of its files."""
    return _file(name)


def _file(name: str) -> Response:
    folder = built_folder()
    if not is_there(folder):
        raise ProblemError("media_unknown", "The tablet app was not built: python -m field_forms.tablet.build")
    if name.endswith(PACKED) or not (folder / Path(name)).is_file():
        raise ProblemError("not_found")
    packed = request.accept_encodings.quality("br") > 0 and (folder / Path(name + PACKED)).is_file()
    response = send_from_directory(folder, name + PACKED * packed, mimetype=guess_type(name)[0], conditional=True)
    response.vary.add("Accept-Encoding")
    if packed:
        response.headers["Content-Encoding"] = "br"
    if name.startswith("assets/"):
        response.headers["Cache-Control"] = f"public, max-age={FOR_EVER_S}, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
    if name.endswith(".webmanifest"):
        response.mimetype = "application/manifest+json"
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Permissions-Policy"] = PERMISSIONS
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response
