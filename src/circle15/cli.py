"""The verbs of the command line. A verb chooses what to do; every number that affects a result is in the study file.

Data goes to standard output, progress and messages to standard error. Exit codes: 0 done; 2 the command, the file or
the data need mending; 3 an outside service failed; 1 a fault of ours, with its traceback.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from circle15.errors import Circle15Error, ConfigError, Finding, SourceError

if TYPE_CHECKING:
    from circle15.page.backdrop import Backdrop
    from circle15.study import Study

NEEDS_MENDING, OUTSIDE_FAILED = 2, 3
SELDOM = 100_000  # new things after which rings of garbage are looked for; libraries alone make half a million to keep

app = typer.Typer(
    name="circle15",
    help="步行十五分钟能到哪里，缺什么。What people can reach on foot within fifteen minutes, and what is missing.",
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # else [plan] in a help text is taken for a colour
)

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="研究文件 The study file (TOML).")]
Output = Annotated[Path | None, typer.Option("--output", help="结果文件夹 Folder for the results.")]

RunA = Annotated[Path, typer.Argument(metavar="RUN_A", help="此前的结果文件夹 The earlier results folder.")]
RunB = Annotated[Path, typer.Argument(metavar="RUN_B", help="此后的结果文件夹 The later results folder.")]
Results = Annotated[Path, typer.Argument(metavar="RESULTS", help="结果文件夹 A results folder.")]
Scenario = Annotated[str | None, typer.Option("--scenario", help="情景 Name of a [[scenario]] in the study file.")]


class Template(StrEnum):
    """The language of a new study file: Chinese with English beside it, or English alone."""

    zh = "zh"
    en = "en"


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _version(asked: bool) -> None:  # noqa: FBT001  typer hands over the flag
    """Say what computes here: circle15, Python, and the libraries that results depend on."""
    if asked:
        from circle15.project.manifest import versions

        for name, version in versions().items():
            typer.echo(f"{name} {version}")
        raise typer.Exit


@app.callback()
def _flags(
    *,
    version: Annotated[  # answered by then
        bool, typer.Option("--version", callback=_version, is_eager=True, help="版本 Versions: circle15 and libraries.")
    ] = False,
) -> None:
    """What stands before a verb."""


class _Progress:
    """One line per step on standard error, with the seconds since the start."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.count = 0

    def __call__(self, step: str) -> None:
        self.count += 1
        _say(f"{time.perf_counter() - self.begun:6.1f} s  {self.count}. {step}")


def _run(
    path: Path,
    output: Path | None,
    scenario: str | None = None,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    pictures: Backdrop | None = None,
) -> None:
    from circle15.study import Study
    from circle15.study.folder import OUTPUTS

    progress = _Progress()
    study = Study.open(path, scenario=scenario, announce=progress)
    if study.project.tiles.size_km:
        from circle15.tiles import run_tiles

        folder = run_tiles(study, output, scheduler=scheduler, workers=workers, backdrop=pictures)
    else:
        folder = study.run(output, backdrop=pictures)
    for finding in study.findings:
        _say(f"note: {finding}")
    _say(f"{time.perf_counter() - progress.begun:6.1f} s  done: {', '.join(OUTPUTS)}")
    typer.echo(folder / "map.html")


def _backdrop(name: str, key: str) -> Backdrop:
    from circle15.page.backdrop import Backdrop

    return Backdrop.of(name, key=key)


@app.command()
def demo(output: Output = None) -> None:
    """运行内置的合成示例研究。Run the embedded study, a synthetic twin of Yuzhong, and print where the map is."""
    from circle15.study import demo_study

    _run(demo_study(), output or Path("out") / "demo")


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="名称 Name of the study.")],
    language: Annotated[Template, typer.Option("--language", help="模板的语言 Language of the file.")] = Template.zh,
) -> None:
    """写一个带注释的研究文件。Write a commented study file, ready to fill."""
    from importlib import resources

    path = Path(f"{name}.toml")
    if Path(name).name != name or path.exists():
        problem = "it exists already" if path.exists() else "a name is not a path"
        raise ConfigError(Finding(str(path), problem, "Choose another name"))
    template = resources.files("circle15") / "study" / f"template_{language}.toml"
    path.write_text(template.read_text(encoding="utf-8").replace("{name}", name.replace('"', "'")), encoding="utf-8")
    typer.echo(path)


@app.command()
def check(study: StudyFile) -> None:
    """一次列出文件和数据的所有问题。List every problem in file and data at once."""
    from circle15.assessment import completeness_text
    from circle15.study import Study

    opened = Study.open(study, announce=_Progress())
    found = opened.check()
    if found:
        raise ConfigError(*found)
    for finding in opened.findings:
        _say(f"note: {finding}")
    typer.echo(completeness_text(opened.completeness_summary, standard=opened.standard))
    _say("no problem found")


