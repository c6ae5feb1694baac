"""Which pairs a study uses: subsets, and data that change or are absent."""

import shutil
from dataclasses import replace

import pytest

from sd4match import datasets
from sd4match.errors import SD4MatchError
from study.plan.inputs import DataRef, refer


def ids(ref):
    return [pair.id for pair in ref.open()]


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "split"), [("spair", "train"), ("pf_willow", "test")])
def test_a_larger_subset_contains_a_smaller_one(shapes_root, dataset, split):
    def take(subset, seed=0):
        return refer(dataset, split, root=shapes_root, subset=subset, seed=seed)

    whole = ids(take(None))
    previous = set()
    for subset in (1, 3, 7, 12, len(whole) - 1):
        chosen = ids(take(subset))
        assert len(chosen) == take(subset).pairs == subset
        assert chosen == [id_ for id_ in whole if id_ in set(chosen)]  # in file order
        assert previous < set(chosen)
        previous = set(chosen)
    assert ids(take(7, seed=1)) != ids(take(7)) == ids(take(7))


def test_a_subset_of_all_is_the_split_itself(shapes_root):
    whole = refer("spair", "val", root=shapes_root, subset=None, seed=0)
    for subset in (whole.pairs, 10**6):
        same = refer("spair", "val", root=shapes_root, subset=subset, seed=3)
        assert (same.fingerprint, same.pairs) == (whole.fingerprint, whole.pairs)
    fewer = refer("spair", "val", root=shapes_root, subset=whole.pairs - 1, seed=0)
    assert fewer.fingerprint != whole.fingerprint


def test_an_image_counts_once_and_its_mirror_image_too(shapes_root):
    def refs(dataset):
        return refer(dataset, "train", root=shapes_root, subset=None, seed=0)

    # Two images a category: in both directions; in PF-Pascal one of the two pairs is mirrored.
    assert (refs("spair").pairs, refs("spair").images) == (24, 24)
    assert (refs("pf_pascal").pairs, refs("pf_pascal").images) == (24, 48)


def test_a_reference_survives_as_json(shapes_root):
    ref = refer("pf_willow", "test", root=shapes_root, subset=5, seed=2)
    again = DataRef(**ref.to_json())
    assert again == ref
    assert again.open().fingerprint == ref.fingerprint


@pytest.fixture
def copied(shapes_root, tmp_path):
    """PF-Willow of its own, to be changed, and a reference to some of it."""
    folder = datasets.FOLDERS["pf_willow"]
    shutil.copytree(shapes_root / folder, tmp_path / folder)
    return tmp_path / folder, refer("pf_willow", "test", root=str(tmp_path), subset=6, seed=0)


def test_the_same_data_elsewhere_are_the_same(copied, shapes_root):
    _, ref = copied
    original = refer("pf_willow", "test", root=str(shapes_root), subset=6, seed=0)
    assert ref.fingerprint == original.fingerprint
    assert ref.root != original.root


def test_a_changed_image_is_noticed(copied):
    _, ref = copied
    image = ref.open()[0].source_path
    image.write_bytes(image.read_bytes() + b"\0")
    with pytest.raises(SD4MatchError, match=r"^pf_willow test in .* changed while .*launch it"):
        ref.open()


def test_a_changed_keypoint_is_noticed(copied):
    folder, ref = copied
    table = folder / "test_pairs.csv"
    head, *rows = table.read_text().splitlines()
    moved = [",".join([*row.split(",")[:2], "1.5", *row.split(",")[3:]]) for row in rows]
    table.write_text("\n".join([head, *moved]) + "\n")
    with pytest.raises(SD4MatchError, match="changed while the study ran"):
        ref.open()


def test_another_seed_is_another_subset(copied):
    _, ref = copied
    with pytest.raises(SD4MatchError, match="changed while the study ran"):
        replace(ref, seed=1).open()


def published():
    for name, known in datasets.BENCHMARKS.items():
        for split, sizes in known.published.items():
            yield name, split, sizes


@pytest.mark.parametrize("subset", [None, 10, 10**6])
def test_an_absent_folder_is_planned_as_published(tmp_path, subset):
    for dataset, split, (pairs, images) in published():
        ref = refer(dataset, split, root=str(tmp_path), subset=subset, seed=0)
        assert not ref.present
        assert ref.pairs == (pairs if subset is None else min(pairs, subset))
        assert ref.images == min(images, 2 * ref.pairs)


def test_absent_data_cannot_be_opened(tmp_path):
    ref = refer("spair", "val", root=str(tmp_path), subset=None, seed=0)
    with pytest.raises(SD4MatchError, match="SPair-71k"):
        ref.open()


def test_a_data_set_itself_is_no_root(shapes_root):
    with pytest.raises(SD4MatchError, match="SPair-71k itself: give the folder above it"):
        refer("spair", "val", root=str(shapes_root / "SPair-71k"), subset=None, seed=0)


def test_data_that_are_there_but_broken_are_an_error_now(copied):
    folder, _ = copied
    (folder / "test_pairs.csv").write_text("imageA,imageB\n")
    with pytest.raises(SD4MatchError, match=r"test_pairs\.csv"):
        refer("pf_willow", "test", root=str(folder.parent), subset=6, seed=0)


def test_published_sizes_cover_every_split():
    for name, splits in datasets.SPLITS.items():
        assert tuple(datasets.BENCHMARKS[name].published) == splits
