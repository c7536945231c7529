"""Who does the work: processes on this machine, or any Dask scheduler. The only room that knows Dask."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from circle15.errors import Finding, MissingExtra, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Job = Callable[[str, str], str]

ATTEMPTS = 3  # of a tile whose worker died
PATIENCE_S = 10.0  # for a scheduler to answer


def work(
    job: Job, folder: str, tiles: Sequence[str], *, scheduler: str | None = None, workers: int | None = None
) -> Iterator[str]:
    """Do a job for every tile, in no particular order; a tile whose worker died is tried again.

    Parameters
    ----------
    job : callable
        Of the working folder and the name of a tile; it can be imported.
    folder : str
        The working folder. Workers on other machines have to see it under the same path.
    tiles : sequence of str
        Names.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``; processes on this machine otherwise.
    workers : int, optional
        How many processes on this machine; as many as it has cores otherwise.

    Yields
    ------
    str
        The name of each tile as it is done.

    Raises
    ------
    SourceError
        When a tile was lost more often than it is tried, or the scheduler does not answer (``outside=True``).
    MissingExtra
        When a scheduler is named and Dask is not installed.
    Circle15Error
        What the job itself raised.
    """
    yield from _on_dask(job, folder, tiles, scheduler) if scheduler else _here(job, folder, tiles, workers)


def _here(job: Job, folder: str, tiles: Sequence[str], workers: int | None) -> Iterator[str]:
    left, lost = list(tiles), 0
    while left:
        count = max(1, min(workers or os.cpu_count() or 1, len(left)))
        with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
            asked = {pool.submit(job, folder, tile): tile for tile in left}
            try:
                for answer in as_completed(asked):
                    yield answer.result()
                    left.remove(asked[answer])
            except BrokenProcessPool:  # a worker was killed: nobody says which tile it had
                lost += 1
                if lost >= ATTEMPTS:
                    raise _lost(left) from None
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _on_dask(job: Job, folder: str, tiles: Sequence[str], scheduler: str) -> Iterator[str]:
    if importlib.util.find_spec("distributed") is None:
        mend = 'Install it with pip install "circle15[cluster]", or leave --scheduler out'
        raise MissingExtra(Finding("--scheduler", "Dask needs the extra cluster, which is not installed", mend))
    import distributed

    try:
        client = distributed.Client(scheduler, timeout=PATIENCE_S)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        mend = "Start it with dask scheduler, or correct the address"
        raise SourceError(
            Finding("--scheduler", f"{scheduler} does not answer ({error})", mend), outside=True
        ) from None
    with client:
        name = f"circle15-{job.__name__}-"
        more = {"retries": ATTEMPTS - 1, "pure": False}
        asked = [client.submit(job, folder, tile, key=name + tile, **more) for tile in tiles]
        for answer in distributed.as_completed(asked):  # type: ignore[no-untyped-call]
            if answer.status == "error" and isinstance(answer.exception(), distributed.KilledWorker):
                raise _lost([str(answer.key).removeprefix(name)])
            yield answer.result()


def _lost(tiles: Sequence[str]) -> SourceError:
    named = ", ".join(tiles[:5])
    problem = f"workers died {ATTEMPTS} times over {len(tiles):,} tiles (first: {named})"
    mend = "Give smaller tiles ([tiles] size_km), fewer workers, or more memory; what is done is kept"
    return SourceError(Finding("tiles", problem, mend))
