"""Pairs in, predicted keypoints out."""

import dataclasses
import weakref

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from PIL import Image
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

from sd4match import backbones, prompts
from sd4match.backbones.folders import NANO_FOLDER
from sd4match.datasets import content_hash, load_image
from sd4match.errors import SD4MatchError
from sd4match.features import Contents
from sd4match.features.latents import gaussian
from sd4match.matching import localization
from sd4match.matching.keypoints import decode, encode
from sd4match.matching.readout import Place, Readout, Setting
from sd4match.pck.ground_truth import GroundTruth
from sd4match.prediction import features as image_features, predictor
from sd4match.prediction.predictor import predict

from ..near import assert_near

SIDE = 64
SETTINGS = {"timestep": 50, "ensemble": 2, "image_size": SIDE, "seed": 4}
NEAREST = Readout("nearest")


@pytest.fixture(scope="module")
def text(nano):
    return prompts.create("text", nano)


@torch.no_grad()
def features(nano, image, content, flip, hidden, layers):
    """Exactly docs/explanation/method.md section 1: one image and one draw on the full UNet."""
    square = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    pixels = torch.tensor(np.array(square)).permute(2, 0, 1)[None] / 127.5 - 1
    posterior = nano.vae.encode(pixels).latent_dist
    key = {"seed": SETTINGS["seed"], "content": content, "flip": flip}
    shape = posterior.mean.shape[1:]
    latent = posterior.mean + posterior.std * gaussian(shape, **key, draw="posterior")
    latent = latent * nano.vae.config.scaling_factor
    maps = {layer: [] for layer in layers}

    def module(layer):
        if isinstance(layer, Place):
            return nano.unet.up_blocks[layer.block].attentions[layer.number - 1]
        return nano.unet.up_blocks[layer]

    def keep(found, output):
        found.append(output[0] if isinstance(output, tuple) else output)

    hooks = [
        module(layer).register_forward_hook(lambda *a, m=m: keep(m, a[-1]))
        for layer, m in maps.items()
    ]
    for draw in range(SETTINGS["ensemble"]):
        noise = gaussian(shape, **key, draw=draw)[None]
        timestep = SETTINGS["timestep"]
        noisy = nano.scheduler.add_noise(latent, noise, torch.tensor([timestep]))
        nano.unet(noisy, timestep, encoder_hidden_states=hidden)
    for hook in hooks:
        hook.remove()
    return {layer: torch.cat(draws).mean(0, keepdim=True) for layer, draws in maps.items()}


@torch.no_grad()
def content(nano, pair, side, part):
    """DINO's patch tokens or pooled vector of an image, by transformers' own processor."""
    processor = BitImageProcessorPil.from_pretrained(NANO_FOLDER / "image_encoder")
    pixels = processor(load_image(pair, side), return_tensors="pt").pixel_values
    output = nano.image_encoder("dino").model(pixels)
    return output.last_hidden_state[:, 1:] if part == "feat" else output.pooler_output[:, None]


def hidden_states(nano, prompt, pair, side):
    sides = {"pair": ("source", "target"), "image": (side,)}.get(prompt.depends_on)
    read = sides and torch.cat([content(nano, pair, s, prompt.reads.part) for s in sides], dim=2)
    return prompt.hidden_states(nano, pair.category, read)


@torch.no_grad()
def fused(nano, image, maps):
    """docs/explanation/method.md section 3: DINO gets the square at 14 pixels per cell."""
    square = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    pixels = torch.tensor(np.array(square)).permute(2, 0, 1)[None] / 127.5 - 1
    h, w = maps.shape[2:]
    resized = torch.nn.functional.interpolate(pixels, (14 * h, 14 * w), mode="bilinear")
    tokens = nano.image_encoder("dino").model(resized).last_hidden_state[:, 1:]
    dino = tokens.transpose(1, 2).reshape(1, -1, h, w)
    return torch.cat([0.5 * x / (x.norm(dim=1, keepdim=True) + 1e-6) for x in (maps, dino)], 1)


