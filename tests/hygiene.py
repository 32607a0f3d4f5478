"""What nbval does not see: functions from a stored notebook to the list of its defects, each one line.

Every function takes (notebook, path). The lists at the end say which folder is held to which.
"""

import ast
import base64
import json
import re
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

from tests import links

IGNORE = "nbval-ignore-output"
MAX_NOTEBOOK, MAX_PNG, MAX_LINES = 300_000, 100_000, 30  # bytes, bytes, lines of a code cell
HEADING = re.compile(r"^(#{1,6})\s+(.+)$", re.M)
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|Users|usr|var|private|opt|mnt|work|srv)/\S|\b[A-Z]:\\\w")


def code_cells(notebook):
    """The code cells that have something in them."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def markdown_cells(notebook):
    """The markdown cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def tags(cell) -> list[str]:
    """The cell's tags."""
    return cell.metadata.get("tags", [])


def tree(cell) -> ast.Module:
    """The cell as Python, magics translated; an empty module where it is none."""
    try:
        return ast.parse(TransformerManager().transform_cell(cell.source))
    except SyntaxError:
        return ast.Module([], [])


def asserts(cell) -> bool:
    """Whether the cell asserts anything."""
    return any(isinstance(node, ast.Assert) for node in ast.walk(tree(cell)))


def only_defines(cell) -> bool:
    """Whether the cell only imports, defines and assigns, so that no output is meant."""
    kinds = (
        ast.Import,
        ast.ImportFrom,
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Assign,
        ast.AnnAssign,
    )
    return all(isinstance(node, kinds) for node in tree(cell).body)


def outputs(notebook):
    """(cell, output) of all stored outputs."""
    return [(cell, output) for cell in code_cells(notebook) for output in cell.outputs]


def images(notebook):
    """(cell, output) of all stored pictures."""
    return [(cell, output) for cell, output in outputs(notebook) if "image/png" in output.get("data", {})]


def output_text(output) -> str:
    """All text of an output, pictures left out."""
    kept = {kind: value for kind, value in output.get("data", {}).items() if not kind.startswith("image/")}
    return "\n".join([output.get("text", ""), *output.get("traceback", []), *map(str, kept.values())])


# --- every notebook ---


def kernelspec(notebook, path):
    """The kernel that every installation has, and nothing of the author's machine."""
    found = []
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("kernelspec is not python3: set it with Kernel > Change Kernel")
    if set(notebook.metadata.get("language_info", {})) != {"name"}:
        found.append("language_info holds more than the name: store the notebook with `make notebooks`")
    extra = set(notebook.metadata) - {"kernelspec", "language_info", "mqlab"}
    if extra:
        found.append(f"notebook metadata {sorted(extra)} came from some program: remove it")
    for cell in notebook.cells:
        extra = set(cell.metadata) - {"tags", "editable", "deletable", "jupyter", "slideshow"}
        if extra:
            found.append(f"cell {cell.id}: metadata {sorted(extra)} came from some program: remove it")
    return found


def cell_ids(notebook, path):
    """Ids of the current format, each once."""
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or notebook.nbformat_minor < 5:
        return ["cells without ids: nbformat 4.5 is needed"]
    return [f"id {name} occurs {ids.count(name)} times" for name in sorted(set(ids)) if ids.count(name) > 1]


def sizes(notebook, path):
    """Small enough for the forge to render."""
    found = [
        f"cell {cell.id}: picture of {size:,} bytes, at most {MAX_PNG:,}"
        for cell, output in images(notebook)
        if (size := len(base64.b64decode(output.data["image/png"]))) > MAX_PNG
    ]
    size = len(json.dumps(notebook, ensure_ascii=False, indent=1).encode())
    return found + ([f"notebook of {size:,} bytes, at most {MAX_NOTEBOOK:,}"] if size > MAX_NOTEBOOK else [])


def headings(notebook, path):
    """One title, first of all, and no level left out below it."""
    found, level = [], 0
    for cell in markdown_cells(notebook):
        for marks, text in HEADING.findall(links.without_code(cell.source)):
            if level == 0 and len(marks) != 1:
                found.append(f"cell {cell.id}: the first heading {text!r} is not the title")
            elif level and len(marks) == 1:
                found.append(f"cell {cell.id}: a second title {text!r}")
            elif len(marks) > level + 1:
                found.append(f"cell {cell.id}: heading {text!r} leaves a level out")
            level = len(marks)
    return found if level else ["no heading at all"]


