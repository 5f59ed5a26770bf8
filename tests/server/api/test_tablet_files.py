"""The tablet app's files: who gets them, under which headers, and what is not handed out."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.api import tablet


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built app of a few files, one of them packed."""
    folder = tmp_path / "built"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Padan</title>")
    (folder / "assets/app-ABC.js").write_text("console.log('a');" * 20)
    (folder / "assets/app-ABC.js.br").write_bytes(b"packed")
    (folder / "sw.js").write_text("self;")
    (folder / "manifest.webmanifest").write_text("{}")
    (tmp_path / "secret.txt").write_text("outside")
    monkeypatch.setattr(tablet, "built_folder", lambda: folder)
    return folder


@pytest.mark.parametrize("path", ["/tablet", "/tablet/"])
def test_the_page_answers_at_both_addresses_without_a_redirect_and_without_a_token(api, built, path):
    answer = api.call("GET", path)
    assert answer.status_code == 200 and answer.mimetype == "text/html"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Set-Cookie" not in answer.headers


def test_the_policy_lets_in_wasm_and_nothing_of_others(api, built):
    policy = api.call("GET", "/tablet/").headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert rules["connect-src"] == rules["worker-src"] == rules["style-src"] == "'self'"
    assert "unsafe-inline" not in policy and "http" not in policy
    assert rules["frame-ancestors"] == "'none'"


def test_camera_and_position_are_for_the_own_pages_only(api, built):
    allowed = api.call("GET", "/tablet/").headers["Permissions-Policy"]
    assert "camera=(self)" in allowed and "geolocation=(self)" in allowed and "microphone=()" in allowed


def test_assets_are_kept_for_ever_and_the_service_worker_never(api, built):
    assert "immutable" in api.call("GET", "/tablet/assets/app-ABC.js").headers["Cache-Control"]
    worker = api.call("GET", "/tablet/sw.js")
    assert worker.headers["Cache-Control"] == "no-cache" and worker.mimetype == "text/javascript"
    assert api.call("GET", "/tablet/manifest.webmanifest").mimetype == "application/manifest+json"


def test_who_takes_brotli_gets_what_was_packed_at_build(api, built):
    plain = api.call("GET", "/tablet/assets/app-ABC.js")
    packed = api.call("GET", "/tablet/assets/app-ABC.js", headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers and plain.text.startswith("console")
    assert packed.headers["Content-Encoding"] == "br" and packed.data == b"packed"
    assert packed.mimetype == plain.mimetype == "text/javascript"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert api.call("GET", "/tablet/assets/app-ABC.js.br").status_code == 404


def test_a_file_that_did_not_change_is_not_sent_again(api, built):
    tag = api.call("GET", "/tablet/").headers["ETag"]
    assert api.call("GET", "/tablet/", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    "path", ["nothing.js", "../secret.txt", "%2e%2e/secret.txt", "assets", "assets/"]
)
def test_nothing_outside_of_the_folder_is_handed_out(api, built, problem, path):
    answer = api.call("GET", f"/tablet/{path}")
    assert answer.status_code == 404 and "outside" not in answer.text


def test_an_app_that_was_not_built_is_told_to_the_operator(api, tmp_path, monkeypatch, problem):
    monkeypatch.setattr(tablet, "built_folder", lambda: tmp_path / "none")
    answer = api.call("GET", "/tablet/")
    problem(answer, 404, "media_unknown")
    assert "field_forms.tablet.build" in answer.get_json()["detail"]
