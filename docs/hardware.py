"""The examples of docs/hardware.md: `python docs/hardware.py` learns examples/adder.py and writes it anew.

With ``--check`` nothing is written; exit code 1 if the page is not current. Each example stands between the
lines ``<!-- example: FORMAT -->`` and ``<!-- end -->``.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).with_name("hardware.md")
ROOT = PAGE.parents[1]
LINES = 22  # of each file, its leading comment not counted
FILES = {
    "verilog": ("adder_step.v", "verilog", "//"),
    "amaranth": ("adder_step.py", "", ""),  # no language: ruff would format it
    "rtlil": ("adder_step.il", "", "#"),
    "blif": ("adder_step.blif", "", "#"),
    "pla": ("adder_total_1.pla", "", "#"),
    "dot": ("adder.dot", "dot", "//"),
    "fusesoc": ("adder.core", "yaml", "#"),
}


def emitted(folder: Path) -> Path:
    """The folder of the adder's model with every format in it."""
    model = folder / "adder"
    learn = ["learn", "--oracle", "examples.adder:add", "--schema", "examples/adder.toml", "-o", str(model)]
    for words in (learn, ["emit", str(model), "--format", "all"]):
        subprocess.run([sys.executable, "-m", "bsdgen", *words, "--quiet"], cwd=ROOT, check=True)
    return model


def example(model: Path, form: str) -> str:
    """The beginning of a format's file, as a Markdown block."""
    name, language, comment = FILES[form]
    text = (model / form / name).read_text(encoding="utf-8")
    if form == "amaranth":
        text = text[text.rindex("class ", 0, text.index("(wiring.Component)")) :]
    lines = text.splitlines()
    while comment and lines and (lines[0].startswith(comment) or not lines[0]):
        lines.pop(0)
    cut = ["..."] if len(lines) > LINES else []
    body = "\n".join([*lines[:LINES], *cut])
    return f"```{language}\n{body}\n```"


def page(text: str, model: Path) -> str:
    """The page with its examples as they are now."""
    pattern = r"(<!-- example: (\w+) -->\n).*?(<!-- end -->)"
    return re.sub(pattern, lambda m: f"{m[1]}{example(model, m[2])}\n{m[3]}", text, flags=re.DOTALL)


def main() -> int:
    """Write the page, or say whether it is current."""
    old = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="bsdgen-") as folder:
        new = page(old, emitted(Path(folder)))
    if "--check" in sys.argv[1:]:
        if new != old:
            print(f"{PAGE}: is not current; run python docs/hardware.py", file=sys.stderr)
        return int(new != old)
    PAGE.write_text(new, encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
