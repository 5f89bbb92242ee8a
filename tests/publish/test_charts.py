"""Every figure: no text overlaps another or leaves the canvas, nothing in a file that its audience may not see."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations

import matplotlib as mpl
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from survey import codes, headlines, standings
from survey.publish import audiences, charts, disclosure, figures_bodies, figures_servers, labels, style, telling, tiles
from survey.publish.edition import Edition

NOW = datetime.now(UTC)
LONG = (
    '=HYPERLINK("http://x.example")',
    "<script>alert(1)</script>]]>",
    "\x1b[31mred\x07",
    "A" * 65536,
    "$\\frac{1}{0}$ \\undefined",
    "‮gnp.exe",
    "𝒳🏯 العربية",
    "--><!ENTITY x SYSTEM 'file:///etc/passwd'>",
)


@pytest.fixture(scope="module")
def edition(surveyed):
    return Edition.of(surveyed.folder)


def view(edition, audience="internal"):
    return audiences.view(edition, audience, {}, now=NOW)


def in_japan(view):
    """The same counts with the names and numbers of Japan's prefectures."""
    official = {code[:2]: one.prefecture for code, one in codes.official().items()}
    found = view.findings.copy()
    number = found["code"].str[:2].map(lambda two: f"{int(two) - 50:02d}" if two.isdigit() else two)
    renamed = dict(zip(found["prefecture"], number.map(official), strict=True)) | {"国": "国", "*": "*"}
    found["code"] = number + found["code"].str[2:]
    found["prefecture"] = found["prefecture"].map(renamed)
    regions = view.regions.assign(prefecture=view.regions["prefecture"].map(renamed))
    return replace(view, findings=found, regions=regions)


def with_one_region(edition):
    """The same edition with the bodies of one prefecture."""
    tables = dict(edition.tables)
    keep = set(tables["bodies"].loc[tables["bodies"]["code"].str.startswith("55"), "code"])
    for name in ("bodies", "findings", "domains"):
        tables[name] = tables[name].loc[tables[name]["code"].isin(keep)].reset_index(drop=True)
    observed = (tables[name] for name in ("findings", "servers", "addresses"))
    counted = headlines.count(*observed, standings.read([tables["listings"]], tables["lists"]), tables["lists"])
    return replace(edition, tables=tables, headline={**edition.headline, **counted})


def hostile(view):
    """Everything that a stranger may write says what it should not."""
    regions = list(view.regions["prefecture"].unique())
    evil = {name: LONG[n % len(LONG)] + str(n) for n, name in enumerate(regions)}
    found = view.findings.assign(prefecture=view.findings["prefecture"].map(evil))
    servers = view.servers.assign(host=[LONG[n % len(LONG)] for n in range(len(view.servers))])
    operators = view.operators.assign(
        operator=[LONG[n % len(LONG)] for n in range(len(view.operators))],
        operator_ja=[LONG[-n % len(LONG)] for n in range(len(view.operators))],
    )
    lists = view.lists.assign(
        list_name=[LONG[n % len(LONG)] for n in range(len(view.lists))],
        reason=[LONG[-n % len(LONG)] for n in range(len(view.lists))],
    )
    return replace(
        view,
        findings=found,
        regions=view.regions.assign(prefecture=view.regions["prefecture"].map(evil)),
        servers=servers,
        operators=operators,
        lists=lists,
    )


def without_healthy_list(view):
    """Nothing could be determined, and no list of open relays was healthy."""
    surveyed = view.headline["bodies_surveyed"]
    headline = {
        **view.headline,
        "open_relay_lists_used": [],
        "bodies_listed_open_relay": None,
        "bodies_unknown_open_relay": None,
        "bodies_listed": 0,
        "bodies_listed_own": 0,
        "bodies_listed_shared_only": 0,
        "bodies_unknown": surveyed,
    }
    return replace(
        view,
        measure="bodies",
        headline=headline,
        regions=view.regions.assign(listed=0, unknown=view.regions["bodies"]),
        kinds=view.kinds.assign(listed=0, unknown=view.kinds["bodies"]),
        lists=view.lists.assign(health="void", reason="timeout", failed_round=1),
        operators=view.operators.assign(listed_n=0, unknown_n=view.operators["bodies_n"], cumulative_share=None),
    )


