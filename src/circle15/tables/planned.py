"""The tables of the plan: where something could be built, and the yearly project list."""

from __future__ import annotations

from typing import get_args

from circle15.tables.contract import Kind, Table, columns_of

STATES = ("yes", "no", "unknown")  # of a condition, or of an entrance without steps
CANDIDATES_FROM = ("table", "street")
COST_CLASSES = ("low", "middle", "high", "unknown")

_text, _number, _integer, _boolean = map(columns_of, get_args(Kind))

CANDIDATES = Table(
    "candidates",
    "candidate",
    "Places where something could be opened: the planner's vacant space, or street-side points near people who lack"
    " something. What the table does not say stays unknown.",
    (
        _text("name", "Name as in the table.", nulls=True),
        _text("owner", "Who owns it.", nulls=True),
        _number("floor_area_m2", "Floor area that is free, in square metres; missing: unknown.", nulls=True, minimum=0),
        _integer(
            "storey",
            "Lowest storey that it takes up: 1 at street level, -1 the first below it; missing: unknown.",
            nulls=True,
        ),
        _text("step_free", "Whether its entrance has no step.", allowed=STATES),
        _text("services", "Keys of the services that it may hold, parted by semicolons; missing: any.", nulls=True),
        _number(
            "cost",
            "Of opening it, in the unit of the budget that it is held against; missing: unknown.",
            nulls=True,
            minimum=0,
        ),
        _text("budget_line", "Where the money would come from.", nulls=True),
        _text("operator", "Who would run it.", nulls=True),
        _text("address", "Address as in the table.", nulls=True),
        _text("source", "File that it comes from; for street-side points the word streets."),
        _text(
            "candidate_from",
            "table: somebody knows that the space is there; street: a point beside a street, nobody has looked.",
            allowed=CANDIDATES_FROM,
        ),
    ),
    ("Point",),
)

PROJECTS = Table(
    "projects",
    "project",
    "The yearly project list: one row per site and service, in order; whom an earlier one serves is not counted again.",
    (
        _integer("rank", "Order: near-term first, then reserve; in each most people for the money first.", minimum=1),
        _text(
            "phase",
            "near: all four conditions are met and it is paid for; reserve: later.",
            allowed=("near", "reserve"),
        ),
        _text("year", "Year that the list is for, as the study file has it; may be empty."),
        _text("site", "Candidate."),
        _text("name", "Name of the candidate.", nulls=True),
        _text("unit", "Smallest unit that it stands in.", nulls=True),
        _text("category", "Category of the service."),
        _text("service", "Service."),
        _number("people", "Residents newly covered, who are in a gap without it.", minimum=0),
        _number("cumulative", "Residents newly covered so far, summed over services.", minimum=0),
        _text("by_group", "Of these, people by age group, as far as the groups are known."),
        _text("need", "Condition 1, residents need it: yes, since somebody is in a gap.", allowed=STATES),
        _text("basis", "Condition 2, there is something to start from: the table lists the space.", allowed=STATES),
        _text("equipment", "Condition 3, who runs it is settled: the table names an operator.", allowed=STATES),
        _text("place", "Condition 4, it is in a programme: the table names a budget line.", allowed=STATES),
        _number("room_m2", "Floor area that the service takes up.", minimum=0),
        _number(
            "cost",
            "Of fitting it in, and of opening the site at its first service, in the unit of the table; missing: not"
            " known.",
            nulls=True,
            minimum=0,
        ),
        _text("cost_unit", "What the cost is counted in."),
        _text("cost_class", "By the bounds in the study file.", allowed=COST_CLASSES),
        _text("step_free", "Whether the entrance is without steps.", allowed=STATES),
        _text("owner", "Whose space it is.", nulls=True),
        _text("operator", "Who would run it.", nulls=True),
        _text("budget_line", "What pays for it.", nulls=True),
        _text("cells", "Cells of the card that change their grade: unit, category, from, to."),
        _text("evidence", "What it rests on, in the languages of the study, parted by |."),
        _number("lon", "WGS-84 longitude."),
        _number("lat", "WGS-84 latitude."),
    ),
)

PROJECT_CELLS = Table(
    "project_cells",
    "row",
    "What each project does to the card: one row per project and cell that it changes, after all earlier ones.",
    (
        _integer("rank", "Project.", minimum=1),
        _text("unit", "Unit."),
        _text("category", "Category."),
        _number("people", "Residents of the unit.", minimum=0),
        _number("served_before", "Residents with every basic service in reach before it.", minimum=0),
        _number("served_after", "The same after it.", minimum=0),
        _integer("grade_before", "Grade of the cell before it; missing: not graded.", nulls=True, minimum=1),
        _integer("grade_after", "Grade of the cell after it; missing: not graded.", nulls=True, minimum=1),
    ),
)

PLANNED = (PROJECTS, PROJECT_CELLS)