def dense(source, target, pair):
    """DIFT's definition: all channels upsampled to the images, the best pixel by cosine."""
    interpolate, normalize = torch.nn.functional.interpolate, torch.nn.functional.normalize
    (w, h), (w2, h2) = pair.source_size, pair.target_size
    vectors = interpolate(source, (h, w), mode="bilinear")
    pixels = torch.tensor(pair.source_keypoints, dtype=torch.float32)
    # Between pixels (keypoints of PF-Pascal) the upsampled map is read bilinearly.
    at = (pixels / torch.tensor([w - 1, h - 1]) * 2 - 1)[None, None]
    queries = torch.nn.functional.grid_sample(vectors, at, align_corners=True)[0, :, 0]
    every = interpolate(target, (h2, w2), mode="bilinear")[0].flatten(1)
    best = (normalize(queries, dim=0).T @ normalize(every, dim=0)).argmax(1)
    return torch.stack([best % w2, best // w2], dim=1).float()


def naive(nano, prompt, pair, settings, fusion=False):
    maps = {}
    for side, path in (("source", pair.source_path), ("target", pair.target_path)):
        image = load_image(pair, side)
        maps[side] = features(
            nano,
            image,
            content_hash(path),
            pair.flip,
            hidden_states(nano, prompt, pair, side),
            {layer for layer, _ in settings},
        )
        if fusion:
            maps[side] = {layer: fused(nano, image, found) for layer, found in maps[side].items()}
    source, target = maps["source"], maps["target"]
    for layer, readout in settings:
        if readout.localizer == "dense":
            yield dense(source[layer], target[layer], pair)
            continue
        last = torch.tensor(source[layer].shape[:1:-1]) - 1
        square = torch.tensor(pair.source_keypoints) * SIDE / torch.tensor(pair.source_size)
        queries = square.clamp(1e-4, SIDE - 1 - 1e-4) * last / (SIDE - 1)
        found = localization.match(
            source[layer],
            target[layer],
            queries[None],
            localizer=readout.localizer,
            kernel_sigma=readout.kernel_sigma or 1.0,
            temperature=readout.temperature or 1.0,
            l2_normalize=not fusion,
        )[0]
        yield found * (SIDE - 1) / last * torch.tensor(pair.target_size) / SIDE


@pytest.mark.slow
@pytest.mark.parametrize("split", ["test", "train"])  # train has flips
def test_agrees_with_a_naive_loop(nano, text, pascal, latents, split):
    kernel, softmax, bilinear = Readout(kernel_sigma=2.0), Readout("softmax"), Readout("bilinear")
    settings: list[Setting] = [
        (3, softmax),
        (1, kernel),
        (1, bilinear),
        (3, kernel),
    ]  # not by layer, no product
    settings += [(Place(1, 1), kernel), (1, Readout("dense")), (Place(2, 2), Readout("dense"))]
    pairs = pascal[split]
    found = predict(
        nano,
        text,
        pairs,
        settings=settings,
        latents=latents,
        batch_size=3,
        **SETTINGS,
    )
    assert found.shape == (len(settings), len(GroundTruth.of(pairs).pair), 2)
    assert found.dtype == np.float32
    expected = zip(*(naive(nano, text, pair, settings) for pair in pairs), strict=True)
    for (_, readout), row, answer in zip(settings, expected, found, strict=True):
        if readout.localizer == "dense":  # rounding moves the best of almost equal pixels
            apart = np.abs(answer - np.concatenate(row)).max(axis=1)
            assert apart.max() <= 2
            assert np.mean(apart == 0) > 0.9
            continue
        assert_near(answer, np.concatenate(row))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "fusion"),
    [
        ("single", True),
        ("class", False),
        ("Img-DINO-Head-G1-C2", False),
        ("Img-DINO-Feat-G1-C2", False),
        ("Pair-DINO-Feat-G3-C4", False),
        ("Pair-DINO-Head-G1-C2", True),
    ],
)
def test_every_dependence_agrees_with_a_naive_loop(nano, pascal, latents, family, fusion):
    categories = ["car", "cat"] if family == "class" else None
    prompt = prompts.create(family, nano, categories=categories, seed=1)
    settings = [(1, Readout("softmax")), (2, Readout("softmax"))]
    pairs = pascal["train"]
    found = predict(
        nano, prompt, pairs, settings=settings, latents=latents, fusion=fusion, **SETTINGS
    )
    expected = zip(*(naive(nano, prompt, pair, settings, fusion) for pair in pairs), strict=True)
    for row, answer in zip(expected, found, strict=True):
        assert_near(answer, np.concatenate(row), relative=3e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "passes"),
    [  # 6 pairs with keypoints: 5 distinct of 4 images, of which 3 as cars and 3 as cats
        ("text", 7),
        ("Img-DINO-Head-G1-C1", 7),
        ("Pair-DINO-Head-G1-C1", 11),
    ],
)
def test_features_are_computed_once_for_what_the_prompt_depends_on(
    nano, pascal, latents, family, passes
):
    prompt = prompts.create(family, nano)
    seen = []
    hook = nano.unet.conv_in.register_forward_hook(
        lambda _, inputs, __: seen.append(len(inputs[0]))
    )
    predict(nano, prompt, pascal["test"], latents=latents, **SETTINGS)
    hook.remove()
    assert sum(seen) == passes * SETTINGS["ensemble"]


