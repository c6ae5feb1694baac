"""The images behind a study's records, for figures that show them."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sd4match.datasets import FOLDERS, ImagePair
from sd4match.errors import SD4MatchError
from sd4match.truth_records import pairs_on_record
from study.figures.page import Place

if TYPE_CHECKING:
    from study.study import Study


def root_of(study: "Study") -> Path:
    """The folder of the data sets that a study was launched on."""
    from omegaconf import OmegaConf

    space = OmegaConf.load(study.folder.path / "study.yaml")
    return Path(str(OmegaConf.select(space, "data.root"))).expanduser()


def present(study: "Study", places: list[Place]) -> list[Place]:
    """Those data sets and splits whose images seem to be here."""
    root = root_of(study)
    return [place for place in places if (root / FOLDERS[place[0]]).is_dir()]


def pairs_of(study: "Study", dataset: str, split: str, rows: pd.DataFrame) -> list[ImagePair]:
    """Pairs with their images.

    Args:
        study: whose records they are.
        dataset, split: of the pairs.
        rows: of the table of pairs that the store keeps.

    Raises:
        SD4MatchError: the images are not here, or they are not those that were matched.
    """
    root = root_of(study)
    if not (root / FOLDERS[dataset]).is_dir():
        raise SD4MatchError(
            f"{root}: the images of {dataset} are not here: draw where study {study.name} was "
            f"launched, or put the data set there"
        )
    return pairs_on_record(root, dataset, split, rows)
