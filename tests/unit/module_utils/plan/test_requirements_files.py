"""Files of requirements as people have them: what is read, and what is refused by its line."""

from __future__ import annotations

import pytest
from reachable.plan.requirements_files import lines_of, problems, text_of

BOM = "\ufeff"


@pytest.mark.parametrize(
    "content",
    [
        "numpy # é\n".encode(),
        "numpy # é\n".encode("utf-8-sig"),
        (BOM + "numpy # é\n").encode("utf-16-le"),
        (BOM + "numpy # é\n").encode("utf-16-be"),
        (BOM + "numpy # é\n").encode("utf-32-le"),
        (BOM + "numpy # é\n").encode("utf-32-be"),
    ],
)
def test_it_is_read_whatever_wrote_it(content: bytes) -> None:
    assert text_of(content) == "numpy # é\n"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8"])
def test_it_may_name_its_encoding(encoding: str) -> None:
    assert text_of(f"# -*- coding: {encoding} -*-\n# é".encode(encoding)).endswith("# é")


@pytest.mark.parametrize(
    "content", ["numpy\n# é".encode("latin-1"), "a\nnumpy".encode("utf-16-le"), b"a\n# coding: none\n\xe9"]
)
def test_what_is_no_text_is_named(content: bytes) -> None:
    [problem] = problems(text_of(content))
    assert problem.startswith("has bytes in line ")
    assert problem.endswith(" that are no text: save it as UTF-8.")


def test_lines_are_counted_where_they_begin() -> None:
    text = "# first\n\na==1 \\\n  --hash=sha256:0 # why\nb#c # d\r\nc \\\n# not\nd\ne \\"
    assert list(lines_of(text)) == [(3, "a==1   --hash=sha256:0"), (5, "b#c"), (6, "c"), (8, "d"), (9, "e")]


@pytest.mark.parametrize(
    "line",
    [
        "numpy",
        "pandas[excel]>=2,<4 ; python_version < '3.13'  # a comment",
        "a==1 --hash=sha256:0 --hash sha256:1",
        "a @ https://ada:geheim@example.org/a-1.whl",
        "a @ git+https://example.org/a@main#subdirectory=x/y",
        "https://example.org/a-1-py3-none-any.whl ; python_version > '3'",
        "git+ssh://git@example.org/a.git",
        "--extra-index-url https://example.org/simple",
        "-ihttps://example.org/simple",
        "--find-links=https://example.org/wheels",
        "--only-binary :all:",
        "--require-hashes",
    ],
)
def test_what_counts_on_a_host(line: str) -> None:
    assert list(problems(line)) == []


IT_ALONE = "and only the file itself goes to the host"
INTO_IT = f"{IT_ALONE}: write the packages into it, or addresses like git+https://example.org/mine.git."
A_PATH = f"a path, {IT_ALONE}: name the package, or an address with https."
ANEW = "make the file anew with 'pip list --format=freeze', or write"
NO_PACKAGE = "which names no package: write it like 'numpy' or 'pandas==3.0.1'."
OF_PIP = "an option for pip alone: leave it out."


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("-r more.txt", INTO_IT),
        ("-rmore.txt", INTO_IT),
        ("--requirement=more.txt", INTO_IT),
        ("-c limits.txt", INTO_IT),
        ("-e .", INTO_IT),
        ("--editable=git+https://example.org/a.git", INTO_IT),
        ("./a-1-py3-none-any.whl", A_PATH),
        ("/opt/wheels/a-1-py3-none-any.whl", A_PATH),
        ("a-1-py3-none-any.whl", A_PATH),
        ("wheels/a-1.tar.gz", A_PATH),
        ("~/a.zip", A_PATH),
        (".", A_PATH),
        (".[all]", A_PATH),
        ("a @ ../a", A_PATH),
        ("C:\\wheels\\a.whl", A_PATH),
        ("..\\a.whl", A_PATH),
        ("file:///tmp/a.whl", f"which is on one machine only, {IT_ALONE}: name the package, or an address with https."),
        ("numpy @ file:///croot/numpy_1/work", f"where it lay when conda built it: {ANEW} 'numpy' with a version."),
        ("numpy=2.1.3=py313_0", f"as conda writes it: {ANEW} it with '=='."),
        ("numpy=2.1", f"as conda writes it: {ANEW} it with '=='."),
        ("- numpy", NO_PACKAGE),
        ("dependencies:", NO_PACKAGE),
        ("a b", NO_PACKAGE),
        ("a --global-option=x", NO_PACKAGE),
        ("--pre", OF_PIP),
        ("--trusted-host example.org", OF_PIP),
        (
            "a @ https://example.org/${NAME}/a.whl",
            "and the host does not know what your environment has: write the value into it.",
        ),
    ],
)
def test_what_is_refused(line: str, problem: str) -> None:
    assert list(problems(f"numpy\n\n{line}  # mine\n")) == [f"has '{line}' in line 3, {problem}"]


def test_a_password_is_not_repeated() -> None:
    [problem] = problems("a @ ftp://ada:geheim@example.org/a.whl")
    assert problem.startswith("has 'a @ ftp://****@example.org/a.whl' in line 1, ")


def test_of_many_lines_the_first_are_named() -> None:
    assert list(problems("a=1\n" * 9))[2:] == [
        f"has 'a=1' in line 3, as conda writes it: {ANEW} it with '=='.",
        "has 6 more of such lines.",
    ]
