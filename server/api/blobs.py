"""Photos and files: how far an upload is, its next piece, and the image that may be seen.

The headers are those of the resumable uploads that the IETF is writing down (`Upload-Offset`, `Upload-Length`,
`Upload-Complete`); what they promise here stands in docs/protocol.md, "Photos and files".
"""

from __future__ import annotations

from flask import Response, request
from flask_smorest import Blueprint
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from schemas import limits
from schemas.ids import is_sha256
from schemas.problems import ProblemError
from server.api.documented import Bytes, Headers, choice_query, endpoint, header_number, path_code
from server.api.services import allowed, caller, one_of_few_uploaders, services
from server.blobs.storage import SIZES, VIEW
from server.flows.blob_upload import Standing, receive, standing
from server.flows.blob_view import image_for

blueprint = Blueprint("blobs", __name__, url_prefix="/v1", description="Photos and files")

PIECE = "application/partial-upload"
JPEG = "image/jpeg"
READ_BYTES = 65_536
OFFSET, LENGTH, COMPLETE, DURABLE = "Upload-Offset", "Upload-Length", "Upload-Complete", "Padan-Durable"

_SHA256 = path_code("sha256", "SHA-256 of the file, lower-case hex.", "^[0-9a-f]{64}$")
_FLAG = {"type": "string", "enum": ["?0", "?1"]}
_NUMBER = {"type": "integer", "minimum": 0}
_STANDING = Headers(
    {
        OFFSET: ("Bytes that are on the disk; go on from here.", _NUMBER),
        LENGTH: ("Bytes of the whole file, as the event says.", _NUMBER),
        COMPLETE: ("?1: all of it is here and gives the hash.", _FLAG),
        DURABLE: ("?1: it is in a verified backup as well.", _FLAG),
    }
)


# HEAD stands before GET: a GET route answers HEAD as well, and the first that fits is taken.
@endpoint(blueprint, "HEAD", "/blobs/<sha256>", answer=_STANDING, parameters=(_SHA256,), problems=(404, 429, 507))
@allowed("blob_upload")
def head_blob(sha256: str) -> Response:
    """How far the upload of a file is that one of the tablet's own events names."""
    mine = services()
    return _told(standing(mine.db, mine.blobs, caller(), _checked(sha256), mine.clock.now_ms()))


@endpoint(
    blueprint,
    "PATCH",
    "/blobs/<sha256>",
    answer=_STANDING,
    body=Bytes(PIECE),
    parameters=(
        _SHA256,
        header_number(OFFSET, "Where these bytes belong.", limits.BLOB_BYTES_MAX, required=True),
        header_number(LENGTH, "Bytes of the whole file; where it is given it must be true.", 2**40, required=False),
    ),
    problems=(404, 409, 429, 507),
)
@allowed("blob_upload")
def patch_blob(sha256: str) -> Response:
    """The next piece of a file. Of one that is cut off on the way, what arrived is kept."""
    mine = services()
    _checked(sha256)
    offset = _number(OFFSET)
    if offset is None:
        raise ProblemError("invalid", f"{OFFSET} is missing.", errors=[{"where": OFFSET, "message": "Missing."}])
    length = _number(LENGTH)
    data, whole = _piece()
    with one_of_few_uploaders():
        now = receive(mine.db, mine.blobs, caller(), sha256, offset, data, mine.clock.now_ms(), length=length)
    if not whole:
        raise ProblemError("cut_off", f"{len(data)} bytes of this piece arrived and are kept.")
    return _told(now)


@endpoint(
    blueprint,
    "GET",
    "/blobs/<sha256>",
    answer=Bytes(JPEG),
    parameters=(_SHA256,),
    query=(choice_query("size", "In which size.", SIZES),),
    problems=(404, 503),
)
@allowed("blob_image")
def get_blob(sha256: str) -> Response:
    """The image, decoded and written anew by the server; what was sent is handed to nobody."""
    size = request.args.get("size", VIEW)
    if size not in SIZES:
        raise ProblemError("invalid", f"size must be one of {', '.join(SIZES)}.")
    mine = services()
    data = image_for(mine.db, mine.blobs, caller(), _checked(sha256), size, mine.clock.now_ms())
    response = Response(data, mimetype=JPEG)
    # Even if it were something else, a browser would neither guess nor run nor embed it elsewhere.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Content-Disposition"] = f'inline; filename="{sha256[:16]}.jpg"'
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _checked(sha256: str) -> str:
    if not is_sha256(sha256):
        raise ProblemError("blob_unknown", "A file is named by its SHA-256: 64 lower-case hex digits.")
    return sha256


def _number(name: str) -> int | None:
    text = request.headers.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        wrong = [{"where": name, "message": "Not a whole number."}]
        raise ProblemError("invalid", f"{name} must be a whole number.", errors=wrong)
    return int(text)


def _piece() -> tuple[bytes, bool]:
    """The bytes of the body and whether it came whole. Bounded, so it may stay in memory."""
    if request.mimetype != PIECE:
        raise ProblemError("unsupported_media_type", f"Send {PIECE}, not {request.mimetype[:60]}.")
    if request.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
        raise ProblemError("unsupported_encoding", "Send the bytes of the file as they are.")
    most, announced = limits.BLOB_CHUNK_BYTES_MAX, request.content_length
    if announced is not None and announced > most:
        raise _too_large(announced)
    data = bytearray()
    try:
        while piece := request.stream.read(READ_BYTES):
            data += piece
            if len(data) > most:
                raise _too_large(len(data))
    except (ClientDisconnected, OSError):
        return bytes(data), False
    except RequestEntityTooLarge as error:
        raise _too_large(most + 1) from error
    return bytes(data), announced is None or len(data) == announced


def _too_large(size: int) -> ProblemError:
    most = limits.BLOB_CHUNK_BYTES_MAX
    return ProblemError("body_too_large", f"{size} bytes; the limit of one piece is {most}.", limit_bytes=most)


def _told(now: Standing) -> Response:
    response = Response(status=204)
    del response.headers["Content-Type"]
    response.headers[OFFSET] = str(now.offset)
    response.headers[LENGTH] = str(now.length)
    response.headers[COMPLETE] = _flag(now.complete)
    response.headers[DURABLE] = _flag(now.durable)
    return response


def _flag(value: bool) -> str:
    """A truth value as headers write it (RFC 9651)."""
    return "?1" if value else "?0"
