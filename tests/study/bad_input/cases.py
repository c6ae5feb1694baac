"""One mistake or accident: what is damaged, the command that meets it, and what it must say."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Damage = Callable[[Path, random.Random], object]
PLAN = ("study", "plan", "small")


@dataclass(frozen=True)
class Case:
    """A corruption of the world that `world.build` makes.

    Attributes:
        kind: of input: ``data``, ``space``, ``overrides``, ``prompts``,
            ``backbone``, ``folder`` or ``store``.
        name: unique within the kind.
        says: words of the error line: the file or the setting, at least.
        command: what is run in the world.
        damage: changes the world.
    """

    kind: str
    name: str
    says: tuple[str, ...]
    command: tuple[str, ...] = PLAN
    damage: Damage = lambda world, rng: None

    @property
    def id(self) -> str:
        return f"{self.kind}: {self.name}"

    def rng(self, seed: int = 0) -> random.Random:
        """Dice of its own, so that adding a case changes no other."""
        return random.Random(f"{seed} {self.id}")


def write(file: Path, content: bytes | str) -> None:
    """Replace a file: the world's are hard links, whose contents others share."""
    file.unlink(missing_ok=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def truncated(content: bytes, rng: random.Random) -> bytes:
    """Some of its first half."""
    return content[: rng.randrange(1, max(2, len(content) // 2))]


def garbled(content: bytes, rng: random.Random) -> bytes:
    """As many bytes, none of them as before."""
    return bytes(byte ^ rng.randrange(1, 256) for byte in content)


def emptied(content: bytes, rng: random.Random) -> bytes:
    """Nothing."""
    return b""


def in_utf_16(content: bytes, rng: random.Random) -> bytes:
    """What some editors save."""
    return content.decode().encode("utf-16")


def in_latin_1(content: bytes, rng: random.Random) -> bytes:
    """One letter that UTF-8 does not know, somewhere."""
    place = rng.randrange(len(content))
    return content[:place] + b"\xe9" + content[place:]


def changed(file: str, how: Callable[[bytes, random.Random], bytes]) -> Damage:
    """Damage that applies ``how`` to the bytes of the first file that matches a glob."""

    def damage(world: Path, rng: random.Random) -> None:
        target = first(world, file)
        write(target, how(target.read_bytes(), rng))

    return damage


def replaced(file: str, content: bytes | str) -> Damage:
    """Damage that puts other content where a file is, or is not."""
    return lambda world, rng: write(first(world, file), content)


def removed(file: str) -> Damage:
    """Damage that takes a file away."""
    return lambda world, rng: first(world, file).unlink()


def looping(file: str) -> Damage:
    """Damage that makes a file or folder a link to itself."""

    def damage(world: Path, rng: random.Random) -> None:
        target = first(world, file)
        move_away(target)
        target.symlink_to(target.name)

    return damage


def a_folder(file: str) -> Damage:
    """Damage that makes a folder of a file."""

    def damage(world: Path, rng: random.Random) -> None:
        target = first(world, file)
        move_away(target)
        target.mkdir()

    return damage


def move_away(target: Path) -> None:
    """Make room for something else of that name."""
    if target.is_dir() or target.is_file():
        target.rename(target.with_name(f"old {target.name}"))


def first(world: Path, pattern: str) -> Path:
    """The first file that matches, or the path itself where it is no glob."""
    return min(world.glob(pattern)) if "*" in pattern else world / pattern
