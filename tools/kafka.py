"""Fetch Apache Kafka and get it ready, once: `make kafka`. Without a network the lessons use a stand-in.

`python tools/kafka.py lock 4.4.0` makes mqlab/kafka.lock anew for that version; it needs Maven.
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from mqlab import kafka_jars, kafka_java, kafka_prepare
from mqlab.server import BrokerError

HEAD = """\
# Apache Kafka {version} and all it needs to run, as Maven resolves it: SHA-256, then group:artifact:version.
# Made by `python tools/kafka.py lock {version}`, which trusts what it is given; `make kafka` then takes nothing else.
"""


def get_ready() -> str:
    """Fetch and prepare what is missing; return the line to print, '' when there was nothing to do."""
    java = kafka_java.find()
    folder, fetched = kafka_jars.fetch()
    if fetched:
        print(f"Apache Kafka {kafka_jars.version()} was fetched and verified; it is prepared for a quick start (10 s).")
    prepared = kafka_prepare.prepare(folder, java)
    return f"Apache Kafka {kafka_jars.version()} is ready, {java}." if fetched or prepared else ""


def lock(version: str) -> str:
    """The text of the lock file for this version of Kafka, for Scala 2.13 as Kafka's own download."""
    wanted = [
        kafka_jars.DEPENDENCY.format("org.apache.kafka", "kafka_2.13", version, ""),
        kafka_jars.DEPENDENCY.format("org.slf4j", "slf4j-simple", "1.7.36", ""),  # for its log
    ]
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        kafka_jars.copy_by_maven(Path(scratch), wanted, "-Dmdep.useRepositoryLayout=true")
        for jar in Path(scratch).rglob("*.jar"):
            *group, artifact, its_version, _ = jar.relative_to(scratch).parts
            sha256 = hashlib.sha256(jar.read_bytes()).hexdigest()
            lines.append((f"{'.'.join(group)}:{artifact}:{its_version}", sha256))
    return HEAD.format(version=version) + "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(lines))


def main(arguments: list[str]) -> int:
    try:
        if arguments[:1] == ["lock"] and len(arguments) == 2:
            kafka_jars.LOCK.write_text(lock(arguments[1]))
        elif arguments:
            print(__doc__.strip(), file=sys.stderr)
            return 2
        elif line := get_ready():
            print(line)
    except BrokerError as error:
        print(f"No Apache Kafka: {error}. The lessons use a stand-in; run `make kafka` again later.", file=sys.stderr)
        return 1 if arguments or os.environ.get("MQLAB_REQUIRE_ALL") else 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