VIEWS = {
    "47 regions": lambda edition: in_japan(view(edition)),
    "one region": lambda edition: view(with_one_region(edition)),
    "one region, public": lambda edition: view(with_one_region(edition), "public"),
    "47 regions, public": lambda edition: in_japan(view(edition, "public")),
    "hostile": lambda edition: hostile(view(edition)),
    "no healthy list": lambda edition: without_healthy_list(view(edition)),
}


@pytest.mark.parametrize("world", VIEWS)
def test_no_text_overlaps_another_or_leaves_the_canvas(edition, world):
    shown = VIEWS[world](edition)
    for name, draw in charts.FIGURES.items():
        for language in ("ja", "en"):
            for one in style.FORMATS:
                drawing = draw(shown, language, one)
                if drawing is not None:
                    check_layout(drawing.figure, f"{name} {language} {one.name}")


def check_layout(figure, where):
    """Measured as it is rendered, at 360 dpi: five dots to the point."""
    with mpl.rc_context(style.rules()):
        figure.set_dpi(360)
        renderer = figure.canvas.get_renderer()
        texts = [text for text in figure.axes[0].texts if text.get_text()]
        boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts]
    canvas, slack = figure.bbox, 1.5
    assert len(boxes) > 3, where
    for words, box in boxes:
        is_inside = box.x0 > -slack and box.y0 > -slack and box.x1 < canvas.x1 + slack and box.y1 < canvas.y1 + slack
        assert is_inside, f"{where}: {words!r} leaves the canvas: {box}"
    for (words, box), (others, other) in combinations(boxes, 2):
        wide = min(box.x1, other.x1) - max(box.x0, other.x0)
        high = min(box.y1, other.y1) - max(box.y0, other.y0)
        assert wide < slack or high < slack, f"{where}: {words!r} overlaps {others!r}"


def test_the_layout_check_finds_an_overlap(edition):
    drawing = charts.FIGURES["by_kind"](view(edition), "ja", style.DEFAULT)
    drawing.figure.axes[0].text(0, 20, "重なる文字")
    with pytest.raises(AssertionError, match="overlaps"):
        check_layout(drawing.figure, "here")


@pytest.fixture(scope="module")
def written(edition, tmp_path_factory):
    """All figures for the public and the newsroom, as they are published."""
    folder = tmp_path_factory.mktemp("figures")
    for audience in ("internal", "public"):
        charts.write_figures(view(edition, audience), folder / audience, "ja", letters="text")
    charts.write_figures(view(edition, "public"), folder / "paths", "en", letters="paths", formats=[style.ONE_COLUMN])
    return folder


def test_each_figure_has_its_files_in_each_format(written):
    names = {path.name for path in (written / "internal").iterdir()}
    wanted = {
        f"{figure}-{one.name}-internal-ja.{ending}"
        for figure in charts.FIGURES
        for one in style.FORMATS
        for ending in ("png", "svg", "txt")
    }
    assert names == wanted
    public = {path.name.split("-")[0] for path in (written / "public").iterdir()}
    assert public == set(charts.FIGURES) - {"one_server", "software"}, "hosts and greetings are internal"


def test_pictures_have_the_size_of_print_and_hold_nothing_but_pixels(written):
    for path in written.rglob("*.png"):
        with Image.open(path) as image:
            assert round(image.info["dpi"][0]) >= 300
            assert set(image.info) == {"dpi"}, path
            wide = {"one_column": 61, "two_column": 126}.get(path.name.split("-")[1])
            if wide is None:
                assert image.size == (1080, 1080)
            else:
                assert image.width == pytest.approx(wide / 25.4 * 350, abs=2)


def test_drawings_hold_text_or_outlines_by_choice_and_nothing_about_their_making(written):
    for path in written.rglob("*.svg"):
        source = path.read_text(encoding="utf-8")
        root = ET.fromstring(source)
        tags = {one.tag.rpartition("}")[2] for one in root.iter()}
        assert ("text" in tags) == (path.parent.name != "paths"), path
        assert not tags & {"script", "foreignObject", "image", "metadata", "a"}
        assert not re.search(r"<!--|<!DOCTYPE|matplotlib v|/tmp|/home|20\d\d-\d\d-\d\dT", source), path
        assert path.parent.name == "paths" or "'IPAexGothic', 'Noto Sans JP'" in source
        links = re.findall(r'href="([^"]*)"', source)
        assert all(link.startswith("#") for link in links)


