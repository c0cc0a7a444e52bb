"""The report in a terminal: accuracy, programs, and the headline figures."""

from pathlib import Path
from typing import Any


def summary_text(facts: dict[str, Any], page: Path) -> str:
    """Lay out the facts of report.json as text."""
    lines: list[str] = []
    measured, ran, learned = facts["measure"], facts["cosim"], facts["learn"]
    if measured:
        lines += ["accuracy on fresh vectors", *_accuracy(measured), ""]
    if ran:
        lines += ["programs in lock-step with the reference model", *_programs(ran["programs"])]
        lines += ["  the Verilog is another one by now", ""] if ran["stale"] else [""]
    if learned and not learned.get("finished", True):
        lines.append(
            f"unfinished, a budget was reached: {learned['n_wrong']:,} of {learned['n_checked']:,} "
            "fresh rows wrong"
        )
    if learned:
        lines.append(
            f"learned   {learned['wall_s']:.1f} s wall, {learned['cpu_s']:.1f} s CPU, "
            f"{learned['peak_rss_mib']:.0f} MiB, {learned['oracle_queries']:,} queries"
        )
    bsd, circuit = facts["bsd"], facts["circuit"]
    lines.append(f"diagram   {bsd['nodes']:,} nodes in {bsd['levels']:,} levels")
    lines.append(f"circuit   {circuit['ands']:,} AND nodes, depth {circuit['depth']:,}")
    lines += _checks(facts)
    if facts["coverage"]:
        met = (
            f"{of['name']} {of['cells_met']:,} of {of['cells_possible']:,}"
            for of in facts["coverage"]["sources"]
        )
        lines.append(f"cells met {', '.join(met)}")
    lines.append(f"report    {page}")
    return "\n".join(lines)


def _checks(facts: dict[str, Any]) -> list[str]:
    """A line on the proof, and one on mutants, where there are."""
    lines = []
    proof, mutants = facts["proof"], facts["mutate"]
    if proof:
        stale = [stage["name"] for stage in proof["stages"] if stage["stale"]]
        bits = sum(stage["proved"] for stage in proof["stages"])
        of = sum(stage["cared"] for stage in proof["stages"])
        only = f", {', '.join(proof['only'])} alone" if proof["only"] else ""
        lines.append(
            f"proof     {proof['verdict']}: {bits:,} of {of:,} bits by {' and '.join(proof['engines'])}{only}"
            + (f"; but files are others by now: {', '.join(stale)}" if stale else "")
        )
    if mutants:
        total = mutants["summary"][-1]
        lines.append(
            f"mutants   {total['proof']:,} of {total['killable']:,} killable disproved, "
            f"{total['equivalent']:,} equivalent, {total['undecided']:,} undecided"
            + ("; but the netlist is another one by now" if mutants["stale"] else "")
        )
    return lines


def _accuracy(measured: dict[str, Any]) -> list[str]:
    """Two classes a line, then the total; each with n, errors and the bound."""
    cells = [
        f"{item['name']:<10}{item['n']:>11,}{item['errors']:>8,}{item['upper']:>10.1e}"
        for item in measured["classes"]
    ]
    head = f"{'class':<10}{'n':>11}{'errors':>8}{'95 % <':>10}"
    half = (len(cells) + 1) // 2
    right = [*cells[half:], *[""] * (2 * half - len(cells))]
    lines = [f"  {head}   {head}"]
    lines += [f"  {first}   {second}".rstrip() for first, second in zip(cells[:half], right, strict=True)]
    total = {
        "name": "all",
        "n": measured["vectors"],
        "errors": measured["errors"],
        "upper": measured["upper"],
    }
    lines.append(f"  {total['name']:<10}{total['n']:>11,}{total['errors']:>8,}{total['upper']:>10.1e}")
    return lines


def _programs(programs: list[dict[str, Any]]) -> list[str]:
    width = max([7, *(len(item["name"]) for item in programs)])
    lines = [f"  {'program':<{width}}{'retired':>11}{'mismatches':>12}  passed"]
    for item in programs:
        passed = "yes" if item["passed"] else "NO"
        lines.append(f"  {item['name']:<{width}}{item['retired']:>11,}{item['mismatches']:>12,}  {passed}")
    return lines
