"""Names of packages, and what is none."""

from __future__ import annotations

from reachable.plan import packages


def test_what_names_no_package() -> None:
    right = ["numpy", "pandas>=2,<3", "jupyterlab-git[all]~=0.50", "a==1.*"]
    wrong = [
        "",
        "-r x.txt",
        "https://example.org/x.whl",
        "x @ https://example.org/x.whl",
        "x; sys_platform=='linux'",
        "a b",
    ]
    assert packages.no_packages(right + wrong) == wrong
