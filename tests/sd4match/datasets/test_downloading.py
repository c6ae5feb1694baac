"""Downloads from a server on this machine that serves tiny archives, and misbehaves when asked."""

import dataclasses
import hashlib
import http.server
import io
import itertools
import json
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from sd4match import cli, datasets
from sd4match.datasets import benchmark, resumable_download, sources
from sd4match.datasets.downloading import download
from sd4match.errors import SD4MatchError

COMMAND = Path(sys.executable).parent / "sd4match"


NOISE = np.random.default_rng(0).bytes(400_000)  # makes an archive that takes several reads


class Site:
    """What a server has, does wrong, and was asked.

    Attributes:
        files: content by file name.
        broken: by file name, after how many bytes each next answer breaks off.
        answers: by file name, the status of each next answer, before it serves the file.
        ranges: whether it knows the Range header; "wrong" for one that sends another range.
        asked: (file name, Range header or None) of every request.
        stalled: set to let a broken answer end; until then it hangs.
    """

    def __init__(self):
        self.files, self.broken, self.answers = {}, {}, {}
        self.ranges = True
        self.asked = []
        self.stalled = threading.Event()
        self.stalled.set()

    def ranges_of(self, name):
        return [header for asked, header in self.asked if asked == name]


def handler(site):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.rpartition("/")[2]
            wanted = self.headers.get("Range")
            site.asked.append((name, wanted))
            if site.answers.get(name):
                return self.send_error(site.answers[name].pop(0))
            content = site.files.get(name) if not self.path.startswith("/gone/") else None
            if content is None:
                return self.send_error(404)
            start, total = 0, len(content)
            if wanted and site.ranges:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                if start >= total:
                    return self.send_error(416)
                self.send_response(206)
                said = 7 if site.ranges == "wrong" else start
                self.send_header("Content-Range", f"bytes {said}-{total - 1}/{total}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(total - start))
            if name.endswith(".gz"):
                self.send_header("Content-Encoding", "x-gzip")  # as Apache may call it
            self.end_headers()
            end = total
            if site.broken.get(name):
                end = start + site.broken[name].pop(0)
            self.wfile.write(content[start:end])
            self.wfile.flush()
            site.stalled.wait(20)
            self.close_connection = True
            return None

        def log_message(self, *_):
            pass

    return Handler


@pytest.fixture
def site(monkeypatch):
    """A running server, which all sources name."""
    site = Site()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(site))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    site.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(resumable_download, "PAUSE_S", 0.001)
    for name, source in sources.SOURCES.items():
        local = dataclasses.replace(
            source,
            archive=sources.Remote(f"{site.url}/{source.archive.name}"),  # type: ignore[attr-defined]
            lists={
                file: sources.Remote(f"{site.url}/{remote.name}")  # type: ignore[attr-defined]
                for file, remote in source.lists.items()
            },
        )
        monkeypatch.setitem(sources.SOURCES, name, local)
    yield site
    site.stalled.set()
    server.shutdown()
    server.server_close()


