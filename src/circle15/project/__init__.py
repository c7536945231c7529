"""The planner's words as validated records: study file, standard, walker.

Everything that affects a result is written in one of three kinds of TOML file: the study (`Project`), the standard
(`Standard`, with its `Service` lines) and the walker (`Walker`). A file is read whole and every finding is reported
at once, each with its mend.
"""

from circle15.project.languages import Labels
from circle15.project.manifest import Manifest
from circle15.project.standard import Category, Grade, Service, Standard
from circle15.project.study_file import FacilityEdit, Inventory, NewLink, Project, Scenario, SitePlan
from circle15.project.walker import Walker

__all__ = [
    "Category",
    "FacilityEdit",
    "Grade",
    "Inventory",
    "Labels",
    "Manifest",
    "NewLink",
    "Project",
    "Scenario",
    "Service",
    "SitePlan",
    "Standard",
    "Walker",
]
