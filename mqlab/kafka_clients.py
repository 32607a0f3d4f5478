"""Names, topics and clients: what a lesson does with a Kafka that works. How it is found and broken is in kafka.py."""

from __future__ import annotations

import secrets

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic

from mqlab import kafka_external
from mqlab.kafka_capabilities import Can
from mqlab.server import BrokerError

PATIENCE = 15  # seconds for a topic to be made


class Clients:
    """One half of `Kafka`."""

    def topic(self, name: str) -> str:
        """The topic for `name`: the same on our own, behind our prefix on a shared one."""
        return self.prefix + name

    group = topic  # and so for groups and transactional ids

    def create_topic(self, name: str, partitions: int = 1, config: dict[str, str] | None = None) -> str:
        """Make a new, empty topic; return its name. Where it is taken, say by an earlier run of the cell, -2 follows.

        config: the topic's settings, e.g. {"cleanup.policy": "compact"}; the stand-in has none.
        """
        self.ready()
        admin = self.admin()
        taken = admin.list_topics(timeout=PATIENCE).topics
        full, number = self.topic(name), 1
        while full in taken:
            number += 1
            full = f"{self.topic(name)}-{number}"
        if self.stand_in:
            self._check_home("make a topic")
            self._process.create_topic(full, partitions)
            return full
        wanted = NewTopic(full, partitions, -1, config=config or {})
        try:
            admin.create_topics([wanted], operation_timeout=PATIENCE, request_timeout=PATIENCE)[full].result()
        except confluent_kafka.KafkaException as error:
            said = kafka_external.reason(error)
            raise BrokerError(f"The topic {full} was not made: {said}. Correct its name or settings.") from None
        return full

    def admin(self, **settings) -> AdminClient:
        """A new AdminClient. Keep it in a variable: what it was asked for ends with it."""
        return AdminClient({**self.config, **_dotted(settings)})

    def producer(self, **settings) -> confluent_kafka.Producer:
        """A new Producer; `linger_ms=5` sets linger.ms. Nothing else differs from the client's defaults."""
        return confluent_kafka.Producer({**self.config, **_dotted(settings)})

    def consumer(self, **settings) -> confluent_kafka.Consumer:
        """A new Consumer that starts at the beginning, in a group of the new protocol (KIP-848) where there is one.

        Without `group_id` it is alone and commits nothing: for `assign`.
        """
        settings = _dotted(settings)
        defaults = {"auto.offset.reset": "earliest"}
        if "group.id" not in settings:
            defaults |= {"group.id": self.group(f"alone-{secrets.token_hex(4)}"), "enable.auto.commit": False}
        elif self.can(Can.NEW_GROUPS) and not {"session.timeout.ms", "heartbeat.interval.ms"} & settings.keys():
            defaults["group.protocol"] = "consumer"  # where these two are the broker's to say
        return confluent_kafka.Consumer({**self.config, **defaults, **settings})


def _dotted(settings: dict) -> dict:
    """{"linger_ms": 5} as {"linger.ms": 5}; callbacks and log_level are the client's names with an underscore."""
    return {
        name if name.endswith("_cb") or name.startswith("on_") or name == "log_level" else name.replace("_", "."): value
        for name, value in settings.items()
    }
