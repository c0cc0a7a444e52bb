"""The page of all benchmarks: what the JSON results say, laid out by a template."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from bsdgen.artifacts import write_text
from bsdgen.bench import tables
from bsdgen.bench.ablations import AblationResult
from bsdgen.bench.baseline import BaselineResult
from bsdgen.bench.blind import BlindResult
from bsdgen.bench.demo import DemoResult
from bsdgen.bench.emission import EmissionResult
from bsdgen.bench.iwls.run import IwlsResult
from bsdgen.bench.machine import Machine
from bsdgen.bench.pictures import rows_picture, scaling_picture
from bsdgen.bench.results import Saved, load
from bsdgen.bench.rows import RowsResult
from bsdgen.bench.scaling import ScalingResult
from bsdgen.bench.subsets import SubsetResult

PICTURE = Path("img") / "scaling.svg"  # beside the page
ROWS_PICTURE = Path("img") / "rows.svg"


@dataclass(frozen=True)
class Part:
    """A table or a paragraph in Markdown, under a title of its own if it has one."""

    text: str
    title: str = ""


@dataclass(frozen=True)
class Section:
    """One benchmark on the page."""

    name: str
    title: str
    parts: tuple[Part, ...]
    command: str
    machine: str


@dataclass(frozen=True)
class _Kind:
    """How a benchmark becomes a section."""

    result: type[Any]
    title: str
    parts: Callable[[Any], list[Part]]


def _demo(result: DemoResult) -> list[Part]:
    before = (
        f"{result.cpu_s:.2f} CPU seconds in all. Before that, once, compiling and loading kernels took "
        f"{result.warm_up_s:.1f} CPU seconds."
    )
    return [
        Part(tables.demo_table(result).markdown()),
        Part(before),
        Part(tables.bars_table(result.bars).markdown()),
    ]


def _blind(result: BlindResult) -> list[Part]:
    return [
        Part(tables.blind_table(result).markdown()),
        Part(tables.bars_table(result.bars).markdown()),
    ]


def _scaling(result: ScalingResult) -> list[Part]:
    return [
        Part(tables.scaling_table(result).markdown()),
        Part(tables.exponents_table(result).markdown(), "Fitted exponents, 32 bits and more"),
        Part(f"![cost by width]({PICTURE.as_posix()})"),
        Part(tables.bars_table(result.bars).markdown()),
    ]


def _subsets(result: SubsetResult) -> list[Part]:
    return [
        Part(tables.subset_table(result).markdown()),
        Part(tables.bars_table(result.bars).markdown()),
    ]


def _ablations(result: AblationResult) -> list[Part]:
    budgets = f"Budgets of each run: {result.time_limit_s:g} s wall time, {result.max_nodes:,} functions."
    return [
        Part(budgets),
        *(Part(table.markdown(), name) for name, table in tables.ablation_tables(result)),
    ]


def _baseline(result: BaselineResult) -> list[Part]:
    budgets = f"Budgets of each run: {result.time_limit_s:g} s wall time, {result.max_nodes:,} nodes."
    return [Part(budgets), Part(tables.baseline_table(result).markdown())]


def _emission(result: EmissionResult) -> list[Part]:
    what = f"{result.model}: {result.nodes:,} nodes."
    return [Part(what), Part(tables.emission_table(result).markdown())]


def _rows(result: RowsResult) -> list[Part]:
    table = Part(tables.rows_table(result).markdown())
    if not any(trial.source for trial in result.curve):
        return [table]
    return [Part(f"![wrong rows by rows learned from]({ROWS_PICTURE.as_posix()})"), table]


def _iwls(result: IwlsResult) -> list[Part]:
    after = (
        f"{result.time_limit_s:g} CPU seconds a function, after which no new forest is begun; "
        f"{result.cpu_s / 3600:.2f} CPU hours in all."
    )
    return [
        Part(tables.bars_table(result.bars).markdown()),
        Part(after),
        Part(tables.iwls_table(result).markdown()),
    ]


KINDS: dict[str, _Kind] = {
    "demo": _Kind(DemoResult, "The official demo suite", _demo),
    "blind": _Kind(BlindResult, "Plain and in disguise", _blind),
    "subsets": _Kind(SubsetResult, "RV32I, RV32E and each opcode class", _subsets),
    "rows": _Kind(RowsResult, "From recorded rows alone", _rows),
    "scaling": _Kind(ScalingResult, "Cost by width", _scaling),
    "ablations": _Kind(AblationResult, "What each idea brings", _ablations),
    "bdd": _Kind(BaselineResult, "Beside plain OBDD learning", _baseline),
    "emit": _Kind(EmissionResult, "Writing hardware", _emission),
    "iwls": _Kind(IwlsResult, "From examples alone: IWLS 2020", _iwls),
}
"""Sections in the order of the page; their words stand in the template."""


def _machine_text(machine: Machine) -> str:
    cores = f"{machine.cores} core{'s' if machine.cores > 1 else ''}"
    return f"{machine.cpu} ({cores}), Python {machine.python}"


def named(name: str) -> str:
    """A benchmark with what its command needs beside options."""
    return f"{name} FOLDER" if name == "iwls" else name


def _command(name: str, saved: Saved[Any]) -> str:
    words = ["bsdgen bench", named(name)]
    for key, value in saved.options.items():
        option = "--" + key.replace("_", "-")
        if value is True:
            words.append(option)
        elif key == "traces":
            words += [quote(path) for path in value]
        elif isinstance(value, list):
            words += [word for part in value for word in (option, quote(str(part)))]
        elif value is not None and value is not False:
            words += [option, f"{value:g}" if isinstance(value, float) else str(value)]
    return " ".join(words)


def render_page(folder: Path, shown: str) -> tuple[str, dict[str, str]]:
    """The page from what results there are.

    Parameters
    ----------
    folder : with the JSON results.
    shown : how the page names it.

    Returns
    -------
    The page in Markdown, and its pictures by path relative to it.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    sections, missing, pictures = [], [], {}
    for name, kind in KINDS.items():
        saved = load(folder, name, kind.result)
        if saved is None:
            missing.append(named(name))
            continue
        if name == "scaling":
            pictures[PICTURE.as_posix()] = scaling_picture(saved.result)
        if name == "rows" and any(trial.source for trial in saved.result.curve):
            pictures[ROWS_PICTURE.as_posix()] = rows_picture(saved.result)
        parts = tuple(kind.parts(saved.result))
        machine = _machine_text(saved.machine)
        sections.append(Section(name, kind.title, parts, _command(name, saved), machine))
    environment = Environment(
        loader=PackageLoader("bsdgen.bench", "."),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,  # Markdown
    )
    text = environment.get_template("page.md.j2").render(
        folder=shown,
        sections=sections,
        missing=missing,
        machines=sorted({section.machine for section in sections}),
    )
    return text, pictures


def stale(folder: Path, page: Path) -> list[Path]:
    """Files of the page that are missing or not what the results say."""
    text, pictures = render_page(folder, _shown(folder, page))
    expected = {page: text} | {page.parent / name: picture for name, picture in pictures.items()}
    return [
        path
        for path, content in expected.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != content
    ]


def write_page(folder: Path, page: Path) -> list[Path]:
    """Write the page and its pictures; the paths that were written."""
    text, pictures = render_page(folder, _shown(folder, page))
    for name, picture in pictures.items():
        write_text(page.parent / name, picture)
    write_text(page, text)
    return [page, *(page.parent / name for name in pictures)]


def _shown(folder: Path, page: Path) -> str:
    """The folder as seen from above the page's: docs/bench, wherever the clone is."""
    try:
        return folder.resolve().relative_to(page.resolve().parent.parent).as_posix()
    except ValueError:
        return folder.as_posix()
