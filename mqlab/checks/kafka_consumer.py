"""The consumer that an answer gets in a check: confluent_kafka's, and a broker that is slow where the check says so.

    with watched(answer) as made:              # what the answer makes inside are consumers of this kind
        answer(config, …)
    all(consumer.closed for consumer in made)

`Slow` says what is slow. It changes only what a real cluster may do on a bad day: nothing comes within the time that
the answer waits, and a commit that nobody waits for is still on its way.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import confluent_kafka
from confluent_kafka import TopicPartition

from mqlab.checks.outcomes import NotYet


@dataclass
class Slow:
    """nothing: how many polls with a time-out find nothing at first, and as many after the first record.
    commits: a commit with asynchronous=True reaches the broker with the next one that is waited for, or in close()."""

    nothing: int = 0
    commits: bool = False


@contextmanager
def watched(answer: Callable, slow: Slow | None = None) -> Iterator[list]:
    """The consumers that `answer` makes inside; it finds them under the name Consumer, however it imported that."""
    real, made, settings = confluent_kafka.Consumer, [], slow or Slow()

    class Consumer(_Watched):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.slow, self.closed = Slow(settings.nothing, settings.commits), False
            self.refill, self.on_the_way = settings.nothing, []
            made.append(self)

    its_own = inspect.unwrap(answer).__globals__
    names = [name for name, value in its_own.items() if value is real]
    confluent_kafka.Consumer = Consumer
    its_own.update(dict.fromkeys(names, Consumer))
    try:
        yield made
    finally:
        confluent_kafka.Consumer = real
        its_own.update(dict.fromkeys(names, real))


class _Watched(confluent_kafka.Consumer):
    def _nothing(self, timeout) -> bool:
        """Whether this poll finds nothing. One without a time-out waits on."""
        if self.slow.nothing == 0 or timeout is None or timeout < 0:
            return False
        self.slow.nothing -= 1
        return True

    def _came(self, messages: list) -> list:
        if messages:
            self.slow.nothing, self.refill = self.slow.nothing + self.refill, 0
        return messages

    def poll(self, timeout=None):
        if self._nothing(timeout):
            return None
        message = super().poll() if timeout is None else super().poll(timeout)
        self._came([] if message is None or message.error() else [message])
        return message

    def consume(self, num_messages=1, timeout=-1):
        if self._nothing(timeout):
            return []
        messages = super().consume(num_messages, timeout)
        self._came([message for message in messages if not message.error()])
        return messages

    def commit(self, message=None, offsets=None, asynchronous=True):
        if offsets is None and message is not None:
            offsets = [TopicPartition(message.topic(), message.partition(), message.offset() + 1)]
        if self.slow.commits and asynchronous:
            self.on_the_way.append(self._here() if offsets is None else offsets)
            return None
        self._arrive()
        given = {} if offsets is None else {"offsets": offsets}
        return super().commit(asynchronous=asynchronous, **given)

    def subscribe(self, *args, **kwargs):
        raise NotYet("subscribes", "called subscribe.", "assign, with the partitions and the offsets to begin at.",
                     "subscribe waits until the group has met, and leaves to it which partitions come.")  # fmt: skip

    def _here(self) -> list:
        return [each for each in self.position(self.assignment()) if each.offset >= 0]

    def _arrive(self) -> None:
        waiting, self.on_the_way = self.on_the_way, []
        for offsets in waiting:
            if offsets:
                super().commit(offsets=offsets, asynchronous=False)

    def close(self):
        if not self.closed:
            self._arrive()
        self.closed = True
        return super().close()
