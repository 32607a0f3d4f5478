"""Apache Kafka's jars: which ones (`kafka.lock` beside this file), where they are kept, how they get there.

`make kafka` calls `fetch`. A lesson only looks: `ready_directory` names the folder or says why there is none.
Environment: MQLAB_CACHE (the folder for what is fetched; else XDG_CACHE_HOME/mqlab, else ~/.cache/mqlab),
MQLAB_MAVEN_URL (a copy of Maven Central to ask, where there is no Maven).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from mqlab.server import BrokerError

LOCK = Path(__file__).with_name("kafka.lock")
MAVEN_CENTRAL = "https://repo.maven.apache.org/maven2"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
PATIENCE = 30  # seconds without a byte until a download is given up
POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>mqlab</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""
DEPENDENCY = """\
    <dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>{}</dependency>"""
ALONE = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"


class Jar(NamedTuple):
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> str:
        """Where every Maven repository keeps it."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.name}"


def locked(lock: Path = LOCK) -> list[Jar]:
    """The jars of the lock file, one a line: `sha256  group:artifact:version`; `#` begins a comment."""
    lines = [line.split("#")[0].split() for line in lock.read_text().splitlines()]
    return [Jar(*coordinates.split(":"), sha256) for sha256, coordinates in filter(None, lines)]


def version() -> str:
    """Kafka's own version."""
    return next(jar.version for jar in locked() if jar.artifact.startswith("kafka_"))


def cache() -> Path:
    if chosen := os.environ.get("MQLAB_CACHE"):
        return Path(chosen).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "mqlab"


def directory() -> Path:
    """The folder of exactly these jars: another lock has another name, so no two versions ever mix."""
    return cache() / f"kafka-{version()}-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:10]}"


def ready_directory() -> Path:
    """The folder with every jar as locked (0.1 s to see). Raises BrokerError: why it cannot be used."""
    folder = directory()
    if not folder.is_dir():
        raise BrokerError("Kafka's jars are not on this machine; `make kafka` fetches them (43 MB, once)")
    if wrong := differs(folder):
        raise BrokerError(f"in {folder} {wrong}; `make kafka` fetches it anew")
    return folder


def differs(folder: Path) -> str:
    """Which jar of the folder is missing or not the locked one; '' when all are right."""
    with ThreadPoolExecutor() as pool:  # hashlib lets other threads run
        for jar, found in zip(locked(), pool.map(lambda jar: _sha256(folder / jar.name), locked()), strict=True):
            if not found:
                return f"{jar.name} is missing"
            if found != jar.sha256:
                return f"{jar.name} has the SHA-256 {found[:12]}…, not {jar.sha256[:12]}… as in kafka.lock"
    return ""


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Only one at a time fetches or prepares; the others wait. The operating system frees it, however one ends."""
    import fcntl  # not on Windows

    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetch() -> tuple[Path, bool]:
    """(the folder with the verified jars, whether they had to be fetched). Raises BrokerError.

    They come through Maven, which knows this machine's mirrors, if there is one; else by plain HTTPS.
    """
    try:
        with alone():
            try:
                return ready_directory(), False
            except BrokerError:
                return _fetch_into_place(), True
    except OSError as error:
        raise BrokerError(
            f"Kafka's jars cannot be kept in {cache()}: {error.strerror or error}. "
            "Free some space or make it writable, or set MQLAB_CACHE to a folder elsewhere."
        ) from None


def _fetch_into_place() -> Path:
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=cache()) as scratch:
        problems = []
        for way in ([_by_maven] if shutil.which("mvn") else []) + [_by_https]:
            folder = Path(scratch, way.__name__)
            folder.mkdir()
            try:
                way(folder, locked())
            except BrokerError as error:
                problems.append(str(error))
                continue
            if wrong := differs(folder):
                problems.append(f"{wrong}: it was not used")
                continue
            shutil.rmtree(directory(), ignore_errors=True)
            folder.rename(directory())  # complete and verified, or not there at all
            return directory()
    raise BrokerError("; ".join(problems))


def _by_maven(folder: Path, jars: list[Jar]) -> None:
    copy_by_maven(folder, [DEPENDENCY.format(jar.group, jar.artifact, jar.version, ALONE) for jar in jars])


def copy_by_maven(folder: Path, dependencies: list[str], *options: str) -> None:
    """Have Maven put the jars of these dependencies into `folder`. Raises BrokerError."""
    pom = folder / "pom.xml"
    pom.write_text(POM.format(dependencies="\n".join(dependencies)))
    line = ["mvn", "--batch-mode", "--file", str(pom), f"{PLUGIN}:copy-dependencies"]
    line += [f"-DoutputDirectory={folder}", "-DincludeScope=runtime", "-Dstyle.color=never", *options]
    try:
        ended = subprocess.run(line, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise BrokerError(f"Maven cannot be run: {error.strerror}") from None
    pom.unlink()
    if ended.returncode:
        said = re.findall(r"^\[ERROR\] (.*)", ended.stdout, re.M) or [ended.stderr.strip() or "nothing said"]
        raise BrokerError(f"Maven could not fetch Kafka's jars: {said[0].splitlines()[0][:300].rstrip('.')}")


def _by_https(folder: Path, jars: list[Jar]) -> None:
    base = _repository()
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda jar: _download(f"{base}/{jar.path}", folder / jar.name), jars))
    except (OSError, ValueError) as error:  # URLError is an OSError; a URL that is none, a ValueError
        reason = getattr(error, "reason", error)
        raise BrokerError(f"Kafka's jars could not be fetched from {base}: {reason}") from None


def _repository() -> str:
    """Maven Central, or what this machine has in its place: MQLAB_MAVEN_URL, or a mirror in Maven's settings."""
    if chosen := os.environ.get("MQLAB_MAVEN_URL"):
        return chosen.rstrip("/")
    with contextlib.suppress(OSError, ElementTree.ParseError):
        for mirror in ElementTree.parse(Path("~/.m2/settings.xml").expanduser()).iterfind("{*}mirrors/{*}mirror"):
            of, url = mirror.findtext("{*}mirrorOf", ""), mirror.findtext("{*}url", "").strip()
            if url and {"*", "central", "external:*"} & set(re.split(r"[,\s]+", of)):
                return url.rstrip("/")
    return MAVEN_CENTRAL


def _download(url: str, path: Path) -> None:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer, path.open("wb") as file:
        shutil.copyfileobj(answer, file)
