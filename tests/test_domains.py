"""The domains room: what is asked about candidates, and what the answers make of them."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.domains import STAGE, read, subjects
from survey.exchanges import ANSWERED, MX, SOA, TIMEOUT, Exchanges, Question, Row
from survey.frames import frame, to_arrow
from survey.suffixes import is_reserved

KEPT, BETTER, OWN = "city.otaru.hokkaido.jp", "city.otaru.lg.jp", "otaru.jp"
HAS_MX, HAS_SOA = "IN MX 10 mail.provider.example.", "IN SOA ns.provider.example. root.provider.example. 1 2 3 4 5"
PARKING = "IN SOA ns1.sedoparking.com. hostmaster.sedoparking.com. 1 2 3 4 5"


class World:
    """Recorded answers: (name, type) → records, or a word."""

    def __init__(self):
        self.rows = []

    def says(self, name, type_, *records, rcode="NOERROR", pass_number=1):
        message = dns.message.make_response(dns.message.make_query(name, type_), recursion_available=True)
        message.set_rcode(getattr(dns.rcode, rcode))
        message.answer = [dns.rrset.from_text(f"{name}.", 300, *record.split(" ", 2)) for record in records]
        self.row(name, type_, ANSWERED, message.to_wire(), pass_number)
        return self

    def silent(self, name, type_, pass_number=1):
        self.row(name, type_, TIMEOUT, b"", pass_number)
        return self

    def row(self, name, type_, outcome, answer, pass_number):
        place = len(self.rows) + 1
        self.rows.append(Row(place, 1, pass_number, 0, name, type_, "::1", "udp", 1, outcome, place, 1, answer))

    def takes_mail(self, subject, name, soa=HAS_SOA):
        self.says(name, MX, HAS_MX).says(name, SOA, *([soa] if soa else []))
        self.says(subject.beside(name), MX, rcode="NXDOMAIN")
        return self.says(subject.below(name), MX, rcode="NXDOMAIN")

    def exchanges(self):
        return Exchanges(self.rows)


def sought(*names, code="012033", basis="convention", given=(), denied=(), opted_out=(), others=()):
    """The one body that is sought, with candidates in this order."""
    bodies = frame(
        "bodies", [(c, "", c, "", "city", True, None, "s", n) for n, c in enumerate({code, *(o[0] for o in others)}, 2)]
    )
    domains = frame("domains", [(c, d, "given", d, 2, "high", False, True, [], []) for c, d in given])
    rows = [(code, n, name, basis, "not_asked", None, 2, []) for n, name in enumerate(names, 1)]
    rows += [(c, 1, d, b, "not_asked", None, 3, []) for c, d, b in others]
    found = subjects(
        bodies,
        domains,
        frame("candidates", rows),
        denied={code: frozenset(denied)},
        opted_out=frozenset(opted_out).__contains__,
        salt="s",
        reserved=is_reserved,
    )
    return found


def only(*names, **changes):
    return next(one for one in sought(*names, **changes) if one.code == "012033")


def domains_of(subjects_, world):
    return read(frame("domains"), subjects_, world.exchanges(), is_reserved)


def test_few_candidates_are_asked_at_a_time_and_more_only_of_those_that_answer():
    names = [f"n{number}.jp" for number in range(10)]
    subject = only(*names)
    stages = subject.stages()
    assert [len(stage) for stage in stages] == [STAGE, STAGE, 2]
    assert set(subject.needs(stages[0], Exchanges())) == {Question(name, MX) for name in names[:STAGE]}
    world = World().says("n0.jp", MX, rcode="NXDOMAIN").says("n1.jp", MX, HAS_MX).says("n2.jp", MX, "IN MX 0 .")
    more = set(subject.needs(stages[0], world.exchanges())) - {Question(name, MX) for name in names[:STAGE]}
    assert more == {Question("n1.jp", SOA), Question(subject.beside("n1.jp"), MX), Question(subject.below("n1.jp"), MX)}


def test_a_random_label_is_the_same_whenever_it_is_read_and_another_for_every_name():
    subject = only(KEPT, OWN)
    assert subject.beside(KEPT) == only(KEPT).beside(KEPT)
    assert subject.beside(KEPT).endswith(".otaru.hokkaido.jp")
    assert subject.below(OWN).endswith(f".{OWN}")
    assert subject.beside(KEPT).partition(".")[0] != subject.beside(OWN).partition(".")[0]


def test_the_likeliest_name_that_takes_mail_is_chosen_and_the_others_say_why_not():
    subject = only(BETTER, KEPT, OWN, "x.jp")
    world = World().says(BETTER, MX, rcode="NXDOMAIN")
    world.takes_mail(subject, KEPT).takes_mail(subject, OWN)
    domains, candidates = domains_of([subject], world)
    assert candidates["status"].tolist() == ["rejected", "chosen", "outranked", "not_asked"]
    assert candidates["reason"].tolist()[0] == "nxdomain"
    (row,) = domains.to_dict("records")
    assert (row["domain"], row["basis"], row["confidence"], row["is_printable"]) == (KEPT, "convention", "high", True)
    assert row["evidence_ids"] == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda w, s: w.says(OWN, MX), "no_mx"),
        (lambda w, s: w.says(OWN, MX, "IN MX 0 ."), "null_mx"),
        (lambda w, s: w.takes_mail(s, OWN, PARKING), "parked"),
        (lambda w, s: w.says(OWN, MX, "IN MX 5 mx.sedoparking.com."), "parked"),
        (lambda w, s: w.says(OWN, MX, HAS_MX).says(s.beside(OWN), MX, HAS_MX), "wildcard"),
        (
            lambda w, s: w.says(OWN, MX, HAS_MX).says(OWN, SOA).says(s.beside(OWN), MX, "IN MX 1 other.example."),
            "wildcard",
        ),
        (
            lambda w, s: (
                w.says(OWN, MX, HAS_MX).says(s.beside(OWN), MX, rcode="NXDOMAIN").says(s.below(OWN), MX, HAS_MX)
            ),
            "parked",
        ),
    ],
)
def test_what_takes_no_mail_of_its_own_is_rejected_with_the_reason(prepare, reason):
    subject, world = only(OWN), World()
    prepare(world, subject)
    domains, candidates = domains_of([subject], world)
    assert domains.empty
    assert candidates[["status", "reason"]].values.tolist() == [["rejected", reason]]


def test_a_name_with_a_zone_of_its_own_is_there_whatever_a_wildcard_beside_it_says():
    subject = only(KEPT)
    world = World().says(KEPT, MX, HAS_MX).says(KEPT, SOA, HAS_SOA)
    world.says(subject.beside(KEPT), MX, "IN MX 1 other.example.")
    assert domains_of([subject], world)[0]["confidence"].tolist() == ["high"]


@pytest.mark.parametrize("missing", ["mx", "beside", "below", "soa", "refused"])
def test_silence_is_never_absence(missing):
    subject, world = only(OWN), World()
    if missing == "mx":
        world.silent(OWN, MX)
    elif missing == "refused":
        world.says(OWN, MX, rcode="REFUSED")
    else:
        world.says(OWN, MX, HAS_MX)
        for name, type_, said in (
            (OWN, SOA, "soa"),
            (subject.beside(OWN), MX, "beside"),
            (subject.below(OWN), MX, "below"),
        ):
            if said == missing:
                world.silent(name, type_)
            elif said == "soa":
                world.says(name, type_, HAS_SOA)
            else:
                world.says(name, type_, rcode="NXDOMAIN")
    domains, candidates = domains_of([subject], world)
    assert domains.empty
    assert candidates["status"].tolist() == ["silent"]


def test_a_choice_below_a_silent_candidate_is_in_doubt_until_it_answers():
    subject = only(BETTER, KEPT)
    world = World().silent(BETTER, MX).takes_mail(subject, KEPT)
    (row,) = domains_of([subject], world)[0].to_dict("records")
    assert (row["domain"], row["confidence"], row["doubts"]) == (KEPT, "low", ["better_silent"])
    assert not row["is_printable"]
    world.says(BETTER, MX, rcode="NXDOMAIN", pass_number=2)
    assert domains_of([subject], world)[0]["confidence"].tolist() == ["high"]


@pytest.mark.parametrize(
    ("name", "basis", "soa", "confidence", "printable"),
    [
        (KEPT, "convention", HAS_SOA, "high", True),
        (KEPT, "convention", "", "medium", True),
        (KEPT, "website", HAS_SOA, "high", True),
        (OWN, "website", HAS_SOA, "medium", False),
        (OWN, "convention", HAS_SOA, "low", False),
    ],
)
def test_how_sure_a_choice_is_and_whether_it_may_be_printed(name, basis, soa, confidence, printable):
    subject = only(name, basis=basis)
    world = World().takes_mail(subject, name, soa)
    (row,) = domains_of([subject], world)[0].to_dict("records")
    assert (row["confidence"], row["is_printable"], row["is_reserved"]) == (confidence, printable, name == KEPT)


def test_a_guess_that_two_bodies_share_is_in_doubt_for_both():
    found = sought("town.ikeda.lg.jp", others=[("016446", "town.ikeda.lg.jp", "convention")])
    world = World().takes_mail(found[0], "town.ikeda.lg.jp")
    domains, _ = domains_of(found, world)
    assert len(domains) == 2
    assert domains["doubts"].tolist() == [["guessed_twice"]] * 2
    assert set(domains["confidence"]) == {"low"}


@pytest.mark.parametrize("whose", ["given", "website"])
def test_a_name_that_the_website_of_another_body_bears_is_in_doubt(whose):
    """A village whose pages stand on its prefecture's website: the name is a government's, but whose?"""
    name, prefecture = "pref.hokkaido.lg.jp", "010006"
    given = [(prefecture, name)] if whose == "given" else []
    found = sought(name, basis="website", given=given, others=[] if given else [(prefecture, name, "website")])
    known = frame("domains", [(c, d, "given", d, 2, "high", False, True, [], []) for c, d in given])
    domains, _ = read(known, found, World().takes_mail(found[0], name).exchanges(), is_reserved)
    village = domains.loc[domains["code"].eq("012033")].iloc[0]
    assert (village["doubts"], village["confidence"], village["is_printable"]) == (["guessed_twice"], "low", False)
    assert set(domains.loc[domains["code"].eq(prefecture), "confidence"]) == {"high" if given else "low"}


def test_names_of_other_bodies_denied_and_opted_out_ones_are_not_asked_about():
    subject = only(
        BETTER,
        KEPT,
        OWN,
        "x.jp",
        "free.jp",
        given=[("016446", BETTER)],
        denied=[KEPT],
        opted_out=[OWN],
        others=[("011002", "x.jp", "website")],
    )
    assert subject.stages() == [("free.jp",)]
    _, candidates = domains_of([subject], World())
    assert candidates["reason"].tolist()[:4] == ["other_body", "denied", "opted_out", "other_body"]
    assert candidates["status"].tolist() == ["rejected", "rejected", "not_asked", "rejected", "not_asked"]


def test_of_whoever_opted_out_nothing_is_asked_at_all():
    subject = only(KEPT, BETTER, opted_out=[BETTER])
    assert subject.stages() == []
    domains, candidates = domains_of([subject], World())
    assert domains[["domain", "is_printable"]].values.tolist() == [[BETTER, False]]
    assert candidates["status"].tolist() == ["not_asked", "not_asked"]
    # A name that several bodies may have speaks for none of them.
    found = sought(KEPT, BETTER, opted_out=[BETTER], others=[("016446", BETTER, "convention")])
    assert [one.opted_out for one in found] == [None, None]


def test_after_a_persons_yes_nothing_more_is_asked_and_the_candidates_keep_their_rows():
    bodies = frame("bodies", [("1", "", "x", "", "city", True, None, "s", 2)])
    reviewed = frame("domains", [("1", OWN, "reviewed", OWN, 2, "high", False, True, [], [])])
    rows = [("1", n, name, "convention", "not_asked", None, 2, []) for n, name in enumerate((KEPT, OWN), 1)]
    (subject,) = subjects(
        bodies,
        reviewed,
        frame("candidates", rows),
        denied={},
        opted_out=frozenset().__contains__,
        salt="s",
        reserved=is_reserved,
    )
    assert subject.stages() == []
    world = World().takes_mail(subject, KEPT)
    domains, candidates = read(reviewed, [subject], world.exchanges(), is_reserved)
    assert domains[["domain", "basis"]].values.tolist() == [[OWN, "reviewed"]]
    assert candidates["status"].tolist() == ["outranked", "chosen"]


def test_who_has_a_given_domain_is_not_sought():
    assert sought(KEPT, given=[("012033", OWN)]) == []


def test_bytes_that_cannot_be_read_are_silence():
    subject, world = only(OWN), World()
    world.row(OWN, MX, ANSWERED, bytes(11) + b"\1" + b"x" * 40, 1)
    assert domains_of([subject], world)[1]["status"].tolist() == ["silent"]


GIVEN = st.tuples(
    *(st.sampled_from(["1", "2"]), st.sampled_from([KEPT, BETTER, OWN]), st.sampled_from(["given", "reviewed"])),
    *(st.none() | st.sampled_from(["Otaru.JP", ""]), st.none() | st.integers(2, 9)),
)


@given(st.lists(GIVEN, max_size=5), st.booleans())
def test_given_domains_are_told_by_column_as_row_by_row(rows, is_sought):
    named = frame("domains", [(*row, "low", None, False, ["x"], ["7"]) for row in rows])
    subject = only(KEPT)
    world = World().takes_mail(subject, KEPT)
    # The rows of a table that was cut need not be numbered from 0.
    named.index += 3
    domains, _ = read(named, [subject] if is_sought else [], world.exchanges(), is_reserved)
    expected = frame("domains", [(*row, "high", is_reserved(row[1]), True, [], []) for row in rows])
    found = domains.iloc[: len(rows)]
    assert to_arrow("domains", found).equals(to_arrow("domains", expected))
    assert (found.dtypes == expected.dtypes).all()
    assert list(domains["code"])[len(rows) :] == ["012033"] * is_sought
