"""Unpacking archives: what comes out, and what is refused."""

import io
import stat
import tarfile
import zipfile

import pytest

from sd4match.datasets import archives
from sd4match.errors import SD4MatchError


def tar_of(path, *members):
    """Write a .tar.gz of (name, bytes) or TarInfo members."""
    with tarfile.open(path, "w:gz") as file:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                file.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                file.addfile(info, io.BytesIO(member[1]))
    return path


def zip_of(path, *members):
    """Write a .zip of (name or ZipInfo, bytes) members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


PLAIN = [
    ("a/1-2:cat.json", b"{}"),
    ("a/b/image.jpg", b"pixels"),
    ("__MACOSX/a/._image.jpg", b"fork"),
    ("a/b/._image.jpg", b"fork"),
    ("a/.DS_Store", b"desk"),
]


@pytest.mark.parametrize("pack", [tar_of, zip_of])
def test_the_files_come_out_without_those_of_macos(tmp_path, pack):
    archives.extract(pack(tmp_path / "it", *PLAIN), tmp_path / "out")
    out = {
        str(file.relative_to(tmp_path / "out")): file.read_bytes()
        for file in (tmp_path / "out").rglob("*")
        if file.is_file()
    }
    assert out == dict(PLAIN[:2])


ATTACKS = {
    "zip slip": (zip_of, [("../evil", b"")]),
    "zip slip inside": (zip_of, [("a/b/../../../evil", b"")]),
    "zip absolute": (zip_of, [("/tmp/evil", b"")]),
    "zip backslash": (zip_of, [("..\\evil", b"")]),
    "zip symlink": (zip_of, [(zip_link("link"), "/etc")]),
    "tar slip": (tar_of, [("a/../../evil", b"")]),
    "tar absolute": (tar_of, [("/tmp/evil", b"")]),
    "tar symlink": (tar_of, [special("link", tarfile.SYMTYPE, ".."), ("link/evil", b"")]),
    "tar hard link": (tar_of, [special("link", tarfile.LNKTYPE, "/etc/passwd")]),
    "tar device": (tar_of, [special("disk", tarfile.BLKTYPE)]),
    "tar pipe": (tar_of, [special("pipe", tarfile.FIFOTYPE)]),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_would_leave_the_folder_is_refused(tmp_path, attack):
    pack, members = ATTACKS[attack]
    inner = tmp_path / "inner"
    inner.mkdir()
    archive = pack(inner / "it", *members)
    with pytest.raises(SD4MatchError, match=r"refused: its member .* (leave|link|device)"):
        archives.extract(archive, inner / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]
    assert {path.name for path in inner.iterdir()} == {"it", "out"}
    assert list((inner / "out").iterdir()) == []


@pytest.mark.parametrize("pack", [tar_of, zip_of])
@pytest.mark.parametrize("limit", [("MAX_BYTES", 1000), ("MAX_FILES", 2)])
def test_bombs_are_refused(tmp_path, monkeypatch, pack, limit):
    monkeypatch.setattr(archives, *limit)
    archive = pack(tmp_path / "it", *((str(i), bytes(400)) for i in range(3)))
    with pytest.raises(SD4MatchError, match="refused"):
        archives.extract(archive, tmp_path / "out")


def test_half_a_zip_is_cut_short(tmp_path):
    archive = zip_of(tmp_path / "it", *PLAIN)
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(SD4MatchError, match=r"zip or tar archive, .* or an incomplete one"):
        archives.extract(archive, tmp_path / "out")


def test_a_page_is_no_archive(tmp_path):
    (tmp_path / "it.zip").write_text("<html>moved</html>")
    with pytest.raises(SD4MatchError, match=r"it\.zip: expected a zip or tar archive"):
        archives.extract(tmp_path / "it.zip", tmp_path / "out")


@pytest.mark.parametrize("pack", [tar_of, zip_of])
def test_damage_is_one_line(tmp_path, pack):
    noise = bytes(i * i * 7919 % 251 for i in range(30_000))
    archive = pack(tmp_path / "it", ("noise", noise))
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 255
    archive.write_bytes(content)
    with pytest.raises(SD4MatchError, match="the archive is damaged") as error:
        archives.extract(archive, tmp_path / "out")
    assert "\n" not in str(error.value)


def test_half_a_tar_is_damaged(tmp_path):
    archive = tar_of(tmp_path / "it", *((f"{i}", bytes(5_000)) for i in range(50)))
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(SD4MatchError, match="the archive is damaged"):
        archives.extract(archive, tmp_path / "out")