def cell_length(notebook, path):
    """A code cell that fits on a screen."""
    return [
        f"cell {cell.id}: {lines} lines, at most {MAX_LINES}"
        for cell in code_cells(notebook)
        if (lines := cell.source.count("\n") + 1) > MAX_LINES
    ]


def markdown_links(notebook, path):
    """Relative links and anchors alive, pictures with alternative text."""
    found = []
    for cell in markdown_cells(notebook):
        found += [f"cell {cell.id}: {defect}" for defect in links.defects(cell.source, path)]
    return found


# --- executed notebooks: notebooks/ and solutions/ ---


def execution_counts(notebook, path):
    """Run from top to bottom in a fresh kernel; nbval compares nothing in a cell without a count."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    empty = [cell.id for cell in notebook.cells if cell.cell_type == "code" and not cell.source.strip()]
    found = [f"cell {name} is empty: remove it" for name in empty]
    if not counts:
        found.append("no code cell at all")
    if counts != list(range(1, len(counts) + 1)):
        found.append(f"execution counts {counts} are not 1, 2, 3 …: run `make notebooks`")
    return found


def silent_cells(notebook, path):
    """A cell that does something shows something. Where silence is meant, the tag is no-output."""
    return [
        f"cell {cell.id} has no output: show something, or tag it no-output"
        for cell in code_cells(notebook)
        if not cell.outputs and not only_defines(cell) and "no-output" not in tags(cell)
    ]


def ignored_cells(notebook, path):
    """Output is ignored by the tag only, and then this cell or the next one asserts what it shows."""
    found, cells = [], code_cells(notebook)
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        if re.search(r"#.*(NBVAL|PYTEST_VALIDATE)", cell.source):
            found.append(f"cell {cell.id}: a comment for nbval; use a tag, which is always recognised")
        wrong = {"nbval-skip", "raises-exception", "nbval-raises-exception", "skip"} & set(tags(cell))
        if wrong:
            found.append(f"cell {cell.id}: tag {sorted(wrong)} would let it do anything")
        if IGNORE in tags(cell) and not asserts(cell) and not (following and asserts(following)):
            found.append(f"cell {cell.id}: its output is ignored and nothing is asserted, here or in the next cell")
    compared = [cell for cell in cells if cell.outputs and IGNORE not in tags(cell)]
    return found if compared else [*found, "nbval would compare no output of this notebook"]


def clean_outputs(notebook, path):
    """No error, no warning, nothing of the author's machine."""
    found = []
    for cell, output in outputs(notebook):
        text = output_text(output)
        if output.output_type == "error":
            found.append(f"cell {cell.id}: stored error {output.ename}: {output.evalue}")
        if output.get("name") == "stderr":
            found.append(f"cell {cell.id}: stored stderr {text.strip()[:80]!r}")
        if "UsageError" in text:
            found.append(f"cell {cell.id}: UsageError, so the lines after that magic never ran")
        if match := ABSOLUTE_PATH.search(text):
            found.append(f"cell {cell.id}: absolute path {text[match.start() : match.start() + 40]!r}")
    return found


def figures(notebook, path):
    """Alternative text that can stand for the picture, and an assertion in the same section."""
    found = []
    for cell, output in images(notebook):
        alt = output.metadata.get("image/png", {}).get("alt", "")
        if len(alt.split()) < 8:
            found.append(f"cell {cell.id}: alt text {alt!r} has fewer than 8 words; use mqlab.plots.show(fig, alt=…)")
        if output.data.get("text/plain") != f"Figure: {alt}":
            found.append(f"cell {cell.id}: its plain text is not 'Figure: ' and the alt text")
        if not any(asserts(other) for other in section(notebook, cell)):
            found.append(f"cell {cell.id}: a figure in a section that asserts nothing about its data")
    return found


def section(notebook, cell):
    """The code cells under the same heading as this one."""
    parts = [[]]
    for other in notebook.cells:
        if other.cell_type == "markdown" and HEADING.search(links.without_code(other.source)):
            parts.append([])
        parts[-1].append(other)
    [part] = [part for part in parts if any(other.id == cell.id for other in part)]
    return [other for other in part if other.cell_type == "code"]


# --- lessons ---

SECTIONS = [
    "What you will be able to do",
    "Setup",
    "In production",
    "Pitfalls",
    "Key points",
    "Quiz",
    "Further reading",
]


