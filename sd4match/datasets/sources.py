"""The download addresses of the benchmarks (docs/explanation/method.md section 2).

A file has a checksum here only if its publisher pins its bytes. The archives have none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sd4match.datasets.benchmark import PF_WILLOW
from sd4match.datasets.pf_willow import write_willow_list

_PROPOSAL_FLOW = "https://www.di.ens.fr/willow/research/proposalflow/dataset"
_NCNET = (
    "https://raw.githubusercontent.com/ignacio-rocco/ncnet/"
    "8f6839c6738d6c51a06c78810ecbbfe21dcd87ac/datasets/pf-pascal/image_pairs"
)


@dataclass(frozen=True)
class Remote:
    """A file on a server, and its SHA-256 as 64 hexadecimal digits if that is known."""

    url: str
    sha256: str | None = None

    @property
    def name(self) -> str:
        """The file's name, also on a mirror and in the cache."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class Source:
    """The files of one benchmark.

    Attributes:
        archive: the archive with its images and annotations.
        inside: entries of the desired folder in the archive, at any depth.
        place: where that folder goes, relative to the data set's folder.
        lists: file name in the data set's folder -> list of pairs that the archive lacks.
        columns: columns that each of those lists must have.
        rebuild: writes a list that cannot be fetched; takes the folder at ``place`` and the list
            file.
    """

    archive: Remote
    inside: tuple[str, ...]
    place: str
    lists: Mapping[str, Remote]
    columns: tuple[str, ...] = ()
    rebuild: Callable[[Path, Path], None] | None = None


SOURCES = {
    "pf_pascal": Source(
        archive=Remote(f"{_PROPOSAL_FLOW}/PF-dataset-PASCAL.zip"),
        inside=("JPEGImages", "Annotations"),
        place="PF-dataset-PASCAL",
        lists={
            "trn_pairs.csv": Remote(
                f"{_NCNET}/train_pairs.csv",
                "e7604e992744706b0ec0ed9fad240b5e0e45f38c13eaf567af0338ec8a50f40f",
            ),
            "val_pairs.csv": Remote(
                f"{_NCNET}/val_pairs.csv",
                "a9dd7f303abc7ee31c51fe73f39923a6880d4dc9aa4d7af38d5f15a7345407f5",
            ),
            "test_pairs.csv": Remote(
                f"{_NCNET}/test_pairs.csv",
                "1891bfd52cac67898aa5b65a50818e315e5228b956fdda1baad400e6a89c6fe6",
            ),
        },
        columns=("source_image", "target_image", "class"),
    ),
    "pf_willow": Source(
        archive=Remote(f"{_PROPOSAL_FLOW}/PF-dataset.zip"),
        inside=PF_WILLOW,
        place="PF-dataset",
        lists={
            "test_pairs.csv": Remote(
                "https://www.di.ens.fr/willow/research/cnngeometric/other_resources/test_pairs_pf.csv"
            )
        },
        columns=("imageA", "imageB", "XA1", "YA10", "XB1", "YB10"),
        rebuild=write_willow_list,
    ),
    "spair": Source(
        archive=Remote("https://cvlab.postech.ac.kr/research/SPair-71k/data/SPair-71k.tar.gz"),
        inside=("Layout", "PairAnnotation", "JPEGImages"),
        place="",
        lists={},
    ),
}
"""Every benchmark's source, by its name in this package."""
