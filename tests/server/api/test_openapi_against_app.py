"""The app keeps to its OpenAPI file under requests that nobody would write by hand (schemathesis).

Every endpoint, with sound and with broken requests, with a token that may call it. Same seed, same requests.
"""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth

# Bytes go out as they are, whatever they are called.
schemathesis.serializer.alias("application/partial-upload", "application/octet-stream")
EXAMPLES = 20
OPERATIONS = {
    ("POST", "/v1/enrol"): None,
    ("GET", "/v1/hello"): "deposit",
    ("POST", "/v1/hello"): "read",
    ("POST", "/v1/events"): "deposit",
    ("POST", "/v1/deposits"): "deposit",
    ("POST", "/v1/have"): "deposit",
    ("POST", "/v1/unlocks"): "deposit",
    ("HEAD", "/v1/blobs/{sha256}"): "deposit",
    ("PATCH", "/v1/blobs/{sha256}"): "deposit",
    ("GET", "/v1/blobs/{sha256}"): "staff",
    ("GET", "/v1/feed"): "read",
    ("GET", "/v1/forms"): "read",
    ("GET", "/v1/forms/{form_id}/{version}"): "staff",
    ("GET", "/v1/forms/{form_id}/{version}/xform"): "read",
    ("GET", "/v1/areas"): "read",
    ("GET", "/v1/areas/prefixes"): "read",
    ("GET", "/v1/households"): "pull",
    ("GET", "/v1/households/{household_id}"): "staff",
}


@pytest.fixture
def described(api):
    """The app's own description, as schemathesis reads it."""
    api.push(api.sealed())
    api.assigned()
    return schemathesis.openapi.from_wsgi("/v1/openapi.json", api.app)


def test_every_operation_is_tried(described):
    found = {(each.ok().method.upper(), each.ok().path) for each in described.get_all_operations()}
    assert found == set(OPERATIONS)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_every_answer_is_as_described(api, described, operation, mode):
    method, path = operation
    kind = OPERATIONS[operation]
    headers = {} if kind is None else {"Authorization": f"Bearer {api.tokens[kind]}"}
    described_operation = described[path][method]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=described_operation.as_strategy(generation_mode=mode))
    def tried(case):
        if mode is GenerationMode.POSITIVE:
            # A cursor is opaque: what the schema allows is a text, what the server takes is one that it gave out.
            case.query.pop("cursor", None)
        # The rights have a test of their own, which is exact; this check would drop the token of a case.
        case.call_and_validate(headers=headers, excluded_checks=[ignored_auth])

    tried()
