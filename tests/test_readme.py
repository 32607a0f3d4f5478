"""What README.md quotes is what a learner will read."""

import re
import socket
from pathlib import Path

import pytest

from mqlab.broker import Broker, BrokerError
from tests.test_answers import load as load_answer
from tests.test_broker import OldRedis, serving

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return README.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


QUOTED = re.findall(r"^\| `([^`]+)`", section("Troubleshooting"), re.M)


def nobody_listens(monkeypatch, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free.getsockname()[1]}")
        Broker.start()


def no_password(monkeypatch, tmp_path):
    with Broker.start(private=True) as server:
        monkeypatch.setenv("REDIS_URL", re.sub(":[^:]*@", "", server.url))
        Broker.start()


def old_server(monkeypatch, tmp_path):
    with serving(OldRedis()) as port:
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{port}")
        Broker.start()


def no_server(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    Broker.start(private=True)


def no_directory(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MQLAB_DATA_DIR", str(tmp_path / "file"))
    Broker.start(private=True)


def kill_a_shared_one(monkeypatch, tmp_path):
    with Broker.start(private=True) as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        with Broker.start() as shared:
            shared.kill()


FAILURES = [nobody_listens, no_password, old_server, no_server, no_directory, kill_a_shared_one]


@pytest.mark.parametrize("provoke", FAILURES, ids=lambda f: f.__name__)
def test_a_real_failure_says_what_the_readme_quotes(provoke, monkeypatch, tmp_path):
    monkeypatch.delenv("REDIS_URL", raising=False)
    with pytest.raises(BrokerError) as caught:
        provoke(monkeypatch, tmp_path)
    shown = f"BrokerError: {caught.value}"
    patterns = [".*".join(map(re.escape, quote.split("…"))) for quote in QUOTED]
    assert any(re.search(pattern, shown) for pattern in patterns), f"README.md does not quote: {shown}"


def test_messages_of_the_set_up_are_quoted_as_they_are():
    script = (ROOT / "tools/environment.sh").read_text(encoding="utf-8")
    quotes = [quote for quote in QUOTED if "Python 3.11" in quote or "python3-venv" in quote]
    assert len(quotes) == 2 and len(QUOTED) == len(quotes) + len(FAILURES), "a quote that nothing here provokes"
    for quote in quotes:
        assert all(part.strip() in script for part in quote.split("…")), f"tools/environment.sh does not say: {quote}"


def test_the_quoted_check_is_what_the_check_says():
    """The transcript comes from a wrong answer that the tests run."""
    from mqlab.checks import lab_01_message_queue_basics as checks
    from mqlab.checks.engine import run_check

    wrong = ROOT / "tests/answers/01-message-queue-basics/wrong/submit_order__look_then_push.py"
    said = run_check(checks.lab, "submit_order", load_answer(wrong).submit_order).text
    block = re.search(r"```text\n(.*?)```", section("How a check talks"), re.S)[1]
    without_ids = [re.sub(r'"id": "\w+…', '"id": "…', text).strip() for text in (block, said)]
    assert without_ids[0] == without_ids[1]