def lesson_anatomy(notebook, path):
    """The parts that every lesson has, in their order."""
    found, slug, cells = [], path.stem, markdown_cells(notebook)
    first = cells[0].source if cells else ""
    if not re.match(rf"# {slug[:2]} · \S", first):
        found.append(f"the first cell does not begin with '# {slug[:2]} · title'")
    for target in ("../README.md", f"../labs/{slug}.ipynb"):
        found += [
            f"no link to {target} in the {place} cell"
            for place, text in (("first", first), ("last", cells[-1].source if cells else ""))
            if f"]({target}" not in text
        ]
    titles = [text for cell in cells for _, text in HEADING.findall(links.without_code(cell.source))]
    missing = [name for name in SECTIONS if name not in titles]
    found += [f"no section '{name}'" for name in missing]
    if not missing and sorted(SECTIONS, key=titles.index) != SECTIONS:
        found.append(f"the sections are not in this order: {', '.join(SECTIONS)}")
    predictions = sum("**Predict" in cell.source and "<details>" in cell.source for cell in cells)
    if predictions < 3:
        found.append(f"{predictions} questions with **Predict.** and <details>, at least 3")
    if len(images(notebook)) < 4:
        found.append(f"{len(images(notebook))} figures, at least 4")
    if not re.search(r"^\|[\s:|-]+\|$", under(cells, "In production"), re.M):
        found.append("no table in the section 'In production'")
    questions = re.split(r"^\*\*\d\.", under(cells, "Quiz"), flags=re.M)[1:]
    if len(questions) < 3 or not all("<details>" in question for question in questions):
        found.append("not three quiz questions, **1.** to **3.**, each with its answers in <details>")
    if "](http" not in under(cells, "Further reading"):
        found.append("no link in the section 'Further reading'")
    return found + level_and_minutes(notebook)


def level_and_minutes(notebook):
    """What the contents page shows of a lesson."""
    about = notebook.metadata.get("mqlab", {})
    known = about.get("level") in ("beginner", "intermediate", "advanced") and isinstance(about.get("minutes"), int)
    return [] if known else ["metadata mqlab needs level (beginner, intermediate, advanced) and minutes"]


def under(cells, title: str) -> str:
    """The text from this heading to the next one of the same or a higher level."""
    text = "\n\n".join(cell.source for cell in cells)
    match = re.search(rf"^(#+) {re.escape(title)}$", text, re.M)
    return re.split(rf"^#{{1,{len(match[1])}}} ", text[match.end() :], flags=re.M)[0] if match else ""


# --- labs and solutions ---


def lab_anatomy(notebook, path):
    """At least three tasks, each with the cell that checks it. A task's cell may define helpers as well."""
    found, cells = [], code_cells(notebook)
    tasks = {cell.id: defined(cell) for cell in cells if "task" in tags(cell)}
    checks = [cell for cell in cells if "check" in tags(cell)]
    if len(tasks) < 3:
        found.append(f"{len(tasks)} cells tagged task, at least 3")
    if f'lab_checks("{path.stem}")' not in "\n".join(cell.source for cell in cells):
        found.append(f'no lab_checks("{path.stem}")')
    checked = re.findall(r"^check\((\w+)\)", "\n".join(cell.source for cell in checks), re.M)
    for name, names in tasks.items():
        if not set(names) & set(checked):
            found.append(f"cell {name}: none of {names} is checked in a cell tagged check")
    known = {name for names in tasks.values() for name in names}
    found += [f"check({name}) has no cell tagged task" for name in checked if name not in known]
    found += [f"cell {cell.id} is tagged check and calls no check(…)" for cell in checks if "check(" not in cell.source]
    return found


def defined(cell) -> list[str]:
    """The functions and classes that the cell defines."""
    return [node.name for node in tree(cell).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def not_executed(notebook, path):
    """A lab is handed out without outputs."""
    return [f"cell {cell.id} was executed" for cell in code_cells(notebook) if cell.outputs or cell.execution_count]


EVERY = [kernelspec, cell_ids, sizes, headings, cell_length, markdown_links]
EXECUTED = [execution_counts, silent_cells, ignored_cells, clean_outputs, figures]
CHECKS: dict[str, list] = {
    "notebooks": EVERY + EXECUTED + [lesson_anatomy],
    "solutions": EVERY + EXECUTED + [lab_anatomy],
    "labs": EVERY + [lab_anatomy, not_executed],
}


def defects(notebook, path: Path) -> list[str]:
    """Everything wrong with a notebook of this folder."""
    return [defect for check in CHECKS[path.parent.name] for defect in check(notebook, path)]