def test_sub_classes_of_one_object_share_features(nano, pascal, latents):
    pairs = [
        dataclasses.replace(pair, category=name)
        for pair, name in zip(pascal["test"].subset([1, 3]), ("car(G)", "car(S)"), strict=True)
    ]
    seen = []
    hook = nano.unet.conv_in.register_forward_hook(
        lambda _, inputs, __: seen.append(len(inputs[0]))
    )
    predict(nano, prompts.create("text", nano), pairs, latents=latents, **SETTINGS)
    hook.remove()
    assert sum(seen) == 2 * SETTINGS["ensemble"]


def test_a_prompt_or_latents_of_another_backbone_are_refused(nano, pascal, text, latents):
    other = dataclasses.replace(nano, name="other", fingerprint="f" * 64)
    with pytest.raises(SD4MatchError, match=r"prompt text was made for .* nano .*, not other"):
        predict(other, text, pascal["test"], **SETTINGS)
    with pytest.raises(SD4MatchError, match="latents of backbone nano, not other"):
        predict(other, prompts.create("text", other), pascal["test"], latents=latents, **SETTINGS)


@pytest.mark.parametrize("wrong", [{"ensemble": 0}, {"batch_size": 0}, {"settings": []}])
def test_nothing_of_something_is_refused(nano, pascal, text, wrong):
    with pytest.raises(SD4MatchError, match="at least one of each"):
        predict(nano, text, pascal["test"], **{**SETTINGS, **wrong})


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_takes_every_dependence_and_fusion(pascal, dtype):
    half = backbones.load("nano", device="cpu", dtype=dtype)
    for family in ("class", "Pair-DINO-Feat-G1-C2", "Img-DINO-Head-G1-C2"):
        categories = ["car", "cat"] if family == "class" else None
        prompt = prompts.create(family, half, categories=categories)
        found = predict(half, prompt, pascal["val"], fusion=True, **SETTINGS)
        assert np.isfinite(found).all()


@pytest.mark.slow
def test_fused_answers_are_the_same_with_and_without_a_cache(nano, pascal, text, tmp_path):
    runs = [
        predict(nano, text, pascal["val"], fusion=True, contents=Contents(nano, folder), **SETTINGS)
        for folder in (None, tmp_path, tmp_path)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[0], runs[2])


def test_a_category_that_a_class_prompt_never_saw_is_an_error(nano, pascal, latents):
    prompt = prompts.create("class", nano, categories=["car"])
    with pytest.raises(SD4MatchError, match="never learned for category 'cat'"):
        predict(nano, prompt, pascal["test"], latents=latents, **SETTINGS)


@pytest.mark.slow
def test_the_order_of_pairs_changes_nothing(nano, text, pascal, latents):
    pairs = pascal["test"]
    order = [5, 0, 3, 2, 6, 1, 4]
    rows = np.split(
        predict(nano, text, pairs, latents=latents, **SETTINGS)[0],
        np.cumsum([len(pair.source_keypoints) for pair in pairs])[:-1],
    )
    shuffled = predict(nano, text, pairs.subset(order), latents=latents, **SETTINGS)[0]
    np.testing.assert_array_equal(shuffled, np.concatenate([rows[i] for i in order]))


@pytest.mark.slow
def test_a_setting_is_the_same_to_the_bit_whatever_else_is_asked(nano, text, pascal, latents):
    readouts = [Readout("bilinear"), Readout("softmax"), Readout(kernel_sigma=2.0), NEAREST]
    together = predict(
        nano,
        text,
        pascal["test"],
        settings=[(1, readout) for readout in readouts],
        latents=latents,
        **SETTINGS,
    )
    for readout, found in zip(readouts, together, strict=True):
        alone = predict(
            nano, text, pascal["test"], settings=[(1, readout)], latents=latents, **SETTINGS
        )
        np.testing.assert_array_equal(alone[0], found)


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_grouping_changes_next_to_nothing(nano, text, pascal, latents, batch_size):
    whole = predict(nano, text, pascal["test"], latents=latents, **SETTINGS)
    parts = predict(nano, text, pascal["test"], latents=latents, batch_size=batch_size, **SETTINGS)
    assert_near(parts, whole)