def test_every_figure_says_what_it_is_and_for_whom(written):
    for folder, audience in (("internal", "internal"), ("public", "public")):
        for path in (written / folder).glob("*.svg"):
            words = "".join(ET.fromstring(path.read_text(encoding="utf-8")).itertext())
            said = path.with_suffix(".txt").read_text(encoding="utf-8")
            for text in (words, said):
                assert labels.PRACTICE["ja"] in text
                assert "証拠" in text and ("日本時間" if audience == "public" else "UTC") in text
                assert labels.word(audience, "ja") in text


def test_nothing_public_holds_a_host_a_domain_or_an_address(edition, written):
    tables = edition.tables
    forbidden = {
        str(value)
        for table, column in (
            ("mail_servers", "host"),
            ("domains", "domain"),
            ("addresses", "address"),
            ("servers", "operator"),
            ("bodies", "code"),
        )
        for value in tables[table][column].dropna()
    }
    names = {name for name in tables["bodies"]["name"] if len(name) > 2} - set(tables["bodies"]["prefecture"])
    found = 0
    for folder in ("public", "paths"):
        for path in [*(written / folder).glob("*.svg"), *(written / folder).glob("*.txt")]:
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".svg":
                text = "\n".join(ET.fromstring(text).itertext())
            assert not set(re.findall(r"[0-9A-Za-z.:-]+", text)) & forbidden, path
            assert not [name for name in names if name in text], path
            found += 1
    assert found > 40
    inside = "".join(path.read_text(encoding="utf-8") for path in (written / "internal").glob("one_server*.txt"))
    assert set(re.findall(r"[0-9A-Za-z.:-]+", inside)) & forbidden, "the check sees them where they are allowed"


def test_swapping_listed_and_clear_among_unnamed_bodies_changes_no_public_byte(edition, tmp_path):
    rows = edition.tables["findings"].copy().set_index("code", drop=False)
    named = edition.named_findings()
    swapped = 0
    for _, group in named.groupby(["prefecture", "kind"]):
        ones = group.loc[group["open_relay_listing"].eq("listed"), "code"].tolist()
        others = group.loc[group["status"].eq("clear"), "code"].tolist()
        for one, other in zip(ones, others, strict=False):
            a, b = rows.loc[one].copy(), rows.loc[other].copy()
            a["code"], b["code"] = other, one
            rows.loc[one], rows.loc[other] = b, a
            swapped += 1
    assert swapped > 50
    changed = replace(edition, tables={**edition.tables, "findings": rows.reset_index(drop=True)})
    contents = []
    for place, one in (("before", edition), ("after", changed)):
        paths = charts.write_figures(view(one, "public"), tmp_path / place, "en", formats=[style.SQUARE])
        contents.append({path.name: path.read_bytes() for path in paths})
    assert contents[0] == contents[1]


def test_hostile_words_do_nothing_in_a_drawing(edition, tmp_path):
    for path in charts.write_figures(hostile(view(edition)), tmp_path, "en", formats=[style.DEFAULT]):
        if path.suffix == ".svg":
            source = path.read_text(encoding="utf-8")
            root = ET.fromstring(source)
            assert not {one.tag.rpartition("}")[2] for one in root.iter()} & {"script", "foreignObject", "image"}
            assert "\x1b" not in source and "‮" not in source and "<!ENTITY" not in source
            assert len(source) < 400_000
        elif path.suffix == ".txt":
            text = path.read_text(encoding="utf-8")
            assert "\x1b" not in text and "‮" not in text and len(text) < 50_000


def test_what_cannot_be_determined_is_said_and_never_counted_as_none(edition):
    shown = without_healthy_list(view(edition))
    words = {
        name: charts.FIGURES[name](shown, "ja", style.DEFAULT).words for name in ("headline", "by_region", "by_kind")
    }
    cannot = labels.CANNOT["ja"]
    assert f"悪用リストへの登録は{cannot}" in words["headline"]
    assert f"国の機関 {cannot}／240" in words["by_region"]
    assert f"村 {cannot}" in words["by_kind"]
    health = charts.FIGURES["lists_health"](shown, "ja", style.DEFAULT).words
    assert "有効なリストがなく、判定不能" in health


