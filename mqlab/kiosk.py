"""Kiosk, the small online shop of all fifteen lessons: the envelope of its messages, and what it needs channels for."""

from __future__ import annotations

import time
import uuid
from typing import Any


def envelope(
    kind: str,
    key: str,
    body: dict[str, Any],
    *,
    id: str | None = None,
    seq: int = 1,
    corr: str | None = None,
    causation: str | None = None,
    ts_ms: int | None = None,
) -> dict[str, Any]:
    """A message of type `kind`, ready for `json.dumps`.

    `id` names the message and survives a producer's retries (default: a new UUID). `key` is the ordering key, `seq`
    counts per key. `corr` ties together all messages of one order across services (default: `key`), `causation` is the
    id of the message that led to this one. `ts_ms` is the producer's wall clock in milliseconds (default: now).
    """
    return {
        "id": id or str(uuid.uuid4()),
        "type": kind,
        "v": 1,
        "key": key,
        "seq": seq,
        "ts_ms": time.time_ns() // 1_000_000 if ts_ms is None else ts_ms,
        "corr": corr or key,
        "causation": causation,
        "body": body,
    }


# Need, parties that must each get every message, worker processes of a party, may a party miss what is sent while it is
# down, must old messages be readable again, must messages about one key be handled in order, messages per second.
_NEEDS = [
    ("background jobs", 1, 8, False, False, False, 50),
    ("e-mail sending", 1, 3, False, False, False, 20),
    ("event notifications", 40, 1, True, False, False, 30),
    ("order processing", 1, 4, False, False, True, 20),
    ("real-time analytics", 2, 3, False, True, True, 2000),
    ("invoice PDFs", 1, 8, False, False, False, 5),
    ("preview pictures", 1, 12, True, False, False, 40),
    ("stock level on open product pages", 500, 1, True, False, False, 15),
    ("orders for email, stock and accounting", 3, 2, False, False, False, 20),
    ("audit trail", 1, 1, False, True, True, 60),
    ("cache eviction on the web servers", 6, 1, True, False, False, 300),
    ("payment capture", 1, 2, False, False, True, 10),
    ("search index, rebuilt now and then", 1, 2, False, True, False, 30),
    ("price changes for shop and partners", 5, 1, False, False, True, 3),
    ("typing… in the support chat", 2, 1, True, False, False, 10),
    ("click counting", 1, 6, True, False, False, 5000),
    ("fraud models, trained on old orders", 2, 2, False, True, True, 20),
    ("driver positions on dispatch screens", 10, 1, True, False, True, 200),
    ("refunds", 1, 1, False, False, True, 1),
    ("sales screen that shows the last hour", 12, 1, True, True, False, 100),
    ("signal to reload the settings", 20, 1, True, False, False, 0.01),
    ("newsletter to all customers", 1, 20, False, False, False, 3000),
    ("shipments for email and accounting", 2, 2, False, False, False, 15),
    ("banner on all open pages", 300, 1, True, False, False, 0.001),
]
NEEDS: list[dict[str, Any]] = [
    dict(zip(("need", "parties", "workers", "may_miss", "read_again", "in_order", "per_s"), row, strict=True))
    for row in _NEEDS
]
"""24 needs of the shop, for lesson 02: which kind of channel does each want?"""
