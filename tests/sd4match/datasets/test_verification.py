"""What ``verify`` says of data sets that are whole, and of each kind of damage."""

import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from sd4match import cli, datasets
from sd4match.datasets.verification import verify
from sd4match.errors import SD4MatchError
from sd4match.testbed.shapes import generate

FOLDERS = datasets.FOLDERS


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small generated tree, for tests that change nothing."""
    root = tmp_path_factory.mktemp("made") / "shapes"
    generate(root, scale=0.2)
    return root


@pytest.fixture
def tree(made, tmp_path):
    """A copy of it to damage."""
    return shutil.copytree(made, tmp_path / "shapes")


@pytest.fixture
def tiny(root, monkeypatch):
    """The tiny benchmarks, as if they were the published ones."""
    counts = {"pf_pascal": {"train": 4, "val": 2, "test": 2}, "pf_willow": {"test": 2}}
    counts["spair"] = dict.fromkeys(("train", "val", "test"), 3)
    for name, known in datasets.BENCHMARKS.items():
        sizes = {split: (pairs, 2 * pairs) for split, pairs in counts[name].items()}
        monkeypatch.setitem(datasets.BENCHMARKS, name, replace(known, published=sizes))
    return root


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the command in this process: (status, standard output, standard error)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sd4match", "data", "verify", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return (end.value.code or 0, *capsys.readouterr())

    return run


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.slow
@pytest.mark.parametrize("name", datasets.NAMES)
def test_a_generated_tree_is_whole_by_its_own_counts(made, name):
    before = files(made)
    seen = []
    report = verify(name, made, progress=lambda *state: seen.append(state))
    assert report.problems == ()
    assert report.generated
    pairs = {split: datasets.load(name, made, split) for split in datasets.SPLITS[name]}
    assert {split: s.pairs for split, s in report.splits.items()} == {
        split: len(of_split) for split, of_split in pairs.items()
    }
    for split, found in report.splits.items():
        assert found.pairs == found.expected == found.readable
        assert found.keypoints == sum(len(pair.keypoint_ids) for pair in pairs[split])
        assert (split, found.pairs, found.pairs) in seen
    used = {side for of in pairs.values() for p in of for side in (p.source_id, p.target_id)}
    assert report.images == len(used)
    assert report.categories == len({c for of in pairs.values() for c in of.categories})
    assert {path for path in files(made) if ".sd4match" not in path.parts} == {
        path for path in before if ".sd4match" not in path.parts
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", datasets.NAMES)
def test_other_trees_are_held_against_published_counts(tiny, name):
    report = verify(name, tiny)
    assert not report.generated
    assert all(s.pairs == s.expected for s in report.splits.values())
    (problem,) = report.problems  # the tiny trees have two categories each
    assert "no readable pair of " in problem


def test_the_published_counts():
    def pairs(name):
        published = datasets.BENCHMARKS[name].published
        return {split: count for split, (count, _) in published.items()}

    assert pairs("pf_pascal") == {"train": 2940, "val": 308, "test": 299}
    assert pairs("pf_willow") == {"test": 900}
    assert pairs("spair") == {"train": 53340, "val": 5384, "test": 12234}


@pytest.mark.slow
def test_keypoints_outside_the_image_are_counted_but_no_problem(tiny):
    splits = verify("pf_pascal", tiny).splits
    assert [splits[s].outside for s in ("train", "val", "test")] == [4, 1, 1]
    assert verify("spair", tiny).splits["test"].outside == 2


@pytest.mark.slow
def test_images_to_look_at_are_named_and_no_problem(tree, call):
    pair = datasets.load("spair", tree, "test")[0]
    size = pair.source_size
    Image.new("RGBA", size, (9, 9, 9, 0)).save(pair.source_path, format="PNG")
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.effect_noise(pair.target_size, 50).save(pair.target_path, format="PNG", exif=exif)
    report = verify("spair", tree)
    assert report.notices == (
        f"{pair.source_path}: transparent, shown on white (mode RGBA); all pixels are the same",
    )
    (problem,) = report.problems
    assert problem.startswith(f"{pair.target_path}: EXIF turns the image (orientation 3)")
    _, out, _ = call("spair", tree)
    assert "1 images to look at" in out
    assert report.notices[0] in out


@pytest.mark.slow
def test_boxes_that_reach_outside_the_image_are_counted(tree):
    path = next((tree / "SPair-71k/PairAnnotation/test").iterdir())
    before = verify("spair", tree).splits["test"]
    content = json.loads(path.read_text())
    width, height, _ = content["trg_imsize"]
    content["trg_bndbox"] = [-5, 1, width + 7, height]
    path.write_text(json.dumps(content))
    after = verify("spair", tree).splits["test"]
    assert after == replace(before, boxes_outside=before.boxes_outside + 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", datasets.NAMES)
def test_a_missing_image(tree, name):
    pair = datasets.load(name, tree, "test")[0]
    pair.source_path.unlink()
    report = verify(name, tree)
    (problem,) = report.problems
    assert problem.startswith(f"{pair.source_path}: missing image")
    assert report.splits["test"].readable < report.splits["test"].pairs


@pytest.mark.slow
@pytest.mark.parametrize("name", datasets.NAMES)
def test_a_truncated_image(tree, name):
    path = datasets.load(name, tree, "test")[0].source_path
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (problem,) = verify(name, tree).problems
    assert problem.startswith(f"{path}: expected a readable image, but ")


@pytest.mark.slow
def test_an_image_of_another_size(tree):
    path = datasets.load("spair", tree, "val")[0].target_path
    Image.new("RGB", (9, 8)).save(path)
    problems = verify("spair", tree).problems
    assert len(problems) == 1
    assert f"{path}: the image is 9x8, but its annotation is for " in problems[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("pf_pascal", "trn_pairs.csv"),
        ("pf_willow", "test_pairs.csv"),
        ("spair", "Layout/large/val.txt"),
    ],
)
def test_wrong_counts_and_missing_lists(tree, name, file):
    path = tree / FOLDERS[name] / file
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:-3], "\n"]))
    n = len(lines) - (path.suffix == ".csv")
    assert verify(name, tree).problems == (f"{path}: {n - 3} pairs, expected {n}",)
    path.unlink()
    report = verify(name, tree)
    assert report.problems == (f"{path}: missing file; the data set is incomplete",)


@pytest.mark.slow
def test_a_broken_line_of_a_list_is_named(tree):
    path = tree / "pf-willow" / "test_pairs.csv"
    lines = path.read_text().splitlines()
    lines[7] = lines[7].replace("duck(S)", "duck(X)").replace("car(G)", "car(X)")
    lines[9] = ",".join([*lines[9].split(",")[:-1], "far"])
    path.write_text("\n".join(lines) + "\n")
    problems = verify("pf_willow", tree).problems
    assert [problem.partition(": ")[0] for problem in problems] == [
        f"{path}, line 8",
        f"{path}, line 10",
    ]
    path.write_text("\n".join(["imageA", *lines[1:]]) + "\n")
    (problem,) = verify("pf_willow", tree).problems
    assert problem.startswith(f"{path}: missing column 'imageB'")


@pytest.mark.slow
def test_broken_annotations_do_not_hide_each_other(tree):
    pairs = datasets.load("pf_pascal", tree, "test")
    broken = [
        tree / "pf-pascal" / "PF-dataset-PASCAL" / "Annotations" / pair.category / name
        for pair in (pairs[0], pairs[len(pairs) - 1])
        for name in [pair.source_path.with_suffix(".mat").name]
    ]
    broken[0].write_bytes(b"no MATLAB")
    savemat(broken[1], {"kps": np.zeros((3, 3)), "bbox": [[1, 2, 3, 4]]})
    problems = verify("pf_pascal", tree).problems
    assert sorted(problem.partition(": ")[0] for problem in problems) == sorted(map(str, broken))
    broken[0].unlink()
    assert any("missing annotation" in problem for problem in verify("pf_pascal", tree).problems)


@pytest.mark.slow
def test_broken_pairs_of_spair(tree):
    folder = tree / "SPair-71k" / "PairAnnotation" / "test"
    no_json, short, lost = sorted(folder.iterdir())[:3]
    no_json.write_text("{")
    short.write_text(json.dumps(json.loads(short.read_text()) | {"src_kps": [[1, 2]]}))
    lost.unlink()
    problems = verify("spair", tree).problems
    assert [problem.partition(": ")[0] for problem in problems] == [
        *map(str, (no_json, short, lost))
    ]


@pytest.mark.slow
def test_no_data_set_is_one_line(tmp_path, call):
    with pytest.raises(SD4MatchError, match="sd4match data download pf_willow"):
        verify("pf_willow", tmp_path)
    code, out, err = call("pf_wilow", tmp_path)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "did you mean 'pf_willow'" in err


def test_a_damaged_manifest_is_one_line(tree):
    (tree / "shapes.json").write_text("{}")
    with pytest.raises(SD4MatchError, match=r"shapes\.json: expected the counts"):
        verify("spair", tree)


@pytest.mark.slow
def test_the_command_shows_a_table(made, call):
    code, out, err = call("pf_willow", made)
    assert (code, err) == (0, "")
    table = [line.split() for line in out.splitlines()]
    n = len(datasets.load("pf_willow", made, "test"))
    assert ["test", str(n), str(n), str(n), str(10 * n)] in [line[:5] for line in table]
    assert out.endswith("no problem found\n")
    assert "(generated shapes)" in out


@pytest.mark.slow
def test_the_command_lists_some_of_many_problems(tree, call):
    shutil.rmtree(tree / "SPair-71k" / "JPEGImages")
    code, out, err = call("spair", tree)
    problems = verify("spair", tree).problems
    assert (code, err) == (1, "")
    assert len(problems) > 20
    assert out.count("missing image") == 20
    assert f"… and {len(problems) - 20} more" in out
    assert out.endswith(f"{len(problems)} problems\n")


@pytest.mark.slow
def test_the_command_speaks_json(tree, call):
    (tree / "pf-willow" / "PF-dataset" / "duck(S)" / "duck_000.png").unlink()
    code, out, err = call("pf_willow", tree, "--json")
    assert (code, err) == (1, "")
    report = json.loads(out)
    assert set(report) == {
        "dataset", "folder", "generated", "splits", "categories", "images", "problems", "notices"
    }  # fmt: skip
    assert report["problems"] == list(verify("pf_willow", tree).problems)
    assert report["splits"]["test"]["pairs"] == report["splits"]["test"]["expected"]


@pytest.mark.slow
def test_files_that_no_pair_needs_are_opened_too(tree):
    folder = tree / "SPair-71k"
    annotation = sorted((folder / "ImageAnnotation").rglob("*.json"))[0]
    annotation.write_text("{")
    image = folder / "JPEGImages" / "cat" / "extra.jpg"
    image.write_bytes(b"no image")
    problems = verify("spair", tree).problems
    assert {problem.split(":")[0] for problem in problems} == {str(annotation), str(image)}
