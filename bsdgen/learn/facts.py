"""What the learner knows as plain data, and back: decisions, remembered answers, the random generator."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bsdgen.bits import U64
from bsdgen.learn.bound import Guard
from bsdgen.learn.layers import Memory
from bsdgen.learn.tree import Decision

I64 = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]


def plain(value: Any) -> Any:
    """A frozen dataclass of numbers and arrays as dictionaries; the rest as it is."""
    if is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.str, "shape": list(value.shape), "bytes": value.tobytes()}
    return value.item() if isinstance(value, np.generic) else value


def decision_of(data: Mapping[str, Any]) -> Decision:
    """The decision that `plain` made `data` of."""
    guard = data["guard"]
    rest = {name: value for name, value in data.items() if name != "guard"}
    if guard is None:
        return Decision(guard=None, **rest)
    return Decision(guard=Guard(**{name: array_of(value) for name, value in guard.items()}), **rest)


def array_of(value: Any) -> Any:
    """The array that `plain` made `value` of; anything else as it is."""
    if not isinstance(value, dict):
        return value
    return np.frombuffer(value["bytes"], value["dtype"]).reshape(value["shape"]).copy()


def rng_state(rng: np.random.Generator) -> str:
    """A generator's state as JSON: its numbers are wider than 64 bits."""
    return msgspec.json.encode(_as_text(rng.bit_generator.state)).decode()


def rng_of(state: str) -> np.random.Generator:
    """The generator of `rng_state`."""
    rng = np.random.default_rng()
    rng.bit_generator.state = _as_numbers(msgspec.json.decode(state))
    return rng


def _as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_text(item) for name, item in value.items()}
    return f"#{value}" if isinstance(value, int) else value


def _as_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_numbers(item) for name, item in value.items()}
    return int(value[1:]) if isinstance(value, str) and value.startswith("#") else value


class Answers:
    """What of a `Memory` is on disk, and what is not yet.

    Signatures grow with the bank; sensitivities are sampled once.
    """

    def __init__(self) -> None:
        self._blocks: dict[bytes, int] = {}  # of each signature that is saved
        self._n_sampled = 0
        self._pending: tuple[dict[bytes, int], int] | None = None

    def saved(self) -> None:
        """What `new` gave last is on disk."""
        if self._pending is not None:
            self._blocks |= self._pending[0]
            self._n_sampled, self._pending = self._pending[1], None

    def new(self, memory: Memory) -> Arrays:
        """What is not saved yet, as arrays; empty if nothing is."""
        signatures = []
        for key, planes in list(memory.planes.items()):
            before = self._blocks.get(key, 0)
            if planes.shape[0] > before:
                signatures.append((key, before, planes[before:]))
        sampled = list(memory.sampled.items())[self._n_sampled :]
        lengths = {key: before + planes.shape[0] for key, before, planes in signatures}
        self._pending = (lengths, self._n_sampled + len(sampled))
        if not signatures and not sampled:
            return {}
        return {
            "keys": _stacked([key for key, _, _ in signatures]),
            "first": np.array([first for _, first, _ in signatures], np.int64),
            "length": np.array([planes.shape[0] for _, _, planes in signatures], np.int64),
            "planes": _joined([planes for _, _, planes in signatures]),
            "sampled_keys": _stacked([key for key, _ in sampled]),
            "n_variables": np.array([variables.shape[0] for _, (variables, _, _) in sampled], np.int64),
            "variables": _joined([variables for _, (variables, _, _) in sampled]).astype(np.int64),
            "sens": _joined([sens.ravel() for _, (_, sens, _) in sampled]),
            "base": np.array([base for _, (_, _, base) in sampled], np.uint64),
        }

    def restore(self, memory: Memory, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put what `new` gave back into a memory, in the same order."""
        at = 0
        for row, first, n in zip(arrays["keys"], arrays["first"], arrays["length"], strict=True):
            key, planes = row.tobytes(), arrays["planes"][at : at + n]
            memory.planes[key] = planes if first == 0 else np.concatenate([memory.planes[key], planes])
            self._blocks[key] = int(first + n)
            at += n
        at = start = 0
        blocks = arrays["base"].shape[1] if arrays["base"].ndim == 2 else 0
        for row, n, base in zip(arrays["sampled_keys"], arrays["n_variables"], arrays["base"], strict=True):
            sens = arrays["sens"][start : start + n * blocks].reshape(n, blocks)
            memory.sampled[row.tobytes()] = (arrays["variables"][at : at + n], sens, base)
            at, start = at + n, start + n * blocks
        self._n_sampled = len(memory.sampled)


def _stacked(keys: list[bytes]) -> NDArray[np.uint8]:
    width = len(keys[0]) if keys else 0
    return np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), width)


def _joined(parts: list[U64] | list[I64]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)
