"""The family of errors that a user of the survey meets.

    SurveyError                what is wrong, where, what to do next; the command line exits 2
    ├── RegisterError          the register cannot be read at all (single bad rows are problems, not errors)
    ├── CatalogueError         the catalogue of lists or a selection is wrong (file, row, column)
    ├── PermissionFileError    the permission file of the relay dialogue cannot be read at all
    ├── EnquiryError           an enquiry cannot be read at all, or may not be answered so
    ├── ResolverError          no honest resolver to ask: public, rewriting, or not answering
    ├── RunError               the run folder cannot be used: another register, a lock, no evidence
    └── EvidenceError          the store refused, or what it holds was altered
    DecisionNeeded             a person must decide before this goes on; the command line exits 1

Every error carries the same three parts, so that a notebook cell, a terminal and a log file can print the same
sentence. Both languages are kept: a journalist reads the first line, in the language of the newsroom.
"""

from __future__ import annotations


class SurveyError(Exception):
    """Something could not be done: what is wrong, where it stands, and what to do next."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "", ja: str = "") -> None:
        self.what, self.where, self.remedy, self.ja = what, where, remedy, ja
        super().__init__(what)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f" → {self.remedy}" if self.remedy else ""
        translation = f" / {self.ja}" if self.ja else ""
        return f"{place}{self.what}{remedy}{translation}"


class RegisterError(SurveyError):
    """The register file cannot be read at all."""


class CatalogueError(SurveyError):
    """The catalogue of blocklists, or a selection from it, cannot be used."""


class PermissionFileError(SurveyError):
    """The permission file of the relay dialogue cannot be read at all."""


class EnquiryError(SurveyError):
    """An enquiry cannot be read at all, or may not be answered as asked."""


class ResolverError(SurveyError):
    """There is no honest resolver to ask."""


class RunError(SurveyError):
    """The run folder cannot be used as asked."""


class EvidenceError(SurveyError):
    """The evidence store refused, or what it holds was altered."""


class DecisionNeeded(SurveyError):
    """A person must decide before this goes on."""
