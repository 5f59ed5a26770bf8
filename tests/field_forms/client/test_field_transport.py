"""Over a real socket: what goes out, what a broken answer is taken for, and where an upload can be cut."""

from __future__ import annotations

import gzip
import json
import socket
import threading

import pytest
from werkzeug import Response as HttpResponse

from field_forms.client.transport import (
    HttpTransport,
    Request,
    Response,
    Server,
    ServerRefused,
    Tokens,
    Unreachable,
    _retry_after,
)


@pytest.fixture
def server(httpserver):
    return Server(HttpTransport(httpserver.url_for("/")), Tokens("dep", "read"))


def test_a_push_goes_out_packed_with_the_deposit_token(httpserver, server):
    seen = {}

    def answer(request):
        seen.update(token=request.headers["Authorization"], encoding=request.headers["Content-Encoding"])
        seen["body"] = json.loads(gzip.decompress(request.data))
        return HttpResponse(json.dumps({"results": [{"status": "stored"}]}), content_type="application/json")

    httpserver.expect_request("/v1/events", method="POST").respond_with_handler(answer)
    told = []
    assert server.push([{"x": "Ä" * 2000}], lambda sent, total: told.append((sent, total))) == [{"status": "stored"}]
    assert seen["token"] == "Bearer dep"
    assert seen["encoding"] == "gzip"
    assert seen["body"] == {"items": [{"x": "Ä" * 2000}]}
    assert told[-1][0] == told[-1][1] > 0


def test_a_problem_is_read_with_its_code_and_wait(httpserver, server):
    httpserver.expect_request("/v1/feed").respond_with_json(
        {"code": "quota", "detail": "habis"}, status=429, headers={"Retry-After": "12"}
    )
    with pytest.raises(ServerRefused) as caught:
        server.feed(None, 10)
    assert (caught.value.code, caught.value.retry_after_s, caught.value.passing) == ("quota", 12.0, True)


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [(200, "<html>", False), (302, "", False), (200, "[]", False), (502, "<html>Bad gateway", True), (404, "", True)],
)
def test_an_answer_that_is_not_the_servers_is_never_taken_for_one(httpserver, server, status, body, refused):
    httpserver.expect_request("/v1/hello").respond_with_data(body, status=status)
    with pytest.raises(ServerRefused if refused else Unreachable):
        server.hello([])


def test_a_cut_inside_the_upload_is_unreachable(httpserver):
    def cut(sent: int, total: int) -> None:
        if sent >= 8192:
            raise ConnectionResetError("cut at byte 8192")

    request = Request("POST", "/v1/events", {}, b"x" * 100_000)
    with pytest.raises(Unreachable):
        HttpTransport(httpserver.url_for("/")).send(request, cut)
    assert [each for each in httpserver.log if each[0].path == "/v1/events" and len(each[0].data) == 100_000] == []


def test_an_answer_cut_half_way_is_unreachable():
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":')
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(Unreachable):
        HttpTransport(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=5).send(Request("GET", "/v1/hello"))
    thread.join()
    listener.close()


def test_nobody_listening_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable):
        HttpTransport(f"http://127.0.0.1:{port}").send(Request("GET", "/v1/hello"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "5"}, 5.0),
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sat, 21 Nov 2026 00:01:00 GMT", "date": "Sat, 21 Nov 2026 00:00:30 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 00:01:00 GMT"}, None),
    ],
)
def test_a_date_to_wait_for_is_measured_on_the_servers_clock(headers, seconds):
    assert _retry_after(headers) == seconds
    assert Response(200, headers, b"").status == 200
