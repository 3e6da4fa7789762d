"""QR codes mean what segno made, however they are drawn."""

from __future__ import annotations

import re

import pytest
import segno
from reachable.qr_codes import qr_svg, qr_terminal

URLS = ["http://192.0.2.7:8888/", "https://ada-lovelace.example.org/nbclassic", "http://[2001:db8::7]:8888/" + "x" * 99]


def matrix(url: str, error: str) -> list[list[int]]:
    return [list(row) for row in segno.make(url, error=error, micro=False).matrix_iter(border=2)]


@pytest.mark.parametrize("url", URLS)
def test_a_qr_code_in_a_terminal_is_black_and_white(url: str) -> None:
    dark = {"16": 1, "231": 0}
    rows = []
    for line in qr_terminal(url).split("\n"):
        runs = re.findall(r"\x1b\[38;5;(\d+);48;5;(\d+)m( +|▄+)", line.removesuffix("\x1b[0m"))
        assert "".join(f"\x1b[38;5;{front};48;5;{back}m{signs}" for front, back, signs in runs) + "\x1b[0m" == line
        rows.append([dark[back] for _, back, signs in runs for _ in signs])
        rows.append([dark[back if signs[0] == " " else front] for front, back, signs in runs for _ in signs])
    size = len(rows[0])
    assert rows[:size] == matrix(url, "l")
    assert rows[size:] in ([], [[0] * size])  # an odd number of rows ends in more of the margin


@pytest.mark.parametrize("url", URLS)
def test_a_qr_code_on_a_page(url: str) -> None:
    svg = qr_svg(url)
    size = len(matrix(url, "m"))
    assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert f'viewBox="0 0 {size} {size}"' in svg
    assert not re.search(r"\b(width|height)=", svg)

    # Its one path is drawn in strokes from left to right: M and m move, h draws that many modules.
    found = [[0] * size for _ in range(size)]
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", svg.split(' d="')[1].split('"')[0]):
        values = [float(number) for number in numbers.split()]
        if command == "h":
            found[int(y)][int(x) : int(x + values[0])] = [1] * int(values[0])
            x += values[0]
        elif command == "M":
            x, y = values
        else:
            x, y = x + values[0], y + values[1]
    assert found == matrix(url, "m")