@app.command()
def fetch(study: StudyFile) -> None:
    """获取边界、街道和地点，存为快照。Fetch boundary, streets and places, and freeze them in a snapshot folder."""
    from circle15.study import Study

    opened = Study.open(study, announce=_Progress())
    folder = opened.fetch()
    for finding in opened.findings:
        _say(f"note: {finding}")
    given = opened.project.streets
    if given.files or not (given.overpass or given.country):
        _say("note: [streets]: this study reads its files. Set overpass = true and take files out to use the snapshot.")
    typer.echo(folder)


@app.command()
def run(
    study: StudyFile,
    output: Output = None,
    scenario: Scenario = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://...", help="Dask 调度器 Dask scheduler, for [tiles].")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="进程数 Processes on this machine, for [tiles].")] = None,
    backdrop: Annotated[
        str | None, typer.Option(metavar="NAME", help="联网底图 Base map from the network, such as Gaode.Normal")
    ] = None,
    backdrop_key: Annotated[
        str, typer.Option(metavar="KEY", help="底图密钥，写进地图 Its key; stands in the map")
    ] = "",
) -> None:
    """计算并写出地图、地理数据包和清单。Compute, and write the map, the GIS package and the manifest."""
    pictures = None if backdrop is None else _backdrop(backdrop, backdrop_key)
    _run(study, output, scenario, scheduler=scheduler, workers=workers, pictures=pictures)


@app.command()
def isochrone(
    study: StudyFile,
    at: Annotated[str, typer.Option("--at", metavar="LON,LAT", help="起点经纬度 Where to start, WGS-84.")],
    minutes: Annotated[str, typer.Option("--minutes", help="分钟 Minutes, separated by commas.")] = "5,10,15",
) -> None:
    """以 GeoJSON 输出一个地点的等时圈。Print the isochrones of one place as GeoJSON on standard output."""
    from circle15.study import Study
    from circle15.study.one_place import isochrone as outline

    place, limits = _numbers(at, "--at"), _numbers(minutes, "--minutes")
    opened: Study = Study.open(study, announce=_Progress())
    typer.echo(outline(opened, place, limits))


@app.command()
def compare(before: RunA, after: RunB, output: Output = None) -> None:
    """比较两次运行：谁受益，谁受损。Compare two runs: who gains and who loses, and a change map."""
    from circle15.study.comparing import OUTPUTS, write_comparison

    folder = output or Path("out") / "compare"
    found = write_comparison(before, after, folder)
    for finding in found.findings:
        _say(f"note: {finding}")
    for text in found.facts["report"].values():
        _say(text)
    _say(f"done: {', '.join(OUTPUTS)}")
    typer.echo(folder / "change.html")


@app.command()
def sheets(results: Results, output: Output = None) -> None:
    """把结果印成 A3 图纸和会议幻灯片。Write A3 sheets (PDF, PNG) and slides of a results folder."""
    from circle15.sheets import SLIDES
    from circle15.study.printing import print_sheets

    folder, written = print_sheets(results, output)
    if SLIDES not in written:
        _say(f'note: {SLIDES} needs python-pptx: pip install "circle15[office]"')
    _say(f"done: {', '.join(written)}")
    typer.echo(folder / written[0])


@app.command()
def propose(
    study: StudyFile,
    scenario: Annotated[
        str | None, typer.Option("--scenario", help="改印此名的情景块 Print a [[scenario]] of that name instead.")
    ] = None,
) -> None:
    """选址：按 [plan] 排出年度项目清单。Choose sites by [plan], and print the yearly project list as CSV."""
    from circle15.sources.files import csv_text
    from circle15.study import Study
    from circle15.study.planning import NEAR, block

    opened = Study.open(study, announce=_Progress())
    if not opened.project.plan.asked:
        mend = "Say there how many sites, or what budget: sites = 3"
        raise ConfigError(Finding("[plan]", "this study file asks for no project list", mend))
    projects = opened.planned.projects
    for finding in opened.findings:
        _say(f"note: {finding}")
    if scenario is not None:
        typer.echo(block(projects[projects["phase"] == NEAR], scenario), nl=False)
        return
    typer.echo(csv_text(projects.reset_index(drop=True)), nl=False)


def _numbers(text: str, flag: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            Finding(flag, f"{text!r} is not a list of numbers", "Write for example 106.57,29.56")
        ) from None


def main() -> None:
    """Run the command line; turn errors into plain sentences and exit codes."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a GBK console must not stop a run
    gc.set_threshold(SELDOM)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the threads of numpy's algebra would do nothing but wait
    try:
        app()
    except Circle15Error as error:
        for finding in error.findings:
            _say(f"error: {finding}")
        sys.exit(OUTSIDE_FAILED if isinstance(error, SourceError) and error.outside else NEEDS_MENDING)
    finally:
        gc.freeze()  # the end frees everything at once: nothing to look through before


if __name__ == "__main__":
    main()
