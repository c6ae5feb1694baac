"""ASHA with the real Ray: prompts that are behind stop early, and all that is reported adds up."""

import optuna
import pytest

import study

pytestmark = pytest.mark.slow
ASHA = (
    "design=search",
    "search={sampler: grid, generation: 8, asha: 2}",
    "axes.prompt=[empty,single]",
    "axes.train.kernel_size=[3,5,7,9,11,13]",
    "axes.timestep=[50]",
    "baseline.prompt=empty",
    "data.evaluate=[pf_pascal]",
    "recipe.steps=8",
)


def test_prompts_that_are_behind_stop_and_the_rest_is_learned(open_terminal, ask):
    terminal = open_terminal()
    ended = ask(terminal, "launch", "small", *ASHA, "--json").json
    assert ended["failures"] == {}
    stopped = ended["stopped"]
    assert 1 <= len(stopped) < 6
    assert all("stopped early by ASHA on pf_pascal" in reason for reason in stopped.values())
    tunes = {folder.name: folder for folder in (terminal.results / "store" / "tune").iterdir()}
    assert len(tunes) == 6
    for key, folder in tunes.items():
        # What was stopped can go on one day; what was not has its prompt.
        assert (folder / "checkpoint.pt").exists() == (key in stopped)
        assert (folder / "prompt.safetensors").exists() == (key not in stopped)

    backend = optuna.storages.journal.JournalFileBackend(
        str(terminal.results / "small" / "optuna.journal")
    )
    trials = optuna.load_study(
        study_name=None, storage=optuna.storages.JournalStorage(backend)
    ).get_trials()
    states = [trial.state.name for trial in trials]
    assert states.count("PRUNED") == len(stopped)
    assert states.count("COMPLETE") == len(trials) - len(stopped)
    # `empty` is not learned: it is there.
    kept = [trial.params["prompt"] for trial in trials if trial.state.name == "COMPLETE"]
    assert kept.count("empty") == 1
    cells = study.open(terminal.results / "small").cells
    missing = cells[cells["status"] == "missing"]
    assert set(missing["prompt"]) == {"single"}
    assert missing["reason"].str.startswith("stopped early by ASHA").all()

    again = ask(terminal, "launch", "small", *ASHA, "--json").json
    assert (again["computed"], again["best"]) == ([], ended["best"])
