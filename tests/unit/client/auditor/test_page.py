"""The page: it needs nothing from elsewhere, everyone can read it, and a ledger cannot write markup on it."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from itertools import pairwise

import pytest

from blindplate.client.auditor.report import TEMPLATES, render
from blindplate.client.auditor.summary import summarize
from blindplate.core.parties import Custodian
from tests.unit.client.auditor.ledgers import EMISSIONS, POLICE, Ledger, audited, grant, row
from tests.unit.client.auditor.month import month
from tests.unit.client.auditor.pages import Element, parse, rows

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">'
CSS = (TEMPLATES / "report.css").read_text()


def page_of(ledger: Ledger) -> str:
    """The page of an audit of the whole of it."""
    return render(summarize(audited(ledger)))


@cache
def of_month() -> Element:
    """The page of the month."""
    return parse(page_of(month()))


@cache
def documents() -> dict[str, Element]:
    """Pages of ledgers of several states."""
    nothing = Ledger()
    nothing.counts()
    broken = Ledger.begun()
    broken.counts(row(received=4, open=3))
    return {"month": of_month(), "nothing": parse(page_of(nothing)), "broken": parse(page_of(broken))}


STATES = ("month", "nothing", "broken")


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_loaded_from_anywhere_and_no_script_runs(state: str) -> None:
    document = documents()[state]
    loading = {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "form",
        "base",
        "image",
        "use",
        "video",
        "audio",
    }
    assert list(document.all(*loading)) == []
    for element in document.all():
        for name, value in element.attributes.items():
            assert not name.startswith("on"), (element.tag, name)
            assert name not in {"src", "style", "srcset", "action", "xlink:href", "background"}, element.tag
            assert "//" not in value, (element.tag, name, value)
            assert "url(" not in value
    links = [element.attributes["href"] for element in document.all("a")]
    assert {link for link in links if not link.startswith("#")} == {"report.json"}
    assert not re.search(r"url\(|@import|https?:|expression", CSS)


@pytest.mark.parametrize("state", STATES)
def test_the_page_forbids_itself_everything_but_its_own_style(state: str) -> None:
    head = documents()[state].one("html").one("head")
    (policy,) = (
        one.attributes["content"]
        for one in head.all("meta")
        if one.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    digest = b64encode(sha256("".join(head.one("style").parts).encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@pytest.mark.parametrize("state", STATES)
def test_the_page_is_built_as_assistive_technology_needs_it(state: str) -> None:
    document = documents()[state]
    assert document.one("html").attributes["lang"] == "en-GB"
    assert document.one("html").one("head").children[-1].tag == "style"
    assert next(document.one("body").all()).attributes == {"class": "skip", "href": "#main"}
    assert document.one("main").attributes["id"] == "main"
    levels = [int(one.tag[1]) for one in document.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    names = [one.attributes["id"] for one in document.all() if "id" in one.attributes]
    assert len(set(names)) == len(names)
    for link in document.all("a"):
        target = link.attributes["href"]
        assert not target.startswith("#") or target[1:] in names
        assert link.text


@pytest.mark.parametrize("state", STATES)
def test_every_chart_has_a_text_beside_it_and_its_numbers_in_a_table(state: str) -> None:
    document = documents()[state]
    figures = list(document.all("figure"))
    assert len(figures) == len(list(document.all("svg")))
    assert bool(figures) is (state != "nothing")
    captions = {one.one("caption").text: one for one in document.all("table")}
    for figure in figures:
        drawing = figure.one("svg")
        assert drawing.attributes["role"] == "img"
        described = {
            one.attributes["id"]: one.text for one in drawing.all("title", "desc") if "id" in one.attributes
        }
        assert set(drawing.attributes["aria-labelledby"].split()) == set(described)
        assert all(described.values())
        table = captions[figure.one("figcaption").text]
        assert table.within("details")
        assert next(table.one("tbody").all("td")).text != "None."


@pytest.mark.parametrize("state", STATES)
def test_every_table_has_a_caption_and_headed_columns_and_rows(state: str) -> None:
    for table in documents()[state].all("table"):
        assert table.one("caption").text
        columns = list(table.one("thead").all("th"))
        assert all(one.text and one.attributes["scope"] == "col" for one in columns)
        for line in table.one("tbody").all("tr"):
            cells = list(line.all("td", "th"))
            if cells[0].attributes == {"colspan": str(len(columns))}:
                assert cells[0].text == "None."
                continue
            assert len(cells) == len(columns)
            assert cells[0].attributes == {"scope": "row"}
            aligned = [one.attributes.get("class") == "number" for one in columns]
            assert [one.attributes.get("class") == "number" for one in cells] == aligned


def test_what_stands_in_a_ledger_is_text_and_never_markup() -> None:
    owner = f"spiffe://test/owner/{HOSTILE.replace('/', '|')}"
    ledger = Ledger.begun(
        grant(
            owner=owner,
            purpose=HOSTILE,
            lawful_basis=HOSTILE,
            consultation='" onmouseover="alert(3)',
            decision="{{ 7 * 7 }}</dd><h1>Released</h1>",
        ),
        grant(EMISSIONS),
    )
    ledger.request(requester=owner, lawful_basis=HOSTILE)
    ledger.suspend(Custodian.B)
    ledger.end(POLICE)
    page = page_of(ledger)
    document = parse(page)
    assert "<script" not in page
    assert list(document.all("script", "img")) == []
    assert len(list(document.all("h1"))) == 1
    assert not any(name.startswith("on") for one in document.all() for name in one.attributes)
    shown = [one.text for one in document.all("dd")]
    assert HOSTILE in shown
    assert '" onmouseover="alert(3)' in shown
    assert "{{ 7 * 7 }}</dd><h1>Released</h1>" in shown
    # It went through the charts, too.
    assert any("onerror" in one.text for one in document.all("svg"))


def test_the_verdict_is_no_as_soon_as_one_rule_is_broken() -> None:
    good, bad = of_month(), documents()["broken"]
    verdicts = [
        next(one for one in page.all("div") if "verdict" in one.attributes.get("class", ""))
        for page in (good, bad)
    ]
    assert [one.attributes["class"] for one in verdicts] == ["verdict good", "verdict bad"]
    assert verdicts[0].text.startswith("Yes, as far as a ledger can show it")
    assert verdicts[1].text.startswith("No: what follows breaks the rules in 1 place.")
    assert len(rows(bad, "What breaks a rule")) == 1
    assert not any(one.one("caption").text == "What breaks a rule" for one in good.all("table"))


def test_a_ledger_without_reads_says_so() -> None:
    text = documents()["nothing"].one("main").text
    assert "The ledger counts no reads yet." in text
    assert "Reads compared with lists, over time: none yet." in text


def test_the_page_says_what_it_cannot_tell() -> None:
    text = of_month().one("main").text
    for words in (
        "Everybody who passes is processed.",
        "Whether some people are looked at more than others.",
        "How many sought vehicles were missed.",
        "Whether what was erased is gone.",
        "Small numbers are shown as they are",
    ):
        assert words in text


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("which", [0, 1, 2], ids=["light", "dark", "print"])
def test_contrast_is_that_of_level_aa(which: int) -> None:
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    assert len(blocks) == 3
    colours = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", blocks[which]))
    for text, behind in (
        ("text", "page"),
        ("text", "panel"),
        ("quiet", "page"),
        ("quiet", "panel"),
        ("link", "page"),
        ("good", "good-page"),
        ("bad", "bad-page"),
    ):
        assert contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
    series = [colours[f"s{number}"] for number in range(1, 5)]
    assert all(contrast(one, colours["page"]) >= 3 for one in series)
    # Neighbours in a stack are told apart without colour.
    assert all(contrast(one, other) >= 1.3 for one, other in pairwise(series))
