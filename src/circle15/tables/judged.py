"""The tables of judgement beyond the card: supply, sizes, whose facility it is, circles, groups, equity, the survey."""

from __future__ import annotations

from typing import get_args

from circle15.tables.contract import Kind, Table, columns_of

_text, _number, _integer, _boolean = map(columns_of, get_args(Kind))
_people = _number("people", "Residents.", minimum=0)

SUPPLY = Table(
    "supply",
    "row",
    "What stands behind the card, service by service: who is covered, which units own one, how much there is for whom.",
    (
        _text("unit", "Unit."),
        _text("category", "Category of the service."),
        _text("service", "Service."),
        _people,
        _number("served", "Residents with one in reach: resident coverage is served over served and gap.", minimum=0),
        _number("gap", "Residents without one in reach.", minimum=0),
        _number("unknown", "Residents of whom it cannot be said.", minimum=0),
        _integer("units", "Units of the service's tier in the unit, itself included.", minimum=0),
        _integer("units_owning", "Of those, units with one inside: unit coverage is owning over units.", minimum=0),
        _integer("units_unknown", "Of those, units with none that is listed, where the list is incomplete.", minimum=0),
        _text(
            "measure",
            "What the norm counts; empty: the standard states no norm.",
            allowed=("", "floor_area_m2", "land_m2", "capacity", "count"),
        ),
        _number("asked", "What the norm asks for the people there.", nulls=True, minimum=0),
        _number("offered", "What they are offered, shared out by E2SFCA over walking time.", nulls=True, minimum=0),
        _number(
            "known_share",
            "Share of what is offered that rests on known sizes; missing: nothing is.",
            nulls=True,
            minimum=0,
        ),
        _number(
            "adequacy",
            "Offered over asked, up to the most that counts; missing: cannot be said.",
            nulls=True,
            minimum=0,
        ),
        _text(
            "judged_by",
            "size: mostly of known size; count: each facility of unknown size counts as one of the norm's; empty: no"
            " norm, or it cannot be said.",
            allowed=("", "size", "count"),
        ),
        _integer("grade", "5 best to 1 worst, by adequacy.", nulls=True, minimum=1),
    ),
)

MINIMUMS = Table(
    "minimums",
    "row",
    "The least sizes: whether each unit of the service's tier owns a facility as large.",
    (
        _text("unit", "Unit of the service's tier."),
        _text("category", "Category of the service."),
        _text("service", "Service."),
        _text("measure", "What is measured.", allowed=("floor_area_m2", "land_m2", "capacity")),
        _number("required", "Least size of a facility.", minimum=0),
        _number("reference", "What another norm asks; nobody is judged by it.", nulls=True, minimum=0),
        _integer("facilities", "Facilities with an entrance in the unit.", minimum=0),
        _integer("adequate", "Of those, facilities known to be large enough.", minimum=0),
        _number("found", "Largest size that is known there; missing: none is.", nulls=True, minimum=0),
        _number("short_by", "Required less found; all of it where there is no facility.", nulls=True, minimum=0),
        _text(
            "state",
            "pass: one is large enough; fail: none is; unknown: a size is not known, or the list is incomplete.",
            allowed=("pass", "fail", "unknown"),
        ),
        _text("evidence", "What the required size rests on.", allowed=("press", "text", "secondary", "memory", "own")),
    ),
)

CONTAINMENT = Table(
    "containment",
    "row",
    "Whose facility people walk to: one row per unit and service. Adequate: at least the minimum, or of unknown size.",
    (
        _text("unit", "Unit."),
        _text("category", "Category of the service."),
        _text("service", "Service."),
        _people,
        _number("in_reach", "Residents with an adequate facility within the cut-off, wherever it stands.", minimum=0),
        _number("too_small", "Residents with facilities in reach that are all known to be too small.", minimum=0),
        _number("gap", "Residents without any in reach.", minimum=0),
        _number("unknown", "Residents of whom it cannot be said.", minimum=0),
        _number(
            "own",
            "Of those in reach, residents with an adequate one within the cut-off in their own unit of the service's"
            " tier; missing: there are no such units.",
            nulls=True,
            minimum=0,
        ),
        _number("only_across", "Of those in reach, residents served across the line only.", nulls=True, minimum=0),
        _number(
            "nearest_in_community",
            "Of those in reach, residents whose nearest adequate one is in their own community.",
            nulls=True,
            minimum=0,
        ),
        _number(
            "nearest_in_subdistrict",
            "Of those in reach, residents whose nearest adequate one is in their own subdistrict.",
            nulls=True,
            minimum=0,
        ),
    ),
)

