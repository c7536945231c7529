"""What is given: streets, units, tables of facilities, residents and answers, and what was left out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circle15.errors import DataError, Finding, SourceError
from circle15.project import Standard, Walker
from circle15.project.languages import REFERENCE, read_language

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    import pandas as pd

    from circle15.project import Inventory
    from circle15.project.languages import Words
    from circle15.sources.located import Rejected
    from circle15.sources.osm import Elements
    from circle15.sources.totals import Totals
    from circle15.study import Study


def standard(study: Study) -> Standard:
    """The standard, spoken of in the languages of the study; words that one of them lacks are found, all of them."""
    folder = study.project.folder
    read = Standard.load(study.project.assessment.standard, base=folder)
    words: dict[str, Words] = {}
    languages = []
    for name in study.project.study.languages or read.languages:
        code, own, found = read_language(name, base=folder)
        languages.append(code)
        study.findings += found
        words |= {code: own} if own else {}
    spoken = read.speaking(languages, words=words)
    for code in languages:
        unnamed = [one.key for one in spoken.categories if code not in one.names]
        unnamed += [one.key for one in spoken.services if code not in one.names]
        if unnamed:
            problem = (
                f"it has no name in {code} for {', '.join(unnamed)}, which are called as in {REFERENCE} or another"
            )
            mend = f"Give their names under [names] of {code}.toml, or in the standard"
            study.findings.append(Finding(read.name, problem, mend))
    return spoken


def walker(study: Study, name: str) -> Walker:
    """A walker, called as the languages of the study have it."""
    read, standard = Walker.load(name, base=study.project.folder), study.standard
    own = {code: words.get("walkers", {}).get(read.name) for code, words in standard.words.items()}
    return read.called({code: own.get(code) or read.label_in(code) for code in standard.languages})


def elements(study: Study) -> Elements:
    """Everything tagged in the OSM files of the study, or in its newest snapshot."""
    from circle15.sources.osm import read_osm

    asked = study.snapshot or study.project.streets.files
    if not asked:
        mend = "Run circle15 fetch with overpass = true or a country file, or name a file under [streets] files"
        raise SourceError(Finding("[streets]", "there is no file and no snapshot of the streets yet", mend))
    with study.step("read OpenStreetMap"):
        return read_osm(*(study.project.path(file) for file in (*asked, *study.project.facilities.files)))


def streets(study: Study) -> gpd.GeoDataFrame:
    """Directed links with their rise, mended by what the planner measured."""
    from circle15.sources.overrides import apply_overrides, read_overrides
    from circle15.sources.streets import read_streets, short_sides

    elements, area, measured = study.elements, study.area, study.project.streets.overrides
    with study.step("streets and heights"):
        for side, metres in short_sides(elements, area).items():
            problem = f"the data end {metres:,.0f} m before the study area and its margin do in the {side}"
            mend = "Give a larger extract, or a smaller margin_m"
            study.findings.append(Finding("[streets] files", problem, mend))
        found = read_streets(elements, area, terrain=study.terrain)
        return found if measured is None else apply_overrides(found, read_overrides(study.project.path(measured)))


def units(study: Study) -> tuple[gpd.GeoDataFrame, str]:
    """Units from the planner's files, else OSM boundaries, else H3 cells; and which of these, in words."""
    from circle15.sources.areas import cell_units, fill, read_units, with_whole
    from circle15.sources.places import read_boundaries

    asked, area = study.project.units, study.area
    if asked.files:
        names = ", ".join(file.name for file in asked.files)
        return with_whole(read_units([study.project.path(file) for file in asked.files], area), area), names
    found = read_boundaries(study.elements, area, levels=asked.osm_levels)
    if fill(found, area):
        return with_whole(found, area), "OSM boundaries"
    cells = cell_units(area, asked.h3_resolution)
    return with_whole(cells, area), f"H3 cells, resolution {asked.h3_resolution}"


