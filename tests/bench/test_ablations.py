import pytest

from bsdgen.bench import ablations
from bsdgen.bench.ablations import VARIANTS, AblationResult, Variant, chosen_variants, run_ablations
from bsdgen.bench.demo import demo_problem
from bsdgen.bench.tables import ablation_tables
from bsdgen.bench.trial import configured
from bsdgen.errors import UsageError


@pytest.mark.slow
def test_variants_change_what_they_say() -> None:
    result = run_ablations(
        [demo_problem(1, 8)],
        chosen_variants("whole,no-merging,no-refinement"),
        time_limit_s=60,
        max_nodes=400,
    )
    whole, tree, once = (row.trial for row in result.rows)
    assert whole and whole.learned and whole.proved and whole.nodes
    assert tree and not tree.learned and "400" in tree.reason.replace(",", "")
    assert once and (once.learned or once.checked)


def test_a_learner_without_a_setting_is_not_run_without_it() -> None:
    missing = Variant("none", "no such idea", {"no_such_setting": False})
    result = run_ablations([demo_problem(0, 8)], [missing])
    assert result.rows[0].trial is None
    (table,) = ablation_tables(result)
    assert "no such setting" in table[1].text()
    with pytest.raises(TypeError):
        configured(no_such_setting=False)


def test_variants_are_chosen_by_name() -> None:
    assert chosen_variants(None) == VARIANTS
    with pytest.raises(UsageError, match="no variant 'nothing'"):
        chosen_variants("whole,nothing")
    names = [variant.name for variant in VARIANTS]
    assert names[0] == "whole" and len(set(names)) == len(names)
    assert not ablations.VARIANTS[0].settings


def test_an_empty_run_has_no_table() -> None:
    assert ablation_tables(AblationResult(0, 1.0, 1, ())) == []