@pytest.mark.parametrize(("language", "summed"), [("ja", "累計"), ("en", "cumulative")])
def test_the_operators_figure_speaks_of_sums_only_where_it_shows_them(edition, language, summed):
    draw = charts.FIGURES["operators"]
    assert summed in draw(view(edition), language, style.DEFAULT).words
    assert summed not in draw(view(edition, "public"), language, style.DEFAULT).words


def test_a_title_claims_no_more_than_the_bounds_allow(edition):
    shown = view(edition)
    draw = charts.FIGURES["tile_map"]
    assert draw(shown, "ja", style.DEFAULT).words.startswith("最多は国の機関の11団体\n")
    unsure = shown.regions.assign(
        relay_unknown=shown.regions["relay_unknown"].mask(shown.regions["prefecture"].ne("国"), 9)
    )
    words = draw(replace(shown, regions=unsure), "ja", style.DEFAULT).words
    assert words.startswith("確認分の最多は国の機関の11団体\n")
    rows = shown.regions.copy()
    rows.loc[rows.index[-1], ["prefecture", "listed", "relay_listed"]] = [disclosure.OTHERS, 30, 30]
    words = draw(replace(shown, regions=rows), "ja", style.DEFAULT).words
    assert words.startswith("個別に示せる地域では国の機関が11団体で最多\n"), "one of those put together may have more"
    words = draw(replace(shown, regions=rows), "en", style.DEFAULT).words
    assert words.startswith("National bodies: 11, the most of regions shown apart\n")
    rows = shown.kinds.copy()
    rows.loc[rows.index[-1], ["kind", "listed", "relay_listed"]] = [disclosure.OTHERS, 5, 5]
    words = charts.FIGURES["by_kind"](replace(shown, kinds=rows), "ja", style.DEFAULT).words
    assert "個別に示せる種別では" in words.partition("\n")[0]


def test_regions_are_called_as_readers_call_them(edition):
    shown = in_japan(view(edition))
    ja, en = (telling.regions(shown, language) for language in ("ja", "en"))
    assert [ja[name].short for name in ("北海道", "東京都", "京都府", "神奈川県", "国")] == [
        *("北海道", "東京", "京都", "神奈川", "国の機関"),
    ]
    assert [en[name].name for name in ("北海道", "京都府", "国")] == ["Hokkaido", "Kyoto", "National bodies"]
    assert telling.regions(view(edition), "en")["赤浦県"].name == "Akaura"


@pytest.mark.parametrize(("first", "second"), [("51", "53"), ("53", "51")])
def test_where_two_numbers_are_borne_by_as_many_bodies_the_first_places_their_region(edition, first, second):
    shown = view(edition)
    rows = shown.findings.loc[shown.findings["prefecture"].eq("赤浦県")].head(4)
    codes = [number + code[2:] for number, code in zip([first, second, second, first], rows["code"], strict=True)]
    found = telling.regions(replace(shown, findings=rows.assign(code=codes)), "ja")
    assert found["赤浦県"].place == tiles.place_of(first)


def test_the_alternative_text_holds_every_region(edition):
    shown = view(edition)
    for name in ("by_region", "tile_map"):
        words = charts.FIGURES[name](shown, "ja", style.SQUARE).words
        counted = telling.leading(shown, shown.regions)
        for region in counted.loc[counted["listed"].gt(0), "prefecture"]:
            assert ("国の機関" if region == "国" else region) in words


def test_shades_are_told_apart_in_grey():
    def grey(shade):
        red, green, blue = to_rgb(shade.colour)
        return 0.299 * red + 0.587 * green + 0.114 * blue

    beside = [
        [style.LISTED, style.UNKNOWN, style.REST, style.MERGED, style.BLANK],
        list(figures_bodies._WHOSE.values()),
        list(figures_servers._HEALTH.values()),
        [*style.STEPS, style.MERGED],
    ]
    for shades in beside:
        for one, other in combinations(shades, 2):
            assert one.hatch != other.hatch or abs(grey(one) - grey(other)) > 0.08, (one, other)


def test_a_run_folder_keeps_the_plain_names(edition, tmp_path):
    charts.write_run_figures(view(edition), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{name}.{ending}" for name in charts.FIGURES for ending in ("png", "svg", "txt")
    }
