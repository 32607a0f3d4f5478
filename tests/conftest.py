"""The table of answers at the end of a run."""

from collections import Counter


def pytest_terminal_summary(terminalreporter):
    """How many wrong answers were rejected and right ones accepted, lab by lab; see test_answers.py."""
    counts = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name == "answer" and report.when == "call":
                    counts[(*value.split("/"), outcome)] += 1
    if counts:
        terminalreporter.section("answers to the labs")
        for slug in sorted({slug for slug, _, _ in counts}):
            wrong, right = (
                f"{(done := counts[slug, kind, 'passed'])} of {done + counts[slug, kind, 'failed']}"
                for kind in ("wrong", "right")
            )
            terminalreporter.line(f"{slug:28s} wrong answers rejected: {wrong:9s} right answers accepted: {right}")
