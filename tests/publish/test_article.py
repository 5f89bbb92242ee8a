"""The article says what the publication says: its counts are the public's, and no sentence names a body."""

from __future__ import annotations

from dataclasses import replace

import pytest

import survey
from survey.publish import article, audiences, disclosure
from survey.publish.edition import Edition
from tests.publish.pages import NOW
from tests.publish.test_audiences import alone, changed


@pytest.fixture(scope="module")
def edition(surveyed):
    return Edition.of(surveyed.folder)


def unconfirmed(edition, codes):
    def change(findings):
        for place in findings.index[findings["code"].isin(codes)]:
            for name in ("confirmed_categories", "confirmed_servers"):
                findings.at[place, name] = []
            findings.at[place, "confirmed"] = False
        return findings

    return changed(edition, change)


def told(edition, language="ja"):
    return "\n".join(article.sentences(edition, audiences.view(edition, "public", {}, now=NOW), language))


def test_an_unconfirmed_listing_counts_as_not_determined_in_the_article_too(edition):
    relay = edition.tables["findings"].query("open_relay_listing == 'listed'")["code"]
    codes = [code for code in alone(edition) if code in set(relay)][:2]
    before, after = (
        audiences.view(one, "public", {}, now=NOW).headline for one in (edition, unconfirmed(edition, codes))
    )
    listed, unknown = after["bodies_listed_open_relay"], after["bodies_unknown_open_relay"]
    assert listed == before["bodies_listed_open_relay"] - 2
    said = told(unconfirmed(edition, codes))
    assert f"登録されている自治体・行政機関は{listed:,}（調査した{after['bodies_surveyed']:,}団体" in said
    assert f"確認できなかった{unknown:,}団体を加えると最大{listed + unknown:,}" in said
    assert f"第三者中継または悪用のリストに登録のある{after['bodies_listed']:,}団体のうち" in said


@pytest.mark.parametrize("language", ["ja", "en"])
def test_regions_and_operators_are_those_that_may_be_shown(edition, language):
    view = audiences.view(edition, "public", {}, now=NOW)
    said = told(edition, language)
    bodies = edition.tables["bodies"]
    towns = bodies.loc[~bodies["kind"].isin(["prefecture"]), "name"]
    assert not [name for name in towns if name in said]
    assert disclosure.OTHERS not in said.replace("**", "")
    apart = view.regions.loc[view.regions["prefecture"].ne(disclosure.OTHERS) & view.regions["listed"].gt(0)].head(5)
    for listed in apart["listed"]:
        assert f"{listed}" in said
    assert ("日本時間" in said) == (language == "ja") and ("UTC" in said) == (language == "en")
    with pytest.raises(ValueError, match="public"):
        article.sentences(edition, audiences.view(edition, "internal", {}, now=NOW), language)


def test_how_many_use_the_operators_servers_is_said_as_a_sentence(edition):
    view = audiences.view(edition, "public", {}, now=NOW)
    operators = view.operators.iloc[:2].assign(listed_n=[8, 5], cumulative_share=[0.12, 0.19])
    said = "\n".join(article.sentences(edition, replace(view, operators=operators), "ja"))
    assert "登録があった団体の19%は、公表できる規模の上位2運用者のサーバを利用していた。" in said


def test_where_the_count_alone_would_name_everybody_a_notebook_says_so(surveyed, edition, capsys):
    def list_all(findings):
        findings[["status", "open_relay_listing"]] = "no_mail"
        place = findings.index[findings["code"].eq(alone(edition)[0])][0]
        findings.loc[place, ["status", "open_relay_listing"]] = "listed"
        return findings

    run = survey.open_run(surveyed.folder)
    run.edition = changed(edition, list_all)
    run.article("en")
    said = capsys.readouterr().out
    assert "names them all" in said and "団体が特定" in said


def test_the_notebooks_article_is_the_publications(surveyed, capsys):
    survey.open_run(surveyed.folder).article("ja")
    public = audiences.view(Edition.of(surveyed.folder), "public", {}, now=NOW).headline
    assert f"自治体・行政機関は{public['bodies_listed_open_relay']:,}（" in capsys.readouterr().out
