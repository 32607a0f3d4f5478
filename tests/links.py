"""Relative links, anchors and pictures in Markdown. Addresses on the network are only looked at."""

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HTML_LINK = re.compile(r"<a\s[^>]*href=[\"']([^\"']+)", re.I)
HTML_IMAGE = re.compile(r"<img\s[^>]*>", re.I)
HTML_ID = re.compile(r"\b(?:id|name)=[\"']([^\"']+)", re.I)


def without_code(text: str) -> str:
    """The Markdown without fenced and inline code."""
    text = re.sub(r"^( *)(```+|~~~+).*?^ *\2[^\n]*$", "", text, flags=re.M | re.S)
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", text)


def markdown_of(path: Path) -> str:
    """The Markdown of a file: a notebook's text cells, or the file itself."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def anchors(text: str) -> set[str]:
    """What a link may name after #: the forge's form of each heading, and explicit ids.

    The forge writes a heading in lower case, with hyphens and without punctuation.
    """
    text = without_code(text)
    found = set(HTML_ID.findall(text))
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", text, re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        found.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return found


def exists(path: Path) -> bool:
    """Whether the path exists in these letters, also where the file system does not tell case apart."""
    ends = [path, *path.parents][:3]  # the folders above are the machine's
    return path.exists() and all(
        part.name in {other.name for other in part.parent.iterdir()} for part in ends
    )


def target_defect(target: str, source: Path) -> str:
    """What is wrong with a link from the file `source`, '' if nothing is."""
    parts = urlsplit(target)
    if parts.scheme:
        fine = parts.scheme == "mailto" or (parts.scheme == "https" and "." in parts.netloc)
        fine = fine or parts.hostname in ("127.0.0.1", "localhost")
        return "" if fine else f"{target}: only https addresses"
    if parts.path.startswith("/"):
        return f"{target}: an absolute path"
    path = (source.parent / unquote(parts.path)).resolve() if parts.path else source
    if not exists(path):
        return f"{target}: no such file"
    if ROOT in source.parents and path != ROOT and ROOT not in path.parents:
        return f"{target}: outside the repository"
    if parts.fragment and path.is_file() and unquote(parts.fragment) not in anchors(markdown_of(path)):
        return f"{target}: no such heading"
    return ""


def defects(text: str, source: Path) -> list[str]:
    """What is wrong with the links and pictures of a piece of Markdown that stands in the file `source`."""
    text, found = without_code(text), []
    targets = HTML_LINK.findall(text)
    for bang, label, target in LINK.findall(text):
        targets.append(target)
        if bang and len(label.split()) < 3:
            found.append(f"picture {target}: alt text {label!r} says too little")
        elif not label.strip():
            found.append(f"{target}: a link without text")
    for tag in HTML_IMAGE.findall(text):
        alt = re.search(r"\balt=[\"']([^\"']*)", tag)
        if not alt or len(alt[1].split()) < 3:
            found.append(f"{tag[:60]}: no alt text, or one that says too little")
        targets += re.findall(r"\bsrc=[\"']([^\"']+)", tag)
    return found + [defect for target in targets if (defect := target_defect(target, source))]
