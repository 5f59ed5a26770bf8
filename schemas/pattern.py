"""Regular expressions of the sheets, matched in linear time and the same way for ever.

Why not `re`: a pattern comes from whoever edits the sheet, `re` takes exponential time on some of them, and what
`\\d` or `\\w` mean there follows the Unicode tables of the Python at hand, while merged bytes must not change with an
upgrade. Here `\\d`, `\\w`, `\\s` are ASCII; a pattern is a set of states walked once over the text.

The whole text must match (as in ODK Collect); `^` and `$` at the ends of an alternative are therefore allowed and say
nothing. Not supported, and refused with the place: look-around, back-references, lazy and possessive counts, named
groups.
"""

from __future__ import annotations

from functools import lru_cache

PATTERN_CHARACTERS_MAX = 500
STATES_MAX = 4_000
CACHED_STEPS_MAX = 20_000
REPEAT_MAX = 200

Ranges = tuple[tuple[str, str], ...]
_DIGIT: Ranges = (("0", "9"),)
_WORD: Ranges = (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))
_SPACE: Ranges = (("\t", "\r"), (" ", " "))
_CLASSES = {"d": (_DIGIT, False), "D": (_DIGIT, True), "w": (_WORD, False), "W": (_WORD, True)}
_CLASSES |= {"s": (_SPACE, False), "S": (_SPACE, True)}
_CONTROL = {"t": "\t", "n": "\n", "r": "\r"}


