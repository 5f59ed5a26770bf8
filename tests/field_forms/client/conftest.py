"""Clients and the stand-in server for the tests of the field client."""

from __future__ import annotations

import random

import pytest
from field_stand_in import Faults, StandIn, TestClock

from field_forms.client import FieldClient


@pytest.fixture
def server():
    return StandIn()


@pytest.fixture
def make_client(tmp_path, server):
    """A client over a fault plan; the same name opens the same file again."""
    opened = []

    def make(plan=(), name="siti", seed=1, attempts_max=3, transport=None, enrolled=True):
        line = transport or Faults(server, [])
        client = FieldClient(tmp_path / name, line, TestClock(), random.Random(seed), attempts_max=attempts_max)
        if enrolled and client.store.token("deposit") is None:
            client.enrol("KODE-1")
        if isinstance(line, Faults):
            line.plan = list(plan)
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()