CIRCLES = Table(
    "circles",
    "unit",
    "The living circles: which are built, what each lacks; the nearest to being built first.",
    (
        _integer("rank", "1 is built, or nearest to it.", minimum=1),
        _people,
        _text("state", "Whether it is built.", allowed=("built", "not built", "unknown")),
        _integer("met", "Basic categories that meet the bar.", minimum=0),
        _integer("lacking", "Basic categories that do not.", minimum=0),
        _integer("unknown", "Basic categories that are not graded.", minimum=0),
        _text("lacks", "Which do not, by residents short, most first."),
        _text("undecided", "Which are not graded."),
        _number("residents_short", "Residents to be covered before all do, summed over categories.", minimum=0),
        _integer("supply_short", "Categories that lack supply alone.", minimum=0),
        _number("served_all", "Residents with every basic category in reach at once.", minimum=0),
    ),
)

TARGETS = Table(
    "targets",
    "due",
    "Circles built against the targets.",
    (
        _integer("circles", "Circles that are to be built by then.", minimum=0),
        _integer("built", "Circles built now.", minimum=0),
        _integer("undecided", "Circles that lack nothing known, but are not wholly graded.", minimum=0),
        _integer("short", "Circles yet to be built.", minimum=0),
    ),
)

VIEWS = Table(
    "views",
    "row",
    "The same homes seen otherwise: special circles, the integrated circle and brands; one row per unit and view.",
    (
        _text("unit", "Unit."),
        _text("view", "Key of the circle or brand; integrated; all circles, all brands: every one of them at once."),
        _text("kind", "What it is.", allowed=("circle", "integrated", "brand")),
        _people,
        _number("served", "Residents for whom it holds.", minimum=0),
        _number("gap", "Residents for whom it does not.", minimum=0),
        _number("unknown", "Residents of whom it cannot be said.", minimum=0),
    ),
)

GROUP_COVERAGE = Table(
    "group_coverage",
    "row",
    "Who is covered as they themselves walk: one row per unit, group, service and cut-off.",
    (
        _text("unit", "Unit."),
        _text("group", "Group of the standard."),
        _text("service", "Service; any, every: of the group's services."),
        _number(
            "minutes", "Cut-off, inclusive; missing for any and every: each service its own.", nulls=True, minimum=0
        ),
        _number("people", "People of the group.", minimum=0),
        _number("served", "Of those, people with it in reach.", minimum=0),
        _number("gap", "Of those, people without.", minimum=0),
        _number("unknown", "Of those, people of whom it cannot be said.", minimum=0),
        _text(
            "counted",
            "published: people of the group; assumed: a share of all residents; residents: all of them, since nothing"
            " is known of the group.",
            allowed=("published", "assumed", "residents"),
        ),
    ),
)

EQUITY = Table(
    "equity",
    "row",
    "How evenly, and how far off: figures of the whole study area.",
    (
        _text("subject", "Key of the service or category; all: every category together."),
        _text("of", "What the subject is.", allowed=("all", "category", "service")),
        _text("measure", "Which figure."),
        _number("value", "The figure; missing: nothing to compute it from.", nulls=True),
        _number("known_share", "Share of the people of whom it is known.", nulls=True, minimum=0),
        _text("definition", "What is computed, in the languages of the study, parted by |."),
        _text("source", "Who proposed it."),
    ),
)

QUADRANT = Table(
    "quadrant",
    "row",
    "The card against what residents say: one row per unit and category that was asked about.",
    (
        _text("unit", "Unit."),
        _text("category", "Category."),
        _integer("grade", "The card; missing: not graded.", nulls=True, minimum=1),
        _number("satisfaction", "From 0 to 1.", minimum=0),
        _integer("answers", "Number of answers.", minimum=1),
        _text(
            "field",
            "good, content; good, discontent; poor, content; poor, discontent; empty: not graded.",
            allowed=("", "good, content", "good, discontent", "poor, content", "poor, discontent"),
        ),
        _boolean("disagree", "Whether the card and the residents say the opposite."),
    ),
)

JUDGED = (SUPPLY, MINIMUMS, CONTAINMENT, CIRCLES, TARGETS, VIEWS, GROUP_COVERAGE, EQUITY, QUADRANT)
