"""Tables of results, laid out once for the terminal and for the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bsdgen.bench.ablations import AblationResult
from bsdgen.bench.bars import Bar
from bsdgen.bench.baseline import BaselineResult, ObddRow
from bsdgen.bench.blind import BlindResult
from bsdgen.bench.demo import DemoResult
from bsdgen.bench.emission import EmissionResult
from bsdgen.bench.iwls.run import IwlsResult
from bsdgen.bench.rows import RowsResult
from bsdgen.bench.scaling import ScalingResult
from bsdgen.bench.subsets import SubsetResult
from bsdgen.bench.trial import Trial
from bsdgen.bench.wide import TEXTS, Kind


@dataclass(frozen=True)
class Table:
    """Headings and cells as text; the first `left` columns flush left."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1

    def text(self) -> str:
        """Plain text, columns aligned."""
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        lines = []
        for row in (self.head, *self.rows):
            cells = [
                cell.ljust(width) if at < self.left else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def markdown(self) -> str:
        """A Markdown table."""
        rule = ["---" if at < self.left else "---:" for at in range(len(self.head))]
        return "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
            for row in (self.head, rule, *self.rows)
        )


def count(n: int | None) -> str:
    """A whole number, or a dash."""
    return "–" if n is None else f"{n:,}"


def proof(trial: Trial) -> str:
    """Whether a trial was proved, in a word."""
    if not trial.learned:
        return "not learned"
    if trial.proved is None:
        return "not tried"
    return "yes" if trial.proved else "NO"


def accuracy(trial: Trial) -> str:
    """Wrong vectors of all, with the bound; a dash where no diagram is there to measure."""
    if not trial.checked:
        return "–"
    return f"{trial.errors:,} of {trial.checked:,} (95 % < {trial.upper:.2g})"


def bars_table(bars: Sequence[Bar]) -> Table:
    """What was asked and what was reached."""
    rows = tuple((bar.text, bar.asked, bar.reached, "yes" if bar.met else "NO") for bar in bars)
    return Table(("bar", "asked", "reached", "met"), rows, left=4)


def demo_table(result: DemoResult) -> Table:
    """One line a function."""
    rows = []
    for row in result.rows:
        trial = row.trial
        rows.append(
            (
                str(row.number),
                row.text,
                f"{trial.cpu_s:.2f}",
                f"{row.peer_cpu_s:.1f}",
                f"{row.speed_up:.0f} ×",
                count(trial.nodes),
                count(row.nodes),
                count(row.peer_nodes),
                "–" if row.nodes is None else f"{row.nodes / row.peer_nodes:.2f}",
                count(trial.queries),
                proof(trial),
                accuracy(trial),
            )
        )
    head = (
        "#", "function", "CPU s", "peer's", "faster", "nodes", "with variables", "peer's", "ratio", "queries",
        "proved", "fresh vectors wrong",
    )  # fmt: skip
    return Table(head, tuple(rows), left=2)


_COST_HEAD = (
    "nodes",
    "ANDs",
    "optimised",
    "CPU s",
    "wall s",
    "MiB",
    "queries",
    "proved",
    "fresh vectors wrong",
)


def _cost(trial: Trial) -> tuple[str, ...]:
    """Cells of a trial under `_COST_HEAD`."""
    return (
        count(trial.nodes),
        count(trial.ands),
        count(trial.ands_optimised),
        f"{trial.cpu_s:.1f}",
        f"{trial.wall_s:.1f}",
        f"{trial.peak_rss_mib:.0f}",
        count(trial.queries),
        proof(trial),
        accuracy(trial),
    )


def subset_table(result: SubsetResult) -> Table:
    """One line a part of the instruction set."""
    rows = [(row.name, count(row.rows), *_cost(row.trial)) for row in result.rows]
    return Table(("part", "recorded rows", *_COST_HEAD), tuple(rows))


def blind_table(result: BlindResult) -> Table:
    """One line a run."""
    rows = [
        (
            "in disguise" if row.blind else "plain",
            str(row.seed),
            *_cost(row.trial),
            f"{row.wrapper_cpu_s:.1f}" if row.blind else "–",
        )
        for row in result.rows
    ]
    return Table(("learned", "seed", *_COST_HEAD, "of the CPU s, disguise"), tuple(rows))


def rows_table(result: RowsResult) -> Table:
    """One line a function and number of rows."""

    def share(value: float | None) -> str:
        return "–" if value is None else f"{value:.0%}"

    rows = [
        (
            trial.what,
            count(trial.rows),
            count(trial.questions),
            f"{trial.cpu_s:.1f}",
            f"{trial.not_explained:,} of {trial.contexts:,}",
            f"{trial.wrong:,} of {trial.fresh:,}{' (all)' if trial.exhaustive else ''}",
            f"{trial.outputs_right} of {trial.outputs}",
            str(trial.listed),
            share(trial.recall),
            share(trial.precision),
        )
        for trial in (*result.machines, *result.curve)
    ]
    head = (
        "function",
        "rows",
        "asked",
        "CPU s",
        "contexts open",
        "wrong rows",
        "outputs right",
        "listed",
        "recall",
        "precision",
    )
    return Table(head, tuple(rows))


