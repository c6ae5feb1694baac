"""Tables of the report."""


def test_all_configurations_are_listed_the_best_first(study, content):
    grid = content.configurations
    names = [column.name for column in grid.columns]
    assert {len(row) for row in grid.rows} == {len(names)}
    keys = [row[names.index("configuration")].text for row in grid.rows]
    assert sorted(keys) == sorted(study.configurations().index)
    assert keys[0] == content.best.key
    ranked = [float(row[names.index("ranked by")].text) for row in grid.rows]
    assert ranked == sorted(ranked, reverse=True)
