"""Which weights a study uses: backbones and image encoders by fingerprint, here or only planned."""

from sd4match import backbones
from sd4match.backbones import Architecture
from study.schema import SpaceFile
from study.stages import ABSENT, Machine


class Models:
    """Looks every backbone and image encoder up once.

    Args:
        file: the search space; says on which device and how they run.
        fetch: download weights that are not here.
    """

    def __init__(self, file: SpaceFile, *, fetch: bool) -> None:
        self._file = file
        self._fetch = fetch
        self._machines: dict[str, Machine] = {}
        self._architectures: dict[str, Architecture] = {}
        self._encoders: dict[tuple[Machine, str], str] = {}

    def architecture(self, backbone: str) -> Architecture:
        """A backbone's configurations, which need no weights."""
        if backbone not in self._architectures:
            self._architectures[backbone] = backbones.architecture(backbone)
        return self._architectures[backbone]

    def machine(self, backbone: str) -> Machine:
        """A backbone on the device that this study runs on."""
        if backbone not in self._machines:
            file = self._file
            if self._fetch:
                backbones.fetch(backbone)
            device = backbones.choose_device(file.device)
            dtype = backbones.choose_dtype(file.dtype, device)
            self._machines[backbone] = Machine(
                backbone=backbone,
                fingerprint=backbones.identify(backbone) or f"{ABSENT}{backbone}",
                device=device.type,
                dtype=str(dtype).removeprefix("torch."),
                threads=file.resources.cpus_per_trial,
                batch_size=file.batch_size,
                image_encoders=tuple(sorted(file.image_encoders.items())),
            )
        return self._machines[backbone]

    def encoder(self, machine: Machine, kind: str) -> str:
        """Fingerprint of the image encoder of a kind that goes with a backbone."""
        if (machine, kind) not in self._encoders:
            names = backbones.image_encoder_names(machine.backbone)
            name = {**names, **dict(machine.image_encoders)}[kind]
            if self._fetch:
                backbones.fetch_image_encoder(name)
            fingerprint = backbones.identify_image_encoder(name) or f"{ABSENT}{name}"
            self._encoders[machine, kind] = fingerprint
        return self._encoders[machine, kind]