class PatternError(ValueError):
    """The pattern cannot be used; `position` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class Test:
    """One character that a state accepts."""

    __slots__ = ("negated", "ranges")

    def __init__(self, ranges: Ranges, negated: bool = False) -> None:
        self.ranges = ranges
        self.negated = negated

    def accepts(self, character: str) -> bool:
        return any(low <= character <= high for low, high in self.ranges) is not self.negated


# A parsed pattern: ("test", Test) | ("seq", [..]) | ("alt", [..]) | ("count", node, low, high or None)
Node = tuple[object, ...]


class Pattern:
    """A compiled pattern. `matches` walks the text once; steps already taken are remembered, a bounded number."""

    __slots__ = ("_accepting", "_edges", "_empty", "_start", "_steps", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self._edges: list[tuple[Test, int] | None] = []
        self._empty: list[list[int]] = []
        node = _Parser(source).parse()
        start, end = self._state(), 0
        end = self._build(node, start)
        self._accepting = end
        self._start = self._closure({start})
        self._steps: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        states = self._start
        for character in text:
            key = (states, character)
            found = self._steps.get(key)
            if found is None:
                found = self._step(states, character)
                if len(self._steps) >= CACHED_STEPS_MAX:
                    self._steps.clear()
                self._steps[key] = found
            states = found
            if not states:
                return False
        return self._accepting in states

    def _step(self, states: frozenset[int], character: str) -> frozenset[int]:
        reached: set[int] = set()
        for state in states:
            edge = self._edges[state]
            if edge is not None and edge[0].accepts(character):
                reached.add(edge[1])
        return self._closure(reached)

    def _closure(self, states: set[int]) -> frozenset[int]:
        waiting, seen = list(states), set(states)
        while waiting:
            for state in self._empty[waiting.pop()]:
                if state not in seen:
                    seen.add(state)
                    waiting.append(state)
        return frozenset(seen)

    def _state(self) -> int:
        if len(self._edges) >= STATES_MAX:
            raise PatternError("pola terlalu besar: kurangi jumlah pengulangan", 0)
        self._edges.append(None)
        self._empty.append([])
        return len(self._edges) - 1

    def _build(self, node: Node, start: int) -> int:
        """Adds the states of a node after `start`; the state where it ends."""
        kind = node[0]
        if kind == "test":
            end = self._state()
            self._edges[start] = (node[1], end)  # type: ignore[assignment]
            fresh = self._state()
            self._empty[end].append(fresh)
            return fresh
        if kind == "seq":
            for item in node[1]:  # type: ignore[attr-defined]
                start = self._build(item, start)
            return start
        if kind == "alt":
            end = self._state()
            for item in node[1]:  # type: ignore[attr-defined]
                first = self._state()
                self._empty[start].append(first)
                self._empty[self._build(item, first)].append(end)
            fresh = self._state()
            self._empty[end].append(fresh)
            return fresh
        return self._build_count(node, start)

    def _build_count(self, node: Node, start: int) -> int:
        _, item, low, high = node
        for _ in range(low):  # type: ignore[call-overload]
            start = self._build(item, start)  # type: ignore[arg-type]
        end = self._state()
        if high is None:
            loop = self._state()
            self._empty[start].append(loop)
            first = self._state()
            self._empty[loop].append(first)
            self._empty[self._build(item, first)].append(loop)  # type: ignore[arg-type]
            self._empty[loop].append(end)
        else:
            for _ in range(high - low):  # type: ignore[operator]
                self._empty[start].append(end)
                first = self._state()
                self._empty[start].append(first)
                start = self._build(item, first)  # type: ignore[arg-type]
            self._empty[start].append(end)
        fresh = self._state()
        self._empty[end].append(fresh)
        return fresh


@lru_cache(maxsize=512)
def compile_pattern(source: str) -> Pattern:
    """The pattern, compiled once. Raises `PatternError`."""
    if len(source) > PATTERN_CHARACTERS_MAX:
        raise PatternError(f"pola lebih panjang dari {PATTERN_CHARACTERS_MAX} huruf", PATTERN_CHARACTERS_MAX)
    return Pattern(source)


class _Parser:
    """Reads a pattern from left to right."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.depth = 0

    def parse(self) -> Node:
        node = self._alternatives()
        if self.at < len(self.source):
            raise PatternError("kurung tutup tanpa kurung buka", self.at)
        return node

    def _alternatives(self) -> Node:
        options = [self._sequence()]
        while self._peek() == "|":
            self.at += 1
            options.append(self._sequence())
        return options[0] if len(options) == 1 else ("alt", options)

    def _sequence(self) -> Node:
        items: list[Node] = []
        if self.depth == 0 and self._peek() == "^":
            self.at += 1
        while self.at < len(self.source) and self._peek() not in "|)":
            if self._peek() == "$" and self.depth == 0 and self.source[self.at + 1 : self.at + 2] in ("", "|"):
                self.at += 1
                break
            items.append(self._counted(self._atom()))
        return ("seq", items)

    def _atom(self) -> Node:
        character, begin = self.source[self.at], self.at
        self.at += 1
        if character == "(":
            if self._peek() == "?":
                if self.source[self.at + 1 : self.at + 2] != ":":
                    raise PatternError("bentuk (?...) tidak didukung, kecuali (?:...)", begin)
                self.at += 2
            self.depth += 1
            if self.depth > 20:
                raise PatternError("kurung bersarang terlalu dalam", begin)
            node = self._alternatives()
            self.depth -= 1
            if self._peek() != ")":
                raise PatternError("kurung tidak ditutup", begin)
            self.at += 1
            return node
        if character == "[":
            return ("test", self._set(begin))
        if character == ".":
            return ("test", Test((("\n", "\n"), ("\r", "\r")), negated=True))
        if character == "\\":
            ranges, negated = self._escape(begin)
            return ("test", Test(ranges, negated))
        if character in "*+?{^$":
            raise PatternError(f"tanda {character} tidak boleh berdiri di sini", begin)
        return ("test", Test(((character, character),)))

    def _counted(self, node: Node) -> Node:
        sign, begin = self._peek(), self.at
        bounds: tuple[int, int | None]
        if sign in ("*", "+", "?") and sign:
            self.at += 1
            bounds = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        elif sign == "{":
            bounds = self._bounds()
        else:
            return node
        if self._peek() in ("*", "+", "?", "{") and self._peek():
            raise PatternError("dua tanda pengulangan berurutan tidak didukung", begin)
        return ("count", node, *bounds)

    def _bounds(self) -> tuple[int, int | None]:
        begin, close = self.at, self.source.find("}", self.at)
        low, comma, high = self.source[begin + 1 : close].partition(",")
        self.at = close + 1
        digits = low.isascii() and low.isdigit() and (not high or (high.isascii() and high.isdigit()))
        if close < 0 or not digits:
            raise PatternError("pengulangan ditulis {3}, {1,3} atau {1,}", begin)
        most = None if comma and not high else int(high or low)
        if int(low) > REPEAT_MAX or (most is not None and (most > REPEAT_MAX or most < int(low))):
            raise PatternError(f"pengulangan harus naik dan paling banyak {REPEAT_MAX}", begin)
        return int(low), most

    def _set(self, begin: int) -> Test:
        negated = self._peek() == "^"
        self.at += negated
        ranges: list[tuple[str, str]] = []
        first = True
        while first or self._peek() != "]":
            first = False
            low = self._set_member(begin)
            if len(low) == 1 and self._peek() == "-" and self.source[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self._set_member(begin)
                if len(high) != 1 or high[0][1] < low[0][0]:
                    raise PatternError("rentang dalam [...] terbalik", begin)
                ranges.append((low[0][0], high[0][1]))
            else:
                ranges += low
        self.at += 1
        return Test(tuple(ranges), negated)

    def _set_member(self, begin: int) -> list[tuple[str, str]]:
        if self.at >= len(self.source):
            raise PatternError("tanda [ tidak ditutup", begin)
        character = self.source[self.at]
        self.at += 1
        if character == "\\":
            ranges, negated = self._escape(self.at - 1)
            if negated:
                raise PatternError("kelas terbalik di dalam [...] tidak didukung", begin)
            return list(ranges)
        return [(character, character)]

    def _escape(self, begin: int) -> tuple[Ranges, bool]:
        if self.at >= len(self.source):
            raise PatternError("garis miring terbalik di akhir pola", begin)
        character = self.source[self.at]
        self.at += 1
        if character in _CLASSES:
            return _CLASSES[character]
        if character.isalnum() and character not in _CONTROL:
            raise PatternError(f"\\{character} tidak didukung", begin)
        literal = _CONTROL.get(character, character)
        return ((literal, literal),), False

    def _peek(self) -> str:
        return self.source[self.at : self.at + 1]
