"""What an experiment may ask of a Kafka, by the syllabus's numbers, and what a broker without it says.

tests/test_kafka.py measures every entry of this table on both brokers, in both directions.
"""

from __future__ import annotations

from enum import StrEnum

import confluent_kafka


class Can(StrEnum):
    """The values are what `kafka.can(…)` and `kafka.needs(…)` take."""

    TOPICS = "topics"  # KC1: produce, fetch, make topics with a number of partitions
    ADMIN = "admin"  # KC1: an AdminClient makes, changes, extends and deletes topics
    GROUPS = "groups"  # KC2: consumer groups and committed offsets
    NEW_GROUPS = "new_groups"  # KC2: groups of the new protocol, KIP-848
    IDEMPOTENCE = "idempotence"  # KC3: the idempotent producer
    TRANSACTIONS = "transactions"  # KC4: read_committed, offsets in transactions, zombies fenced
    TIMESTAMPS = "timestamps"  # KC5: a record keeps the time its producer gave it
    TIME_LOOKUP = "time_lookup"  # KC5: offsets_for_times
    COMPACTION = "compaction"  # KC6: and retention
    DURABILITY = "durability"  # KC7: what was acknowledged survives a kill of the broker
    SHARE_GROUPS = "share_groups"  # KC8

    @classmethod
    def _missing_(cls, value):
        raise ValueError(f"{value!r} is no capability of a Kafka; these are: {', '.join(cls)}")


STAND_IN_LACKS = {
    Can.ADMIN: "it answers no request to make or change topics",
    Can.TRANSACTIONS: "it shows aborted transactions to everybody, fences no zombie and commits no offsets with them",
    Can.TIME_LOOKUP: "it finds no offset by a time",
    Can.COMPACTION: "it compacts nothing and keeps the last 5 MB of a partition",
    Can.DURABILITY: "it keeps everything in memory, and a kill takes it all",
    Can.SHARE_GROUPS: "it has no share groups that this client could join",
}
NO_SHARE_CONSUMER = f"the client confluent-kafka {confluent_kafka.version()} has no share consumer"


def capabilities(kind: str, tried: set[str] = frozenset()) -> set[Can]:
    """kind: "apache", "stand-in" or "external"; tried: of an external one, what was tried there and works."""
    every = set(Can) - ({Can.SHARE_GROUPS} if not hasattr(confluent_kafka, "ShareConsumer") else set())
    if kind == "stand-in":
        return every - STAND_IN_LACKS.keys()
    if kind == "external":
        unknown = {Can.TRANSACTIONS, Can.TIME_LOOKUP, Can.NEW_GROUPS} - {Can(each) for each in tried}
        return every - unknown - {Can.DURABILITY, Can.SHARE_GROUPS}
    return every


def lacks(kind: str, missing: list[Can]) -> str:
    """One sentence, or two with the way out."""
    if kind == "stand-in":
        reasons = "; ".join(STAND_IN_LACKS[each] for each in missing)
        return (
            f"Not on this stand-in for Kafka: {reasons}. `make kafka` and a restart of the kernel bring Apache Kafka."
        )
    if kind == "external" and Can.DURABILITY in missing:
        return "Not on the cluster of KAFKA_BOOTSTRAP: others use it, so it is not killed. Try kafka.expendable()."
    if kind == "external":
        names = " and ".join(each.replace("_", " ") for each in missing)
        return f"Not on the cluster of KAFKA_BOOTSTRAP: {names} did not work when it was tried."
    return f"Not here: {NO_SHARE_CONSUMER}."
