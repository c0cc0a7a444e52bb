"""Buffer trees behind flip-flops and input ports.

ABC buffers what gates drive, but not what flip-flops and ports do: those it takes for ideal. A flip-flop that
drives hundreds of gates would make a netlist look slower than any that is ever built.
"""

from typing import Any

from bsdgen.synth.liberty import Liberty

MOST_FANOUT = 10  # as ABC's `buffer`


def buffer_sources(module: dict[str, Any], liberty: Liberty, clocks: frozenset[int]) -> int:
    """Add buffers to a module of Yosys's JSON in place.

    Parameters
    ----------
    module : flat, all its cells the library's.
    clocks : nets to leave alone.

    Returns
    -------
    Buffers added: none if the library has no buffer.
    """
    buffers = [cell for cell in liberty.cells.values() if cell.buffered]
    if not buffers:
        return 0
    best = min(buffers, key=lambda cell: (cell.area, cell.name))
    sinks = _sinks(module, liberty)
    following = 1 + max((bit for bits in _nets(module) for bit in bits if isinstance(bit, int)), default=1)
    added = 0
    for source in _sources(module, liberty):
        loads = sinks.get(source, [])
        if source in clocks:
            continue
        while len(loads) > MOST_FANOUT:
            above: list[list[Any]] = []
            for at in range(0, len(loads), MOST_FANOUT):
                pin: list[Any] = [source]
                module["cells"][f"fanout_{following}"] = {
                    "hide_name": 0,
                    "type": best.name,
                    "parameters": {},
                    "attributes": {},
                    "connections": {best.buffered: pin, best.outputs[0]: [following]},
                }
                for load in loads[at : at + MOST_FANOUT]:
                    load[0] = following
                above.append(pin)
                following += 1
                added += 1
            loads = above
    return added


def _nets(module: dict[str, Any]) -> list[list[Any]]:
    pins = [bits for cell in module["cells"].values() for bits in cell["connections"].values()]
    return pins + [port["bits"] for port in module["ports"].values()]


def _sinks(module: dict[str, Any], liberty: Liberty) -> dict[int, list[list[Any]]]:
    """Input pins of cells by net; each is the list that names the net."""
    sinks: dict[int, list[list[Any]]] = {}
    for cell in module["cells"].values():
        outputs = liberty.cells[cell["type"]].outputs
        for pin, bits in cell["connections"].items():
            if pin not in outputs and len(bits) == 1 and isinstance(bits[0], int):
                sinks.setdefault(bits[0], []).append(bits)
    return sinks


def _sources(module: dict[str, Any], liberty: Liberty) -> list[int]:
    """Nets that input ports and flip-flops drive."""
    ports = [bit for port in module["ports"].values() if port["direction"] == "input" for bit in port["bits"]]
    states = [
        bit
        for cell in module["cells"].values()
        if (known := liberty.cells[cell["type"]]).clock
        for pin in known.outputs
        for bit in cell["connections"].get(pin, [])
    ]
    return [bit for bit in dict.fromkeys([*ports, *states]) if isinstance(bit, int)]