def facilities(study: Study) -> gpd.GeoDataFrame:
    """Facilities from OSM and from the planner's own tables, which win."""
    from circle15.sources.places import read_facilities

    area, links = study.area, study.streets_as_they_are
    with study.step("facilities"):
        found = read_facilities(study.elements, area, standard=study.standard, streets=links)
        found = merge(study, found if study.project.facilities.osm else found.iloc[:0])
    if found.empty:
        mend = "Set facilities.osm = true, or add an [[facilities.inventory]]"
        raise DataError(Finding("facilities", "there is not one facility in the study area", mend))
    return found


def read_table(study: Study, table: Inventory) -> gpd.GeoDataFrame:
    """Read one inventory; rows that cannot be used are left out, listed and found."""
    from circle15.sources.inventory import sift_inventory

    beside = (study.streets_as_they_are, study.buildings) if table.datum == "unknown" else None
    sifted = sift_inventory(table, study.area, standard=study.standard, folder=study.project.folder, beside=beside)
    _reject(study, table.file.name, sifted.rejected)
    return sifted.facilities


def vacant(study: Study) -> gpd.GeoDataFrame | None:
    """Read the table of vacant space; rows and cells that cannot be used are left out, listed and found."""
    from circle15.project import Inventory
    from circle15.sources.candidates import sift_candidates

    plan = study.project.plan
    if plan.candidates is None:
        return None
    table = Inventory(file=plan.candidates, datum=plan.datum, sheet=plan.sheet, columns=plan.columns)
    beside = (study.streets_as_they_are, study.buildings) if table.datum == "unknown" else None
    found, rejected = sift_candidates(
        table, study.area, standard=study.standard, folder=study.project.folder, beside=beside
    )
    _reject(study, table.file.name, rejected)
    return found


def _reject(study: Study, name: str, rejected: Sequence[Rejected]) -> None:
    """List the cells that cannot be used, and say how many rows that takes."""
    for kept, words in ((False, "are left out"), (True, "are kept without a cell that cannot be read")):
        rows = len({one.row for one in rejected if one.kept == kept})
        if rows:
            study.findings.append(Finding(name, f"{rows:,} rows {words}", "See rejected.csv"))
    study.rejected += rejected


def merge(study: Study, osm: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Facilities of OSM and of the inventories, each real place once."""
    import pandas as pd

    from circle15.sources.merging import MERGED_COLUMNS, merges

    if not study.inventory:
        study.merged = pd.DataFrame(columns=list(MERGED_COLUMNS))
        return osm
    found, study.merged = merges(osm, pd.concat(study.inventory))
    return found


def totals(study: Study, units: gpd.GeoDataFrame) -> Totals:
    """Residents and age groups by unit; doubts about the table are findings."""
    import pandas as pd

    from circle15.sources.totals import Totals, read_totals

    file = study.project.people.totals
    if file is None:
        return Totals(units, pd.DataFrame(index=units.index), ())
    found = read_totals(study.project.path(file), units)
    study.findings += found.findings
    return found


def origins(study: Study) -> gpd.GeoDataFrame:
    """Residence clusters: the planner's own, or homes gathered."""
    from circle15.sources.people import read_origins, residence_clusters
    from circle15.sources.people_raster import read_people_raster

    people, area = study.project.people, study.area
    if people.clusters is not None:
        return read_origins(study.project.path(people.clusters), area, units=study.units)
    raster = None if people.raster is None else read_people_raster(study.project.path(people.raster), area)
    return residence_clusters(study.buildings, study.units, area, people=people, terrain=study.terrain, raster=raster)


def groups(study: Study) -> pd.DataFrame:
    """Residents of each cluster by age group: the planner's own numbers first, then those of units, then shares."""
    from circle15.sources.people import read_origin_groups
    from circle15.sources.population import spread_groups

    people = study.project.people
    own = None if people.clusters is None else read_origin_groups(study.project.path(people.clusters), study.origins)
    return spread_groups(study.totals.groups, study.origins, study.units, shares=people.age_shares, own=own)


def survey(study: Study) -> pd.DataFrame:
    """What residents say, by unit and category."""
    from circle15.sources.survey import read_survey
    from circle15.tables import SURVEY

    asked = study.project.survey
    if asked.file is None:
        return SURVEY.empty()
    file = study.project.path(asked.file)
    return read_survey(file, study.units, standard=study.standard, worst=asked.worst, best=asked.best)
