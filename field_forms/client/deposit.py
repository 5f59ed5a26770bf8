"""Sealed boxes for unsent work of a tablet that may no longer push (docs/protocol.md, "Deposits").

A box is made once and kept until it is handed in: making it anew for each attempt would fill the server with copies.
"""

from __future__ import annotations

import base64
import json
import random

from field_forms.client.store import Store
from schemas.sealing import deposit_content, seal_box

ITEMS_PER_BOX = 25


def make_boxes(store: Store, rng: random.Random) -> None:
    """Put every queued event that is in no box yet into one. Does nothing for a tablet that was never enrolled."""
    sealing_key, private = store.setting("sealing_key"), store.token("install_key")
    if sealing_key is None or private is None:
        return
    boxed = {ref for _, _, refs in store.boxes_to_send() for ref in refs}
    waiting = [event for event in store.queue(1_000_000) if event.ref not in boxed]
    boxes = []
    for start in range(0, len(waiting), ITEMS_PER_BOX):
        group = waiting[start : start + ITEMS_PER_BOX]
        body = json.dumps({"items": [event.item() for event in group]}, separators=(",", ":"), ensure_ascii=False)
        content = deposit_content(store.setting("install"), body, bytes.fromhex(private))
        box = seal_box(content, base64.b64decode(sealing_key["key"]), rng.randbytes(32))
        boxes.append((json.dumps(box), [event.ref for event in group]))
    store.add_boxes(boxes)
