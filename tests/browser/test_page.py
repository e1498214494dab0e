"""What a chemist does, in a real browser: in a mailed report from file://, and on a review server by two people."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem

from .conftest import MOST

INJECTION = "<script>alert(1)</script>"


def opened(tab: Any, address: str) -> Any:
    tab.goto(address)
    tab.wait_for_selector("html[data-ready]")
    return tab


def rows(tab: Any) -> list[int]:
    """The rows that are shown, by place in the table, in their order."""
    return tab.evaluate("entries.map((entry) => entry.row)")


def smiles(tab: Any) -> list[str]:
    return tab.evaluate("report.smiles")


def until(tab: Any, condition: str) -> None:
    """Waits for a condition of the page. (Playwright's own way needs `eval` in the page, which its policy forbids.)"""
    end = time.monotonic() + MOST / 1000
    while not tab.evaluate(condition):
        assert time.monotonic() < end, condition
        tab.wait_for_timeout(50)


def typed(tab: Any, field: str, text: str, condition: str) -> None:
    tab.fill(field, text)
    until(tab, condition)


def status(tab: Any) -> str:
    return tab.text_content("#status")


def saved(tab: Any) -> None:
    until(tab, "unsent.length === 0 && !sending")


def test_a_mailed_report_works_without_a_network(tab: Any, report_file: Path) -> None:
    tab.context.set_offline(True)
    opened(tab, report_file.as_uri())
    assert rows(tab) == list(range(60))
    assert 0 < tab.locator(".card").count() < 60  # only what is on the screen, and a little more, is made
    assert tab.locator(".card svg.mol").count() == tab.locator(".card").count()
    typed(tab, "#search", tab.evaluate("report.inchikey[3]").lower(), "entries.length === 1")
    assert rows(tab) == [3]
    typed(tab, "#search", "no such text", "entries.length === 0")
    assert "No candidate passes" in status(tab)
    typed(tab, "#search", "", "entries.length === 60")


@pytest.mark.parametrize("query", ["c1ccccc1", "[NX3;H1][CX3]=O", "[r5]", "[$([#7;R])]"])
def test_structures_are_found_as_rdkit_finds_them(tab: Any, report_file: Path, query: str) -> None:
    opened(tab, report_file.as_uri())
    typed(tab, "#structure", query, "state.structure !== ''")
    wanted = Chem.MolFromSmarts(query)
    expected = [i for i, s in enumerate(smiles(tab)) if Chem.MolFromSmiles(s).HasSubstructMatch(wanted)]
    assert rows(tab) == expected
    tab.wait_for_selector(".card .mark.hit circle")


def test_the_matcher_agrees_with_rdkit(tab: Any, report_file: Path) -> None:
    """Many SMARTS against many molecules, drugs with charges and stereo among them."""
    from report.made import zinc

    from molgen.scoring.drugs import DRUGS

    queries = [
        "[#7]", "C(=O)N", "[R0]", "c-!@*", "[n;r6]", "[!#6;!#1]", "[O-]", "[NH+]", "[C,N;H1]", "[D3]", "[x3]", "c:n",
        "[CH3]", "[F,Cl,Br]", "S(=O)(=O)N", "C#N", "[C@@H]", "[nH]", "a:a-A", "C@C", "[v4;C]", "[#6]~[#7]~[#6]",
        "[H0;N]", "[!$(C=O);C;X4]", "N.O", "c1ccc2ccccc2c1", "[h2]", "[a;!c]", "C/C=C/C", "[r3,r4]",
        "[CX3](=[OX1])[OX2]", "[Cl,$(C#N)]", "[$(c1ccccc1),$(c1ccncc1)]", "C=,#C", "[N+](=O)[O-]", "*~*~*~*~*", "[2H]",
        "[#6;!R;D1]",
    ]  # fmt: skip
    texts = [
        Chem.MolToSmiles(Chem.MolFromSmiles(s))
        for s in [
            *zinc(150, seed=3),
            *DRUGS.values(),
            "[2H]C",
            "[Na+].[Cl-]",
            "COc1ccc(-n2/c(=N/C(C)=O)[nH]c3ccccc32)cc1",
            "CCn1c(=O)/c(=C\\c2ccccc2)s/c1=C(\\C#N)C(C)=O",
        ]
    ]
    opened(tab, report_file.as_uri())
    found = tab.evaluate(
        "([queries, texts]) => { const all = texts.map(readSmiles);"
        " return queries.map((q) => all.map((m) => firstMatch(readSmarts(q), m) !== null)); }",
        [queries, texts],
    )
    mols = [Chem.MolFromSmiles(s) for s in texts]
    for query, mine in zip(queries, found, strict=True):
        assert mine == [m.HasSubstructMatch(Chem.MolFromSmarts(query)) for m in mols], query


def test_a_structure_that_is_none_is_said(tab: Any, report_file: Path) -> None:
    opened(tab, report_file.as_uri())
    typed(tab, "#structure", "C1CC", "document.getElementById('structure').hasAttribute('aria-invalid')")
    assert "not closed" in tab.text_content("#structure-said")
    assert len(rows(tab)) == 60


def test_ranges_sorting_and_groups(tab: Any, report_file: Path) -> None:
    opened(tab, report_file.as_uri())
    weights = tab.evaluate("[...columns.get('MW').values]")
    tab.evaluate(
        "() => { const s = [...document.querySelectorAll('.slider input')].find((n) => n.ariaLabel === 'MW, minimum');"
        " s.value = 3200; s.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    assert rows(tab) == [i for i, w in enumerate(weights) if w >= 319.95]
    tab.evaluate("document.getElementById('reset').click()")
    tab.select_option("#sort", "MW")
    assert rows(tab) == sorted(range(60), key=lambda i: (-weights[i], i))
    tab.select_option("#sort", "rank")
    tab.select_option("#group", "scaffold")
    scaffolds = tab.evaluate("report.scaffold.codes")
    assert rows(tab) == [scaffolds.index(code) for code in dict.fromkeys(scaffolds)]
    tab.locator(".more").first.click()
    code = tab.evaluate("[...state.expanded][0]")
    assert len(rows(tab)) == len(set(scaffolds)) + scaffolds.count(code) - 1
    tab.click('[data-view="table"]')
    assert tab.locator("tbody tr[data-place]").first.locator("td").count() == tab.evaluate("report.columns.length") + 2


@pytest.mark.parametrize("view", ["grid", "table"])
def test_what_stays_on_the_screen_is_not_made_anew_while_the_page_scrolls(
    tab: Any, report_file: Path, view: str
) -> None:
    opened(tab, report_file.as_uri())
    tab.click(f'[data-view="{view}"]')
    tab.evaluate("() => { byId(state.view).scrollIntoView(); paint(); }")
    places = "[...document.querySelectorAll('[data-place]')].map((node) => Number(node.dataset.place))"
    before = tab.evaluate(places)
    # Down and up again, further than the lines that are made beside those on the screen.
    for by in (900, -500):
        tab.evaluate("() => { window.seen = [...document.querySelectorAll('[data-place]')]; }")
        tab.evaluate(f"() => {{ scrollBy(0, {by}); paint(); }}")
        after = tab.evaluate(places)
        assert after != before
        assert after == list(range(after[0], after[-1] + 1))
        stayed = tab.evaluate("seen.filter((node) => node.isConnected).map((node) => Number(node.dataset.place))")
        assert stayed == sorted(set(before) & set(after))
        assert stayed
        before = after


def test_keys_decide_undo_and_it_survives_a_reload(tab: Any, report_file: Path, tmp_path: Path) -> None:
    opened(tab, report_file.as_uri())
    tab.locator("[data-place='0']").focus()
    tab.keyboard.press("l")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("x")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("m")
    assert tab.evaluate("[0, 1, 2].map(myVerdict)") == ["like", "reject", "maybe"]
    tab.keyboard.press("u")
    assert tab.evaluate("[0, 1, 2].map(myVerdict)") == ["like", "reject", None]
    assert "58 of 60 left (1 like, 0 maybe, 1 reject)" in tab.text_content("#progress")
    saved(tab)
    opened(tab, report_file.as_uri())
    assert tab.evaluate("[0, 1, 2].map(myVerdict)") == ["like", "reject", None]
    tab.select_option("#verdict", "like")
    assert rows(tab) == [0]
    tab.click("#export-menu summary")
    with tab.expect_download() as waiting:
        tab.click("#export-csv")
    waiting.value.save_as(tmp_path / "out.csv")
    (line,) = csv.DictReader((tmp_path / "out.csv").open(newline=""))
    assert (line["smiles"], line["decision"]) == (smiles(tab)[0], "like")
    with tab.expect_download() as waiting:
        tab.click("#save-decisions")
    waiting.value.save_as(tmp_path / "decisions.json")
    kinds = [event["kind"] for event in json.loads((tmp_path / "decisions.json").read_text())["events"]]
    assert kinds == ["verdict", "verdict", "verdict", "undo"]
    from molgen.review.review import import_decisions

    assert import_decisions(tmp_path, [tmp_path / "decisions.json"]) == 4


def test_one_molecule_with_a_hostile_comment_and_paint(tab: Any, report_file: Path) -> None:
    opened(tab, report_file.as_uri())
    tab.locator("[data-place='1']").focus()
    tab.keyboard.press("Enter")
    tab.wait_for_selector("dialog[open] .near svg.mol")
    assert "Candidate 2" in tab.text_content("#detail-title")
    tab.fill("#comment", INJECTION)
    tab.locator("#comment").dispatch_event("change")
    tab.locator("button.reason").first.click()
    tab.click("#paint")
    tab.evaluate(
        "() => { const image = document.querySelector('.large svg'); const [x, y] = atomPlaces(image)[2];"
        " const p = new DOMPoint(x, y).matrixTransform(image.getScreenCTM());"
        " document.elementFromPoint(p.x, p.y).dispatchEvent("
        "new MouseEvent('click', { bubbles: true, clientX: p.x, clientY: p.y })); }"
    )
    assert tab.evaluate("myOpinion(1).atoms") == [2]
    assert tab.locator(".large .mark.painted circle").count() == 1
    tab.evaluate("document.getElementById('reviewer').value = 'bob'")
    tab.evaluate("showDetail(1, null)")
    assert INJECTION in tab.text_content(".others")  # there, as text
    assert tab.evaluate("document.querySelectorAll('script').length") == 2
    tab.keyboard.press("Escape")
    until(tab, "document.querySelector('dialog[open]') === null && document.activeElement.dataset.place === '1'")


def test_the_lasso_filters_the_grid(tab: Any, report_file: Path) -> None:
    opened(tab, f"{report_file.as_uri()}#set")
    until(tab, "plotted !== null")
    tab.locator("#scatter").scroll_into_view_if_needed()
    box = tab.locator("#scatter").bounding_box()
    corners = [(0.1, 0.02), (0.55, 0.02), (0.55, 0.88), (0.1, 0.88)]
    points = [(box["x"] + a * box["width"], box["y"] + b * box["height"]) for a, b in corners]
    tab.mouse.move(*points[0])
    tab.mouse.down()
    for point in points[1:]:
        tab.mouse.move(*point, steps=4)
    tab.mouse.up()
    until(tab, "state.lasso !== null")
    middle = 0.55 * 640
    expected = tab.evaluate("(m) => plotted.rows.filter((row) => plotted.x[row] < m && plotted.x[row] > 64)", middle)
    chosen = tab.evaluate("[...state.lasso]")
    assert 0 < len(chosen) < 60
    assert set(chosen) <= set(expected)
    tab.evaluate("location.hash = 'candidates'")
    until(tab, "!document.getElementById('candidates').classList.contains('away')")
    assert sorted(rows(tab)) == sorted(chosen)


def test_the_server_page_searches_exports_and_keeps_decisions(tab: Any, address: str, tmp_path: Path) -> None:
    opened(tab, address)
    typed(tab, "#structure", "c1ccccc1", "state.structure !== ''")
    wanted = Chem.MolFromSmarts("c1ccccc1")
    assert rows(tab) == [i for i, s in enumerate(smiles(tab)) if Chem.MolFromSmiles(s).HasSubstructMatch(wanted)]
    tab.wait_for_selector(".card .mark.hit circle")
    typed(tab, "#structure", "", "entries.length === 60")
    typed(tab, "#similar", smiles(tab)[7], "columns.has('likeness')")
    assert rows(tab)[0] == 7
    typed(tab, "#similar", "", "!columns.has('likeness')")
    tab.locator("[data-place='0']").focus()
    for key in ("l", "ArrowRight", "l"):
        tab.keyboard.press(key)
    saved(tab)
    tab.click("#export-menu summary")
    tab.select_option("#export-rows", "like")
    for kind, start in (("sdf", b"candidate-1"), ("xlsx", b"PK"), ("smi", smiles(tab)[0].encode())):
        with tab.expect_download() as waiting:
            tab.click(f"#export-{kind}")
        waiting.value.save_as(tmp_path / kind)
        assert (tmp_path / kind).read_bytes().startswith(start)
    opened(tab, address)
    assert tab.evaluate("[0, 1, 2].map(myVerdict)") == ["like", "like", None]


def test_two_reviewers_disagree(tab: Any, chromium: Any, address: str) -> None:
    context = chromium.new_context()
    context.set_default_timeout(MOST)
    other = context.new_page()
    for page, name, key in ((tab, "ann", "l"), (other, "bob", "x")):
        opened(page, address)
        typed(page, "#reviewer", name, f"stored('reviewer') === '{name}'")
        page.locator("[data-place='0']").focus()
        page.keyboard.press(key)
        saved(page)
    for page in (tab, other):  # each hears of the other's without a reload
        until(page, "disagreement(0)")
        page.select_option("#verdict", "disagreement")
        assert rows(page) == [0]
    context.close()


def test_what_the_server_does_not_take_is_kept_and_sent_again(tab: Any, address: str) -> None:
    opened(tab, address)
    tab.route("**/api/events", lambda route: route.fulfill(status=503, json={"error": "away"}))
    tab.locator("[data-place='0']").focus()
    tab.evaluate("say(0, 'verdict', 'like')")
    until(tab, "document.getElementById('told').textContent.includes('Not saved yet')")
    assert "1 not saved yet" in tab.text_content("#progress")
    tab.unroute("**/api/events")
    saved(tab)
    assert tab.text_content("#told") == ""
    opened(tab, address)
    assert all("503" in line for line in tab.logged)
    tab.logged.clear()
    assert tab.evaluate("myVerdict(0)") == "like"


CONTRAST = """() => {
  const channel = (v) => { const c = v / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const low = [];
  for (const node of document.querySelectorAll("body *")) {
    if (![...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    if (!node.checkVisibility() || node.closest("svg, :disabled, option")) continue;
    let at = node, back = [0, 0, 0, 0];
    for (; at && back[3] === 0; at = at.parentElement) {
      const found = parse(getComputedStyle(at).backgroundColor);
      back = found.length < 4 ? [...found, 1] : found;
    }
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(back)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) low.push(`${node.tagName} ${node.className} ${node.textContent.slice(0, 30)}`);
  }
  return low;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(tab: Any, report_file: Path, scheme: str) -> None:
    tab.emulate_media(color_scheme=scheme)
    opened(tab, report_file.as_uri())
    tab.evaluate("say(0, 'verdict', 'like'); say(1, 'verdict', 'maybe'); say(2, 'verdict', 'reject')")
    for part in ("candidates", "set", "properties", "evaluation", "provenance", "limits"):
        tab.evaluate("(part) => { location.hash = part; }", part)
        until(tab, f"!document.getElementById('{part}').classList.contains('away')")
        assert tab.evaluate(CONTRAST) == []


def test_on_paper_the_candidates_are_all_there(tab: Any, report_file: Path) -> None:
    opened(tab, report_file.as_uri())
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator(".card").count() == 60
    assert not tab.locator("#toolbar").is_visible()
    assert tab.locator("#limits").is_visible()


def test_print_waits_until_all_is_drawn(tab: Any, address: str) -> None:
    opened(tab, address)
    drawn = "document.querySelectorAll('.card svg.mol').length"
    tab.evaluate(f"() => {{ window.print = () => {{ window.printed = {drawn}; }}; }}")
    tab.click("#export-menu summary")
    tab.click("#print")
    until(tab, "window.printed !== undefined")
    assert tab.evaluate("printed") == 60
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator(".card").count() < 60


def test_a_message_stays_when_what_it_is_about_was_saved(tab: Any, report_file: Path) -> None:
    opened(tab, report_file.as_uri())
    tab.click("#all-menu summary")
    tab.click("[data-all=Maybe]")
    saved(tab)
    assert tab.text_content("#told") == "maybe: 60 molecules. U takes it back."


def test_a_grid_below_the_window_makes_a_line_of_it(tab: Any, report_file: Path) -> None:
    """On a telephone the first card lies several windows down; all that lie there were made once."""
    tab.set_viewport_size({"width": 390, "height": 300})
    opened(tab, report_file.as_uri())
    assert tab.evaluate("document.getElementById('grid').getBoundingClientRect().top") > 1500
    assert 1 <= tab.locator(".card").count() <= 2
    tab.evaluate("document.getElementById('grid').scrollIntoView()")
    until(tab, "document.querySelectorAll('.card svg.mol').length > 2")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