def scaling_table(result: ScalingResult) -> Table:
    """One line a function and width."""
    rows = [
        (
            TEXTS[row.kind],
            str(row.width),
            count(row.trial.nodes),
            "–" if row.trial.nodes is None else f"{row.trial.nodes / row.width:.1f}",
            f"{row.trial.cpu_s:.2f}",
            count(row.trial.queries),
            proof(row.trial),
        )
        for row in result.rows
    ]
    head = ("function", "bits", "nodes", "nodes a bit", "CPU s", "queries", "proved")
    return Table(head, tuple(rows))


def exponents_table(result: ScalingResult) -> Table:
    """Fitted exponents, one line a function."""

    def cell(kind: Kind, measure: Callable[[Trial], float | None]) -> str:
        found = result.exponent(kind, measure)
        return "–" if found is None else f"{found:.2f}"

    rows = [
        (
            TEXTS[kind],
            cell(kind, lambda trial: trial.nodes),
            cell(kind, lambda trial: trial.cpu_s),
            cell(kind, lambda trial: trial.queries),
        )
        for kind in result.kinds()
    ]
    return Table(("function", "nodes", "CPU s", "queries"), tuple(rows))


def ablation_tables(result: AblationResult) -> list[tuple[str, Table]]:
    """One table a function: its name, and one line a variant."""
    head = (
        "variant",
        "nodes",
        "ANDs",
        "optimised",
        "CPU s",
        "rounds",
        "queries",
        "proved",
        "fresh vectors wrong",
        "why not",
    )
    tables = []
    for function in result.functions():
        rows = []
        for row in result.rows:
            if row.function == function:
                rows.append((row.text, *_ablation_cells(row.trial)))
        tables.append((function, Table(head, tuple(rows))))
    return tables


def _ablation_cells(trial: Trial | None) -> tuple[str, ...]:
    if trial is None:
        return ("–",) * 8 + ("no such setting",)
    return (
        count(trial.nodes),
        count(trial.ands),
        count(trial.ands_optimised),
        f"{trial.cpu_s:.1f}",
        count(trial.rounds),
        count(trial.queries),
        proof(trial),
        accuracy(trial),
        trial.reason.partition(";")[0],
    )


def baseline_table(result: BaselineResult) -> Table:
    """One line a function and learner."""
    head = (
        "function", "learned by", "nodes", "OBDD of the specification", "CPU s", "queries", "proved",
        "fresh vectors wrong", "why not",
    )  # fmt: skip
    rows: list[tuple[str, ...]] = []
    for row in result.rows:
        ours = row.ours
        rows.append(
            (
                row.function,
                "bsdgen",
                count(ours.nodes),
                "",
                f"{ours.cpu_s:.1f}",
                count(ours.queries),
                proof(ours),
                accuracy(ours),
                ours.reason.partition(";")[0],
            )
        )
        rows += [(row.function, *_obdd_cells(one)) for one in row.obdds]
    return Table(head, tuple(rows), left=2)


def _obdd_cells(row: ObddRow) -> tuple[str, ...]:
    proved = "not learned" if row.reason else "–" if row.proved is None else "yes" if row.proved else "NO"
    return (
        f"OBDD, {row.order} order",
        count(row.nodes),
        "over budget" if row.canonical is None else count(row.canonical),
        f"{row.cpu_s:.1f}",
        count(row.queries),
        proved,
        f"{row.errors:,} of {row.checked:,} (95 % < {row.upper:.2g})" if row.checked else "–",
        row.reason.partition(";")[0],
    )


def emission_table(result: EmissionResult) -> Table:
    """CPU seconds and bytes of each format."""

    def seconds(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}"

    rows = []
    for row in result.rows:
        times = [None] * 3 if row.reason else [row.write_s, row.elaborate_s, row.check_s]
        rows.append((row.format, *map(seconds, times), count(row.files), count(row.n_bytes)))
    return Table(("format", "write CPU s", "elaborate CPU s", "check CPU s", "files", "bytes"), tuple(rows))


def iwls_table(result: IwlsResult) -> Table:
    """Test accuracy and size of each example's circuits, without and with word functions."""
    head = (
        "example", "found by", "with word functions", "inputs", "known rows %", "test rows %", "ANDs",
        "test rows %, words", "ANDs, words", "CPU s",
    )  # fmt: skip
    rows = []
    for row in result.rows:
        rows.append(
            (
                row.name,
                row.plain.method,
                row.words.method if row.words != row.plain else "the same",
                count(row.n_inputs),
                f"{100 * row.plain.known:.2f}",
                f"{100 * row.plain.right / row.n_test:.2f}",
                count(row.plain.ands),
                f"{100 * row.words.right / row.n_test:.2f}",
                count(row.words.ands),
                f"{row.cpu_s + row.words_cpu_s:.1f}",
            )
        )
    return Table(head, tuple(rows), left=3)