def test_an_image_matches_itself(nano, pascal):
    """Pair 5 is an image with itself: nearest neighbour finds a cell around each keypoint."""
    pairs = pascal["test"].subset([5])
    (pair,) = pairs
    assert pair.source_id == pair.target_id
    empty = prompts.create("empty", nano)
    found = predict(nano, empty, pairs, settings=[(1, NEAREST), (2, NEAREST)], ensemble=1)
    for answer, cells in zip(found, (nano.image_size // 16, nano.image_size // 8), strict=True):
        cell = np.array(pair.target_size) / (cells - 1)
        error = np.abs(answer - pair.target_keypoints) / cell
        assert error.max() < 1.0


@pytest.mark.slow
def test_the_prompt_matters_by_category(nano, pascal, latents):
    one, other = (prompts.create("text", nano, template=t) for t in ("{category}", "cat"))
    first, second = (
        predict(nano, prompt, pascal["test"], latents=latents, **SETTINGS)
        for prompt in (one, other)
    )
    truth = GroundTruth.of(pascal["test"])
    cats = np.array([pair.category == "cat" for pair in pascal["test"]])[truth.pair]
    np.testing.assert_array_equal(first[..., cats, :], second[..., cats, :])
    assert not np.array_equal(first[..., ~cats, :], second[..., ~cats, :])


def test_no_keypoints_no_rows(nano, text, pascal, latents):
    found = predict(nano, text, pascal["test"].subset([2]), latents=latents, **SETTINGS)
    assert found.shape == (1, 0, 2)


@pytest.mark.slow
def test_each_image_is_extracted_once_a_category(nano, text, pascal, latents, monkeypatch):
    made = []
    extract = image_features.extract  # type: ignore[attr-defined]

    def counted(backbone, images, *args, **kwargs):
        made.append(len(images))
        return extract(backbone, images, *args, **kwargs)

    monkeypatch.setattr(image_features, "extract", counted)
    predict(nano, text, pascal["test"], latents=latents, batch_size=2, **SETTINGS)
    assert made == [2, 2, 2, 1]  # car: a b c d; cat: b c d


def test_maps_live_from_first_to_last_use(pascal):
    """With each image in one pair, no more than a batch and an image are alive."""

    class Map:
        pass

    alive = weakref.WeakSet()

    def features(images):
        made = [Map() for _ in images]
        alive.update(made)
        return made

    (pair,) = pascal["test"].subset([0])
    tasks = [predictor._Task((f"s{i}", False), (f"t{i}", False), i, pair) for i in range(50)]
    most = 0
    for _ in predictor._with_features(tasks, features, 3):
        most = max(most, len(alive))
    assert most <= 5


@pytest.mark.slow
def test_progress_counts_the_pairs(nano, text, pascal, latents):
    seen = []
    predict(
        nano,
        text,
        pascal["test"],
        latents=latents,
        progress=lambda *counts: seen.append(counts),
        **SETTINGS,
    )
    assert seen == [(i, 6) for i in range(1, 7)]  # one of the seven has no keypoints


def test_latents_of_another_size_are_refused(nano, text, pascal, latents):
    with pytest.raises(SD4MatchError, match="image size 128, but latents for 64"):
        predict(nano, text, pascal["test"], latents=latents, image_size=128)


@pytest.mark.parametrize("part", ["unet.conv_in", "vae.quant_conv"])
def test_weights_that_are_not_finite_are_named(nano, text, pascal, part):
    weight = nano.vae.quant_conv.weight if part.startswith("vae") else nano.unet.conv_in.weight
    before, weight.data[0, 0] = weight.data[0, 0].clone(), torch.nan
    try:
        name = part.replace(".", "/", 1)
        with pytest.raises(SD4MatchError, match=rf"nano: {name}\.weight is not finite everywhere"):
            predict(nano, text, pascal["val"], **SETTINGS)
    finally:
        weight.data[0, 0] = before


def test_features_that_are_not_finite_are_refused(nano, pascal, latents):
    prompt = prompts.create("single", nano, length=2)
    torch.nn.init.constant_(prompt.embeddings, torch.nan)
    with pytest.raises(SD4MatchError, match="layer 1 at timestep 50 are not finite"):
        predict(nano, prompt, pascal["test"], latents=latents, **SETTINGS)


@pytest.mark.slow
@given(
    w=st.integers(1, 8000),
    h=st.integers(1, 8000),
    x=st.floats(0, 1, width=32),
    y=st.floats(0, 1, width=32),
)
def test_stored_positions_come_back(w, h, x, y):
    sizes = np.float32([[w, h]])
    positions = np.float32([[[x * w, y * h]]])
    back = decode(encode(positions, sizes), sizes)
    assert back.dtype == np.float32
    assert (np.abs(back - positions) <= sizes * (0.5 / 65535 + 1e-6)).all()


def test_stored_positions_stay_in_the_image():
    encoded = encode(np.float32([[[-1, 300], [50, 0]]]), np.float32([[100, 200], [100, 200]]))
    assert encoded.dtype == np.uint16
    assert encoded.tolist() == [[[0, 65535], [32768, 0]]]


def test_encoding_twice_changes_nothing():
    every = np.arange(65536, dtype=np.uint16)
    sizes = np.full((65536, 2), 500, dtype=np.float32)
    encoded = np.stack([every, every[::-1]], axis=-1)
    np.testing.assert_array_equal(encode(decode(encoded, sizes), sizes), encoded)
