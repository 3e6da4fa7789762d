"""The login page names the scripts that the page behind it begins with, as that page asks for them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest
from imports import imported
from jupyter_server.extension.application import ExtensionApp

FILES = Path(__file__).parents[5] / "roles/jupyter/files"
reachable_preload = imported("reachable_preload", FILES / "reachable_preload.py")


@pytest.fixture
def templates(tmp_path: Path) -> jinja2.Environment:
    for name in ("main.0a1b.js", "main.0a1b.js.map", "jlab_core.2c3d.js", "1096.4e5f.js", "index.html"):
        (tmp_path / name).touch()
    lab = ExtensionApp(static_paths=[str(tmp_path)], static_url_prefix="/ada/static/lab/")
    environment = jinja2.Environment(autoescape=True, loader=jinja2.FileSystemLoader(FILES / "pages"))
    environment.add_extension("jinja2.ext.i18n")
    environment.install_null_translations()  # type: ignore[attr-defined]  # the extension adds it
    reachable_preload._load_jupyter_server_extension(
        SimpleNamespace(
            base_url="/ada/",
            extension_manager=SimpleNamespace(extension_apps={"jupyterlab": {lab}, "reachable_preload": set()}),
            web_app=SimpleNamespace(settings={"jinja2_env": environment}),
        )
    )
    return environment


@pytest.mark.parametrize("page", ["%2Fada%2Flab", "%2Fada%2Flab%2Ftree%2Fa.ipynb", "%2Fada%2Flab%3Freset"])
def test_scripts_of_a_page(page: str, templates: jinja2.Environment) -> None:
    scripts = ["/ada/static/lab/main.0a1b.js?v=0a1b", "/ada/static/lab/jlab_core.2c3d.js?v=2c3d"]
    assert templates.globals["scripts_behind"](page) == scripts  # type: ignore[operator]  # a method


@pytest.mark.parametrize(
    "page", ["%2Fada%2F", "%2Fada%2Ftree", "%2Fada%2Flaboratory", "%2Flab", "https%3A%2F%2Fexample.org%2Flab", ""]
)
def test_no_scripts_behind_other_pages(page: str, templates: jinja2.Environment) -> None:
    assert templates.globals["scripts_behind"](page) == []  # type: ignore[operator]  # a method


def test_the_login_page_says_them(templates: jinja2.Environment) -> None:
    page = templates.get_template("login.html").render(next="%2Fada%2Flab", base_url="/ada/")
    assert page.count('<link rel="preload" as="script" fetchpriority="low" href="/ada/static/lab/') == 2


def test_the_login_page_does_without(templates: jinja2.Environment) -> None:
    del templates.globals["scripts_behind"]
    assert "preload" not in templates.get_template("login.html").render(next="%2Fada%2Flab", base_url="/ada/")
