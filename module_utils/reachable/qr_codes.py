# SPDX-License-Identifier: Apache-2.0
"""QR codes for a page and for a terminal. It draws with segno, which only the controller has."""

from __future__ import annotations

import io
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Modules of light margin. Less than the standard's four, which every camera takes, and short enough for a terminal.
QUIET_ZONE = 2
# Black and white whatever the terminal's own colours are: these two of its 256 are no business of any theme.
COLOURS = {0: 231, 1: 16}
PLAIN = "\x1b[0m"


def qr_svg(text: str) -> str:
    """Draw a QR code as SVG, dark on nothing, one unit a module, to be sized by the page."""
    import segno  # noqa: PLC0415 - every task that uses any filter beside this one would pay for it

    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=QUIET_ZONE, xmldecl=False, svgns=True, omitsize=True, dark="#000"
    )
    return out.getvalue().decode().strip()


def qr_terminal(text: str) -> str:
    """Draw a QR code for a terminal with colours, two modules a sign.

    Where both are alike the background draws them: many a font leaves a gap between its blocks, but not between lines.
    """
    import segno  # noqa: PLC0415 - see above

    rows = [list(row) for row in segno.make(text, error="l", micro=False).matrix_iter(border=QUIET_ZONE)]
    pairs = zip_longest(rows[::2], rows[1::2], fillvalue=[0] * len(rows[0]))
    return "\n".join("".join(runs(list(zip(upper, lower)))) + PLAIN for upper, lower in pairs)


def runs(modules: list[tuple[int, int]]) -> Iterator[str]:
    """Yield the signs of a line, each run of the same ones after its colours."""
    for (upper, lower), alike in groupby(modules):
        sign = " " if upper == lower else "▄"
        yield f"\x1b[38;5;{COLOURS[lower]};48;5;{COLOURS[upper]}m{sign * len(list(alike))}"
