"""The page in a real browser: reads well for everybody, works by keyboard, asks nobody."""

from dataclasses import replace
from importlib.resources import files

import pytest

from study.report.content import collect
from study.report.grids import Cell
from study.report.writing import html, write
from study.study import open_study

pytestmark = pytest.mark.slow

PHONE, DESKTOP = 375, 1280
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def file(whole, tmp_path_factory):
    return write(open_study(whole), out=tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture(scope="module")
def broken(holed, tmp_path_factory):
    return write(open_study(holed), out=tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture(scope="module")
def large(whole, tmp_path_factory):
    """The page of a study with 1,000 configurations."""
    report = collect(open_study(whole))
    grid = report.configurations
    rows = []
    for number in range(1_000):
        rank, _, *rest = grid.rows[number % len(grid.rows)]
        rows.append((replace(rank, text=f"{number + 1}"), Cell(f"key{number}"), *rest))
    path = tmp_path_factory.mktemp("page") / "large.html"
    path.write_text(html(replace(report, configurations=replace(grid, rows=tuple(rows)))))
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("kind", ["file", "broken"])
def test_nobody_is_shut_out(read, request, kind, width, scheme):
    axe = (files("axe_playwright_python") / "axe.min.js").read_text()
    # The page forbids foreign scripts; axe is one.
    page = read(request.getfixturevalue(kind), width=width, scheme=scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    page.evaluate(axe)
    found = page.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", RULES
    )
    assert found["passes"]
    assert [
        (one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def column(page, table, name):
    """The texts of a column as shown."""
    names = page.locator(f"#{table} thead tr:last-child > *").all_text_contents()
    (place,) = (number for number, text in enumerate(names, 1) if text.endswith(name))
    cells = page.locator(f"#{table} tbody tr > :nth-child({place})")
    return cells.evaluate_all("all => all.map(c => c.firstChild.textContent)")


def test_columns_sort_by_keyboard(read, file):
    page = read(file)
    table = "t-configurations"
    button = page.locator(f"#{table} th button", has_text="timestep")
    head = page.locator(f"#{table} th[scope=col]", has_text="timestep")
    before = column(page, table, "timestep")
    button.focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, table, "timestep") == sorted(before, key=int, reverse=True) != before
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(page, table, "timestep") == sorted(before, key=int)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") is None
    assert page.locator(f"#{table} [aria-sort]").count() == 1


def test_what_is_missing_sorts_last_either_way(read, broken):
    page = read(broken)
    button = page.locator("#t-configurations th button", has_text="ranked by")
    for _ in range(2):
        button.click()
        shown = column(page, "t-configurations", "ranked by")
        assert shown[-1] == "–"
        assert "–" not in shown[:-1]


def test_rows_filter_by_words_and_conditions(read, file):
    page = read(file)
    field, count = page.get_by_label("Filter"), page.locator("[data-count]")
    total = len(column(page, "t-configurations", "rank"))
    assert count.text_content() == f"{total} of {total} rows"
    page.keyboard.press("Tab")
    field.focus()
    page.keyboard.type("timestep>100")
    assert column(page, "t-configurations", "timestep") == ["261"]
    assert count.text_content() == f"1 of {total} rows"
    field.fill("prompt=TEXT layer<1")
    assert column(page, "t-configurations", "layer") == ["0"]
    field.fill("empty")
    assert column(page, "t-configurations", "prompt") == ["empty"]
    field.fill("nonsense=3")
    assert count.text_content() == f"0 of {total} rows"
    field.fill("")
    assert len(column(page, "t-configurations", "rank")) == total


def test_a_large_table_is_drawn_on_demand(read, large):
    page = read(large)
    rows = page.locator("#t-configurations tbody tr")
    assert rows.count() == 30
    page.get_by_role("button", name="Show 200 more of 970").press("Enter")
    assert rows.count() == 230
    page.locator("#t-configurations th button", has_text="rank").first.click()
    assert column(page, "t-configurations", "rank")[0] == "1000"
    page.get_by_label("Filter").fill("key987")
    assert column(page, "t-configurations", "configuration") == ["key987"]
    assert page.locator("#t-configurations tbody tr:first-child th").get_attribute("scope") == "row"
    plain = read(large, java_script_enabled=False)
    assert plain.locator("#t-configurations tbody tr").count() == 30
    assert "the first 30 are shown" in plain.locator("#t-configurations caption").text_content()


def test_examples_follow_the_choice(read, file, whole):
    gallery = collect(open_study(whole)).gallery
    page = read(file)
    other = gallery.choices[-1][0]
    for key in (gallery.choices[0][0], other):
        page.get_by_label("Configuration", exact=True).select_option(key)
        for number, example in enumerate(gallery.examples):
            figure = page.locator(".examples figure").nth(number)
            right = sum(hit for *_, hit in example.found[key])
            told = f"{right} of {len(example.truth)} found"
            assert figure.locator("[data-score]").text_content() == told
            assert figure.locator("g.miss").count() == len(example.truth) - right
            x = figure.locator("g[data-found] circle").first.get_attribute("cx")
            assert float(x) == example.found[key][0][0]


def test_it_reads_without_javascript(read, file):
    page = read(file, java_script_enabled=False)
    assert page.locator("#t-configurations tbody tr").count() == 5
    assert page.locator(".examples image").count() == 2 * 9
    for hidden in ("[data-filter]", "[data-choose]", "[data-theme]", "th button"):
        assert page.locator(f"{hidden}:visible").count() == 0


def test_colours_switch(read, file):
    page = read(file, scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Light colors").press("Enter")
    light = page.evaluate(ground)
    assert dark != light
    page.get_by_role("button", name="Dark colors").click()
    assert page.evaluate(ground) == dark


def test_focus_can_be_seen(read, file):
    page = read(file)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(3):
        page.keyboard.press("Tab")
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid"


def test_a_hostile_study_is_harmless(read, broken):
    page = read(broken)
    assert page.locator("h1").text_content().startswith("<script>alert(1)</script>")
    assert page.locator("#missing h3").text_content().startswith("RuntimeError: <script>")