def files_of(folder, prefix):
    """Every file of a tree under the name that it has in an archive."""
    return {
        f"{prefix}/{path.relative_to(folder)}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return packed.getvalue()


def tarred(files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as file:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def willow_images(folder):
    """All sub-classes with two images each, and keypoints beside them as in the real archive."""
    for i, name in enumerate(benchmark.PF_WILLOW):
        for j in range(2):
            path = folder / name / f"image_{j}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (20 + i, 30), (10 * i, 99 * j, 0)).save(path)
            points = np.random.default_rng(2 * i + j).uniform(0, 20, size=(2, 10))
            savemat(path.with_suffix(".mat"), {"pts_coord": points})
    return folder


@pytest.fixture
def full_site(site, shared_root, tmp_path):
    """The server with all three data sets in the layouts of the genuine archives."""
    pascal, spair = shared_root / "pf-pascal", shared_root / "SPair-71k"
    inner = files_of(pascal / "PF-dataset-PASCAL", "PF-dataset-PASCAL")
    site.files = {
        "PF-dataset-PASCAL.zip": zipped(inner | {"__MACOSX/PF-dataset-PASCAL/._x": b"fork"}),
        "PF-dataset.zip": zipped(files_of(willow_images(tmp_path / "made"), "PF-dataset")),
        "SPair-71k.tar.gz": tarred(files_of(spair, "SPair-71k") | {"SPair-71k/noise": NOISE}),
    }
    for ours, theirs in (("trn", "train"), ("val", "val"), ("test", "test")):
        site.files[f"{theirs}_pairs.csv"] = (pascal / f"{ours}_pairs.csv").read_bytes()
    return site


@pytest.fixture
def cached(fallback_cache):
    """The names of what is in the cache, by data set."""
    return lambda name: sorted(p.name for p in (fallback_cache / "downloads" / name).glob("*"))


def snapshot(root):
    return {path: path.stat().st_mtime_ns for path in root.rglob("*")}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pf_pascal", "spair"])
def test_a_download_is_what_the_reader_reads(full_site, shared_root, tmp_path, name, caplog):
    root = tmp_path / "new" / "data"
    assert download(name, root) is True
    for split in datasets.SPLITS[name]:
        ours, genuine = datasets.load(name, root, split), datasets.load(name, shared_root, split)
        assert ours.fingerprint == genuine.fingerprint
    folder = datasets.FOLDERS[name]
    assert sorted(p.name for p in root.iterdir()) == [folder, f"{folder}.download.json"]
    assert not list(root.rglob("__MACOSX"))
    assert "could not be checked" in caplog.text


@pytest.mark.slow
def test_pf_willow_without_its_list_gets_one_from_the_annotations(full_site, tmp_path, caplog):
    download("pf_willow", tmp_path / "data")
    pairs = datasets.load("pf_willow", tmp_path / "data", "test")
    assert len(pairs) == 20
    assert pairs.categories == benchmark.PF_WILLOW
    expected = np.random.default_rng(1).uniform(0, 20, size=(2, 10)).T.astype(np.float32)
    np.testing.assert_array_equal(pairs[0].target_keypoints, expected)
    assert "made from the annotations" in caplog.text


@pytest.mark.slow
def test_pf_willow_takes_the_list_that_is_there(full_site, tmp_path, caplog):
    columns = [f"{axis}{i}" for axis in ("XA", "YA", "XB", "YB") for i in range(1, 11)]
    images = [f"PF-dataset/duck(S)/image_{j}.png" for j in range(2)]
    rows = [["imageA", "imageB", *columns], [*images, *map(str, range(40))]]
    full_site.files["test_pairs_pf.csv"] = "\n".join(map(",".join, rows)).encode()
    download("pf_willow", tmp_path / "data")
    assert len(datasets.load("pf_willow", tmp_path / "data", "test")) == 1
    assert "made from" not in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("name", datasets.NAMES)
def test_a_second_download_does_nothing(full_site, tmp_path, name):
    download(name, tmp_path / "data")
    before, asked = snapshot(tmp_path / "data"), len(full_site.asked)
    assert download(name, tmp_path / "data") is False
    assert snapshot(tmp_path / "data") == before
    assert len(full_site.asked) == asked


@pytest.mark.slow
def test_only_a_missing_list_is_fetched(full_site, tmp_path):
    download("pf_pascal", tmp_path / "data")
    lost = tmp_path / "data" / "pf-pascal" / "val_pairs.csv"
    content = lost.read_bytes()
    lost.unlink()
    for file in tmp_path.parent.rglob("*.zip"):
        file.unlink()
    del full_site.files["PF-dataset-PASCAL.zip"]
    assert download("pf_pascal", tmp_path / "data") is True
    assert lost.read_bytes() == content


@pytest.mark.slow
def test_a_file_put_there_must_be_the_right_one(full_site, tmp_path, fallback_cache, caplog):
    place = fallback_cache / "downloads" / "spair" / "SPair-71k.tar.gz"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"mine")
    del full_site.files["SPair-71k.tar.gz"]
    with pytest.raises(SD4MatchError, match="404"):
        download("spair", tmp_path / "data", sha256="0" * 64)
    assert f"{place} has another sha256" in caplog.text
    assert place.read_bytes() == b"mine"


@pytest.mark.slow
def test_a_mirror_has_the_same_names(full_site, tmp_path, monkeypatch):
    source = sources.SOURCES["spair"]
    gone = sources.Remote(f"{full_site.url}/gone/{source.archive.name}")
    monkeypatch.setitem(sources.SOURCES, "spair", dataclasses.replace(source, archive=gone))
    with pytest.raises(SD4MatchError, match="404"):
        download("spair", tmp_path / "data")
    assert download("spair", tmp_path / "data", mirror=f"{full_site.url}/kept/") is True


def test_an_address_that_is_none_is_one_line(full_site, tmp_path):
    with pytest.raises(SD4MatchError, match="cannot be fetched: Invalid URL") as error:
        download("spair", tmp_path / "data", mirror="mirror.example")
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_another_checksum_installs_nothing(full_site, tmp_path, cached):
    with pytest.raises(SD4MatchError, match=r"hash of downloaded file .* nothing was installed"):
        download("spair", tmp_path / "data", sha256="0" * 64)
    assert not (tmp_path / "data").exists()
    assert cached("spair") == []
    with pytest.raises(SD4MatchError, match="expected 64 hexadecimal digits"):
        download("spair", tmp_path / "data", sha256="0" * 63)


@pytest.mark.slow
def test_a_given_checksum_is_enough(full_site, tmp_path, caplog):
    digest = hashlib.sha256(full_site.files["SPair-71k.tar.gz"]).hexdigest()
    download("spair", tmp_path / "data", sha256=digest.upper())
    assert "could not be checked" not in caplog.text


@pytest.mark.slow
def test_a_pair_list_is_held_against_its_published_checksum(full_site, tmp_path, monkeypatch):
    source = sources.SOURCES["pf_pascal"]
    remote = dataclasses.replace(source.lists["val_pairs.csv"], sha256="1" * 64)
    lists = {**source.lists, "val_pairs.csv": remote}
    monkeypatch.setitem(sources.SOURCES, "pf_pascal", dataclasses.replace(source, lists=lists))
    with pytest.raises(SD4MatchError, match=r"val_pairs\.csv: .* nothing was installed"):
        download("pf_pascal", tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_what_has_no_checksum_must_come_again(full_site, tmp_path, fallback_cache):
    root = tmp_path / "data"
    download("spair", root)
    record = json.loads((root / "SPair-71k.download.json").read_text())
    content = full_site.files["SPair-71k.tar.gz"]
    assert record["SPair-71k.tar.gz"]["sha256"] == hashlib.sha256(content).hexdigest()
    (root / "SPair-71k").rename(tmp_path / "away")
    (fallback_cache / "downloads" / "spair" / "SPair-71k.tar.gz").unlink()
    other = tarred(files_of(tmp_path / "away", "SPair-71k") | {"SPair-71k/more": b""})
    full_site.files["SPair-71k.tar.gz"] = other
    with pytest.raises(SD4MatchError, match=r"hash of the last download.*--sha256") as error:
        download("spair", root)
    assert str(root / "SPair-71k.download.json") in str(error.value)
    assert download("spair", root, sha256=hashlib.sha256(other).hexdigest()) is True
    assert (root / "SPair-71k" / "more").exists()


PAGE = b"<html>The site has moved</html>"


USELESS = {
    "a page": (PAGE, "expected a zip or tar archive"),
    "another archive": (tarred({"cats/1.jpg": b""}), "expected a folder with Layout"),
    "slip": (tarred({"SPair-71k/../../evil": b""}), "refused"),
    "half": (tarred({"SPair-71k/noise": NOISE})[:-1000], "the archive is damaged"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", USELESS)
def test_a_useless_archive_installs_nothing_and_does_not_stay(full_site, tmp_path, cached, kind):
    good = full_site.files["SPair-71k.tar.gz"]
    full_site.files["SPair-71k.tar.gz"], reason = USELESS[kind]
    with pytest.raises(SD4MatchError, match=f"{reason}.*; it was removed: give --mirror") as error:
        download("spair", tmp_path / "data")
    assert "\n" not in str(error.value)
    assert list((tmp_path / "data").iterdir()) == []
    assert cached("spair") == []
    full_site.files["SPair-71k.tar.gz"] = good
    assert download("spair", tmp_path / "data") is True


@pytest.mark.slow
def test_a_page_instead_of_a_list(full_site, tmp_path, cached):
    full_site.files |= {"val_pairs.csv": PAGE, "test_pairs_pf.csv": PAGE}
    with pytest.raises(SD4MatchError, match=r"val_pairs\.csv: missing column"):
        download("pf_pascal", tmp_path / "data")
    assert "val_pairs.csv" not in cached("pf_pascal")
    download("pf_willow", tmp_path / "data")
    assert len(datasets.load("pf_willow", tmp_path / "data", "test")) == 20


def test_what_is_in_the_way_is_not_touched(full_site, tmp_path):
    mine = tmp_path / "data" / "SPair-71k" / "Layout" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(SD4MatchError, match="lacks PairAnnotation, JPEGImages: move it away"):
        download("spair", tmp_path / "data")
    assert mine.read_text() == "mine"
    (tmp_path / "data" / "shapes.json").write_text("{}")
    with pytest.raises(SD4MatchError, match="holds the generated shapes benchmark"):
        download("pf_willow", tmp_path / "data")


def test_a_damaged_record_is_one_line(full_site, tmp_path):
    (tmp_path / "SPair-71k.download.json").write_text("[1]")
    with pytest.raises(SD4MatchError, match=r"SPair-71k\.download\.json: .*; delete it"):
        download("spair", tmp_path)


def test_an_unknown_name_suggests_one(tmp_path):
    with pytest.raises(SD4MatchError, match="did you mean 'pf_willow'"):
        download("pf-willow", tmp_path)


def command(site, root, *, before="exec"):
    """Start the installed command in a process of its own."""
    line = f'{before} "{COMMAND}" data download spair "{root}" --mirror {site.url}'
    return subprocess.Popen(
        ["bash", "-c", line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_ctrl_c_leaves_a_part_to_go_on_with(full_site, tmp_path, cached, fallback_cache):
    full_site.stalled.clear()
    full_site.broken["SPair-71k.tar.gz"] = [131_072]
    process = command(full_site, tmp_path / "data")
    part = fallback_cache / "downloads" / "spair" / "SPair-71k.tar.gz.part"
    for _ in itertools.takewhile(lambda _: not full_site.asked, range(600)):
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    full_site.stalled.set()
    assert (process.returncode, err) == (130, "")
    assert cached("spair") == [part.name]
    assert not (tmp_path / "data").exists()
    kept = part.stat().st_size
    assert 0 < kept <= 131_072
    assert download("spair", tmp_path / "data") is True
    assert full_site.ranges_of("SPair-71k.tar.gz")[-1] == f"bytes={kept}-"
    assert (tmp_path / "data" / "SPair-71k" / "noise").read_bytes() == NOISE


@pytest.mark.slow
def test_no_space_is_one_line(full_site, tmp_path, cached):
    process = command(full_site, tmp_path / "data", before="ulimit -f 100; exec")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count("\n")) == (1, 1)
    assert "cannot be written (File too large): make room" in err
    assert cached("spair") == ["SPair-71k.tar.gz.part"]
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_a_place_that_cannot_be_written_is_one_line(full_site, tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(SD4MatchError, match=r"data cannot be written \(.*make room, or name"):
        download("spair", tmp_path / "data")


@pytest.mark.slow
def test_the_command_says_where_it_is(full_site, tmp_path, monkeypatch, capsys):
    for state in ("is complete", "was already complete"):
        monkeypatch.setattr(
            sys, "argv", ["sd4match", "data", "download", "pf_pascal", str(tmp_path)]
        )
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, _ = capsys.readouterr()
        assert (end.value.code or 0, out.count("\n")) == (0, 1)
        assert f"{tmp_path / 'pf-pascal'} {state}" in out
