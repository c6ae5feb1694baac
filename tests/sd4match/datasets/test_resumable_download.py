"""Downloads that break and resume."""

import dataclasses
import http.server
import io
import tarfile
import threading
import zipfile

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from sd4match.datasets import benchmark, resumable_download, sources
from sd4match.datasets.downloading import download
from sd4match.errors import SD4MatchError

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


def test_a_broken_download_goes_on_where_it_stopped(full_site, tmp_path):
    full_site.broken["SPair-71k.tar.gz"] = [100_000, 50_000]
    seen = []
    download("spair", tmp_path / "data", progress=lambda *state: seen.append(state))
    ranges = full_site.ranges_of("SPair-71k.tar.gz")
    assert ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert (tmp_path / "data" / "SPair-71k" / "noise").read_bytes() == NOISE
    size = len(full_site.files["SPair-71k.tar.gz"])
    assert seen[-1] == ("SPair-71k.tar.gz", size, size)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


@pytest.mark.parametrize("ranges", [False, "wrong"])
def test_a_server_without_ranges_sends_it_all_again(full_site, tmp_path, ranges):
    full_site.ranges = ranges
    full_site.broken["SPair-71k.tar.gz"] = [100_000]
    download("spair", tmp_path / "data")
    assert full_site.ranges_of("SPair-71k.tar.gz")[:2] == [None, "bytes=100000-"]
    assert (tmp_path / "data" / "SPair-71k" / "noise").read_bytes() == NOISE


def test_a_later_run_goes_on_too(full_site, tmp_path, cached):
    full_site.broken["SPair-71k.tar.gz"] = [100_000] + [0] * (resumable_download.TRIES - 1)
    with pytest.raises(SD4MatchError, match=r"again to resume.*; give --mirror") as error:
        download("spair", tmp_path / "data")
    assert "\n" not in str(error.value)
    assert cached("spair") == ["SPair-71k.tar.gz.part"]
    assert not (tmp_path / "data").exists()
    download("spair", tmp_path / "data")
    assert full_site.ranges_of("SPair-71k.tar.gz")[-1] == "bytes=100000-"
    assert (tmp_path / "data" / "SPair-71k" / "noise").read_bytes() == NOISE


def test_a_part_that_is_too_long_is_thrown_away(full_site, tmp_path, fallback_cache):
    part = fallback_cache / "downloads" / "spair" / "SPair-71k.tar.gz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(1_000_000))
    download("spair", tmp_path / "data")
    assert full_site.ranges_of("SPair-71k.tar.gz") == ["bytes=1000000-", None]


def test_a_busy_server_is_asked_again(full_site, tmp_path):
    full_site.answers["SPair-71k.tar.gz"] = [503, 429]
    assert download("spair", tmp_path / "data") is True
    assert len(full_site.asked) == 3


def test_a_dead_link_says_what_to_do(full_site, tmp_path, fallback_cache):
    place = fallback_cache / "downloads" / "spair" / "SPair-71k.tar.gz"
    content = full_site.files.pop("SPair-71k.tar.gz")
    with pytest.raises(SD4MatchError, match="404 Not Found; give --mirror URL or put") as error:
        download("spair", tmp_path / "data")
    assert str(place) in str(error.value)
    assert len(full_site.asked) == 1  # it is not asked again
    assert not (tmp_path / "data").exists()
    place.write_bytes(content)
    assert download("spair", tmp_path / "data") is True
    assert len(full_site.asked) == 1
