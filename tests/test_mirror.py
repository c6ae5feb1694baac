"""Tests mirror modules: the test of study/plan/index.py is tests/study/plan/test_index.py."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = Path(__file__).parent
PACKAGES = ("sd4match", "study")
# Modules without a test file of their own, and the test that runs them instead.
COVERED = {
    "sd4match/backbones/published_configs.py": "tests/sd4match/backbones/test_architectures.py",
    "sd4match/commands/data.py": "tests/sd4match/test_cli.py",
    "sd4match/commands/progress.py": "tests/sd4match/test_cli.py",
    "sd4match/datasets/pair_arrays.py": "tests/sd4match/datasets/test_index.py",
    "sd4match/datasets/spair_annotation.py": "tests/sd4match/datasets/test_spair.py",
    "sd4match/datasets/sources.py": "tests/sd4match/datasets/test_downloading.py",
    "sd4match/files/cache.py": "tests/sd4match/datasets/test_index.py",
    "sd4match/prediction/matches.py": "tests/sd4match/prediction/test_predictor.py",
    "sd4match/prompts/base.py": "tests/sd4match/prompts/test_families.py",
    "sd4match/prompts/header.py": "tests/sd4match/prompts/test_files.py",
    "sd4match/prompts/learned_tokens.py": "tests/sd4match/prompts/test_learned.py",
    "study/analysis/breakdown.py": "tests/study/tables/test_pivot_table.py",
    "study/analysis/importance/factorial.py": "tests/study/search/test_ped_anova.py",
    "study/analysis/importance/largest.py": "tests/study/search/test_ped_anova.py",
    "study/analysis/importance/measured_metric.py": "tests/study/search/test_ped_anova.py",
    "study/analysis/selection.py": "tests/study/tables/test_pivot_table.py",
    "study/commands/ask.py": "tests/study/end_to_end/test_commands.py",
    "study/commands/run.py": "tests/study/end_to_end/test_commands.py",
    "study/commands/show.py": "tests/study/end_to_end/test_commands.py",
    "study/cli.py": "tests/study/end_to_end/test_commands.py",
    "study/engine/timing.py": "tests/study/engine/test_worker.py",
    "study/figures/kind.py": "tests/study/figures/test_kinds.py",
    "study/search/proposals.py": "tests/study/search/test_search.py",
    "study/store/retry.py": "tests/study/end_to_end/test_behind_a_url.py",
}
# Packages whose modules are tested together.
TOGETHER = {
    "sd4match/testbed/shapes/": "tests/sd4match/testbed/shapes/test_generator.py",
    "sd4match/testbed/nano/training/": "tests/sd4match/commands/test_train_nano.py",
}
# Tests that belong to no single module, and what they test.
ACROSS = {
    "sd4match/commands/test_train_nano.py": "the program sd4match.testbed.nano.training",
    "sd4match/pck/test_evaluator_agreement.py": "PCK against an evaluator as SD4Match has it",
    "sd4match/prediction/test_prediction_cost.py": "what a prediction computes, counted",
    "sd4match/test_processors.py": "what differs between instruction sets",
    "sd4match/testbed/": "the generated benchmark and nano as a whole",
    "study/analysis/statistics/test_coverage.py": "coverage of the confidence intervals",
    "study/bad_input/": "every kind of wrong input, over both commands",
    "study/commands/test_loading.py": "what the commands load",
    "study/end_to_end/": "whole launches",
    "study/pinned/": "outputs of all stages, pinned",
    "study/report/test_browser.py": "the report in a real browser",
}


def listed(path, entries):
    """Whether a path, or a folder above it, is among the entries."""
    return any(
        path == entry or (entry.endswith("/") and path.startswith(entry)) for entry in entries
    )


def modules():
    """The files of all modules but the faces."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if not path.name.startswith("__"):
                yield path.relative_to(ROOT)


def mirror_of(module):
    """Where the test of a module stands, relative to the tests."""
    return module.with_name(f"test_{module.name}")


def without_test():
    """Modules that have neither a test file nor an entry in ``COVERED`` or ``TOGETHER``."""
    return [
        f"{module}: no tests/{mirror_of(module)}"
        for module in modules()
        if not (TESTS / mirror_of(module)).exists() and not listed(str(module), COVERED | TOGETHER)
    ]


def without_module():
    """Test files of a package that mirror no module and have no entry in ``ACROSS``."""
    known = {str(mirror_of(module).with_suffix("")) for module in modules()}
    for package in PACKAGES:
        for path in sorted((TESTS / package).rglob("test_*.py")):
            test = path.relative_to(TESTS)
            # A long test file may be split: test_index.py and test_index_costs.py.
            words = test.stem.split("_")
            stems = ["_".join(words[: n + 1]) for n in range(1, len(words))]
            if not listed(str(test), ACROSS) and not any(
                str(test.with_name(stem)) in known for stem in stems
            ):
                yield f"tests/{test}: mirrors no module"


def test_every_module_has_a_test():
    missing = without_test()
    assert not missing, "\n".join([f"{len(missing)} modules without a test:", *missing])


def test_every_test_mirrors_a_module():
    stray = list(without_module())
    assert not stray, "\n".join([f"{len(stray)} stray tests:", *stray])


def test_exceptions_are_still_needed():
    """What is listed exists, has no test of its own, and is tested where the list says."""
    for entry, test in (COVERED | TOGETHER).items():
        assert (ROOT / entry).exists(), f"{entry} does not exist"
        assert (ROOT / test).exists(), f"{test} does not exist"
    assert [entry for entry in COVERED if (TESTS / mirror_of(Path(entry))).exists()] == []
    assert [entry for entry in ACROSS if not (TESTS / entry).exists()] == []
